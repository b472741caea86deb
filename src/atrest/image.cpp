#include "image.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>

#include "bartizan/base/log.hpp"
#include "bartizan/procs/child_process.hpp"
#include "kernel.hpp"

namespace bartizan::atrest {
namespace {

constexpr std::array<const char*, 2> kMkfs = {"/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"};
constexpr auto kMkfsTimeout = std::chrono::seconds(120);
constexpr auto kLockPause = std::chrono::milliseconds(50);
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
/// What ext4 holds with blocks of 4 KiB.
constexpr std::uint64_t kLargestImage = std::uint64_t{16} << 40;

const char* find_mkfs() {
  for (const char* path : kMkfs)
    if (::access(path, X_OK) == 0) return path;
  return nullptr;
}

tl::unexpected<Error> io_error(const std::string& path) {
  return fail(Errc::Io, fmt::format("{}: {}", path, std::generic_category().message(errno)));
}

/// What there is, and a share of what is free around it: the rest is left to the audit log and to others.
Result<std::uint64_t> fitting_size(const std::string& folder, std::uint64_t allocated) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return io_error(folder);
  const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  return std::min(allocated + free / 20 * 19, kLargestImage) / kMiB * kMiB;
}

/// The lock is the open file's, which the loop device keeps: as long as any process uses the image, nobody else gets
/// it. Mounted twice it would be destroyed.
Result<void> lock(const Descriptor& image, const std::string& path, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(image.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return io_error(path);
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Errc::Unavailable, path +
                                         " is still in use by another process: end it (fuser, losetup --associated), "
                                         "then start again");
    std::this_thread::sleep_for(kLockPause);
  }
  return {};
}

/// The size to which the file system in it is to grow; 0: it stays.
Result<std::uint64_t> make_room(const Descriptor& image, const std::string& path, std::uint64_t bytes) {
  struct stat now{};
  if (::fstat(image.get(), &now) != 0) return io_error(path);
  const auto size = static_cast<std::uint64_t>(now.st_size);
  std::uint64_t target = bytes / kMiB * kMiB;
  if (target == 0) {
    BZ_TRY(target,
           fitting_size(std::filesystem::path(path).parent_path(), static_cast<std::uint64_t>(now.st_blocks) * 512));
    if (target < size + size / 10) return 0;
  }
  if (target <= size) return 0;
  if (::ftruncate(image.get(), static_cast<off_t>(target)) != 0) return io_error(path);
  return target;
}

}  // namespace

Result<void> can_have_image() {
  if (find_mkfs() == nullptr) return fail(Errc::Unsupported, "mkfs.ext4 (package e2fsprogs) is missing");
  if (!has_loop_devices()) return fail(Errc::Unsupported, "no loop devices that we may use");
  return leave_host_mounts();
}

Result<void> make_image(const std::string& image, std::uint64_t bytes) {
  if (bytes == 0) {
    BZ_TRY(bytes, fitting_size(std::filesystem::path(image).parent_path(), 0));
  }
  if (bytes < kSmallestImage) return fail(Errc::Unsupported, "less than 256 MiB for an image");
  {
    const Descriptor file(::open(image.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0 || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return io_error(image);
  }
  procs::Command command;
  // An inode for 32 KiB: an empty database has 300 files in 7 MiB.
  command.argv = {find_mkfs(),
                  "-q",
                  "-F",
                  "-b",
                  "4096",
                  "-m",
                  "0",
                  "-i",
                  "32768",
                  "-O",
                  "encrypt",
                  "-E",
                  "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0",
                  image};
  command.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}};
  command.standard_error = procs::Capture{4096};
  BZ_TRY(const auto done, procs::run(command, std::chrono::steady_clock::now() + kMkfsTimeout));
  if (!done.status.success()) return fail(Errc::Unsupported, "mkfs.ext4 failed: " + done.standard_error);
  return {};
}

Result<void> mount_image(const std::string& image, const std::string& folder, std::uint64_t bytes,
                         std::chrono::milliseconds patience) {
  const Descriptor file(::open(image.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0) return io_error(image);
  BZ_CHECK(lock(file, image, patience));
  BZ_TRY(const auto grown, make_room(file, image, bytes));
  BZ_TRY(const auto loop, attach(file));
  BZ_CHECK(mount_ext4(loop.path, folder));
  if (grown == 0) return {};
  BZ_TRY(const auto mounted, open_folder(folder));
  // It goes on with the size that it has, and is tried again at the next start.
  if (const auto done = grow_ext4(mounted, grown); !done)
    BZ_LOG(Warn, "at_rest.image_not_grown", {"reason", done.error().detail});
  return {};
}

}  // namespace bartizan::atrest
