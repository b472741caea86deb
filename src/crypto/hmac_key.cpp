// libcrypto's SHA-256 by its plain functions: through EVP_MAC a short message spends more on finding
// parameters and copying contexts than on hashing, and each written cell makes one or two of these.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bartizan/crypto/hmac_key.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "bartizan/base/result.hpp"
#include "openssl_handles.hpp"

namespace bartizan::crypto {

namespace {

constexpr std::size_t kBlock = 64;

void begin(SHA256_CTX& context, const std::array<std::byte, kBlock>& key, std::byte pad) {
  auto block = key;
  for (auto& one : block) one ^= pad;
  BZ_ASSERT(SHA256_Init(&context) == 1 && SHA256_Update(&context, block.data(), block.size()) == 1);
  secure_wipe(block.data(), block.size());
}

}  // namespace

/// What both hashes are after the padded key.
struct HmacSha256Key::State {
  SHA256_CTX inner;
  SHA256_CTX outer;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    secure_wipe(&inner, sizeof(inner));
    secure_wipe(&outer, sizeof(outer));
  }
};

HmacSha256Key::HmacSha256Key(ByteView key) : state_(std::make_unique<State>()) {
  std::array<std::byte, kBlock> block{};
  if (key.size() > kBlock) {
    auto digest = sha256(key);
    std::ranges::copy(digest, block.begin());
    secure_wipe(digest.data(), digest.size());
  } else {
    std::ranges::copy(key, block.begin());
  }
  begin(state_->inner, block, std::byte{0x36});
  begin(state_->outer, block, std::byte{0x5c});
  secure_wipe(block.data(), block.size());
}

HmacSha256Key::HmacSha256Key(HmacSha256Key&&) noexcept = default;
HmacSha256Key& HmacSha256Key::operator=(HmacSha256Key&&) noexcept = default;
HmacSha256Key::~HmacSha256Key() = default;

Digest256 HmacSha256Key::mac(std::initializer_list<ByteView> parts) {
  SHA256_CTX context = state_->inner;
  for (const auto part : parts)
    if (!part.empty()) BZ_ASSERT(SHA256_Update(&context, octets(part), part.size()) == 1);
  Digest256 digest;
  BZ_ASSERT(SHA256_Final(writable_octets(digest), &context) == 1);
  context = state_->outer;
  BZ_ASSERT(SHA256_Update(&context, octets(digest), digest.size()) == 1 &&
            SHA256_Final(writable_octets(digest), &context) == 1);
  secure_wipe(&context, sizeof(context));
  return digest;
}

}  // namespace bartizan::crypto
