#include "argon2id.hpp"

#include <argon2.h>

namespace bartizan::vault {

Result<SecretBytes> argon2id(const SecretBytes& passphrase, ByteView salt, const Argon2Cost& cost) {
  if (!cost.is_valid() || salt.size() != kArgon2SaltBytes)
    return fail(Errc::InvalidArgument, "the cost of Argon2id is out of range");
  if (passphrase.empty() || passphrase.size() > kMaxPassphraseBytes)
    return fail(Errc::InvalidArgument, "a passphrase has 1 to 4096 bytes");
  SecretBytes key(32);
  const int status =
      argon2id_hash_raw(cost.passes, cost.memory_kib, cost.lanes, passphrase.reveal().data(), passphrase.size(),
                        salt.data(), salt.size(), key.reveal_mutable().data(), key.size());
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR || status == ARGON2_THREAD_FAIL)
    return fail(Errc::ResourceExhausted, "Argon2id does not get the memory or threads that it needs");
  if (status != ARGON2_OK) return fail(Errc::Internal, "Argon2id failed");
  return key;
}

}  // namespace bartizan::vault
