// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677): salt,
// iteration count, StoredKey and ServerKey, in PostgreSQL's text form (pg_authid.rolpassword):
//   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>      (the last three in base64)
// It does not give the password, but ServerKey lets its holder play the server, and StoredKey
// lets one guess offline: it is a secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::identity {

inline constexpr std::size_t kScramKeySize = 32;
inline constexpr std::size_t kScramSaltSize = 16;  ///< of the salts made here and by PostgreSQL
inline constexpr std::size_t kMaxScramSaltSize = 256;
inline constexpr std::uint32_t kDefaultScramIterations = 4096;
/// A verifier's count costs its clients, not us; this keeps out only what no client could bear.
inline constexpr std::uint32_t kMaxVerifierIterations = 10'000'000;

/// What an exchange shows of a verifier before any proof.
struct ScramShape {
  std::uint32_t iterations = kDefaultScramIterations;
  std::size_t salt_bytes = kScramSaltSize;
  friend auto operator<=>(const ScramShape&, const ScramShape&) = default;
};

/// Immutable; move-only, since it is a secret (clone() where a copy is meant).
/// Invariant: 1 <= iterations <= kMaxVerifierIterations, a salt of 1 to kMaxScramSaltSize bytes,
/// both keys of kScramKeySize bytes.
class ScramVerifier {
 public:
  /// Strict: canonical base64, no leading zeros, nothing before or after. Malformed or TooLarge.
  [[nodiscard]] static Result<ScramVerifier> parse(std::string_view text);

  /// Runs PBKDF2: never on an I/O loop. Empty passwords are refused, as PostgreSQL does.
  [[nodiscard]] static Result<ScramVerifier> from_password(std::string_view password, ByteView salt,
                                                           std::uint32_t iterations);

  /// For a name that does not exist: the same name gets the same salt each time, as a known one
  /// would, and nobody knows a password for it. mock_secret: at least 16 bytes, kept for as long
  /// as names should look steady. REQUIRES: a shape within the invariant. Another shape brings
  /// another salt, as a new password would.
  [[nodiscard]] static ScramVerifier mock(std::string_view user_name, ByteView mock_secret, ScramShape shape);

  /// PostgreSQL's text form.
  [[nodiscard]] SecretBytes to_string() const;
  [[nodiscard]] ScramVerifier clone() const;

  [[nodiscard]] std::uint32_t iterations() const noexcept { return iterations_; }
  [[nodiscard]] ByteView salt() const noexcept { return salt_; }
  [[nodiscard]] const SecretBytes& stored_key() const noexcept { return stored_key_; }
  [[nodiscard]] const SecretBytes& server_key() const noexcept { return server_key_; }

 private:
  ScramVerifier(std::uint32_t iterations, Bytes salt, SecretBytes stored_key, SecretBytes server_key);

  std::uint32_t iterations_;
  Bytes salt_;
  SecretBytes stored_key_;
  SecretBytes server_key_;
};

/// Is this text meant as a verifier, rather than as a password or an md5 hash? (prefix only)
[[nodiscard]] bool looks_like_scram_verifier(std::string_view text) noexcept;

}  // namespace bartizan::identity
