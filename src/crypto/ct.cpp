#include "bartizan/crypto/ct.hpp"

#include <openssl/crypto.h>

namespace bartizan::crypto {

bool ct_equal(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace bartizan::crypto
