// Listening sockets that a service manager opened for this process and keeps open beyond it (sd_listen_fds(3)).
// Through a restart they stay: who connects meanwhile waits in the kernel's queue instead of being refused.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::net {

/// Owns the descriptor of a listening TCP socket. Any thread's, one at a time.
class ListeningSocket {
 public:
  explicit ListeningSocket(int descriptor) noexcept : descriptor_(descriptor) {}
  ListeningSocket(ListeningSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// What the manager says in $LISTEN_PID and $LISTEN_FDS, and where its descriptors begin.
struct Inheritance {
  std::string process_id;
  std::string count;
  int first = 3;
};

/// The sockets handed to process `self`, close-on-exec from here on; none where nothing is said or it is said to
/// another process. A descriptor is owned by the result as soon as it is known to be ours.
/// Errors: InvalidArgument (a count that is none, a descriptor that is no listening TCP socket).
[[nodiscard]] Result<std::vector<ListeningSocket>> inherited_sockets(const Inheritance& said, pid_t self);

/// Those of this process's environment, which forgets them. REQUIRES: no other thread runs.
[[nodiscard]] Result<std::vector<ListeningSocket>> take_inherited_sockets();

}  // namespace bartizan::net
