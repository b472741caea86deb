// The admin socket's server: AF_UNIX stream, lines of JSON, peers known by the kernel's word.
// Contract: docs/formats/admin-socket.md. One thread accepts, one serves each connection; there
// are few, and their work is blocking calls on the control database.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

#include "bartizan/base/result.hpp"
#include "bartizan/control/authorisation.hpp"
#include "bartizan/control/verbs.hpp"

namespace bartizan::control {

struct AdminServerOptions {
  std::filesystem::path socket_path;
  AdminPolicy policy;
  bool for_readers = false;  ///< the socket of tenants' readers of the audit log: open to every user of this machine
  std::size_t max_connections = 32;
  std::size_t max_line_bytes = 16u * 1024 * 1024;
  std::chrono::milliseconds idle_timeout{60'000};
};

/// Listens from start() to its destructor, which lets running verbs end, joins all threads and
/// removes the socket. Verbs must outlive it.
class AdminServer {
 public:
  /// Takes over a socket file that nobody answers on. AlreadyExists: another gateway answers
  /// there, or the path is something else; InvalidArgument: the path is too long for a socket.
  [[nodiscard]] static Result<std::unique_ptr<AdminServer>> start(AdminServerOptions options, const Verbs& verbs);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  ~AdminServer();

 private:
  class Listener;
  explicit AdminServer(std::unique_ptr<Listener> listener);
  std::unique_ptr<Listener> listener_;
};

}  // namespace bartizan::control
