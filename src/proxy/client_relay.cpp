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
/// How long a session that has asked nothing yet is left alone by a drain.
constexpr auto kFirstQuestion = std::chrono::seconds(1);
constexpr auto kLookAgain = std::chrono::milliseconds(2);
}  // namespace

void ClientSession::close() {
  if (closing_) return;
  closing_ = true;
  *abandoned_ = true;
  client_.close();
  worker_.durable_waits().abandon(this);
  held_notice_.unlist();
  if (server_) {
    const auto server = std::exchange(server_, nullptr);
    const bool pooled = relay_ && pool_->mode() == policy::PoolMode::Transaction;
    if (pooled) relay_->detach();
    server->use(nullptr);
    // Its backend would run on beside the pool: nobody is there any more to whom it matters.
    if (relay_ && relay_->awaiting_reply() && (pooled || ends_itself_))
      server->cancel_and_close();
    else
      server->close();
  }
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
  ends_itself_ = true;
  // In the middle of a message, or behind one that the client has not taken, it can't be said.
  if (relay_ && relay_->at_client_boundary() && to_client_.empty() && held_.empty()) {
    const Bytes out = error_bytes(report);
    [[maybe_unused]] const auto sent = client_.try_write(out);
  }
  close();
}

void ClientSession::use_server(std::shared_ptr<ServerConnection> server) {
  server_ = std::move(server);
  server_->use(this);
}

/// The session goes on without a server connection. REQUIRES: relay_->releasable()
void ClientSession::release_server() {
  const auto server = std::exchange(server_, nullptr);
  last_server_ = server.get();
  relay_->detach();
  server->use(nullptr);
  pool_->depot().put_back(server);
}

net::Task<bool> ClientSession::acquire_server() {
  queued_ = true;
  auto acquired = co_await pool_->depot().acquire(pool_, abandoned_);
  // One that has ended between the two is of no use to anybody.
  while (!closing_ && acquired.connection && acquired.connection->closed())
    acquired = co_await pool_->depot().acquire(pool_, abandoned_);
  queued_ = false;
  if (closing_) co_return false;
  if (acquired.connection && client_.peer_has_closed()) {
    // It left while it waited: what it had asked for must not take effect for nobody.
    pool_->depot().put_back(acquired.connection);
    close();
    co_return false;
  }
  if (acquired.connection) {
    use_server(std::move(acquired.connection));
    co_return true;
  }
  if (to_client_.empty() && !acquired.error_response.empty()) [[maybe_unused]]
    const auto sent = client_.try_write(acquired.error_response);
  close();
  co_return false;
}

/// NeedServer only where none is free at once.
Step ClientSession::feed_client(ByteView input) {
  thread_local session::ServerRuns runs;
  runs.clear();
  const bool was_awaiting = relay_->awaiting_reply();
  if (server_ && !relay_->attached()) relay_->attach(server_->state(), runs);
  auto step = relay_->on_client(input, runs);
  if (step.verdict == Verdict::NeedServer) {
    if (auto server = pool_->depot().try_acquire(*pool_, last_server_)) {
      use_server(std::move(server));
      relay_->attach(server_->state(), runs);
      const auto first = step.consumed;
      step = relay_->on_client(input.subspan(first), runs);
      step.consumed += first;
    }
  }
  if (counted_pin_ != relay_->pin_reason()) count_pin();
  if (!was_awaiting && relay_->awaiting_reply()) {
    reply_awaited_since_ = shared_.around.clock.steady();
    answered_ = relay_->answered();
    cancel_sent_ = false;
  }
  shared_.counters.bytes_from_clients.fetch_add(step.consumed, std::memory_order_relaxed);
  if (server_ && !server_->send(runs.runs())) server_gone();
  return step;
}

Step ClientSession::feed_server(ByteView input) {
  if (!relay_) {  // a server that speaks before its session has begun
    close();
    return {input.size(), Verdict::Continue};
  }
  thread_local session::ByteRuns runs;
  runs.clear();
  auto step = relay_->on_server(input, runs);
  if (counted_pin_ != relay_->pin_reason()) count_pin();
  const auto now = shared_.around.clock.steady();
  if (!relay_->awaiting_reply()) {
    idle_since_ = now;
  } else if (answered_ != relay_->answered()) {  // another statement runs now
    answered_ = relay_->answered();
    reply_awaited_since_ = now;
    cancel_sent_ = false;
  }
  shared_.counters.bytes_to_clients.fetch_add(runs.total_bytes(), std::memory_order_relaxed);
  if (!send_unheld(runs)) close();
  runs.clear();  // rows in the clear don't wait there for the worker's next one
  if (stalled_) progress_.cancel();
  return step;
}

/// What the server has said is with the client.
void ClientSession::after_server(const Step& step) {
  if (closing_ || !relay_) return;
  if (step.verdict == Verdict::Fatal && relay_->reported()) {
    ends_itself_ = true;
    close();
    return;
  }
  if (step.verdict == Verdict::Fatal) {
    const auto report = relay_->report();
    BZ_LOG(Error, "server.protocol_violation", {"session", id_}, {"depot", depot_name_});
    end_with(report.sqlstate, report.message, report.hint);
    return;
  }
  if (relay_->outcome_in_doubt() && !relay_->awaiting_reply()) {
    end_in_doubt();
    return;
  }
  thread_local session::ServerRuns runs;
  runs.clear();
  if ((relay_->replay(runs) || relay_->settle_syncs(runs)) && !server_->send(runs.runs())) {
    server_gone();
    return;
  }
  // Behind a Terminate the server closes it.
  if (!finished_ && relay_->releasable() && server_->waiting().empty()) release_server();
  if (walled_) end_with_class(false);
  if (cells_over_since_) end_with_cells(false);
}

net::Task<bool> ClientSession::flush_to_client() {
  const auto self = shared_from_this();
  bool written = co_await write_waiting();
  if (written && !held_.empty()) {
    written = co_await flush_held();
    if (!written) co_return false;
    written = co_await write_waiting();
  }
  co_return written;
}

/// False: the client is gone. Only one waits for the socket at a time.
net::Task<bool> ClientSession::write_waiting() {
  const auto self = shared_from_this();
  while (writing_waiting_ && !closing_) {
    asio::steady_timer look_again(worker_.context(), kLookAgain);
    co_await look_again.async_wait(use_result);
  }
  if (to_client_.empty()) co_return client_.is_open();
  writing_waiting_ = true;
  const bool written = co_await flush_waiting(client_, to_client_);
  writing_waiting_ = false;
  co_return written;
}

/// As PostgreSQL does, the client gets the replies to what it sent before its fault.
net::Task<void> ClientSession::end_for_client_fault() {
  const auto report = relay_->report();
  session::ServerRuns runs;
  if (server_ && relay_->ask_for_due_replies(runs) && server_->send(runs.runs())) {
    const auto until = shared_.around.clock.steady() + kDueReplies;
    stalled_ = true;
    while (!closing_ && relay_->awaiting_reply() && shared_.around.clock.steady() < until) {
      progress_.expires_at(until);
      co_await progress_.async_wait(use_result);
    }
    stalled_ = false;
    // Replies that wait for the audit log are the server's reader's to send.
    while (!closing_ && must_flush() && shared_.around.clock.steady() < until) {
      progress_.expires_after(kLookAgain);
      co_await progress_.async_wait(use_result);
    }
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
    if (pool_->depot().held() && must_pause(input)) {
      keep_unread(input, 0);
      co_await until_resumed();
      if (closing_) co_return;
      input = from_client_;
    }
    auto step = feed_client(input);
    keep_unread(input, step.consumed);  // before anything is waited for
    if (cells_) secure_wipe(scratch.data(), read.bytes);  // values on their way to becoming cells
    while ((step.verdict == Verdict::Stalled || step.verdict == Verdict::NeedServer ||
            step.verdict == Verdict::AwaitDurable) &&
           !closing_) {
      if (step.verdict == Verdict::AwaitDurable) {
        const bool durable = co_await may_forward();
        if (!durable) co_return;
      } else if (step.verdict == Verdict::NeedServer) {
        const bool acquired = co_await acquire_server();
        if (!acquired) co_return;
      } else if (server_ && !server_->waiting().empty()) {
        // Replies that come meanwhile are seen by the next feed, not by the wait below.
        const auto server = server_;
        const bool flushed = co_await server->flush();
        if (!flushed) co_return;
      } else if (step.consumed == 0) {
        stalled_ = true;
        progress_.expires_after(std::chrono::hours(1));
        co_await progress_.async_wait(use_result);
        stalled_ = false;
      }
      if (closing_) co_return;
      step = feed_client(from_client_);
      if (std::exchange(cancel_waits_, false)) send_query_cancel();
      drop_front(from_client_, step.consumed);
    }
    if (server_ && !server_->waiting().empty()) {
      const auto server = server_;
      const bool flushed = co_await server->flush();
      if (!flushed && server_ == server) co_return;
    }
    if (closing_) co_return;
    // What asked for no reply leaves nothing to wait for.
    if (server_ && step.verdict == Verdict::Continue && relay_->attached() && relay_->releasable() &&
        server_->waiting().empty())
      release_server();
    if (step.verdict == Verdict::Fatal) {
      co_await end_for_client_fault();
      co_return;
    }
    if (step.verdict == Verdict::Finished) {
      // Forwarded to a server connection that is not to be kept: that one closes.
      finished_ = server_ && !relay_->releasable();
      if (server_ && !finished_) release_server();
      if (!finished_) close();
      co_return;
    }
    if (++burst >= kBurst) {
      burst = 0;
      co_await asio::post(worker_.context(), use_result);
    }
  }
}

/// What the relay has not consumed is handed in again with more.
void ClientSession::keep_unread(ByteView input, std::size_t consumed) {
  if (input.data() == from_client_.data()) {
    drop_front(from_client_, consumed);
    if (from_client_.empty() && from_client_.capacity() > 4096) from_client_ = Bytes();
  } else {
    from_client_.assign(input.begin() + static_cast<std::ptrdiff_t>(consumed), input.end());
  }
}

/// The server's connection has ended. Where it has not said why, the client is told.
void ClientSession::server_gone() {
  if (closing_) return;
  if (server_) {
    const auto server = std::exchange(server_, nullptr);
    if (relay_ && pool_->mode() == policy::PoolMode::Transaction) relay_->detach();
    server->use(nullptr);
    server->close();
  }
  if (finished_ || !relay_ || relay_->server_said_fatal()) {
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
  counters.observed_denials.fetch_add(now.observed_denials - published_.observed_denials, std::memory_order_relaxed);
  counters.observed_masks.fetch_add(now.observed_masks - published_.observed_masks, std::memory_order_relaxed);
  counters.rows.fetch_add(now.rows - published_.rows, std::memory_order_relaxed);
  published_ = now;
}

/// A pin is for the rest of the session.
void ClientSession::count_pin() {
  counted_pin_ = relay_->pin_reason();
  shared_.counters.pins[static_cast<std::size_t>(counted_pin_)].fetch_add(1, std::memory_order_relaxed);
  if (server_ && relay_->pinned()) pool_->depot().keep_apart(*server_);
}

void ClientSession::check(SteadyTime now, const policy::Snapshot* snapshot, bool wall_changed) {
  const auto& limits = worker_.limits();
  if (held_notice_.waiting() && now - held_since_ > worker_.durable_waits().longest()) {
    worker_.durable_waits().count_given_up();
    withhold();
  }
  if (closing_) return;
  if (!relay_) {
    if (check_traffic(now)) return;
    if (limits.sign_in_timeout.count() > 0 && now - sign_in_from_ > limits.sign_in_timeout) {
      BZ_LOG(Info, "session.sign_in_timeout", {"session", id_}, {"address", peer_.to_string()});
      close();
    }
    return;
  }
  publish_figures();
  const auto wall = shared_.around.clock.wall();
  bool over = subject_.valid_until && wall >= *subject_.valid_until;
  // Compared with what this session has seen: a change may have come while it was signing in.
  const bool news = wall_changed || (snapshot != nullptr && snapshot->epoch() != checked_epoch_);
  if (snapshot != nullptr && snapshot->epoch() != checked_epoch_) {
    checked_epoch_ = snapshot->epoch();
    // Another login than the session's own ends it too: it must not go on with the former rights.
    const auto grant = snapshot->resolve_grant(subject_.identity, subject_.depot, wall);
    over = over || !grant || grant->login->role_name != subject_.login || grant->valid_until != subject_.valid_until;
    const auto* depot = snapshot->find_depot(subject_.depot);
    over = over || depot == nullptr || !fits_enforcement(*snapshot, *depot, *grant);
  }
  if (over) {
    end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection: your access to this depot has ended");
    return;
  }
  if (walled_) check_wall(now, news);
  if (observed_ && wall_changed)
    if (const auto current = shared_.around.snapshots.current()) follow_observed(*current);
  if (closing_ || check_traffic(now)) return;
  if (shared_.around.cells != nullptr) check_cells(now, news);
  // A whole reply is about to leave, and a session that ends would take it along.
  if (closing_ || held_notice_.waiting()) return;
  if (pool_->retired() && relay_->idle()) {
    end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection: the depot's server or its login has changed",
             "Connect again.");
    return;
  }
  const auto quiet = now - std::max(client_spoke_, idle_since_);
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
  if (queued_) return;
  if (relay_->transaction_status() != pgwire::TransactionStatus::Idle || relay_->in_open_group()) {
    if (exceeded(limits.idle_in_transaction_timeout))
      end_with(pgwire::sqlstate::kIdleInTransactionSessionTimeout,
               "terminating connection due to idle-in-transaction timeout");
    return;
  }
  // Who was let in during the drain came with a question.
  const bool asked = relay_->figures().statements > 0 || quiet > kFirstQuestion;
  if (shared_.draining.load(std::memory_order_relaxed) && asked)
    end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection due to administrator command");
  else if (exceeded(limits.idle_timeout))
    end_with(pgwire::sqlstate::kIdleSessionTimeout, "terminating connection due to idle-session timeout");
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
  info.server_process_id = server_ ? server_->process_id() : 0;
  if (pool_->mode() == policy::PoolMode::Session)
    info.pinned = "session";
  else if (relay_->pinned())
    info.pinned = sql::to_string(relay_->pin_reason());
  info.statements = relay_->figures().statements;
  if (queued_ || paused_)
    info.state = "waiting";
  else if (relay_->awaiting_reply())
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
