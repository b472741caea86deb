#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {
namespace {

tl::unexpected<Error> failed(const std::string& what, int error) {
  const Errc code = error == ENOENT ? Errc::NotFound : error == EEXIST ? Errc::AlreadyExists : Errc::Io;
  return fail(code, what + ": " + std::strerror(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return failed("write " + path_, n < 0 ? errno : EIO);
      offset += static_cast<std::uint64_t>(n);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("read " + path_, errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return failed("fdatasync " + path_, errno);
    return {};
  }

  Result<void> truncate(std::uint64_t bytes) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) return failed("ftruncate " + path_, errno);
    return {};
  }

  Result<void> allocate(std::uint64_t bytes) override {
    const int error = ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
    // A file system without it still refuses when it is full, only later.
    if (error != 0 && error != EOPNOTSUPP) return failed("fallocate " + path_, error);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return failed("fstat " + path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

 private:
  Descriptor fd_;
  const std::string path_;
};

class PosixLock final : public FileLayer::Lock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  [[nodiscard]] int get() const noexcept { return fd_.get(); }

 private:
  Descriptor fd_;
};

class PosixFiles final : public FileLayer {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | O_NOFOLLOW;
    switch (mode) {
      case OpenMode::Read: flags |= O_RDONLY; break;
      case OpenMode::CreateNew: flags |= O_RDWR | O_CREAT | O_EXCL; break;
      case OpenMode::Replace: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
    }
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) return failed("open " + path, errno);
    return std::make_unique<PosixFile>(fd, path);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename " + from, errno);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (std::remove(path.c_str()) != 0) return failed("remove " + path, errno);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator at(directory, error);
    for (; !error && at != std::filesystem::directory_iterator(); at.increment(error))
      names.push_back(at->path().filename().string());
    if (error) return failed("list " + directory, error.value());
    return names;
  }

  Result<void> make_directory(const std::string& directory) override {
    const auto slash = directory.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : directory.substr(0, slash);
    int error = ::mkdir(directory.c_str(), 0700) == 0 ? 0 : errno;
    if (error == ENOENT && parent.size() < directory.size() && parent != ".") {
      BZ_CHECK(make_directory(parent));
      error = ::mkdir(directory.c_str(), 0700) == 0 ? 0 : errno;
    }
    if (error != 0 && error != EEXIST) return failed("mkdir " + directory, error);
    return sync_directory(parent);
  }

  Result<void> sync_directory(const std::string& directory) override {
    const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return failed("open " + directory, errno);
    if (::fsync(fd.get()) != 0) return failed("fsync " + directory, errno);
    return {};
  }

  Result<std::uint64_t> free_bytes(const std::string& directory) override {
    struct statvfs info{};
    if (::statvfs(directory.c_str(), &info) != 0) return failed("statvfs " + directory, errno);
    return std::uint64_t{info.f_bavail} * info.f_frsize;
  }

  Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
    auto held = std::make_unique<PosixLock>(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (held->get() < 0) return failed("open " + path, errno);
    if (::flock(held->get(), LOCK_EX | LOCK_NB) != 0)
      return fail(Errc::FailedPrecondition, path + " is held by another process");
    return held;
  }
};

}  // namespace

FileLayer& system_files() {
  static PosixFiles files;
  return files;
}

}  // namespace bartizan::auditlog
