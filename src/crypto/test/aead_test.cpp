#include "bartizan/crypto/aead.hpp"

#include <set>

#include "vector_file.hpp"

namespace bartizan::crypto {
namespace {

SealingKey key_of(std::string_view hex) {
  auto key = SealingKey::from_bytes(SecretBytes(test::unhex(hex)));
  REQUIRE(key);
  return std::move(*key);
}

TEST_CASE("seal and open by the vectors of the GCM specification") {
  for (const auto& row : test::read_vectors("aes_256_gcm.tsv", 7)) {
    CAPTURE(row[0]);
    const SealingKey key = key_of(row[1]);
    test::FixedRandom nonce(test::unhex(row[2]));
    const Bytes aad = test::unhex(row[3]);
    const auto sealed = key.seal(test::unhex(row[4]), aad, nonce);
    REQUIRE(sealed);
    CHECK(hex_encode(*sealed) == row[2] + row[5] + row[6]);
    const auto opened = key.open(*sealed, aad);
    REQUIRE(opened);
    CHECK(hex_encode(opened->reveal()) == row[4]);
  }
}

TEST_CASE("a key is 32 bytes") {
  for (const std::size_t size : {0U, 16U, 31U, 33U, 64U})
    CHECK(SealingKey::from_bytes(SecretBytes(size)).error().code == Errc::InvalidArgument);
  CHECK(SealingKey::generate(system_random()).bytes().size() == SealingKey::kSize);
}

TEST_CASE("every nonce is new") {
  const SealingKey key = SealingKey::generate(system_random());
  std::set<std::string> nonces;
  for (int i = 0; i < 200; ++i) {
    const auto sealed = key.seal(as_bytes("x"), {}, system_random());
    REQUIRE(sealed);
    nonces.insert(hex_encode(ByteView(*sealed).first(12)));
  }
  CHECK(nonces.size() == 200);
}

TEST_CASE("whatever is wrong, open says one and the same") {
  const SealingKey key = SealingKey::generate(system_random());
  const SealingKey other = SealingKey::generate(system_random());
  const auto aad = as_bytes("identities.scram_verifier:42");
  auto sealed = key.seal(as_bytes("a secret"), aad, system_random());
  REQUIRE(sealed);
  REQUIRE(sealed->size() == 8 + kSealOverhead);

  const auto refused = [&](const SealingKey& with, ByteView bytes, ByteView under) {
    const auto opened = with.open(bytes, under);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::Crypto);
    CHECK(opened.error().detail == key.open({}, {}).error().detail);
  };
  refused(other, *sealed, aad);
  refused(key, *sealed, as_bytes("identities.scram_verifier:43"));
  refused(key, *sealed, {});
  for (std::size_t size = 0; size < sealed->size(); ++size) refused(key, ByteView(*sealed).first(size), aad);
  for (std::size_t bit = 0; bit < sealed->size() * 8; ++bit) {
    Bytes flipped = *sealed;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    refused(key, flipped, aad);
  }
  Bytes longer = *sealed;
  longer.push_back(std::byte{0});
  refused(key, longer, aad);
}

TEST_CASE("too much is refused before anything is done") {
  const SealingKey key = SealingKey::generate(system_random());
  const Bytes big(kSealMaxBytes + 1);
  CHECK(key.seal(big, {}, system_random()).error().code == Errc::TooLarge);
  CHECK(key.seal({}, big, system_random()).error().code == Errc::TooLarge);
}

}  // namespace
}  // namespace bartizan::crypto
