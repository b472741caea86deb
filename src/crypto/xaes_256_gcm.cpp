#include "bartizan/crypto/xaes_256_gcm.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "openssl_handles.hpp"

namespace bartizan::crypto {
namespace {

constexpr std::size_t kBlock = 16;
using Block = std::array<std::byte, kBlock>;

const EVP_CIPHER* fetched(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  BZ_ASSERT(cipher != nullptr);
  return cipher;
}
const EVP_CIPHER* aes_256_ecb() {
  static const EVP_CIPHER* const cipher = fetched("AES-256-ECB");
  return cipher;
}
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = fetched("AES-256-GCM");
  return cipher;
}

/// NIST SP 800-38B, section 6.1: L << 1 in GF(2^128), without a branch on the secret.
void double_block(Block& block) noexcept {
  const unsigned carry = std::to_integer<unsigned>(block[0]) >> 7;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const unsigned next = i + 1 < kBlock ? std::to_integer<unsigned>(block[i + 1]) >> 7 : 0;
    block[i] = static_cast<std::byte>(((std::to_integer<unsigned>(block[i]) << 1) | next) & 0xff);
  }
  block[kBlock - 1] ^= static_cast<std::byte>((0U - carry) & 0x87);
}

}  // namespace

struct Xaes256Gcm::State {
  CipherContext derive;   ///< AES-256 under the input key
  CipherContext message;  ///< AES-256-GCM, under a new key for each message
  Block k1{};             ///< the CMAC subkey for complete blocks

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { secure_wipe(k1.data(), k1.size()); }

  void encrypt_blocks(std::span<const std::byte> in, std::span<std::byte> out) {
    int written = 0;
    BZ_ASSERT(
        EVP_EncryptUpdate(derive.get(), writable_octets(out), &written, octets(in), static_cast<int>(in.size())) == 1 &&
        static_cast<std::size_t>(written) == in.size());
  }

  /// Steps 3 to 5 of the specification's algorithm.
  void message_key(NonceView nonce, std::span<std::byte, kKeySize> key) {
    std::array<std::byte, 2 * kBlock> blocks{};
    for (std::size_t i = 0; i < 2; ++i) {
      const auto block = std::span(blocks).subspan(i * kBlock, kBlock);
      block[1] = static_cast<std::byte>(i + 1);
      block[2] = std::byte{'X'};
      for (std::size_t j = 0; j < 12; ++j) block[4 + j] = nonce[j];
      for (std::size_t j = 0; j < kBlock; ++j) block[j] ^= k1[j];
    }
    encrypt_blocks(blocks, key);
    secure_wipe(blocks.data(), blocks.size());  // the nonce is public, so these give K1
  }
};

Xaes256Gcm::Xaes256Gcm(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Xaes256Gcm::Xaes256Gcm(Xaes256Gcm&&) noexcept = default;
Xaes256Gcm& Xaes256Gcm::operator=(Xaes256Gcm&&) noexcept = default;
Xaes256Gcm::~Xaes256Gcm() = default;

Result<Xaes256Gcm> Xaes256Gcm::from_key(ByteView key) {
  if (key.size() != kKeySize) return fail(Errc::InvalidArgument, "a key of XAES-256-GCM has 32 bytes");
  auto state = std::make_unique<State>();
  state->derive.reset(EVP_CIPHER_CTX_new());
  state->message.reset(EVP_CIPHER_CTX_new());
  BZ_ASSERT(state->derive && state->message);
  BZ_ASSERT(EVP_EncryptInit_ex2(state->derive.get(), aes_256_ecb(), octets(key), nullptr, nullptr) == 1);
  BZ_ASSERT(EVP_CIPHER_CTX_set_padding(state->derive.get(), 0) == 1);
  BZ_ASSERT(EVP_CipherInit_ex2(state->message.get(), aes_256_gcm(), nullptr, nullptr, 1, nullptr) == 1);
  state->encrypt_blocks(Block{}, state->k1);
  double_block(state->k1);
  return Xaes256Gcm(std::move(state));
}

void Xaes256Gcm::seal(NonceView nonce, ByteView aad, ByteView plaintext, std::span<std::byte> out) {
  BZ_ASSERT(plaintext.size() <= kMaxBytes && aad.size() <= kMaxBytes && out.size() == plaintext.size() + kTagSize);
  std::array<std::byte, kKeySize> key;
  state_->message_key(nonce, key);
  auto* context = state_->message.get();
  BZ_ASSERT(EVP_EncryptInit_ex2(context, nullptr, octets(key), octets(nonce.subspan<12>()), nullptr) == 1);
  secure_wipe(key.data(), key.size());
  int written = 0;
  if (!aad.empty())
    BZ_ASSERT(EVP_EncryptUpdate(context, nullptr, &written, octets(aad), static_cast<int>(aad.size())) == 1);
  if (!plaintext.empty())
    BZ_ASSERT(EVP_EncryptUpdate(context, writable_octets(out), &written, octets(plaintext),
                                static_cast<int>(plaintext.size())) == 1);
  const auto tag = out.last(kTagSize);
  BZ_ASSERT(EVP_EncryptFinal_ex(context, writable_octets(tag), &written) == 1 && written == 0);
  BZ_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagSize), tag.data()) == 1);
}

bool Xaes256Gcm::open(NonceView nonce, ByteView aad, ByteView sealed, std::span<std::byte> out) {
  BZ_ASSERT(sealed.size() <= kMaxBytes + kTagSize && aad.size() <= kMaxBytes && sealed.size() == out.size() + kTagSize);
  std::array<std::byte, kKeySize> key;
  state_->message_key(nonce, key);
  auto* context = state_->message.get();
  BZ_ASSERT(EVP_DecryptInit_ex2(context, nullptr, octets(key), octets(nonce.subspan<12>()), nullptr) == 1);
  secure_wipe(key.data(), key.size());
  std::array<std::byte, kTagSize> tag;
  std::copy_n(sealed.end() - kTagSize, kTagSize, tag.begin());
  BZ_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagSize), tag.data()) == 1);
  int written = 0;
  if (!aad.empty())
    BZ_ASSERT(EVP_DecryptUpdate(context, nullptr, &written, octets(aad), static_cast<int>(aad.size())) == 1);
  if (!out.empty())
    BZ_ASSERT(
        EVP_DecryptUpdate(context, writable_octets(out), &written, octets(sealed), static_cast<int>(out.size())) == 1);
  const ErrorQueueScope errors;
  unsigned char rest[kTagSize];
  if (EVP_DecryptFinal_ex(context, rest, &written) == 1) return true;
  secure_wipe(out.data(), out.size());
  return false;
}

}  // namespace bartizan::crypto
