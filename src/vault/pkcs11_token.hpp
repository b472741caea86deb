// A logged-in session with one token, in our own types: the only file that sees PKCS #11's header
// is its .cpp. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::vault {

inline constexpr std::size_t kTokenNonceBytes = 12;
inline constexpr std::size_t kTokenTagBytes = 16;

class Pkcs11Token {
 public:
  using KeyHandle = unsigned long;

  [[nodiscard]] static Result<std::unique_ptr<Pkcs11Token>> open(const std::filesystem::path& module,
                                                                 const std::string& token_label,
                                                                 const SecretBytes& pin);
  ~Pkcs11Token();

  /// The CKA_IDs of the AES keys under a label.
  [[nodiscard]] Result<std::vector<Bytes>> key_ids(const std::string& label);
  /// nullopt when there is none; FailedPrecondition when there are two.
  [[nodiscard]] Result<std::optional<KeyHandle>> find_key(const std::string& label, ByteView id);
  [[nodiscard]] Result<void> generate_key(const std::string& label, ByteView id);
  [[nodiscard]] Result<void> destroy_key(KeyHandle key);
  /// AES-256-GCM: ciphertext and tag.
  [[nodiscard]] Result<Bytes> encrypt(KeyHandle key, ByteView nonce, ByteView aad, ByteView plaintext);
  /// Crypto when it does not open.
  [[nodiscard]] Result<SecretBytes> decrypt(KeyHandle key, ByteView nonce, ByteView aad, ByteView sealed);

 private:
  struct State;
  explicit Pkcs11Token(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::vault
