// The system calls that put files under encryption, each behind one function and all of them in kernel.cpp:
// fscrypt's ioctls (Documentation/filesystems/fscrypt.rst of Linux), loop devices (loop(4)), mounts (mount(2),
// mount_namespaces(7)). Unsupported means that this system, or who we are on it, has not got it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::atrest {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

[[nodiscard]] Result<Descriptor> open_folder(const std::string& path);

using KeyIdentifier = std::array<std::uint8_t, 16>;
enum class Cipher : std::uint8_t { None, Aes256Xts, Other };
struct FolderPolicy {
  Cipher cipher = Cipher::None;
  KeyIdentifier key{};
};
[[nodiscard]] Result<FolderPolicy> policy_of(const Descriptor& folder);
/// To the file system that the folder lies on.
[[nodiscard]] Result<KeyIdentifier> add_key(const Descriptor& folder, const SecretBytes& key);
/// False: files are still open under it.
[[nodiscard]] Result<bool> remove_key(const Descriptor& folder, const KeyIdentifier& key);
/// An empty folder: AES-256-XTS from now on, for everything in it.
[[nodiscard]] Result<void> set_policy(const Descriptor& folder, const KeyIdentifier& key);

/// From here on mounts that this thread and its later children make are seen by them alone. Once a process.
[[nodiscard]] Result<void> leave_host_mounts();
/// A loop device over the file; the kernel frees it when nothing uses it any more.
struct LoopDevice {
  Descriptor device;
  std::string path;
};
[[nodiscard]] Result<LoopDevice> attach(const Descriptor& image);
[[nodiscard]] bool has_loop_devices();
[[nodiscard]] Result<void> mount_ext4(const std::string& device, const std::string& folder);
/// At once if it can be, else as soon as its last user lets go; false then.
[[nodiscard]] bool unmount(const std::string& folder, std::chrono::milliseconds patience);
/// To this size, while mounted.
[[nodiscard]] Result<void> grow_ext4(const Descriptor& folder, std::uint64_t bytes);

}  // namespace bartizan::atrest
