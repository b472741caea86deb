#include "ed25519.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "bartizan/base/result.hpp"

namespace bartizan::audit {
namespace {

struct KeyDelete {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct ContextDelete {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyDelete>;
using Context = std::unique_ptr<EVP_MD_CTX, ContextDelete>;

const unsigned char* octets(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

Key private_key(ByteView seed) {
  BZ_ASSERT(seed.size() == kEd25519Seed);
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, octets(seed), seed.size()));
  BZ_ASSERT(key != nullptr);
  return key;
}

}  // namespace

std::array<std::byte, 32> ed25519_public_key(ByteView seed) {
  const Key key = private_key(seed);
  std::array<std::byte, 32> out;
  std::size_t size = out.size();
  BZ_ASSERT(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1 &&
            size == out.size());
  return out;
}

std::array<std::byte, 64> ed25519_sign(ByteView seed, ByteView message) {
  const Key key = private_key(seed);
  const Context context(EVP_MD_CTX_new());
  std::array<std::byte, 64> out;
  std::size_t size = out.size();
  BZ_ASSERT(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  BZ_ASSERT(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, octets(message),
                           message.size()) == 1 &&
            size == out.size());
  return out;
}

bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature) {
  if (public_key.size() != 32 || signature.size() != kEd25519Signature) return false;
  ERR_set_mark();
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(public_key), public_key.size()));
  const Context context(EVP_MD_CTX_new());
  const bool good =
      key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(message), message.size()) == 1;
  ERR_pop_to_mark();
  return good;
}

}  // namespace bartizan::audit
