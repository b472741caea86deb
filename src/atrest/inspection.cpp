#include "bartizan/atrest/inspection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fscrypt.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fstream>

namespace bartizan::atrest {
namespace {

constexpr int kMostLayers = 8;

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

bool by_fscrypt(const std::filesystem::path& folder, Finding& out) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  fscrypt_get_policy_ex_arg policy{};
  policy.policy_size = sizeof(policy.policy);
  const bool has = ::ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, &policy) == 0;
  ::close(fd);
  if (!has) return false;
  const auto mode = policy.policy.version == FSCRYPT_POLICY_V2 ? policy.policy.v2.contents_encryption_mode
                                                               : policy.policy.v1.contents_encryption_mode;
  out.held = mode == FSCRYPT_MODE_AES_256_XTS;
  out.how = out.held ? "fscrypt, AES-256-XTS" : fmt::format("fscrypt with another cipher (mode {})", mode);
  return true;
}

/// The device, or one that it lies on.
bool is_dm_crypt(const std::filesystem::path& block, int layers) {
  if (first_line(block / "dm" / "uuid").starts_with("CRYPT-")) return true;
  std::error_code error;
  bool all = layers > 0;
  bool any = false;
  for (std::filesystem::directory_iterator slave(block / "slaves", error), end; all && !error && slave != end;
       slave.increment(error)) {
    any = true;
    all = is_dm_crypt(slave->path(), layers - 1);
  }
  return any && all && !error;
}

/// Of the mount with this device: the last one that is told, since it lies above the others.
std::string type_of_mount(dev_t device) {
  std::ifstream in("/proc/self/mountinfo");
  const auto wanted = fmt::format(" {}:{} ", major(device), minor(device));
  std::string type = "unknown";
  for (std::string line; std::getline(in, line);) {
    const auto separator = line.find(" - ");
    if (line.find(wanted) == std::string::npos || separator == std::string::npos) continue;
    type = line.substr(separator + 3, line.find(' ', separator + 3) - separator - 3);
  }
  return type;
}

}  // namespace

Finding inspect(const std::filesystem::path& folder) {
  Finding out;
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) {
    out.how = "the folder can't be looked at";
    return out;
  }
  if (by_fscrypt(folder, out)) return out;
  if (is_dm_crypt(fmt::format("/sys/dev/block/{}:{}", major(info.st_dev), minor(info.st_dev)), kMostLayers))
    return {true, "dm-crypt below the file system"};
  const auto type = type_of_mount(info.st_dev);
  if (type == "fuse.gocryptfs") return {true, "gocryptfs, AES-256-GCM"};
  out.how = fmt::format("not held: {} without fscrypt, no dm-crypt below it", type);
  return out;
}

}  // namespace bartizan::atrest
