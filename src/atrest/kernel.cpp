#include "kernel.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fscrypt.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

namespace bartizan::atrest {
namespace {

constexpr int kAttachAttempts = 16;
constexpr std::uint32_t kBlockBytes = 4096;
constexpr auto kUnmountPause = std::chrono::milliseconds(20);
/// ext4's own, of its linux/fs/ext4/ext4.h: not in the headers for programs.
constexpr unsigned long kExt4Resize = _IOW('f', 16, std::uint64_t);

tl::unexpected<Error> refused(std::string_view what) {
  const int number = errno;
  const bool absent = number == ENOTTY || number == EOPNOTSUPP || number == ENOSYS || number == ENOPKG ||
                      number == EPERM || number == EACCES || number == ENOENT || number == ENODEV || number == ENXIO;
  return fail(absent ? Errc::Unsupported : Errc::Io,
              fmt::format("{}: {}", what, std::generic_category().message(number)));
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Descriptor> open_folder(const std::string& path) {
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.get() < 0) return fail(Errc::Io, fmt::format("{}: {}", path, std::generic_category().message(errno)));
  return folder;
}

Result<FolderPolicy> policy_of(const Descriptor& folder) {
  fscrypt_get_policy_ex_arg found{};
  found.policy_size = sizeof(found.policy);
  FolderPolicy out;
  if (::ioctl(folder.get(), FS_IOC_GET_ENCRYPTION_POLICY_EX, &found) != 0) {
    if (errno == ENODATA) return out;
    return refused("the file system has no encryption");
  }
  out.cipher = Cipher::Other;
  if (found.policy.version != FSCRYPT_POLICY_V2) return out;
  const auto& policy = found.policy.v2;
  if (policy.contents_encryption_mode == FSCRYPT_MODE_AES_256_XTS &&
      policy.filenames_encryption_mode == FSCRYPT_MODE_AES_256_CTS)
    out.cipher = Cipher::Aes256Xts;
  std::copy_n(policy.master_key_identifier, out.key.size(), out.key.begin());
  return out;
}

Result<KeyIdentifier> add_key(const Descriptor& folder, const SecretBytes& key) {
  // The argument ends in the key's bytes, so all of it is wiped.
  SecretBytes argument(sizeof(fscrypt_add_key_arg) + key.size());
  const auto bytes = argument.reveal_mutable();
  fscrypt_add_key_arg head{};
  head.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
  head.raw_size = static_cast<std::uint32_t>(key.size());
  std::memcpy(bytes.data(), &head, sizeof head);
  std::ranges::copy(key.reveal(), bytes.begin() + sizeof head);
  if (::ioctl(folder.get(), FS_IOC_ADD_ENCRYPTION_KEY, bytes.data()) != 0)
    return refused("the kernel does not take the key");
  std::memcpy(&head, bytes.data(), sizeof head);
  KeyIdentifier out{};
  std::copy_n(head.key_spec.u.identifier, out.size(), out.begin());
  return out;
}

Result<bool> remove_key(const Descriptor& folder, const KeyIdentifier& key) {
  fscrypt_remove_key_arg argument{};
  argument.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
  std::ranges::copy(key, argument.key_spec.u.identifier);
  if (::ioctl(folder.get(), FS_IOC_REMOVE_ENCRYPTION_KEY, &argument) != 0)
    return refused("the kernel does not give up the key");
  return argument.removal_status_flags == 0;
}

Result<void> set_policy(const Descriptor& folder, const KeyIdentifier& key) {
  fscrypt_policy_v2 policy{};
  policy.version = FSCRYPT_POLICY_V2;
  policy.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS;
  policy.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS;
  policy.flags = FSCRYPT_POLICY_FLAGS_PAD_32;
  std::ranges::copy(key, policy.master_key_identifier);
  if (::ioctl(folder.get(), FS_IOC_SET_ENCRYPTION_POLICY, &policy) != 0)
    return refused("the file system takes no encryption policy");
  return {};
}

Result<void> leave_host_mounts() {
  static bool left = false;  // the control thread's alone
  if (left) return {};
  if (::unshare(CLONE_NEWNS) != 0) return refused("no mounts of our own");
  // What the host mounts and unmounts later still comes here; nothing of ours goes there.
  if (::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return refused("no mounts of our own");
  left = true;
  return {};
}

bool has_loop_devices() { return Descriptor(::open("/dev/loop-control", O_RDWR | O_CLOEXEC)).get() >= 0; }

Result<LoopDevice> attach(const Descriptor& image) {
  const Descriptor control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (control.get() < 0) return refused("no loop devices (/dev/loop-control)");
  loop_config wanted{};
  wanted.fd = static_cast<std::uint32_t>(image.get());
  wanted.block_size = kBlockBytes;
  // Past the page cache of the outer file system: one copy in memory, and no other holds plaintext or not.
  wanted.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
  for (int attempt = 0; attempt < kAttachAttempts; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return refused("no free loop device");
    LoopDevice out{Descriptor(), fmt::format("/dev/loop{}", number)};
    out.device = Descriptor(::open(out.path.c_str(), O_RDWR | O_CLOEXEC));
    if (out.device.get() < 0) return refused(out.path);
    if (::ioctl(out.device.get(), LOOP_CONFIGURE, &wanted) == 0) return out;
    if (errno == EINVAL && wanted.block_size != 0)
      wanted.block_size = 0;  // the disk below has other blocks
    else if (errno == EINVAL && wanted.info.lo_flags != LO_FLAGS_AUTOCLEAR)
      wanted.info.lo_flags = LO_FLAGS_AUTOCLEAR;  // the file system below has no direct I/O
    else if (errno != EBUSY)  // somebody else was quicker
      return refused(out.path + " takes no file");
  }
  return fail(Errc::Io, "no loop device stays free for long enough");
}

Result<void> mount_ext4(const std::string& device, const std::string& folder) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME;
  // discard: what PostgreSQL deletes is given back to the disk. noinit_itable: a sparse file is zero already.
  if (::mount(device.c_str(), folder.c_str(), "ext4", kFlags, "discard,errors=remount-ro,noinit_itable") != 0)
    return refused("the image can't be mounted");
  return {};
}

bool unmount(const std::string& folder, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::umount2(folder.c_str(), UMOUNT_NOFOLLOW) != 0) {
    if (errno != EBUSY) return errno == EINVAL;  // EINVAL: nothing is mounted there
    if (std::chrono::steady_clock::now() >= deadline) {
      ::umount2(folder.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
      return false;
    }
    std::this_thread::sleep_for(kUnmountPause);
  }
  return true;
}

Result<void> grow_ext4(const Descriptor& folder, std::uint64_t bytes) {
  std::uint64_t blocks = bytes / kBlockBytes;
  if (::ioctl(folder.get(), kExt4Resize, &blocks) != 0) return refused("the file system in the image does not grow");
  return {};
}

}  // namespace bartizan::atrest
