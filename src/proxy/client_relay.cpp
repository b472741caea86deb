// The session's traffic: two pumps, one a direction, each reading only what the other side has
// room for.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bartizan/base/log.hpp"
#include "bartizan/net/connect.hpp"
#include "client_session.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;
using session::Step;
using session::Verdict;

namespace {
constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
/// Reads in a row before other sessions of the worker get their turn.
constexpr int kBurst = 16;
/// How long a faulty client's due replies are waited for.
constexpr auto kDueReplies = std::chrono::seconds(5);
}  // namespace

void ClientSession::close() {
  closing_ = true;
  client_.close();
  if (server_) server_->close();
  if (opening_server_ != nullptr) opening_server_->close();
  progress_.cancel();
}

void ClientSession::end_with(pgwire::SqlState sqlstate, std::string message, std::string hint) {
  if (closing_) return;
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = sqlstate;
  report.message = std::move(message);
  report.hint = std::move(hint);
  // What still runs must not take effect for somebody who was told that the session has ended.
  if (relay_ && relay_->awaiting_reply() && !cancel_sent_) send_query_cancel();
  // In the middle of a message, or behind one that the client has not taken, it can't be said.
  if (relay_ && relay_->at_client_boundary() && to_client_.empty()) {
    const Bytes out = error_bytes(report);
    [[maybe_unused]] const auto sent = client_.try_write(out);
  }
  close();
}

/// Writes what the peer takes at once; the rest waits. False when the peer is gone.
bool ClientSession::send_now(net::Stream& stream, const session::ByteRuns& runs, Bytes& waiting) {
  if (runs.empty()) return true;
  ByteView single;
  if (waiting.empty() && runs.size() == 1) {
    single = runs[0];
  } else {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const ByteView run = runs[i];
      waiting.insert(waiting.end(), run.begin(), run.end());
    }
    single = waiting;
  }
  std::size_t done = 0;
  while (done < single.size()) {
    const auto step = stream.try_write(single.subspan(done));
    if (step.status == net::IoStatus::WouldBlock) break;
    if (step.status != net::IoStatus::Ok) return false;
    done += step.bytes;
  }
  if (single.data() == waiting.data())
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
  else
    waiting.insert(waiting.end(), single.begin() + static_cast<std::ptrdiff_t>(done), single.end());
  return true;
}

Step ClientSession::feed_client(ByteView input) {
  thread_local session::ServerRuns runs;
  runs.clear();
  const bool was_awaiting = relay_->awaiting_reply();
  auto step = relay_->on_client(input, runs);
  if (!was_awaiting && relay_->awaiting_reply()) {
    reply_awaited_since_ = client_spoke_;
    cancel_sent_ = false;
  }
  shared_.counters.bytes_from_clients.fetch_add(step.consumed, std::memory_order_relaxed);
  if (!send_now(*server_, runs.runs(), to_server_)) server_gone();
  return step;
}

Step ClientSession::feed_server(ByteView input) {
  thread_local session::ByteRuns runs;
  runs.clear();
  auto step = relay_->on_server(input, runs);
  shared_.counters.bytes_to_clients.fetch_add(runs.total_bytes(), std::memory_order_relaxed);
  if (!send_now(client_, runs, to_client_)) close();
  return step;
}

net::Task<bool> ClientSession::flush_to_server() {
  while (!to_server_.empty() && !closing_) {
    const bool ready = co_await server_->wait_writable();
    if (!ready) co_return false;
    std::size_t done = 0;
    while (done < to_server_.size()) {
      const auto step = server_->try_write(ByteView(to_server_).subspan(done));
      if (step.status == net::IoStatus::WouldBlock) break;
      if (step.status != net::IoStatus::Ok) co_return false;
      done += step.bytes;
    }
    to_server_.erase(to_server_.begin(), to_server_.begin() + static_cast<std::ptrdiff_t>(done));
  }
  if (to_server_.capacity() > Worker::kScratchBytes) to_server_ = Bytes();
  co_return !closing_;
}

net::Task<bool> ClientSession::flush_to_client() {
  while (!to_client_.empty() && client_.is_open()) {
    const bool ready = co_await client_.wait_writable();
    if (!ready) co_return false;
    std::size_t done = 0;
    while (done < to_client_.size()) {
      const auto step = client_.try_write(ByteView(to_client_).subspan(done));
      if (step.status == net::IoStatus::WouldBlock) break;
      if (step.status != net::IoStatus::Ok) co_return false;
      done += step.bytes;
    }
    to_client_.erase(to_client_.begin(), to_client_.begin() + static_cast<std::ptrdiff_t>(done));
  }
  if (to_client_.capacity() > Worker::kScratchBytes) to_client_ = Bytes();
  co_return client_.is_open();
}

/// As PostgreSQL does, the client gets the replies to what it sent before its fault.
net::Task<void> ClientSession::end_for_client_fault() {
  const auto report = relay_->report();
  session::ServerRuns runs;
  if (relay_->ask_for_due_replies(runs) && send_now(*server_, runs.runs(), to_server_)) {
    const auto until = shared_.around.clock.steady() + kDueReplies;
    stalled_ = true;
    while (!closing_ && relay_->awaiting_reply() && shared_.around.clock.steady() < until) {
      progress_.expires_at(until);
      co_await progress_.async_wait(use_result);
    }
    stalled_ = false;
  }
  end_with(report.sqlstate, report.message, report.hint);
}

net::Task<void> ClientSession::pump_client() {
  int burst = 0;
  for (;;) {
    if (closing_) co_return;
    // The scratch buffer belongs to all sessions of the worker: nothing in it survives a wait.
    const auto scratch = worker_.scratch();
    const auto read = client_.try_read(scratch);
    if (read.status == net::IoStatus::WouldBlock) {
      burst = 0;
      const bool ready = co_await client_.wait_readable();
      if (!ready) co_return;
      continue;
    }
    if (read.status != net::IoStatus::Ok) {
      // The client is gone: the server sees the end of its connection, as it would directly.
      close();
      co_return;
    }
    client_spoke_ = shared_.around.clock.steady();
    ByteView input = scratch.first(read.bytes);
    if (!from_client_.empty()) {
      from_client_.insert(from_client_.end(), input.begin(), input.end());
      input = from_client_;
    }
    auto step = feed_client(input);
    // What was not consumed is kept before anything is waited for.
    if (input.data() == from_client_.data()) {
      from_client_.erase(from_client_.begin(), from_client_.begin() + static_cast<std::ptrdiff_t>(step.consumed));
      if (from_client_.empty() && from_client_.capacity() > 4096) from_client_ = Bytes();
    } else {
      from_client_.assign(input.begin() + static_cast<std::ptrdiff_t>(step.consumed), input.end());
    }
    while (step.verdict == Verdict::Stalled && !closing_) {
      if (!to_server_.empty()) {
        // Replies that come meanwhile are seen by the next feed, not by the wait below.
        const bool flushed = co_await flush_to_server();
        if (!flushed) co_return;
      } else {
        stalled_ = true;
        progress_.expires_after(std::chrono::hours(1));
        co_await progress_.async_wait(use_result);
        stalled_ = false;
      }
      if (closing_) co_return;
      step = feed_client(from_client_);
      from_client_.erase(from_client_.begin(), from_client_.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    }
    if (!to_server_.empty()) {
      const bool flushed = co_await flush_to_server();
      if (!flushed) co_return;
    }
    if (step.verdict == Verdict::Fatal) {
      co_await end_for_client_fault();
      co_return;
    }
    if (step.verdict == Verdict::Finished) {
      finished_ = true;  // the server closes; its pump sees it
      co_return;
    }
    if (++burst >= kBurst) {
      burst = 0;
      co_await asio::post(worker_.context(), use_result);
    }
  }
}

net::Task<void> ClientSession::pump_server() {
  const auto self = shared_from_this();
  int burst = 0;
  for (;;) {
    if (closing_) co_return;
    const auto scratch = worker_.scratch();
    const auto read = server_->try_read(scratch);
    if (read.status == net::IoStatus::WouldBlock) {
      burst = 0;
      const bool ready = co_await server_->wait_readable();
      if (!ready) co_return;
      continue;
    }
    if (read.status != net::IoStatus::Ok) {
      [[maybe_unused]] const bool flushed = co_await flush_to_client();
      server_gone();
      co_return;
    }
    ByteView input = scratch.first(read.bytes);
    if (!from_server_.empty()) {
      from_server_.insert(from_server_.end(), input.begin(), input.end());
      input = from_server_;
    }
    const auto step = feed_server(input);
    if (input.data() == from_server_.data()) {
      from_server_.erase(from_server_.begin(), from_server_.begin() + static_cast<std::ptrdiff_t>(step.consumed));
      if (from_server_.empty() && from_server_.capacity() > 4096) from_server_ = Bytes();
    } else {
      from_server_.assign(input.begin() + static_cast<std::ptrdiff_t>(step.consumed), input.end());
    }
    if (stalled_) progress_.cancel();
    if (to_client_.size() > worker_.limits().buffer_bytes || (!to_client_.empty() && step.verdict == Verdict::Fatal)) {
      const bool flushed = co_await flush_to_client();
      if (!flushed) {
        close();
        co_return;
      }
    }
    if (step.verdict == Verdict::Fatal) {
      const auto report = relay_->report();
      BZ_LOG(Error, "server.protocol_violation", {"session", id_}, {"depot", depot_name_});
      end_with(report.sqlstate, report.message, report.hint);
      co_return;
    }
    if (!to_client_.empty()) {
      // Below the mark: go on reading only once it is written, so that memory stays bounded.
      const bool flushed = co_await flush_to_client();
      if (!flushed) {
        close();
        co_return;
      }
    }
    if (++burst >= kBurst) {
      burst = 0;
      co_await asio::post(worker_.context(), use_result);
    }
  }
}

/// The server's connection has ended. Where it has not said why, the client is told.
void ClientSession::server_gone() {
  if (closing_) return;
  if (finished_ || relay_->server_said_fatal()) {
    close();
    return;
  }
  BZ_LOG(Warn, "server.connection_lost", {"session", id_}, {"depot", depot_name_});
  end_with(pgwire::sqlstate::kConnectionFailure, "the connection to the depot's server was lost",
           "Connect again. Whether the last statement took effect is not known.");
}

void ClientSession::publish_figures() {
  const auto& now = relay_->figures();
  auto& counters = shared_.counters;
  counters.statements.fetch_add(now.statements - published_.statements, std::memory_order_relaxed);
  counters.statements_refused.fetch_add(now.refused - published_.refused, std::memory_order_relaxed);
  counters.errors.fetch_add(now.failed - published_.failed, std::memory_order_relaxed);
  counters.rows.fetch_add(now.rows - published_.rows, std::memory_order_relaxed);
  published_ = now;
}

void ClientSession::check(SteadyTime now, const policy::Snapshot* changed) {
  const auto& limits = worker_.limits();
  if (closing_) return;
  if (!relay_) {
    if (limits.sign_in_timeout.count() > 0 && now - begun_ > limits.sign_in_timeout) {
      BZ_LOG(Info, "session.sign_in_timeout", {"session", id_}, {"address", peer_.to_string()});
      close();
    }
    return;
  }
  publish_figures();
  const auto wall = shared_.around.clock.wall();
  bool over = subject_.valid_until && wall >= *subject_.valid_until;
  if (changed != nullptr) {
    // Another login than the session's own ends it too: it must not go on with the former rights.
    const auto grant = changed->resolve_grant(subject_.identity, subject_.depot, wall);
    over = over || !grant || grant->login->role_name != subject_.login || grant->valid_until != subject_.valid_until;
  }
  if (over) {
    end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection: your access to this depot has ended");
    return;
  }
  const auto quiet = now - client_spoke_;
  if (finished_ && quiet > kDueReplies) {  // the server was told Terminate and does not close
    close();
    return;
  }
  const auto exceeded = [&](std::chrono::milliseconds limit) { return limit.count() > 0 && quiet > limit; };
  if (relay_->awaiting_reply()) {
    if (limits.statement_timeout.count() > 0 && !cancel_sent_ && now - reply_awaited_since_ > limits.statement_timeout)
      send_query_cancel();
    return;
  }
  if (relay_->transaction_status() != pgwire::TransactionStatus::Idle) {
    if (exceeded(limits.idle_in_transaction_timeout))
      end_with(pgwire::sqlstate::kIdleInTransactionSessionTimeout,
               "terminating connection due to idle-in-transaction timeout");
    return;
  }
  if (shared_.draining.load(std::memory_order_relaxed))
    end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection due to administrator command");
  else if (exceeded(limits.idle_timeout))
    end_with(pgwire::sqlstate::kIdleSessionTimeout, "terminating connection due to idle-session timeout");
}

namespace {

net::Task<void> send_cancel(asio::io_context& context, std::shared_ptr<const CancelTarget> target) {
  auto address = target->server;
  auto connected = co_await connect_server(context, std::move(address));
  if (!connected) co_return;
  const net::CloseAfter deadline(**connected, kServerPatience);
  Bytes out;
  std::array<std::byte, 4> secret{};
  store_be32(secret.data(), target->secret);
  pgwire::MessageWriter writer(out);
  pgwire::write_cancel_request(writer, target->process_id, secret);
  [[maybe_unused]] auto sent = co_await (*connected)->write_all(out);
}

}  // namespace

/// statement_timeout: the server ends the statement itself, with its own 57014.
void ClientSession::send_query_cancel() {
  cancel_sent_ = true;
  asio::co_spawn(worker_.context(), send_cancel(worker_.context(), cancel_target_), asio::detached);
}

SessionInfo ClientSession::info() const {
  SessionInfo info;
  info.id = id_;
  info.identity = identity_name_;
  info.depot = depot_name_;
  info.login = subject_.login;
  info.address = peer_.to_string();
  info.application_name = application_name_;
  info.since = since_;
  if (!relay_) {
    info.state = "starting";
    return info;
  }
  info.server_process_id = cancel_target_ ? cancel_target_->process_id : 0;
  info.statements = relay_->figures().statements;
  if (relay_->awaiting_reply())
    info.state = "active";
  else if (relay_->transaction_status() == pgwire::TransactionStatus::Idle)
    info.state = "idle";
  else if (relay_->transaction_status() == pgwire::TransactionStatus::InTransaction)
    info.state = "idle in transaction";
  else
    info.state = "idle in transaction (aborted)";
  return info;
}

}  // namespace bartizan::proxy
