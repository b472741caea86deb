#include "files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "bartizan/base/clock.hpp"

namespace bartizan::app {
namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;

Error io_error(const std::filesystem::path& path) {
  return {errno == ENOENT ? Errc::NotFound : Errc::Io, path.string() + ": " + std::strerror(errno)};
}

}  // namespace

Result<void> make_folder(const std::filesystem::path& path, mode_t mode) {
  std::error_code error;
  // A folder that is there already is somebody's: /etc and /tmp keep their modes.
  const bool made = std::filesystem::create_directories(path, error);
  if (error) return fail(Errc::Io, path.string() + ": " + error.message());
  if (made && ::chmod(path.c_str(), mode) != 0) return tl::unexpected(io_error(path));
  return {};
}

Result<void> write_file(const std::filesystem::path& path, ByteView content, mode_t mode) {
  const std::string beside = path.string() + ".new";
  ::unlink(beside.c_str());
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (file < 0) return tl::unexpected(io_error(beside));
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(file, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  // The mode in spite of the umask; everything on the disk before the name shows it.
  const bool whole = done == content.size() && ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const auto failure = io_error(beside);
  ::close(file);
  if (!whole) return tl::unexpected(failure);
  if (::rename(beside.c_str(), path.c_str()) != 0) return tl::unexpected(io_error(path));
  return {};
}

Result<SecretBytes> read_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return tl::unexpected(io_error(path));
  SecretBytes buffer(kMaxFileBytes);
  std::size_t done = 0;
  ssize_t n = 0;
  while (done < kMaxFileBytes && (n = ::read(file, buffer.reveal_mutable().data() + done, kMaxFileBytes - done)) > 0)
    done += static_cast<std::size_t>(n);
  const auto failure = io_error(path);
  ::close(file);
  if (n < 0) return tl::unexpected(failure);
  if (done == kMaxFileBytes) return fail(Errc::TooLarge, path.string() + " is larger than 1 MiB");
  return SecretBytes(buffer.reveal().first(done));
}

Result<SecretBytes> load_or_create_secret(const std::filesystem::path& path) {
  auto present = read_file(path);
  if (present && !present->empty()) return present;
  if (!present && present.error().code != Errc::NotFound) return present;
  std::array<std::byte, 24> random{};
  system_random().fill(random);
  SecretBytes made(hex_encode(random));
  secure_wipe(random.data(), random.size());
  BZ_CHECK(write_file(path, made.reveal(), 0600));
  return made;
}

}  // namespace bartizan::app
