// Waiting for a socket of libpq's under a deadline.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

enum class Direction : std::uint8_t { Read, Write, Either };

inline Result<void> wait_for_socket(int socket, Direction direction, SteadyTime deadline) {
  pollfd polled = {socket, 0, 0};
  if (direction != Direction::Write) polled.events |= POLLIN;
  if (direction != Direction::Read) polled.events |= POLLOUT;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    const int ready =
        ::poll(&polled, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max())));
    if (ready > 0) return {};
    if (ready == 0) return fail(Errc::DeadlineExceeded, "PostgreSQL did not answer in time");
    if (errno != EINTR) return fail(Errc::Io, "poll failed on a PostgreSQL connection");
  }
}

}  // namespace bartizan::postgres
