#include "bartizan/crypto/cmac.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "openssl_handles.hpp"

namespace bartizan::crypto {

Result<std::array<std::byte, kCmacSize>> aes_cmac(ByteView key, ByteView data) {
  char cipher[] = "AES-256-CBC";
  switch (key.size()) {
    case 16: cipher[4] = '1', cipher[5] = '2', cipher[6] = '8'; break;
    case 24: cipher[4] = '1', cipher[5] = '9', cipher[6] = '2'; break;
    case 32: break;
    default: return fail(Errc::InvalidArgument, "a key of AES-CMAC has 16, 24 or 32 bytes");
  }
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_CMAC, nullptr);
  BZ_ASSERT(algorithm != nullptr);
  const MacContext context(EVP_MAC_CTX_new(algorithm));
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                   OSSL_PARAM_construct_end()};
  BZ_ASSERT(context && EVP_MAC_init(context.get(), octets(key), key.size(), parameters) == 1);
  if (!data.empty()) BZ_ASSERT(EVP_MAC_update(context.get(), octets(data), data.size()) == 1);
  std::array<std::byte, kCmacSize> tag;
  std::size_t size = 0;
  BZ_ASSERT(EVP_MAC_final(context.get(), writable_octets(tag), &size, tag.size()) == 1 && size == kCmacSize);
  return tag;
}

}  // namespace bartizan::crypto
