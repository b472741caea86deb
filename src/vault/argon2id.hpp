// Argon2id (RFC 9106, version 0x13) by the reference library. Slow and large on purpose: never
// on an I/O loop.
#pragma once

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/vault/argon2_cost.hpp"

namespace bartizan::vault {

inline constexpr std::size_t kArgon2SaltBytes = 16;
inline constexpr std::size_t kMaxPassphraseBytes = 4096;

/// 32 bytes. InvalidArgument for a cost, passphrase (1 to kMaxPassphraseBytes) or salt that can't
/// be; ResourceExhausted when the memory is not to be had.
[[nodiscard]] Result<SecretBytes> argon2id(const SecretBytes& passphrase, ByteView salt, const Argon2Cost& cost);

}  // namespace bartizan::vault
