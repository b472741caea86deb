// The key arithmetic of RFC 5802 section 3, shared by verifier, server and client.
#pragma once

#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::identity {

struct ScramPasswordKeys {
  SecretBytes client_key;
  SecretBytes stored_key;
  SecretBytes server_key;
};

/// HMAC whose result is a secret.
[[nodiscard]] SecretBytes secret_hmac(ByteView key, std::string_view data);
/// H of a secret, itself a secret: StoredKey from ClientKey.
[[nodiscard]] SecretBytes secret_hash(ByteView data);

/// SaltedPassword (PBKDF2, the slow step) and the keys from it. The password is prepared here.
/// REQUIRES: iterations and salt within bounds. InvalidArgument: an empty password; TooLarge.
[[nodiscard]] Result<ScramPasswordKeys> derive_scram_keys(std::string_view password, ByteView salt,
                                                          std::uint32_t iterations);

/// a XOR b, of kScramKeySize bytes each: ClientProof from ClientKey and ClientSignature, and back.
[[nodiscard]] SecretBytes xor_keys(ByteView a, ByteView b);

}  // namespace bartizan::identity
