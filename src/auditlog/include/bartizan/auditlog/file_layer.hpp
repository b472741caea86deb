// The few file operations that the provable log stands on, as an interface, so that tests can
// drop what was not synced at any point, fill the disk, fail or slow a sync.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::auditlog {

/// One open file. One thread at a time. What is written survives a power cut only after sync(),
/// and after a failed sync() nothing may be assumed about it.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;
  /// Fewer bytes than asked for only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t bytes) = 0;
  /// Sets space aside, so that later writes below that offset don't find the disk full.
  [[nodiscard]] virtual Result<void> allocate(std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
};

enum class OpenMode : std::uint8_t {
  Read,
  CreateNew,  ///< AlreadyExists when it does
  Replace,    ///< made if need be, emptied
};

/// Thread-safe. Names become durable by sync_directory() of their folder.
class FileLayer {
 public:
  virtual ~FileLayer() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Atomic; replaces the target.
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Names of the files and folders inside; NotFound when there is no such folder.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  /// With its parents, mode 0700; durable when it returns, whether or not it was there before.
  [[nodiscard]] virtual Result<void> make_directory(const std::string& directory) = 0;
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& directory) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes(const std::string& directory) = 0;
  /// Held until the object ends; FailedPrecondition when another process holds it.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  [[nodiscard]] virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
};

/// The operating system's files.
[[nodiscard]] FileLayer& system_files();

}  // namespace bartizan::auditlog
