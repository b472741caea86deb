// CancelRequest: from any connection to whatever the session runs now, and to nobody else.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client_session.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;

namespace {
constexpr int kPausesAhead = 2000;
}  // namespace

/// On the thread of the session that is meant. False: the server could not be told.
net::Task<bool> ClientSession::cancel_at_owner(std::shared_ptr<const CancelTarget> target) {
  auto session = target->session.lock();
  if (!session || !session->relay_) co_return true;
  if (session->queued_) {
    session->cancel_waits_ = true;  // it reaches the statement as soon as that runs
    co_return true;
  }
  const bool sent = co_await cancel_running(std::move(session));
  co_return sent;
}

net::Task<bool> ClientSession::cancel_running(std::shared_ptr<ClientSession> session) {
  // What the gateway sends for itself, ahead of the statement that is meant, takes microseconds; without it
  // the session could not go on. What waits for the audit log has not been sent: the server would pass over
  // its cancel, and then run it.
  asio::steady_timer pause(session->worker_.context());
  for (int i = 0; i < kPausesAhead && session->relay_->cancel_would_miss(); ++i) {
    pause.expires_after(std::chrono::milliseconds(1));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  // Between two statements there is nothing to cancel, and a server connection may be another's.
  if (!session->relay_->awaiting_reply() || !session->server_) co_return true;
  const auto server = session->server_;
  const bool sent = co_await server->cancel();
  co_return sent;
}

/// Answers nothing, as PostgreSQL; returns when the server has taken it, so that a client that
/// waits for the end of this connection knows.
net::Task<void> ClientSession::cancel(session::CancelKey key) {
  const auto target = shared_.cancels.find(key);
  if (!target) co_return;
  const auto ticket = shared_.around.log.begin({audit::Event::Cancel, shared_.around.clock.wall(), target->who, {}});
  if (!ticket) co_return;
  if (shared_.options.barriers != policy::BarrierMode::None) {
    const bool durable = co_await until_durable(*ticket);
    if (!durable) {
      audit::Outcome not_run;
      not_run.status = audit::Status::NotRun;
      shared_.around.log.finish(*ticket, not_run);
      co_return;
    }
  }
  shared_.counters.cancels.fetch_add(1, std::memory_order_relaxed);
  auto& owner = target->worker->context();
  const bool sent = co_await asio::co_spawn(owner, cancel_at_owner(target), asio::use_awaitable);
  audit::Outcome outcome;
  outcome.status = sent ? audit::Status::Ok : audit::Status::Failed;
  shared_.around.log.finish(*ticket, outcome);
}

/// statement_timeout, or a cancel that came before its statement could run: the server ends the
/// statement itself, with its own 57014.
void ClientSession::send_query_cancel() {
  cancel_sent_ = true;
  if (server_) asio::co_spawn(worker_.context(), cancel_running(shared_from_this()), asio::detached);
}

}  // namespace bartizan::proxy
