#include "detach.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace bartizan::app {
namespace {

/// Says "ready" on the pipe; no output of the program contains it.
constexpr char kReady = '\x06';

int follow(int pipe_end, pid_t child) {
  std::array<char, 4096> buffer{};
  bool ready = false;
  for (;;) {
    const ssize_t n = ::read(pipe_end, buffer.data(), buffer.size());
    if (n <= 0) break;
    for (ssize_t i = 0; i < n; ++i) {
      if (buffer[static_cast<std::size_t>(i)] == kReady)
        ready = true;
      else
        std::fputc(buffer[static_cast<std::size_t>(i)], stdout);
    }
    std::fflush(stdout);
  }
  if (ready) return 0;
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

}  // namespace

Side detach() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return Side::Foreground;
  const pid_t child = ::fork();
  if (child < 0) return Side::Foreground;
  if (child > 0) {
    ::close(ends[1]);
    std::_Exit(follow(ends[0], child));
  }
  ::close(ends[0]);
  ::setsid();
  ::dup2(ends[1], STDOUT_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  return Side::Background;
}

void detach_ready(const std::filesystem::path& log_file) {
  std::cout << std::flush;
  [[maybe_unused]] const auto said = ::write(STDOUT_FILENO, &kReady, 1);
  const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log >= 0 ? log : nothing, STDOUT_FILENO);
  ::dup2(log >= 0 ? log : nothing, STDERR_FILENO);
}

}  // namespace bartizan::app
