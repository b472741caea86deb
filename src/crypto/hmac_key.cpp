#include "bartizan/crypto/hmac_key.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "bartizan/base/result.hpp"
#include "openssl_handles.hpp"

namespace bartizan::crypto {

struct HmacSha256Key::State {
  MacContext context;
};

HmacSha256Key::HmacSha256Key(ByteView key) : state_(std::make_unique<State>()) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  BZ_ASSERT(mac != nullptr);
  state_->context.reset(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac);  // the context keeps its own reference
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  // A null key would mean "none" to OpenSSL; an empty key is a key.
  static constexpr unsigned char kNoOctets[1] = {};
  const auto* key_octets = key.empty() ? kNoOctets : octets(key);
  BZ_ASSERT(state_->context && EVP_MAC_init(state_->context.get(), key_octets, key.size(), parameters) == 1);
}

HmacSha256Key::HmacSha256Key(HmacSha256Key&&) noexcept = default;
HmacSha256Key& HmacSha256Key::operator=(HmacSha256Key&&) noexcept = default;
HmacSha256Key::~HmacSha256Key() = default;

Digest256 HmacSha256Key::mac(std::initializer_list<ByteView> parts) {
  auto* context = state_->context.get();
  BZ_ASSERT(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);  // begins again under the same key
  for (const auto part : parts)
    if (!part.empty()) BZ_ASSERT(EVP_MAC_update(context, octets(part), part.size()) == 1);
  Digest256 digest;
  std::size_t size = 0;
  BZ_ASSERT(EVP_MAC_final(context, writable_octets(digest), &size, digest.size()) == 1 && size == kSha256Size);
  return digest;
}

}  // namespace bartizan::crypto
