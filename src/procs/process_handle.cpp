#include "bartizan/procs/process_handle.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>

#include "descriptor.hpp"
#include "pipe_pump.hpp"

namespace bartizan::procs {
namespace {

constexpr std::size_t kProcFileLimit = 128 * 1024;
constexpr auto kPollInterval = std::chrono::milliseconds(5);

std::optional<std::string> read_proc(pid_t pid, const char* name) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < kProcFileLimit) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

struct ProcStat {
  char state = '?';
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;
};

/// proc(5): the fields after the command's name, which is in brackets and may itself hold any.
std::optional<ProcStat> read_stat(pid_t pid) {
  const auto text = read_proc(pid, "stat");
  if (!text) return std::nullopt;
  const auto bracket = text->rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  constexpr int kParentField = 4;
  constexpr int kStartField = 22;
  ProcStat stat;
  std::size_t position = bracket + 2;
  for (int field = 3; field <= kStartField; ++field) {
    const auto end = std::min(text->find(' ', position), text->size());
    if (position >= end) return std::nullopt;
    const char* first = text->data() + position;
    const char* last = text->data() + end;
    if (field == 3) stat.state = *first;
    if (field == kParentField) std::from_chars(first, last, stat.parent);
    if (field == kStartField) std::from_chars(first, last, stat.start_ticks);
    position = end + 1;
  }
  return stat;
}

bool ended(const std::optional<ProcStat>& stat) { return !stat || stat->state == 'Z' || stat->state == 'X'; }

std::vector<std::string> split_arguments(const std::string& text) {
  std::vector<std::string> arguments;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find('\0', begin), text.size());
    arguments.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

std::optional<uid_t> owner_of(pid_t pid) {
  struct stat info = {};
  if (::stat(("/proc/" + std::to_string(pid)).c_str(), &info) != 0) return std::nullopt;
  return info.st_uid;
}

}  // namespace

Result<ProcessHandle> ProcessHandle::open(pid_t pid) {
  if (pid <= 0) return fail(Errc::InvalidArgument, "not a process id");
  ProcessHandle handle;
  handle.pid_ = pid;
  handle.pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
  if (handle.pidfd_ < 0 && errno == ESRCH) return fail(Errc::NotFound, "no process " + std::to_string(pid));
  const auto stat = read_stat(pid);
  const auto owner = owner_of(pid);
  if (ended(stat) || !owner) return fail(Errc::NotFound, "no process " + std::to_string(pid));
  handle.uid_ = *owner;
  handle.parent_ = stat->parent;
  handle.start_ticks_ = stat->start_ticks;
  handle.arguments_ = split_arguments(read_proc(pid, "cmdline").value_or(""));
  // Still the one that was pinned, so what was read is about it.
  if (!handle.alive()) return fail(Errc::NotFound, "no process " + std::to_string(pid));
  return handle;
}

ProcessHandle::ProcessHandle(ProcessHandle&& other) noexcept
    : pid_(other.pid_),
      pidfd_(std::exchange(other.pidfd_, -1)),
      uid_(other.uid_),
      parent_(other.parent_),
      start_ticks_(other.start_ticks_),
      arguments_(std::move(other.arguments_)) {}

ProcessHandle& ProcessHandle::operator=(ProcessHandle&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(uid_, other.uid_);
  std::swap(parent_, other.parent_);
  std::swap(start_ticks_, other.start_ticks_);
  std::swap(arguments_, other.arguments_);
  return *this;
}

ProcessHandle::~ProcessHandle() {
  if (pidfd_ >= 0) ::close(pidfd_);
}

bool ProcessHandle::alive() const {
  if (pidfd_ >= 0) {
    pollfd polled = {pidfd_, POLLIN, 0};
    return ::poll(&polled, 1, 0) == 0;
  }
  const auto stat = read_stat(pid_);
  return !ended(stat) && stat->start_ticks == start_ticks_;
}

Result<void> ProcessHandle::signal(int number) const {
  if (!alive()) return fail(Errc::NotFound, "the process has ended");
  const long rc = pidfd_ >= 0 ? ::syscall(SYS_pidfd_send_signal, pidfd_, number, nullptr, 0U) : ::kill(pid_, number);
  if (rc == 0) return {};
  if (errno == ESRCH) return fail(Errc::NotFound, "the process has ended");
  return fail(errno == EPERM ? Errc::PermissionDenied : Errc::Io, "can't signal process " + std::to_string(pid_));
}

bool ProcessHandle::wait_gone(SteadyTime deadline) const {
  if (pidfd_ >= 0) {
    pollfd polled = {pidfd_, POLLIN, 0};
    for (;;) {
      const int ready = ::poll(&polled, 1, poll_timeout(deadline));
      if (ready >= 0 || errno != EINTR) return ready > 0;
    }
  }
  while (alive()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

std::vector<pid_t> find_processes(uid_t uid, std::string_view prefix) {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), [](DIR* dir) { return ::closedir(dir); });
  if (!proc) return found;
  while (const dirent* entry = ::readdir(proc.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    if (owner_of(pid) != uid) continue;
    const auto command_line = read_proc(pid, "cmdline");
    if (command_line && command_line->starts_with(prefix)) found.push_back(pid);
  }
  return found;
}

}  // namespace bartizan::procs
