#include "bartizan/crypto/hkdf.hpp"
#include "bartizan/crypto/pbkdf2.hpp"
#include "vector_file.hpp"

namespace bartizan::crypto {
namespace {

TEST_CASE("pbkdf2_hmac_sha256 of RFC 7914") {
  for (const auto& row : test::read_vectors("pbkdf2_hmac_sha256.tsv", 4)) {
    const Bytes expected = test::unhex(row[3]);
    const auto iterations = static_cast<std::uint32_t>(std::stoul(row[2]));
    const auto derived = pbkdf2_hmac_sha256(test::unhex(row[0]), test::unhex(row[1]), iterations, expected.size());
    CHECK(hex_encode(derived.reveal()) == row[3]);
  }
}

TEST_CASE("hkdf of RFC 5869") {
  for (const auto& row : test::read_vectors("hkdf_sha256.tsv", 6)) {
    CAPTURE(row[0]);
    const Bytes input_key = test::unhex(row[1]);
    const Bytes salt = test::unhex(row[2]);
    const Bytes info = test::unhex(row[3]);
    CHECK(hex_encode(hkdf_extract(salt, input_key).reveal()) == row[4]);
    const auto output = hkdf(input_key, salt, info, row[5].size() / 2);
    REQUIRE(output);
    CHECK(hex_encode(output->reveal()) == row[5]);
  }
}

TEST_CASE("hkdf output lengths") {
  const Bytes key = to_bytes("0123456789abcdef0123456789abcdef");
  CHECK(hkdf(key, {}, {}, 0).error().code == Errc::InvalidArgument);
  CHECK(hkdf(key, {}, {}, kHkdfMaxLength + 1).error().code == Errc::InvalidArgument);
  const auto longest = hkdf(key, {}, as_bytes("info"), kHkdfMaxLength);
  REQUIRE(longest);
  // A shorter output is the beginning of a longer one (RFC 5869 section 2.3).
  for (const std::size_t length : {1U, 31U, 32U, 33U, 64U, 65U, 8159U}) {
    const auto output = hkdf(key, {}, as_bytes("info"), length);
    REQUIRE(output);
    CHECK(hex_encode(output->reveal()) == hex_encode(longest->reveal().first(length)));
  }
}

}  // namespace
}  // namespace bartizan::crypto
