#include "pipe_pump.hpp"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <limits>

namespace bartizan::procs {
namespace {

/// write(2) without the SIGPIPE of a child that has closed its stdin.
ssize_t write_quietly(int fd, ByteView bytes) {
  sigset_t pipe_signal;
  sigset_t before;
  sigset_t pending;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::sigpending(&pending);
  const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t n = ::write(fd, bytes.data(), bytes.size());
  const int error = errno;
  if (n < 0 && error == EPIPE && !was_pending) {
    const timespec now = {};
    ::sigtimedwait(&pipe_signal, nullptr, &now);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

bool transient(int error) { return error == EAGAIN || error == EINTR; }

void feed(PipePump& pump) {
  const ssize_t n = write_quietly(pump.stdin_fd.get(), pump.stdin_rest);
  if (n < 0) {
    if (!transient(errno)) pump.stdin_fd.reset();
    return;
  }
  pump.stdin_rest = pump.stdin_rest.subspan(static_cast<std::size_t>(n));
  if (pump.stdin_rest.empty()) pump.stdin_fd.reset();
}

/// False when nothing was at hand.
bool drain(CapturedStream& stream) {
  std::array<char, 16384> buffer;
  const ssize_t n = ::read(stream.fd.get(), buffer.data(), buffer.size());
  if (n < 0 && transient(errno)) return false;
  if (n <= 0) {
    stream.fd.reset();
    return true;
  }
  const auto got = static_cast<std::size_t>(n);
  const auto kept = std::min(got, stream.limit_bytes - stream.text.size());
  stream.text.append(buffer.data(), kept);
  stream.truncated = stream.truncated || kept < got;
  return true;
}

}  // namespace

int poll_timeout(SteadyTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

Result<void> PipePump::run(SteadyTime deadline, int exit_fd) {
  while (!idle()) {
    std::array<pollfd, 4> polled = {pollfd{stdin_fd.get(), POLLOUT, 0}, pollfd{standard_output.fd.get(), POLLIN, 0},
                                    pollfd{standard_error.fd.get(), POLLIN, 0}, pollfd{exit_fd, POLLIN, 0}};
    const int ready = ::poll(polled.data(), polled.size(), poll_timeout(deadline));
    if (ready < 0 && errno != EINTR) return fail(Errc::Io, "poll failed while talking to a child process");
    if (ready == 0) return fail(Errc::DeadlineExceeded, "the child process did not end in time");
    if (ready < 0) continue;
    if (polled[0].revents != 0) feed(*this);
    bool moved = false;
    if (polled[1].revents != 0) moved = drain(standard_output) || moved;
    if (polled[2].revents != 0) moved = drain(standard_error) || moved;
    // A grandchild may hold the pipes open for ever: the child's own end is enough.
    if (polled[3].revents != 0 && !moved) return {};
  }
  return {};
}

}  // namespace bartizan::procs
