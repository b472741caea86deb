// gocryptfs(1): files encrypted by a process of the user's own, for who has no rights on a file system that does not
// encrypt. AES-256-GCM in blocks of 4 KiB, names by AES-256-EME. Debian's packages gocryptfs and fuse3.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/procs/child_process.hpp"
#include "kernel.hpp"

namespace bartizan::atrest {

/// Unsupported, with what is missing: the programs, /dev/fuse; or that we are root, whose PostgreSQL is another user's
/// and would not see the files.
[[nodiscard]] Result<void> can_have_gocryptfs();

/// A mounted folder, which this object holds open. When we die without unmount(), the process that serves it stays until
/// PostgreSQL has closed its files as well: ended in the midst of a write, it would leave a block that does not open.
/// Then it unmounts and ends by itself. One thread at a time; move-only.
class GocryptfsMount {
 public:
  /// cipher: an empty folder is made into one of gocryptfs under this key, anything else must be one. folder: what is still
  /// mounted there of a killed process is taken off. key: its first 32 bytes are used; they go through a pipe.
  /// Crypto: another key; FailedPrecondition: cipher holds files that are not gocryptfs's; Io, Unavailable: what it says.
  [[nodiscard]] static Result<GocryptfsMount> mount(const std::string& cipher, const std::string& folder,
                                                    const SecretBytes& key);
  GocryptfsMount(GocryptfsMount&&) noexcept = default;
  GocryptfsMount& operator=(GocryptfsMount&&) = delete;
  ~GocryptfsMount();

  /// False: files are still open, and the folder goes when they are closed. REQUIRES: once.
  [[nodiscard]] bool unmount(std::chrono::milliseconds patience) noexcept;

 private:
  GocryptfsMount(procs::ChildProcess server, std::string folder, Descriptor held)
      : server_(std::move(server)), folder_(std::move(folder)), held_(std::move(held)) {}
  procs::ChildProcess server_;
  std::string folder_;  ///< empty: unmounted
  Descriptor held_;
};

/// Whether it works here, with a key that is thrown away. inside: an empty folder, left empty.
[[nodiscard]] Result<void> try_gocryptfs(const std::string& inside);

}  // namespace bartizan::atrest
