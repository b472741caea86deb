#include "bartizan/crypto/key_wrap.hpp"

#include "bartizan/crypto/cmac.hpp"
#include "vector_file.hpp"

namespace bartizan::crypto {
namespace {

TEST_CASE("AES-CMAC by the vectors of RFC 4493 and NIST SP 800-38B") {
  for (const auto& row : test::read_vectors("aes_cmac.tsv", 3)) {
    const auto tag = aes_cmac(test::unhex(row[0]), test::unhex(row[1]));
    REQUIRE(tag);
    CHECK(hex_encode(*tag) == row[2]);
  }
  for (const std::size_t size : {0U, 15U, 17U, 31U, 33U})
    CHECK(aes_cmac(Bytes(size), {}).error().code == Errc::InvalidArgument);
}

TEST_CASE("key wrap by the vectors of RFC 3394 and RFC 5649") {
  for (const auto& row : test::read_vectors("key_wrap.tsv", 4)) {
    const auto mode = row[0] == "kw" ? KeyWrapMode::Unpadded : KeyWrapMode::Padded;
    const auto wrapped = wrap_key(mode, test::unhex(row[1]), SecretBytes(test::unhex(row[2])));
    REQUIRE(wrapped);
    CHECK(hex_encode(*wrapped) == row[3]);
    const auto key = unwrap_key(mode, test::unhex(row[1]), *wrapped);
    REQUIRE(key);
    CHECK(hex_encode(key->reveal()) == row[2]);
  }
}

TEST_CASE("a wrapped key with any bit or length changed does not open, with one error") {
  const Bytes kek(32, std::byte{3});
  for (const auto mode : {KeyWrapMode::Padded, KeyWrapMode::Unpadded}) {
    const auto wrapped = wrap_key(mode, kek, SecretBytes(std::size_t{32}));
    REQUIRE(wrapped);
    const auto refused = [&](ByteView bytes) {
      const auto key = unwrap_key(mode, kek, bytes);
      REQUIRE_FALSE(key);
      CHECK(key.error().code == Errc::Crypto);
      CHECK(key.error().detail == unwrap_key(mode, kek, {}).error().detail);
    };
    for (std::size_t bit = 0; bit < wrapped->size() * 8; ++bit) {
      Bytes changed = *wrapped;
      changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      refused(changed);
    }
    for (std::size_t size = 0; size < wrapped->size(); ++size) refused(ByteView(*wrapped).first(size));
    refused(Bytes(kKeyWrapMaxBytes + 1024));
    CHECK_FALSE(unwrap_key(mode, Bytes(32, std::byte{4}), *wrapped));
  }
}

TEST_CASE("lengths that can't be wrapped") {
  const Bytes kek(32);
  for (const std::size_t size : {0U, 4097U})
    CHECK(wrap_key(KeyWrapMode::Padded, kek, SecretBytes(size)).error().code == Errc::InvalidArgument);
  for (const std::size_t size : {0U, 8U, 17U, 4104U})
    CHECK(wrap_key(KeyWrapMode::Unpadded, kek, SecretBytes(size)).error().code == Errc::InvalidArgument);
  for (const std::size_t size : {0U, 8U, 33U})
    CHECK(wrap_key(KeyWrapMode::Padded, Bytes(size), SecretBytes(kek)).error().code == Errc::InvalidArgument);
}

}  // namespace
}  // namespace bartizan::crypto
