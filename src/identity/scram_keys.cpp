#include "scram_keys.hpp"

#include <algorithm>
#include <functional>

#include "bartizan/crypto/hash.hpp"
#include "bartizan/crypto/pbkdf2.hpp"
#include "bartizan/identity/saslprep.hpp"
#include "bartizan/identity/scram_verifier.hpp"

namespace bartizan::identity {
namespace {

static_assert(kScramKeySize == crypto::kSha256Size);

SecretBytes take(crypto::Digest256& digest) {
  SecretBytes secret{ByteView(digest)};
  secure_wipe(digest.data(), digest.size());
  return secret;
}

}  // namespace

SecretBytes secret_hmac(ByteView key, std::string_view data) {
  auto digest = crypto::hmac_sha256(key, as_bytes(data));
  return take(digest);
}

SecretBytes secret_hash(ByteView data) {
  auto digest = crypto::sha256(data);
  return take(digest);
}

Result<ScramPasswordKeys> derive_scram_keys(std::string_view password, ByteView salt, std::uint32_t iterations) {
  BZ_TRY(const SecretBytes prepared, prepare_password(password));
  if (prepared.empty()) return fail(Errc::InvalidArgument, "password: empty");
  const SecretBytes salted = crypto::pbkdf2_hmac_sha256(prepared.reveal(), salt, iterations, kScramKeySize);
  ScramPasswordKeys keys;
  keys.client_key = secret_hmac(salted.reveal(), "Client Key");
  keys.stored_key = secret_hash(keys.client_key.reveal());
  keys.server_key = secret_hmac(salted.reveal(), "Server Key");
  return keys;
}

SecretBytes xor_keys(ByteView a, ByteView b) {
  BZ_ASSERT(a.size() == kScramKeySize && b.size() == kScramKeySize);
  SecretBytes result(kScramKeySize);
  std::ranges::transform(a, b, result.reveal_mutable().begin(), std::bit_xor<>());
  return result;
}

}  // namespace bartizan::identity
