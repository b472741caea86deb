// One signed-in connection to a depot's server, and the coroutine that reads it for whichever
// session uses it. Between two uses it watches for the server's end.
#pragma once

#include <memory>

#include "bartizan/session/byte_runs.hpp"
#include "bartizan/session/server_state.hpp"
#include "server_link.hpp"
#include "waiting_bytes.hpp"

namespace bartizan::proxy {

class ClientSession;
class ServerPool;
class Worker;

/// Held by its pool, its user and its running coroutine, all on the worker's thread. Holds its
/// place in the depot's budget as long as it is open. A user sets itself by use() and is told of
/// everything that is read until it lets go.
class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(Worker& worker, std::shared_ptr<ServerPool> pool, ServerLink link);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  /// Spawns the reader. Called once.
  void run();
  void use(ClientSession* user) noexcept { user_ = user; }
  [[nodiscard]] ClientSession* user() const noexcept { return user_; }
  /// Closes the socket and frees the place; the user is not told.
  void close();
  [[nodiscard]] bool closed() const noexcept { return closed_; }

  /// Writes what the server takes at once; the rest waits in waiting(). False: it is gone.
  [[nodiscard]] bool send(const session::ByteRuns& runs);
  [[nodiscard]] const WaitingBytes& waiting() const noexcept { return to_server_; }
  /// Until all that waits is written. False: it is gone.
  [[nodiscard]] net::Task<bool> flush();

  /// A CancelRequest for what runs now. Until the server has acted on it, nobody else gets the
  /// connection: it must not hit another's statement.
  [[nodiscard]] net::Task<bool> cancel();
  [[nodiscard]] bool cancelling() const noexcept { return cancels_ > 0; }
  /// Its user has gone in the middle of a statement. Keeps its place until the server was told.
  void cancel_and_close();

  /// Of one that nobody uses: asks the server for a sign of life, whose coming the pool is told by
  /// checked(). Not to be used before. False: it is gone.
  [[nodiscard]] bool check(SteadyTime now);
  /// Since when the answer to check() has been due.
  [[nodiscard]] SteadyTime asked_at() const noexcept { return asked_at_; }

  [[nodiscard]] session::ServerState& state() noexcept { return state_; }
  [[nodiscard]] ServerPool& pool() const noexcept { return *pool_; }
  [[nodiscard]] std::uint32_t process_id() const noexcept { return process_id_; }
  /// Nothing half read or half written: REQUIRED of one that goes to another user.
  [[nodiscard]] bool clean() const noexcept { return from_server_.empty() && to_server_.empty(); }

  std::uint64_t generation = 0;  ///< of its pool when it was opened
  SteadyTime expires_at = SteadyTime::max();  ///< not given out any more from then on
  SteadyTime idle_since{};
  bool kept_apart = false;  ///< a pinned session's, not counted in the budget
  SteadyTime heard_at{};  ///< it has answered last, as far as the pool has looked

 private:
  net::Task<void> read();
  [[nodiscard]] bool on_idle_bytes(ByteView input);
  void gone();

  Worker& worker_;
  std::shared_ptr<ServerPool> pool_;
  std::unique_ptr<net::Stream> stream_;
  session::ServerState state_;
  std::uint32_t process_id_ = 0;
  std::uint32_t cancel_secret_ = 0;
  ClientSession* user_ = nullptr;
  Bytes from_server_;
  WaitingBytes to_server_;
  SteadyTime asked_at_{};
  bool asked_ = false;  // an answer to check() is due
  int cancels_ = 0;
  bool ending_ = false;  // what it still says is for nobody
  bool closed_ = false;
};

}  // namespace bartizan::proxy
