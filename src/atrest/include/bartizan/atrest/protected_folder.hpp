// A folder whose files lie encrypted on the disk while it is closed, and are readable while it is open
// (docs/formats/at-rest.md). How, is chosen when it is made: fscrypt where the file system has it, else an image with
// such a file system where mounting is permitted, else gocryptfs where it is installed.
//
// An image is mounted in a mount namespace of this process's own: nobody else sees the files by their path, and
// when the last process that uses them ends, however it ends, the kernel unmounts it and forgets the key (ADR 0240).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/base/uuid.hpp"

namespace bartizan::atrest {

enum class Method : std::uint8_t { None, Fscrypt, Image, Gocryptfs };
/// The word of the record.
[[nodiscard]] std::string_view to_string(Method method) noexcept;

enum class Wanted : std::uint8_t {
  Auto,     ///< where there are means, and without where there are none
  Require,  ///< no start without
  Off,      ///< nothing new is encrypted; what is, is opened
};

inline constexpr std::size_t kStorageKeyBytes = 64;

struct StorageKey {
  std::uint32_t id = 0;
  SecretBytes bytes;  ///< kStorageKeyBytes
};
/// The key of these files: this version, or a new one for files that are just being made.
using KeySource = std::function<Result<StorageKey>(const Uuid& storage, std::optional<std::uint32_t> key)>;

struct Request {
  std::string folder;  ///< absolute; its parent is there, and belongs to this process's user
  Wanted wanted = Wanted::Auto;
  bool plain_data = false;      ///< there is data in the clear already, beside the folder
  std::optional<gid_t> group;   ///< whose members must be able to pass to path()
  std::uint64_t image_bytes = 0;  ///< of a new image, or what one is to grow to; 0: by the space on the disk
  KeySource key;
  /// For what a killed process has left to come to its end.
  std::chrono::milliseconds patience = std::chrono::seconds(40);
};

/// Open until close() or its end. Move-only; open() and close() from one thread, the rest from any.
class ProtectedFolder {
 public:
  /// Where it can't be had and is not required: one with Method::None and the reason. FailedPrecondition: it is
  /// required, or the files that are there are not as their record says; Crypto: they are under another key;
  /// Unavailable: still in use; else what the key source says.
  [[nodiscard]] static Result<ProtectedFolder> open(const Request& request);
  ProtectedFolder(ProtectedFolder&&) noexcept;
  ProtectedFolder& operator=(ProtectedFolder&&) noexcept;
  ~ProtectedFolder();

  [[nodiscard]] Method method() const noexcept;
  /// Where protected files go; empty with Method::None.
  [[nodiscard]] const std::string& path() const noexcept;
  /// For people: "AES-256-XTS, fscrypt on an ext4 image", or why it is not held.
  [[nodiscard]] const std::string& how() const noexcept;
  /// 0 with Method::None.
  [[nodiscard]] std::uint32_t key() const noexcept;
  /// The key is taken away, the image unmounted. REQUIRES: no process uses the files any more. Idempotent.
  void close() noexcept;

 private:
  struct State;
  explicit ProtectedFolder(std::unique_ptr<State> state);
  static Result<ProtectedFolder> open_recorded(const Request& request);
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::atrest
