// What a session does while its audit intents are not durable yet: its statement is not forwarded, or
// its replies are kept and the server is not read; and what it says when that takes too long.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "bartizan/base/log.hpp"
#include "client_session.hpp"
#include "granted.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;
using session::Step;

net::Task<bool> ClientSession::until_durable(audit::Ticket ticket) {
  const auto self = shared_from_this();
  const bool durable = co_await worker_.durable_waits().until_durable(ticket, this);
  co_return durable && !closing_;
}

/// For what the relay holds back. False: the session has ended.
net::Task<bool> ClientSession::may_forward() {
  const bool durable = co_await until_durable(relay_->awaited());
  if (durable || closing_) co_return durable;
  BZ_LOG(Error, "audit.wait_given_up", {"session", id_}, {"of", "statement"});
  end_with(pgwire::sqlstate::kIoError, "the audit log did not take this statement in time, so it was not run",
           "Connect again; operators find the reason in Bartizan's log under audit.write_failed.");
  co_return false;
}

/// The part of a step that may leave leaves, behind what was held before; the rest waits in held_.
bool ClientSession::send_unheld(const session::ByteRuns& runs) {
  if (!held_.empty() && worker_.durable_waits().durable(held_until_) && !send_held()) return false;
  const auto& hold = relay_->hold();
  if (held_.empty() && (!hold || hold->from >= runs.total_bytes())) return send_now(client_, runs, to_client_);
  session::ByteRuns leaving;
  std::size_t left = held_.empty() ? hold->from : 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ByteView run = runs[i];
    const std::size_t now = std::min(left, run.size());
    leaving.relay(run.first(now));
    left -= now;
    held_.insert(held_.end(), run.begin() + static_cast<std::ptrdiff_t>(now), run.end());
  }
  if (hold) held_until_ = hold->until;
  return send_now(client_, leaving, to_client_);
}

/// REQUIRES: durable. False: the client is gone.
bool ClientSession::send_held() {
  session::ByteRuns runs;
  runs.relay(held_);
  const bool sent = send_now(client_, runs, to_client_);
  drop_front(held_, held_.size());
  if (held_.capacity() > kKeptHeld) held_ = Bytes();
  return sent;
}

bool ClientSession::waits_apart(const Step& step) {
  // More than that is the reader's to wait for, so that memory stays bounded.
  if (held_.empty() || held_.size() > kKeptHeld || !to_client_.empty() || writing_waiting_) return false;
  if (closing_ || !relay_ || step.verdict != session::Verdict::Continue || relay_->awaiting_reply() || finished_)
    return false;
  // These end the session once its reply is with the client.
  if (relay_->outcome_in_doubt() || (walled_ && walled_->over_since) || cells_over_since_) return false;
  if (!held_notice_.waiting()) held_since_ = shared_.around.clock.steady();
  worker_.durable_waits().tell(
      held_notice_, held_until_, [](void* session) { static_cast<ClientSession*>(session)->on_held_durable(); }, this);
  return true;
}

void ClientSession::on_held_durable() {
  // What came behind it may have taken it along, or waits for a later ticket in the reader's care.
  if (closing_ || held_.empty() || !worker_.durable_waits().durable(held_until_)) return;
  const auto self = shared_from_this();
  if (!send_held()) {
    close();
    return;
  }
  if (to_client_.empty() || writing_waiting_) return;
  // A client that does not take it at once, and nobody else stands by it.
  asio::co_spawn(
      worker_.context(),
      [](std::shared_ptr<ClientSession> session) -> net::Task<void> {
        const bool written = co_await session->write_waiting();
        if (!written) session->close();
      }(self),
      asio::detached);
}

/// False: the session has ended. What is held begins at a message, so that the end can be explained.
net::Task<bool> ClientSession::flush_held() {
  const bool durable = co_await until_durable(held_until_);
  if (closing_) co_return false;
  if (durable) co_return held_.empty() || send_held();
  withhold();
  co_return false;
}

/// It took too long.
void ClientSession::withhold() {
  BZ_LOG(Error, "audit.wait_given_up", {"session", id_}, {"of", "result"});
  drop_front(held_, held_.size());
  const Bytes out =
      error_bytes(fatal(pgwire::sqlstate::kIoError,
                        "the audit log did not keep the record of this statement in time, so its result is withheld",
                        "Connect again; operators find the reason in Bartizan's log under audit.write_failed."));
  if (to_client_.empty()) [[maybe_unused]]
    const auto sent = client_.try_write(out);
  close();
}

/// The outcome of something that took effect can't be written down now. Its client knows it; nothing more
/// is done for a session whose record may stay incomplete.
void ClientSession::end_in_doubt() {
  BZ_LOG(Error, "audit.outcome_in_doubt", {"session", id_});
  end_with(pgwire::sqlstate::kIoError,
           "the audit log can't be written, so this session ends; what it has been told holds",
           "Connect again; operators find the reason in Bartizan's log under audit.write_failed.");
}

}  // namespace bartizan::proxy
