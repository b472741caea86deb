#include "instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace bartizan::postgres {

Result<InstanceLock> InstanceLock::take(const std::string& path) {
  InstanceLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (lock.fd_ < 0) return fail(Errc::Io, "can't open " + path);
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 16> text{};
    const ssize_t n = ::pread(lock.fd_, text.data(), text.size() - 1, 0);
    const std::string holder(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    return fail(Errc::FailedPrecondition, "the data folder is in use by another Bartizan (process " + holder +
                                              "): stop that one, or start this one with another data folder");
  }
  const auto pid = std::to_string(::getpid());
  if (::ftruncate(lock.fd_, 0) != 0 || ::pwrite(lock.fd_, pid.data(), pid.size(), 0) < 0)
    return fail(Errc::Io, "can't write " + path);
  return lock;
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
InstanceLock& InstanceLock::operator=(InstanceLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
InstanceLock::~InstanceLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace bartizan::postgres
