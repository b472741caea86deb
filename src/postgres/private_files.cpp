#include "private_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace bartizan::postgres {
namespace {

class File {
 public:
  explicit File(int fd) noexcept : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

tl::unexpected<Error> io_error(const char* action, const std::string& path) {
  const int number = errno;
  const auto code = number == ENOENT                      ? Errc::NotFound
                    : number == EEXIST                    ? Errc::AlreadyExists
                    : number == EACCES || number == EPERM ? Errc::PermissionDenied
                                                          : Errc::Io;
  return fail(code, std::string(action) + " " + path + ": " + std::generic_category().message(number));
}

Result<void> write_all(int fd, ByteView content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("can't write", path);
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

/// Only when it changes something: without privilege giving to oneself may be refused too.
bool give_to(int fd, Owner owner) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return false;
  return (info.st_uid == owner.uid && info.st_gid == owner.gid) || ::fchown(fd, owner.uid, owner.gid) == 0;
}

}  // namespace

Result<void> ensure_directory(const std::string& path, Owner owner, mode_t mode) {
  const bool created = ::mkdir(path.c_str(), 0700) == 0;
  if (!created && errno != EEXIST) return io_error("can't make", path);
  const File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return io_error("can't open folder", path);
  struct stat info = {};
  if (::fstat(folder.get(), &info) != 0) return io_error("can't look at", path);
  if (!created && info.st_uid != owner.uid)
    return fail(Errc::FailedPrecondition, path + " belongs to user id " + std::to_string(info.st_uid) + ", not to " +
                                              std::to_string(owner.uid) +
                                              ": choose another data folder, or give it back with chown -R");
  if (!give_to(folder.get(), owner)) return io_error("can't chown", path);
  if (::fchmod(folder.get(), mode) != 0) return io_error("can't chmod", path);
  return {};
}

Result<void> create_file(const std::string& path, ByteView content, Owner owner, mode_t mode) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return io_error("can't create", path);
  BZ_CHECK(write_all(file.get(), content, path));
  if (!give_to(file.get(), owner)) return io_error("can't chown", path);
  if (::fchmod(file.get(), mode) != 0) return io_error("can't chmod", path);
  if (::fsync(file.get()) != 0) return io_error("can't sync", path);
  return {};
}

Result<void> replace_file(const std::string& path, ByteView content, Owner owner, mode_t mode) {
  const std::string temporary = path + ".new";
  remove_file(temporary);
  BZ_CHECK(create_file(temporary, content, owner, mode));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error("can't rename to", path);
  return {};
}

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
  // Non-blocking, so that a FIFO put in its place can't hold us.
  const File file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return io_error("can't read", path);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fail(Errc::Io, path + " is not a regular file");
  std::string text(limit + 1, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::read(file.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("can't read", path);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  if (done > limit) return fail(Errc::TooLarge, path + " is larger than expected");
  text.resize(done);
  return text;
}

void remove_file(const std::string& path) noexcept { ::unlink(path.c_str()); }

}  // namespace bartizan::postgres
