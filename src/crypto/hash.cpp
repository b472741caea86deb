#include "bartizan/crypto/hash.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "bartizan/base/result.hpp"
#include "openssl_handles.hpp"

namespace bartizan::crypto {
namespace {

/// A keyless HMAC-SHA-256 context, made once; each call works on a duplicate, which is cheaper
/// than looking the algorithm up again.
const EVP_MAC_CTX* hmac_template() {
  static const MacContext context = [] {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
    BZ_ASSERT(mac != nullptr);
    MacContext made(EVP_MAC_CTX_new(mac));
    EVP_MAC_free(mac);  // the context keeps its own reference
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    BZ_ASSERT(made && EVP_MAC_CTX_set_params(made.get(), parameters) == 1);
    return made;
  }();
  return context.get();
}

}  // namespace

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  BZ_ASSERT(algorithm != nullptr);
  return algorithm;
}

Digest256 sha256(ByteView data) { return sha256_concat({data}); }

Digest256 sha256_concat(std::initializer_list<ByteView> parts) {
  const MdContext context(EVP_MD_CTX_new());
  BZ_ASSERT(context && EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1);
  for (const auto part : parts) BZ_ASSERT(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  Digest256 digest;
  unsigned size = 0;
  BZ_ASSERT(EVP_DigestFinal_ex(context.get(), writable_octets(digest), &size) == 1 && size == kSha256Size);
  return digest;
}

Digest256 hmac_sha256(ByteView key, ByteView data) {
  // A null key would mean "keep the former one" to OpenSSL; an empty key is a key.
  static constexpr unsigned char kNoOctets[1] = {};
  const MacContext context(EVP_MAC_CTX_dup(hmac_template()));
  const auto* key_octets = key.empty() ? kNoOctets : octets(key);
  BZ_ASSERT(context && EVP_MAC_init(context.get(), key_octets, key.size(), nullptr) == 1);
  BZ_ASSERT(EVP_MAC_update(context.get(), octets(data), data.size()) == 1);
  Digest256 digest;
  std::size_t size = 0;
  BZ_ASSERT(EVP_MAC_final(context.get(), writable_octets(digest), &size, digest.size()) == 1 && size == kSha256Size);
  return digest;
}

}  // namespace bartizan::crypto
