// Signed notes (C2SP signed-note) with Ed25519 (RFC 8032): a text, a blank line, and signature
// lines "— name base64(key id || signature)". Keys are texts as well:
//   verifier  name+hex(key id)+base64(type || public key)
//   signer    PRIVATE+KEY+name+hex(key id)+base64(type || seed)
// type is 1 for a log's signature, 4 for a witness's timestamped cosignature.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::audit {

enum class KeyType : std::uint8_t { Ed25519 = 1, Cosignature = 4 };

inline constexpr std::size_t kMaxNoteBytes = 64 * 1024;
inline constexpr std::size_t kMaxNoteSignatures = 64;

/// Not empty, no spaces or control characters, no '+', at most 255 bytes of UTF-8.
[[nodiscard]] bool is_key_name(std::string_view name);

/// A public key under a name. A value; verify is thread-safe.
class NoteVerifier {
 public:
  static constexpr std::size_t kPublicSize = 32;
  using PublicKey = std::array<std::byte, kPublicSize>;

  [[nodiscard]] static Result<NoteVerifier> parse(std::string_view key);
  /// An Ed25519 key from base64(type || public key) alone, whose id follows. Malformed.
  [[nodiscard]] static Result<NoteVerifier> from_bytes(std::string name, std::string_view base64);
  /// REQUIRES: is_key_name(name).
  NoteVerifier(KeyType type, std::string name, const PublicKey& key);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] KeyType type() const noexcept { return type_; }
  [[nodiscard]] std::string to_string() const;
  /// The same key under another name, as the trees of one log have it.
  [[nodiscard]] NoteVerifier named(std::string name) const { return {type_, std::move(name), key_}; }
  /// signature is what follows the key id: 64 bytes, or 8 of time and 64.
  [[nodiscard]] bool verify(std::string_view text, ByteView signature) const;

 private:
  KeyType type_;
  std::string name_;
  PublicKey key_;
  std::uint32_t id_;
};

/// A private key. Move-only, wiped at its end; sign is const and thread-safe.
class NoteSigner {
 public:
  [[nodiscard]] static Result<NoteSigner> parse(std::string_view key);
  /// InvalidArgument unless is_key_name(name).
  [[nodiscard]] static Result<NoteSigner> generate(KeyType type, std::string name, Random& random);

  /// For writing the key file; nothing else needs it.
  [[nodiscard]] SecretBytes to_text() const;
  [[nodiscard]] const NoteVerifier& verifier() const noexcept { return verifier_; }
  [[nodiscard]] NoteSigner named(std::string name) const;
  /// The signature line for a text that ends in a newline. now is used by cosignatures alone.
  [[nodiscard]] std::string sign(std::string_view text, WallTime now) const;

 private:
  NoteSigner(SecretBytes seed, NoteVerifier verifier) : seed_(std::move(seed)), verifier_(std::move(verifier)) {}
  SecretBytes seed_;
  NoteVerifier verifier_;
};

struct NoteSignature {
  std::string name;
  std::uint32_t key_id = 0;
  Bytes signature;
  std::string line;  ///< with its newline
};

/// A note whose form is right; no signature has been looked at.
struct Note {
  std::string text;  ///< with its last newline
  std::vector<NoteSignature> signatures;
};
[[nodiscard]] Result<Note> parse_note(std::string_view note);

/// True when one of the note's signatures is the key's and is good. False as well when a
/// signature that carries the key's name and id is bad.
[[nodiscard]] bool signed_by(const Note& note, const NoteVerifier& key);

/// The time inside a cosignature, in seconds since 1970; 0 when it is not one.
[[nodiscard]] std::uint64_t cosignature_time(const NoteSignature& signature);

}  // namespace bartizan::audit
