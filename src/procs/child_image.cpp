#include "child_image.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bartizan::procs {
namespace {

constexpr int kDescriptorLimitFallback = 65536;

/// Moves fd out of 0..2, so that the dup2 calls below can't overwrite one another's source.
int above_standard(int fd) noexcept {
  while (fd >= 0 && fd <= 2) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return fd;
}

void default_signals() noexcept {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  // The two that glibc keeps for itself and does not let sigaction(3) set; a parent may have them
  // ignored all the same. The kernel's struct is four words, SIG_DFL all zero (rt_sigaction(2)).
  const std::array<unsigned long, 4> by_default{};
  for (int number = 32; number < 34; ++number)
    ::syscall(SYS_rt_sigaction, number, by_default.data(), nullptr, sizeof(unsigned long));
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Raw system calls: glibc's wrappers signal every thread of the process, which after a fork of
/// a threaded program is not async-signal-safe.
bool switch_user(const RunAs& user) noexcept {
  const gid_t groups[] = {user.gid};
  return ::syscall(SYS_setgroups, 1L, groups) == 0 && ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

}  // namespace

const char* to_string(ChildStep step) noexcept {
  switch (step) {
    case ChildStep::ParentDied: return "parent death signal";
    case ChildStep::Descriptors: return "descriptors";
    case ChildStep::User: return "switch of user";
    case ChildStep::WorkingDirectory: return "working directory";
    case ChildStep::Exec: return "exec";
  }
  return "unknown";
}

ChildImage::ChildImage(const Command& command, pid_t parent)
    : working_directory_(command.working_directory.c_str()),
      run_as_(command.run_as),
      parent_death_signal_(command.parent_death_signal),
      parent_(parent),
      descriptor_limit_(kDescriptorLimitFallback) {
  for (const auto& [name, value] : command.environment) environment_.push_back(name + "=" + value);
  // execve's signature predates const; it does not write to its arguments.
  for (const auto& argument : command.argv) argv_.push_back(const_cast<char*>(argument.c_str()));
  argv_.push_back(nullptr);
  for (auto& entry : environment_) envp_.push_back(entry.data());
  envp_.push_back(nullptr);
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    descriptor_limit_ = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kDescriptorLimitFallback));
}

std::optional<ChildFailure> ChildImage::prepare(int stdin_fd, int stdout_fd, int stderr_fd) const noexcept {
  ::setsid();
  default_signals();
  stdin_fd = above_standard(stdin_fd);
  stdout_fd = above_standard(stdout_fd);
  stderr_fd = above_standard(stderr_fd);
  if (::dup2(stdin_fd, 0) < 0 || ::dup2(stdout_fd, 1) < 0 || ::dup2(stderr_fd, 2) < 0)
    return ChildFailure{ChildStep::Descriptors, errno};
  // Marked rather than closed: the report pipe is needed until exec.
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    for (int fd = 3; fd < descriptor_limit_; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (run_as_ && !switch_user(*run_as_)) return ChildFailure{ChildStep::User, errno};
  // After the switch of user, which clears it; then the parent may have gone already.
  if (::prctl(PR_SET_PDEATHSIG, parent_death_signal_) != 0) return ChildFailure{ChildStep::ParentDied, errno};
  if (::getppid() != parent_) return ChildFailure{ChildStep::ParentDied, ESRCH};
  if (::chdir(working_directory_) != 0) return ChildFailure{ChildStep::WorkingDirectory, errno};
  return std::nullopt;
}

void ChildImage::become(int stdin_fd, int stdout_fd, int stderr_fd, int report_fd) noexcept {
  report_fd = above_standard(report_fd);
  auto failure = prepare(stdin_fd, stdout_fd, stderr_fd);
  if (!failure) {
    ::execve(argv_[0], argv_.data(), envp_.data());
    failure = ChildFailure{ChildStep::Exec, errno};
  }
  [[maybe_unused]] const auto written = ::write(report_fd, &*failure, sizeof *failure);
  ::_exit(127);
}

}  // namespace bartizan::procs
