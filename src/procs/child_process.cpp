#include "bartizan/procs/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>

#include "child_image.hpp"
#include "descriptor.hpp"
#include "pipe_pump.hpp"

namespace bartizan::procs {
namespace {

constexpr auto kPollWithoutPidfd = std::chrono::milliseconds(5);

std::string errno_text(int number) { return std::generic_category().message(number); }

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(Errc::ResourceExhausted, "pipe: " + errno_text(errno));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

Result<Descriptor> open_file(const std::string& path, int flags) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
  if (!file) return fail(Errc::Io, "can't open " + path + ": " + errno_text(errno));
  return file;
}

Result<void> validate(const Command& command) {
  if (command.argv.empty() || !command.argv[0].starts_with('/'))
    return fail(Errc::InvalidArgument, "a command needs the absolute path of its program");
  for (const auto& argument : command.argv)
    if (argument.find('\0') != std::string::npos) return fail(Errc::InvalidArgument, "an argument contains a NUL");
  for (const auto& [name, value] : command.environment)
    if (name.empty() || name.find('=') != std::string::npos || (name + value).find('\0') != std::string::npos)
      return fail(Errc::InvalidArgument, "an environment variable has a name or value that can't be passed on");
  if (command.parent_death_signal < 0 || command.parent_death_signal >= NSIG)
    return fail(Errc::InvalidArgument, "no such signal");
  return {};
}

/// The child's end of an output; the parent's end of a capture goes to stream.
Result<Descriptor> open_output(const Output& output, CapturedStream& stream) {
  if (std::holds_alternative<Discard>(output)) return open_file("/dev/null", O_WRONLY);
  if (const auto* file = std::get_if<ToFile>(&output))
    return open_file(file->path, O_WRONLY | O_CREAT | (file->truncate ? O_TRUNC : O_APPEND));
  BZ_TRY(auto pipe, make_pipe());
  set_nonblocking(pipe.read_end.get());
  stream.fd = std::move(pipe.read_end);
  stream.limit_bytes = std::get<Capture>(output).limit_bytes;
  return std::move(pipe.write_end);
}

Result<Descriptor> open_input(const Command& command, PipePump& pump) {
  if (command.stdin_bytes.empty()) return open_file("/dev/null", O_RDONLY);
  BZ_TRY(auto pipe, make_pipe());
  set_nonblocking(pipe.write_end.get());
  pump.stdin_fd = std::move(pipe.write_end);
  return std::move(pipe.read_end);
}

/// fork with every signal held back, so that none of our handlers runs in the child.
pid_t fork_quietly(ChildImage& image, int in, int out, int err, int report) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) image.become(in, out, err, report);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

Errc errc_of(const ChildFailure& failure) {
  if (failure.error_number == ENOENT) return Errc::NotFound;
  if (failure.error_number == EACCES || failure.error_number == EPERM) return Errc::PermissionDenied;
  return Errc::Io;
}

/// nullopt: exec has succeeded and closed the pipe.
std::optional<ChildFailure> read_report(const Descriptor& report) {
  ChildFailure failure{};
  ssize_t n = -1;
  do n = ::read(report.get(), &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(sizeof failure)) return failure;
  return std::nullopt;
}

}  // namespace

std::string ExitStatus::to_string() const {
  return signal != 0 ? "signal " + std::to_string(signal) : "exit status " + std::to_string(code);
}

struct ChildProcess::State {
  pid_t pid = -1;
  Descriptor pidfd;
  std::optional<ExitStatus> status;
  SecretBytes stdin_bytes;
  PipePump pump;

  /// True once the child has ended and been reaped.
  bool reap(bool block) {
    if (status) return true;
    siginfo_t info = {};
    int rc = -1;
    do rc = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | (block ? 0 : WNOHANG));
    while (rc != 0 && errno == EINTR);
    if (rc != 0) {
      // Somebody else reaped it (SIGCHLD ignored): it has ended, how is not known.
      status = ExitStatus{-1, 0};
      return true;
    }
    if (info.si_pid == 0) return false;
    status = info.si_code == CLD_EXITED ? ExitStatus{info.si_status, 0} : ExitStatus{0, info.si_status};
    return true;
  }
};

ChildProcess::ChildProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    kill_and_reap();
    state_ = std::move(other.state_);
  }
  return *this;
}
ChildProcess::~ChildProcess() { kill_and_reap(); }

pid_t ChildProcess::pid() const noexcept { return state_->pid; }
const std::optional<ExitStatus>& ChildProcess::exit_status() const noexcept { return state_->status; }

Result<ChildProcess> ChildProcess::spawn(const Command& command) {
  BZ_CHECK(validate(command));
  auto state = std::make_unique<State>();
  state->stdin_bytes = command.stdin_bytes.clone();
  state->pump.stdin_rest = state->stdin_bytes.reveal();
  BZ_TRY(auto in, open_input(command, state->pump));
  BZ_TRY(auto out, open_output(command.standard_output, state->pump.standard_output));
  BZ_TRY(auto err, open_output(command.standard_error, state->pump.standard_error));
  BZ_TRY(auto report, make_pipe());
  ChildImage image(command, ::getpid());

  const pid_t pid = fork_quietly(image, in.get(), out.get(), err.get(), report.write_end.get());
  if (pid < 0) return fail(Errc::ResourceExhausted, "fork: " + errno_text(errno));
  state->pid = pid;
  state->pidfd = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  report.write_end.reset();
  if (const auto failure = read_report(report.read_end)) {
    state->reap(true);
    return fail(errc_of(*failure), "can't run " + command.argv[0] + ": " + to_string(failure->step) + ": " +
                                       errno_text(failure->error_number));
  }
  return ChildProcess(std::move(state));
}

Result<WaitResult> ChildProcess::wait(SteadyTime deadline, int wake_fd) {
  for (;;) {
    if (state_->reap(false)) return WaitResult::Exited;
    const auto slice =
        state_->pidfd ? deadline : std::min(deadline, std::chrono::steady_clock::now() + kPollWithoutPidfd);
    std::array<pollfd, 2> polled = {pollfd{state_->pidfd.get(), POLLIN, 0}, pollfd{wake_fd, POLLIN, 0}};
    const int ready = ::poll(polled.data(), polled.size(), poll_timeout(slice));
    if (ready < 0 && errno != EINTR) return fail(Errc::Io, "poll: " + errno_text(errno));
    if (state_->reap(false)) return WaitResult::Exited;
    if (ready > 0 && polled[1].revents != 0) return WaitResult::Woken;
    if (std::chrono::steady_clock::now() >= deadline) return WaitResult::Deadline;
  }
}

Result<CompletedProcess> ChildProcess::finish(SteadyTime deadline) {
  BZ_CHECK(state_->pump.run(deadline, state_->pidfd.get()));
  BZ_TRY(const auto waited, wait(deadline));
  if (waited != WaitResult::Exited) return fail(Errc::DeadlineExceeded, "the child process did not end in time");
  auto& out = state_->pump.standard_output;
  auto& err = state_->pump.standard_error;
  return CompletedProcess{*state_->status, std::move(out.text), std::move(err.text), out.truncated || err.truncated};
}

Result<void> ChildProcess::signal(int number) {
  if (state_->reap(false)) return fail(Errc::FailedPrecondition, "the child process has ended");
  // Not reaped yet, so its pid is still its own.
  if (::kill(state_->pid, number) != 0) return fail(Errc::Io, "kill: " + errno_text(errno));
  return {};
}

void ChildProcess::kill_and_reap() noexcept {
  if (!state_ || state_->status) return;
  // As long as the leader is unreaped, its group's number can't be another's.
  ::kill(-state_->pid, SIGKILL);
  ::kill(state_->pid, SIGKILL);
  state_->reap(true);
}

Result<CompletedProcess> run(const Command& command, SteadyTime deadline) {
  BZ_TRY(auto child, ChildProcess::spawn(command));
  auto completed = child.finish(deadline);
  if (!completed) completed.error().detail = command.argv[0] + ": " + completed.error().detail;
  return completed;
}

}  // namespace bartizan::procs
