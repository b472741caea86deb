#include "bartizan/crypto/key_wrap.hpp"

#include <memory>

#include "openssl_handles.hpp"

namespace bartizan::crypto {
namespace {

using CipherPointer = std::unique_ptr<EVP_CIPHER, OpensslDelete<EVP_CIPHER_free>>;

/// Null for a size that no AES key has.
CipherPointer cipher_for(KeyWrapMode mode, std::size_t key_size) {
  const bool padded = mode == KeyWrapMode::Padded;
  const char* name = nullptr;
  if (key_size == 16) name = padded ? "AES-128-WRAP-PAD" : "AES-128-WRAP";
  if (key_size == 24) name = padded ? "AES-192-WRAP-PAD" : "AES-192-WRAP";
  if (key_size == 32) name = padded ? "AES-256-WRAP-PAD" : "AES-256-WRAP";
  if (name == nullptr) return nullptr;
  CipherPointer cipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
  BZ_ASSERT(cipher != nullptr);
  return cipher;
}

CipherContext context_for(const EVP_CIPHER* cipher, ByteView key, int encrypting) {
  CipherContext context(EVP_CIPHER_CTX_new());
  BZ_ASSERT(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  BZ_ASSERT(EVP_CipherInit_ex2(context.get(), cipher, octets(key), nullptr, encrypting, nullptr) == 1);
  return context;
}

bool wrappable(KeyWrapMode mode, std::size_t size) {
  if (size > kKeyWrapMaxBytes) return false;
  return mode == KeyWrapMode::Padded ? size >= 1 : size >= 16 && size % 8 == 0;
}

tl::unexpected<Error> cannot_unwrap() { return fail(Errc::Crypto, "the wrapped key does not open"); }

}  // namespace

Result<Bytes> wrap_key(KeyWrapMode mode, ByteView wrapping_key, const SecretBytes& key) {
  const auto cipher = cipher_for(mode, wrapping_key.size());
  if (!cipher) return fail(Errc::InvalidArgument, "a wrapping key has 16, 24 or 32 bytes");
  if (!wrappable(mode, key.size())) return fail(Errc::InvalidArgument, "a key of this length can't be wrapped");
  const auto context = context_for(cipher.get(), wrapping_key, 1);
  Bytes wrapped(key.size() + 16);
  int written = 0;
  BZ_ASSERT(EVP_CipherUpdate(context.get(), writable_octets(wrapped), &written, octets(key.reveal()),
                             static_cast<int>(key.size())) == 1);
  BZ_ASSERT(written > 0 && static_cast<std::size_t>(written) <= wrapped.size());
  wrapped.resize(static_cast<std::size_t>(written));
  return wrapped;
}

Result<SecretBytes> unwrap_key(KeyWrapMode mode, ByteView wrapping_key, ByteView wrapped) {
  const auto cipher = cipher_for(mode, wrapping_key.size());
  if (!cipher) return fail(Errc::InvalidArgument, "a wrapping key has 16, 24 or 32 bytes");
  const std::size_t least = mode == KeyWrapMode::Padded ? 16 : 24;
  if (wrapped.size() < least || wrapped.size() % 8 != 0 || wrapped.size() > kKeyWrapMaxBytes + 16)
    return cannot_unwrap();
  const ErrorQueueScope errors;
  const auto context = context_for(cipher.get(), wrapping_key, 0);
  SecretBytes key(wrapped.size());
  int written = 0;
  if (EVP_CipherUpdate(context.get(), writable_octets(key.reveal_mutable()), &written, octets(wrapped),
                       static_cast<int>(wrapped.size())) != 1 ||
      written <= 0 || !wrappable(mode, static_cast<std::size_t>(written)))
    return cannot_unwrap();
  return SecretBytes(key.reveal().first(static_cast<std::size_t>(written)));
}

}  // namespace bartizan::crypto
