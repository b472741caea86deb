// One gateway per data folder: flock(2) on <data>/bartizan.lock, which the kernel releases when
// its holder dies, however it dies.
#pragma once

#include <string>

#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

/// Held for its lifetime. Move-only.
class InstanceLock {
 public:
  /// FailedPrecondition names the holder's pid.
  static Result<InstanceLock> take(const std::string& path);
  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&& other) noexcept;
  ~InstanceLock();

 private:
  explicit InstanceLock(int fd) noexcept : fd_(fd) {}
  int fd_;
};

}  // namespace bartizan::postgres
