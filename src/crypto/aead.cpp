#include "bartizan/crypto/aead.hpp"

#include "bartizan/base/result.hpp"
#include "openssl_handles.hpp"

namespace bartizan::crypto {
namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
static_assert(kNonceSize + kTagSize == kSealOverhead);

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  BZ_ASSERT(cipher != nullptr);
  return cipher;
}

tl::unexpected<Error> cannot_open() { return fail(Errc::Crypto, "the sealed value does not open"); }

}  // namespace

Result<SealingKey> SealingKey::from_bytes(SecretBytes bytes) {
  if (bytes.size() != kSize) return fail(Errc::InvalidArgument, "a sealing key is 32 bytes");
  return SealingKey(std::move(bytes));
}

SealingKey SealingKey::generate(Random& random) {
  SecretBytes bytes(kSize);
  random.fill(bytes.reveal_mutable());
  return SealingKey(std::move(bytes));
}

Result<Bytes> SealingKey::seal(ByteView plaintext, ByteView aad, Random& random) const {
  if (plaintext.size() > kSealMaxBytes || aad.size() > kSealMaxBytes) return fail(Errc::TooLarge, "too long to seal");
  Bytes sealed(kSealOverhead + plaintext.size());
  const auto nonce = std::span(sealed).first(kNonceSize);
  const auto ciphertext = std::span(sealed).subspan(kNonceSize, plaintext.size());
  const auto tag = std::span(sealed).last(kTagSize);
  random.fill(nonce);

  const CipherContext context(EVP_CIPHER_CTX_new());
  int written = 0;
  BZ_ASSERT(context &&
            EVP_EncryptInit_ex2(context.get(), aes_256_gcm(), octets(bytes_.reveal()), octets(nonce), nullptr) == 1);
  if (!aad.empty())
    BZ_ASSERT(EVP_EncryptUpdate(context.get(), nullptr, &written, octets(aad), static_cast<int>(aad.size())) == 1);
  if (!plaintext.empty())
    BZ_ASSERT(EVP_EncryptUpdate(context.get(), writable_octets(ciphertext), &written, octets(plaintext),
                                static_cast<int>(plaintext.size())) == 1);
  BZ_ASSERT(EVP_EncryptFinal_ex(context.get(), writable_octets(tag), &written) == 1 && written == 0);
  BZ_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagSize), tag.data()) == 1);
  return sealed;
}

Result<SecretBytes> SealingKey::open(ByteView sealed, ByteView aad) const {
  if (sealed.size() < kSealOverhead || sealed.size() - kSealOverhead > kSealMaxBytes || aad.size() > kSealMaxBytes)
    return cannot_open();
  const ErrorQueueScope errors;
  const auto nonce = sealed.first(kNonceSize);
  const auto ciphertext = sealed.subspan(kNonceSize, sealed.size() - kSealOverhead);
  Bytes tag(sealed.end() - kTagSize, sealed.end());

  SecretBytes plaintext(ciphertext.size());  // wiped where it is not returned
  const CipherContext context(EVP_CIPHER_CTX_new());
  int written = 0;
  BZ_ASSERT(context &&
            EVP_DecryptInit_ex2(context.get(), aes_256_gcm(), octets(bytes_.reveal()), octets(nonce), nullptr) == 1);
  BZ_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagSize), tag.data()) == 1);
  if (!aad.empty())
    BZ_ASSERT(EVP_DecryptUpdate(context.get(), nullptr, &written, octets(aad), static_cast<int>(aad.size())) == 1);
  if (!ciphertext.empty())
    BZ_ASSERT(EVP_DecryptUpdate(context.get(), writable_octets(plaintext.reveal_mutable()), &written,
                                octets(ciphertext), static_cast<int>(ciphertext.size())) == 1);
  unsigned char rest[kTagSize];
  if (EVP_DecryptFinal_ex(context.get(), rest, &written) != 1) return cannot_open();
  return plaintext;
}

}  // namespace bartizan::crypto
