#include "bartizan/vault/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace bartizan::vault {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> io(const std::filesystem::path& path, const char* what) {
  return fail(Errc::Io, path.string() + ": " + what + ": " + std::strerror(errno));
}
tl::unexpected<Error> refused(const std::filesystem::path& path, const char* why) {
  return fail(Errc::PermissionDenied, path.string() + " " + why);
}

Result<void> write_all(int fd, ByteView content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const auto done = ::write(fd, content.data(), content.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return io(path, "cannot be written");
    content = content.subspan(static_cast<std::size_t>(done));
  }
  if (::fsync(fd) != 0) return io(path, "cannot be made durable");
  return {};
}

/// rename(2) replaces; link(2) fails where there is one already.
Result<void> put_in_place(const std::filesystem::path& beside, const std::filesystem::path& path, Replace replace) {
  if (replace == Replace::Yes) {
    if (::rename(beside.c_str(), path.c_str()) != 0) return io(path, "cannot be put in place");
  } else if (::link(beside.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) return fail(Errc::AlreadyExists, path.string() + " is there already");
    return io(path, "cannot be put in place");
  }
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return io(path, "cannot be made durable");
  return {};
}

}  // namespace

Result<SecretBytes> read_private_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return fail(Errc::NotFound, path.string() + " is not there");
  if (file.get() < 0) return io(path, "cannot be opened");
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return io(path, "cannot be examined");
  if (!S_ISREG(info.st_mode)) return refused(path, "is not a plain file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) return refused(path, "belongs to another user");
  if ((info.st_mode & 0077) != 0) return refused(path, "is open to others; chmod it to 0600");
  if (info.st_size < 0 || static_cast<std::uintmax_t>(info.st_size) > max_bytes)
    return fail(Errc::TooLarge, path.string() + " is too long");

  SecretBytes content(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < content.size()) {
    const auto got = ::read(file.get(), content.reveal_mutable().data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io(path, "cannot be read");
    if (got == 0) return fail(Errc::Io, path.string() + " became shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
  return content;
}

Result<void> write_private_file(const std::filesystem::path& path, ByteView content, Replace replace, Random& random) {
  std::array<std::byte, 8> suffix{};
  random.fill(suffix);
  auto beside = path;
  beside += ".new-" + hex_encode(suffix);
  Result<void> written;
  {
    const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return io(path, "cannot be created");
    written = write_all(file.get(), content, path);
  }
  if (written) written = put_in_place(beside, path, replace);
  ::unlink(beside.c_str());  // where it was renamed there is none
  return written;
}

}  // namespace bartizan::vault
