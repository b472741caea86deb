#include "bartizan/identity/scram_verifier.hpp"

#include <set>
#include <type_traits>

#include "bartizan/crypto/base64.hpp"
#include "recorded.hpp"

namespace bartizan::identity {
namespace {

static_assert(!std::is_copy_constructible_v<ScramVerifier>);
static_assert(std::is_nothrow_move_constructible_v<ScramVerifier>);

constexpr std::string_view kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";

std::string text_of(std::string_view iterations, std::string_view salt, std::string_view stored,
                    std::string_view server) {
  return std::string("SCRAM-SHA-256$")
      .append(iterations)
      .append(":")
      .append(salt)
      .append("$")
      .append(stored)
      .append(":")
      .append(server);
}

TEST_CASE("the verifiers that PostgreSQL 15 made come out of the same passwords and salts") {
  for (const auto& row : test::read_recorded("postgresql15_verifiers.tsv")) {
    REQUIRE(row.size() == 2);
    CAPTURE(row[0]);
    const auto theirs = test::parse_verifier(row[1]);
    CHECK(theirs.iterations() == 4096);
    CHECK(theirs.salt().size() == kScramSaltSize);
    CHECK(theirs.to_string().reveal_chars() == row[1]);
    CHECK(theirs.clone().to_string().reveal_chars() == row[1]);
    const auto ours = ScramVerifier::from_password(as_chars(test::unhex(row[0])), theirs.salt(), theirs.iterations());
    REQUIRE(ours);
    CHECK(ours->to_string().reveal_chars() == row[1]);
  }
}

TEST_CASE("the bounds of a verifier's parts") {
  const auto accepts = [](const std::string& text) { return ScramVerifier::parse(text).has_value(); };
  CHECK(accepts(text_of("1", kSalt, kKey, kKey)));
  CHECK(accepts(text_of("10000000", kSalt, kKey, kKey)));
  CHECK(accepts(text_of("4096", "AA==", kKey, kKey)));
  CHECK(accepts(text_of("4096", crypto::base64_encode(Bytes(kMaxScramSaltSize)), kKey, kKey)));
  CHECK(ScramVerifier::parse(text_of("4096", crypto::base64_encode(Bytes(kMaxScramSaltSize + 1)), kKey, kKey))
            .error()
            .code == Errc::TooLarge);
  for (const auto* iterations : {"10000001", "4294967295", "4294967296", "99999999999999999999"})
    CHECK(ScramVerifier::parse(text_of(iterations, kSalt, kKey, kKey)).error().code == Errc::TooLarge);
  CHECK(ScramVerifier::parse(text_of("4096", kSalt, kKey, kKey) + std::string(1000, 'A')).error().code ==
        Errc::TooLarge);
}

TEST_CASE("malformed verifiers") {
  const std::string good = text_of("4096", kSalt, kKey, kKey);
  REQUIRE(ScramVerifier::parse(good));
  std::vector<std::string> texts = {"",          "md5d41d8cd98f00b204e9800998ecf8427e",
                                    "pencil",    "scram-sha-256" + good.substr(13),
                                    " " + good,  good + " ",
                                    good + "\n", good + ":",
                                    good + "$",  "SCRAM-SHA-512" + good.substr(13)};
  for (const auto* iterations : {"", "0", "-1", "+1", "04096", "4096 ", "0x10", "1e3"})
    texts.push_back(text_of(iterations, kSalt, kKey, kKey));
  for (const auto* salt : {"", "W22ZaJ0SNY7soEsUEjb6gQ", "W22ZaJ0SNY7soEsUEjb6gR==", "!!!!"})
    texts.push_back(text_of("4096", salt, kKey, kKey));
  const std::string short_key = crypto::base64_encode(Bytes(31));
  const std::string long_key = crypto::base64_encode(Bytes(33));
  for (const std::string& key : {std::string(), short_key, std::string("====")}) {
    texts.push_back(text_of("4096", kSalt, key, kKey));
    texts.push_back(text_of("4096", kSalt, kKey, key));
  }
  for (std::size_t size = 0; size < good.size(); ++size) texts.push_back(good.substr(0, size));
  for (const auto& text : texts) {
    CAPTURE(text);
    const auto parsed = ScramVerifier::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::Malformed);
    CHECK(parsed.error().detail.find("4096") == std::string::npos);  // no part of the verifier is told
  }
  CHECK_FALSE(ScramVerifier::parse(text_of("4096", kSalt, long_key, kKey)));
}

TEST_CASE("from_password refuses what makes no verifier") {
  const Bytes salt(16);
  CHECK(ScramVerifier::from_password("x", salt, 0).error().code == Errc::InvalidArgument);
  CHECK(ScramVerifier::from_password("x", salt, kMaxVerifierIterations + 1).error().code == Errc::InvalidArgument);
  CHECK(ScramVerifier::from_password("x", {}, 4096).error().code == Errc::InvalidArgument);
  CHECK(ScramVerifier::from_password("x", Bytes(kMaxScramSaltSize + 1), 4096).error().code == Errc::InvalidArgument);
  CHECK(ScramVerifier::from_password("", salt, 4096).error().code == Errc::InvalidArgument);
  CHECK(ScramVerifier::from_password(std::string(5000, 'x'), salt, 1).error().code == Errc::TooLarge);
}

TEST_CASE("a mock is steady for its name and looks like a verifier") {
  const Bytes secret = to_bytes("0123456789abcdef0123456789abcdef");
  const Bytes other_secret = to_bytes("0123456789abcdef0123456789abcdeg");
  const auto mock = ScramVerifier::mock("alice", secret, {4096});
  CHECK(mock.iterations() == 4096);
  CHECK(mock.salt().size() == kScramSaltSize);
  CHECK(mock.to_string().reveal_chars() == ScramVerifier::mock("alice", secret, {4096}).to_string().reveal_chars());
  CHECK(mock.to_string().reveal_chars() ==
        ScramVerifier::parse(mock.to_string().reveal_chars())->to_string().reveal_chars());

  std::set<std::string> salts;
  for (const auto* name : {"alice", "alicf", "Alice", "", "alice ", "bob"})
    salts.insert(hex_encode(ScramVerifier::mock(name, secret, {4096}).salt()));
  salts.insert(hex_encode(ScramVerifier::mock("alice", other_secret, {4096}).salt()));
  CHECK(salts.size() == 7);
  CHECK(hex_encode(mock.stored_key().reveal()) != hex_encode(mock.server_key().reveal()));
  CHECK(hex_encode(mock.stored_key().reveal()).substr(0, 32) != hex_encode(mock.salt()));
}

}  // namespace
}  // namespace bartizan::identity
