// Moves bytes to a child's stdin and from its captured outputs, without blocking on any of them.
#pragma once

#include <cstddef>
#include <string>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "descriptor.hpp"

namespace bartizan::procs {

/// The parent's end of a captured stream.
struct CapturedStream {
  Descriptor fd;  ///< non-blocking; closed at end of file
  std::size_t limit_bytes = 0;
  std::string text;
  bool truncated = false;
};

struct PipePump {
  Descriptor stdin_fd;  ///< non-blocking; closed when all is written or the child stopped reading
  ByteView stdin_rest;
  CapturedStream standard_output;
  CapturedStream standard_error;

  [[nodiscard]] bool idle() const noexcept { return !stdin_fd && !standard_output.fd && !standard_error.fd; }
  /// Until all pipes are done, or exit_fd (when not -1) is readable and nothing more is at hand.
  /// DeadlineExceeded otherwise.
  Result<void> run(SteadyTime deadline, int exit_fd);
};

/// poll(2)'s time-out for a deadline: rounded up, so that a wait never ends early.
[[nodiscard]] int poll_timeout(SteadyTime deadline);

}  // namespace bartizan::procs
