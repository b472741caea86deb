#include "bartizan/crypto/ff1.hpp"

#include <set>
#include <string>

#include "vector_file.hpp"

namespace bartizan::crypto {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

Ff1::Numerals numerals(std::string_view text) {
  Ff1::Numerals out;
  for (const char c : text) out.push_back(static_cast<std::uint8_t>(kAlphabet.find(c)));
  return out;
}

std::string text(const Ff1::Numerals& numerals) {
  std::string out;
  for (const auto numeral : numerals) out += kAlphabet.at(numeral);
  return out;
}

TEST_CASE("the samples of NIST for FF1") {
  const std::string key = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94";
  struct Row {
    std::size_t key_bytes;
    std::uint32_t radix;
    std::string tweak, plain, cipher;
  };
  const Row rows[] = {
      {16, 10, "", "0123456789", "2433477484"},
      {16, 10, "39383736353433323130", "0123456789", "6124200773"},
      {16, 36, "3737373770717273373737", "0123456789abcdefghi", "a9tv40mll9kdu509eum"},
      {24, 10, "", "0123456789", "2830668132"},
      {24, 10, "39383736353433323130", "0123456789", "2496655549"},
      {24, 36, "3737373770717273373737", "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"},
      {32, 10, "", "0123456789", "6657667009"},
      {32, 10, "39383736353433323130", "0123456789", "1001623463"},
      {32, 36, "3737373770717273373737", "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.cipher);
    auto ff1 = Ff1::from_key(test::unhex(key.substr(0, 2 * row.key_bytes)));
    REQUIRE(ff1);
    const auto tweak = test::unhex(row.tweak);
    const auto sealed = ff1->encrypt(row.radix, tweak, numerals(row.plain));
    REQUIRE(sealed);
    CHECK(text(*sealed) == row.cipher);
    const auto opened = ff1->decrypt(row.radix, tweak, numerals(row.cipher));
    REQUIRE(opened);
    CHECK(text(*opened) == row.plain);
  }
}

TEST_CASE("every shape comes back, and two values never become one") {
  auto ff1 = Ff1::from_key(Bytes(32, std::byte{7}));
  REQUIRE(ff1);
  for (const std::uint32_t radix : {2U, 3U, 10U, 16U, 255U, 256U})
    for (const std::size_t length : {20U, 21U, 33U, 64U, 129U}) {
      CAPTURE(radix);
      CAPTURE(length);
      Ff1::Numerals value(length);
      for (std::size_t i = 0; i < length; ++i) value[i] = static_cast<std::uint8_t>(i * 7 % radix);
      const auto sealed = ff1->encrypt(radix, as_bytes("tweak"), value);
      REQUIRE(sealed);
      CHECK(*sealed != value);
      CHECK(*ff1->decrypt(radix, as_bytes("tweak"), *sealed) == value);
      CHECK(*ff1->decrypt(radix, as_bytes("other"), *sealed) != value);
    }
  std::set<Ff1::Numerals> seen;
  for (std::uint32_t value = 0; value < 2000; ++value) {
    Ff1::Numerals digits(6);
    for (std::uint32_t i = 0, left = value; i < 6; ++i, left /= 10) digits[i] = static_cast<std::uint8_t>(left % 10);
    seen.insert(*ff1->encrypt(10, {}, digits));
  }
  CHECK(seen.size() == 2000);
}

TEST_CASE("what FF1 does not protect, or does not take, is refused") {
  CHECK_FALSE(Ff1::from_key(Bytes(31)));
  CHECK_FALSE(Ff1::from_key({}));
  auto ff1 = Ff1::from_key(Bytes(32));
  REQUIRE(ff1);
  const auto takes = [&](std::uint32_t radix, std::size_t length, std::uint8_t numeral = 0, std::size_t tweak = 0) {
    const Ff1::Numerals value(length, numeral);
    const bool encrypts = ff1->encrypt(radix, Bytes(tweak), value).has_value();
    CHECK(ff1->decrypt(radix, Bytes(tweak), value).has_value() == encrypts);
    return encrypts;
  };
  CHECK(takes(10, 6));
  CHECK_FALSE(takes(10, 5));  // 100,000 values
  CHECK(takes(2, 20));
  CHECK_FALSE(takes(2, 19));
  CHECK(takes(256, 3));
  CHECK_FALSE(takes(256, 2));
  CHECK_FALSE(takes(10, 0));
  CHECK_FALSE(takes(10, 10, 10));
  CHECK_FALSE(takes(1, 100));
  CHECK_FALSE(takes(0, 100));
  CHECK_FALSE(takes(257, 100));
  CHECK(takes(10, 4096));
  CHECK_FALSE(takes(10, 4097));
  CHECK(takes(10, 10, 9, 1024));
  CHECK_FALSE(takes(10, 10, 9, 1025));
}

}  // namespace
}  // namespace bartizan::crypto
