#include "bartizan/crypto/pbkdf2.hpp"

#include <limits>

#include "bartizan/base/result.hpp"
#include "openssl_handles.hpp"

namespace bartizan::crypto {

SecretBytes pbkdf2_hmac_sha256(ByteView password, ByteView salt, std::uint32_t iterations, std::size_t length) {
  constexpr std::size_t kMaxInput = std::size_t{1} << 20;
  BZ_ASSERT(iterations >= 1 && iterations <= static_cast<std::uint32_t>(std::numeric_limits<int>::max()));
  BZ_ASSERT(length >= 1 && length <= 1024 && password.size() <= kMaxInput && salt.size() <= kMaxInput);
  SecretBytes derived(length);
  BZ_ASSERT(PKCS5_PBKDF2_HMAC(as_chars(password).data(), static_cast<int>(password.size()), octets(salt),
                              static_cast<int>(salt.size()), static_cast<int>(iterations), sha256_algorithm(),
                              static_cast<int>(length), writable_octets(derived.reveal_mutable())) == 1);
  return derived;
}

}  // namespace bartizan::crypto
