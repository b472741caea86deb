// The root key and what it seals. Until the key hierarchy exists, secret columns of the control
// database are AES-256-GCM under one key in a 0600 file beside it, so that a dump of the
// database alone gives no secret away. The associated data is table, column and row id: a value
// moved to another row, column or table does not open. Format: docs/formats/control-schema.md.
#pragma once

#include <filesystem>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/base/uuid.hpp"
#include "bartizan/crypto/aead.hpp"

namespace bartizan::store {

/// Where a sealed value stands; the AEAD's associated data.
struct SealedPlace {
  std::string_view table;
  std::string_view column;
  Uuid id;
};

/// 32 bytes. Move-only, wiped at its end. Thread-safe once made.
class RootKey {
 public:
  /// The file's key; a new one when there is no such file (written to the side, fsynced, renamed
  /// into place without ever replacing a file). FailedPrecondition if the file is open to others
  /// (mode other than 0600 or 0400), not ours or root's, or not a key.
  [[nodiscard]] static Result<RootKey> load_or_create(const std::filesystem::path& path, Random& random);
  /// For tests and for keys from elsewhere. InvalidArgument unless 32 bytes.
  [[nodiscard]] static Result<RootKey> from_bytes(SecretBytes key);

  [[nodiscard]] Result<Bytes> seal(const SealedPlace& place, const SecretBytes& plaintext, Random& random) const;
  /// Crypto if it was not sealed by this key for this very place.
  [[nodiscard]] Result<SecretBytes> open(const SealedPlace& place, ByteView sealed) const;

 private:
  explicit RootKey(crypto::SealingKey key) : key_(std::move(key)) {}
  crypto::SealingKey key_;
};

}  // namespace bartizan::store
