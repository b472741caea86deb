#include "bartizan/crypto/hash.hpp"

#include <string>

#include "bartizan/crypto/ct.hpp"
#include "vector_file.hpp"

namespace bartizan::crypto {
namespace {

TEST_CASE("sha256 of FIPS 180 messages") {
  const struct {
    std::string message;
    std::string_view digest;
  } cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& c : cases) CHECK(hex_encode(sha256(as_bytes(c.message))) == c.digest);
}

TEST_CASE("sha256_concat is the hash of the joined parts") {
  const std::string_view message = "the quick brown fox";
  for (std::size_t cut = 0; cut <= message.size(); ++cut)
    CHECK(sha256_concat({as_bytes(message.substr(0, cut)), as_bytes(message.substr(cut))}) ==
          sha256(as_bytes(message)));
  CHECK(sha256_concat({}) == sha256({}));
}

TEST_CASE("hmac_sha256 of RFC 4231") {
  for (const auto& row : test::read_vectors("hmac_sha256.tsv", 4)) {
    CAPTURE(row[0]);
    CHECK(hex_encode(hmac_sha256(test::unhex(row[1]), test::unhex(row[2]))) == row[3]);
  }
}

TEST_CASE("hmac_sha256 with an empty key is keyed by nothing, not by the former key") {
  (void)hmac_sha256(as_bytes("some key"), as_bytes("data"));
  // RFC 2104: a key is padded with zeros, so the empty key equals a key of zeros.
  CHECK(hmac_sha256({}, as_bytes("data")) == hmac_sha256(Bytes(64), as_bytes("data")));
  CHECK(hex_encode(hmac_sha256({}, {})) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("ct_equal") {
  const Bytes value = to_bytes("0123456789abcdef0123456789abcdef");
  CHECK(ct_equal(value, Bytes(value)));
  CHECK(ct_equal({}, {}));
  CHECK_FALSE(ct_equal(value, {}));
  CHECK_FALSE(ct_equal(value, ByteView(value).first(31)));
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    Bytes other = value;
    other[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_FALSE(ct_equal(value, other));
  }
}

}  // namespace
}  // namespace bartizan::crypto
