// A session while its depot is paused or drained (docs/guide/pooling.md). One without a server
// connection waits in the depot's queue; one that keeps its own waits here, between two transactions.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bartizan/pgwire/frontend_messages.hpp"
#include "client_session.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;

/// Whether what the client sent would begin something on the server connection that it keeps. Its
/// Terminate begins nothing.
bool ClientSession::must_pause(ByteView input) const noexcept {
  return server_ && relay_->idle() && static_cast<char>(input.front()) != pgwire::frontend::kTerminate;
}

/// Woken by the tick.
net::Task<void> ClientSession::until_resumed() {
  paused_ = true;
  while (!closing_ && pool_->depot().held()) {
    progress_.expires_after(std::chrono::hours(1));
    co_await progress_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  paused_ = false;
}

/// The tick. True: no time-out concerns the session now, or it has ended.
bool ClientSession::check_traffic(SteadyTime now) {
  if (!pool_) return false;
  const bool waits = queued_ || paused_ || !relay_;
  // What it had asked for must not take effect for nobody. Nor is a server connection opened for it
  // while others wait: a burst of clients that give up would keep the living from theirs.
  if (waits && client_.peer_has_closed()) {
    close();
    return true;
  }
  const auto& depot = pool_->depot();
  if (!depot.held()) {
    if (paused_) progress_.cancel();
    return false;
  }
  if (!relay_) sign_in_from_ = now;
  if (waits && shared_.draining.load(std::memory_order_relaxed)) {
    end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection due to administrator command");
    return true;
  }
  // Whoever merely has not given it back yet does so when its client has taken the replies.
  const bool keeps = relay_ && server_ && (relay_->pinned() || pool_->mode() == policy::PoolMode::Session);
  if (depot.draining() && keeps && relay_->idle() && !must_flush()) {
    end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection: the depot is drained of its server connections",
             "Connect again; what you ask for then waits until the depot is resumed.");
    return true;
  }
  if (waits) client_spoke_ = now;
  return waits;
}

}  // namespace bartizan::proxy
