// One client of the admin socket, from accept to close, on a thread of its own.
#pragma once

#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "bartizan/base/result.hpp"
#include "bartizan/control/admin_server.hpp"
#include "line_buffer.hpp"

namespace bartizan::control {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Used by one thread. Every wait has an end, and ends when stop becomes readable.
class AdminConnection {
 public:
  AdminConnection(Descriptor socket, int stop, const AdminServerOptions& options, const Verbs& verbs);
  /// Answers requests until the peer leaves, errs in framing or is idle for too long.
  void serve();
  /// One error, then the end.
  void refuse(const Error& error);

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  enum class Wake { Ready, Stopped, TimedOut };

  Wake wait(short events, Deadline deadline) const;
  /// False: the connection is over.
  bool receive(Deadline deadline);
  bool answer_lines(const Peer& peer, Deadline& deadline);
  bool send(std::string_view text);
  void drain();

  Descriptor socket_;
  int stop_;
  const AdminServerOptions& options_;
  const Verbs& verbs_;
  LineBuffer lines_;
};

}  // namespace bartizan::control
