// Project Wycheproof's vectors, where the folder that holds them is named by BARTIZAN_VECTORS.
// Boost.JSON is compiled into this test alone.
#include <boost/json/src.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>

#include "bartizan/crypto/aead.hpp"
#include "bartizan/crypto/cmac.hpp"
#include "bartizan/crypto/ff1.hpp"
#include "bartizan/crypto/hash.hpp"
#include "bartizan/crypto/hkdf.hpp"
#include "bartizan/crypto/hmac_key.hpp"
#include "bartizan/crypto/key_wrap.hpp"
#include "bartizan/crypto/pbkdf2.hpp"
#include "vector_file.hpp"

namespace bartizan::crypto {
namespace {

namespace json = boost::json;

std::optional<json::value> read_file(const std::string& name) {
  const char* folder = std::getenv("BARTIZAN_VECTORS");
  const auto path = std::filesystem::path(folder != nullptr ? folder : "") / name;
  if (folder == nullptr || !std::filesystem::exists(path)) {
    MESSAGE("SKIPPED: " << name << " is not in the folder that BARTIZAN_VECTORS names");
    return std::nullopt;
  }
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return json::parse(text);
}

Bytes bytes_of(const json::object& test, std::string_view field) {
  return test::unhex(json::value_to<std::string>(test.at(field)));
}
std::size_t number_of(const json::object& test, std::string_view field) {
  return static_cast<std::size_t>(test.at(field).as_int64());
}

/// Runs check(group, test, valid) over the file's tests; the file says how many there are.
void for_each_test(const json::value& file,
                   const std::function<void(const json::object&, const json::object&, bool)>& check) {
  std::size_t count = 0;
  for (const auto& group : file.at("testGroups").as_array()) {
    for (const auto& value : group.at("tests").as_array()) {
      const auto& test = value.as_object();
      CAPTURE(number_of(test, "tcId"));
      check(group.as_object(), test, test.at("result").as_string() == "valid");
      ++count;
    }
  }
  CHECK(count == number_of(file.as_object(), "numberOfTests"));
}

TEST_CASE("wycheproof aes_gcm, keys of 256 and nonces of 96 bits") {
  const auto file = read_file("aes_gcm_test.json");
  if (!file) return;
  std::size_t used = 0;
  for_each_test(*file, [&](const json::object& group, const json::object& test, bool valid) {
    if (number_of(group, "keySize") != 256 || number_of(group, "ivSize") != 96 || number_of(group, "tagSize") != 128)
      return;
    ++used;
    auto key = SealingKey::from_bytes(SecretBytes(bytes_of(test, "key")));
    REQUIRE(key);
    Bytes sealed = bytes_of(test, "iv");
    test::FixedRandom nonce(sealed);
    for (const auto* field : {"ct", "tag"}) {
      const Bytes part = bytes_of(test, field);
      sealed.insert(sealed.end(), part.begin(), part.end());
    }
    const auto opened = key->open(sealed, bytes_of(test, "aad"));
    REQUIRE(opened.has_value() == valid);
    const auto resealed = key->seal(bytes_of(test, "msg"), bytes_of(test, "aad"), nonce);
    REQUIRE(resealed);
    CHECK((*resealed == sealed) == valid);
    if (valid) CHECK(hex_encode(opened->reveal()) == hex_encode(bytes_of(test, "msg")));
  });
  CHECK(used > 50);
}

TEST_CASE("wycheproof hmac_sha256") {
  const auto file = read_file("hmac_sha256_test.json");
  if (!file) return;
  for_each_test(*file, [](const json::object&, const json::object& test, bool valid) {
    const Bytes tag = bytes_of(test, "tag");  // some are truncated
    const auto digest = hmac_sha256(bytes_of(test, "key"), bytes_of(test, "msg"));
    CHECK(HmacSha256Key(bytes_of(test, "key")).mac({bytes_of(test, "msg")}) == digest);
    CHECK((hex_encode(ByteView(digest).first(tag.size())) == hex_encode(tag)) == valid);
  });
}

TEST_CASE("wycheproof hkdf_sha256") {
  const auto file = read_file("hkdf_sha256_test.json");
  if (!file) return;
  for_each_test(*file, [](const json::object&, const json::object& test, bool valid) {
    const auto output =
        hkdf(bytes_of(test, "ikm"), bytes_of(test, "salt"), bytes_of(test, "info"), number_of(test, "size"));
    REQUIRE(output.has_value() == valid);
    if (valid) CHECK(hex_encode(output->reveal()) == hex_encode(bytes_of(test, "okm")));
  });
}

TEST_CASE("wycheproof pbkdf2_hmacsha256") {
  const auto file = read_file("pbkdf2_hmacsha256_test.json");
  if (!file) return;
  for_each_test(*file, [](const json::object&, const json::object& test, bool valid) {
    const auto derived =
        pbkdf2_hmac_sha256(bytes_of(test, "password"), bytes_of(test, "salt"),
                           static_cast<std::uint32_t>(number_of(test, "iterationCount")), number_of(test, "dkLen"));
    CHECK((hex_encode(derived.reveal()) == hex_encode(bytes_of(test, "dk"))) == valid);
  });
}

TEST_CASE("wycheproof aes_cmac") {
  const auto file = read_file("aes_cmac_test.json");
  if (!file) return;
  for_each_test(*file, [](const json::object&, const json::object& test, bool valid) {
    const Bytes expected = bytes_of(test, "tag");
    const auto tag = aes_cmac(bytes_of(test, "key"), bytes_of(test, "msg"));
    const bool same = tag && hex_encode(ByteView(*tag).first(expected.size())) == hex_encode(expected);
    CHECK(same == valid);
  });
}

/// A vector that is "acceptable" may be refused, but what opens must be what was wrapped.
void check_key_wrap(const char* name, KeyWrapMode mode) {
  const auto file = read_file(name);
  if (!file) return;
  for_each_test(*file, [&](const json::object&, const json::object& test, bool valid) {
    const bool acceptable = test.at("result").as_string() == "acceptable";
    const Bytes key = bytes_of(test, "msg");
    const auto opened = unwrap_key(mode, bytes_of(test, "key"), bytes_of(test, "ct"));
    if (!acceptable) CHECK(opened.has_value() == valid);
    if (!opened) return;
    CHECK(hex_encode(opened->reveal()) == hex_encode(key));
    const auto wrapped = wrap_key(mode, bytes_of(test, "key"), SecretBytes(key));
    REQUIRE(wrapped);
    CHECK(hex_encode(*wrapped) == hex_encode(bytes_of(test, "ct")));
  });
}

TEST_CASE("wycheproof aes_wrap") { check_key_wrap("aes_wrap_test.json", KeyWrapMode::Unpadded); }
TEST_CASE("wycheproof aes_kwp") { check_key_wrap("aes_kwp_test.json", KeyWrapMode::Padded); }

TEST_CASE("wycheproof aes_ff1_base10, but for domains below a million, which are refused") {
  const auto file = read_file("aes_ff1_base10_test.json");
  if (!file) return;
  std::size_t used = 0;
  const auto digits = [](const json::object& test, std::string_view field) {
    Ff1::Numerals out;
    // A character that is no digit becomes one that is none either.
    for (const char c : json::value_to<std::string>(test.at(field)))
      out.push_back(c >= '0' && c <= '9' ? static_cast<std::uint8_t>(c - '0') : std::uint8_t{255});
    return out;
  };
  for_each_test(*file, [&](const json::object&, const json::object& test, bool valid) {
    auto ff1 = Ff1::from_key(bytes_of(test, "key"));
    if (!ff1) {
      CHECK_FALSE(valid);
      return;
    }
    const auto plain = digits(test, "msg");
    const auto tweak = bytes_of(test, "tweak");
    const auto sealed = ff1->encrypt(10, tweak, plain);
    const bool small = plain.size() < 6;
    CHECK(sealed.has_value() == (valid && !small));
    if (!sealed) return;
    ++used;
    CHECK(*sealed == digits(test, "ct"));
    const auto opened = ff1->decrypt(10, tweak, *sealed);
    REQUIRE(opened);
    CHECK(*opened == plain);
  });
  CHECK(used > 3000);
}

}  // namespace
}  // namespace bartizan::crypto
