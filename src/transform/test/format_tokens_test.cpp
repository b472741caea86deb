#include "bartizan/transform/format_tokens.hpp"

#include <set>
#include <string>

#include "bartizan/transform/column_cipher.hpp"
#include "bartizan/transform/encrypted_column.hpp"
#include "test_column.hpp"

namespace bartizan::transform {
namespace {

const Uuid kTokens = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a2");

keys::IndexKey index_key(const Uuid& column) {
  const auto example = test::read_examples("token.md");
  auto root =
      keys::KeyringRoot::make(keys::KeyId(2), keys::KeyPurpose::Index, keys::KeyringOwner::of_tenant(test::kTenant),
                              SecretBytes(example.at("index_root")));
  REQUIRE(root);
  auto key = keys::derive_index_key(*root, column);
  REQUIRE(key);
  return std::move(*key);
}

FormatTokens tokens(const TokenShape& shape, const Uuid& tenant = test::kTenant, const Uuid& column = kTokens) {
  auto made = FormatTokens::make(index_key(kTokens).key, tenant, column, shape);
  REQUIRE(made);
  return std::move(*made);
}

std::string token_of(FormatTokens& of, std::string_view value) {
  Bytes out;
  BoundedBytes bounded(out, 1000);
  const auto done = of.tokenize(as_bytes(value), bounded);
  return done ? std::string(as_chars(out)) : "error " + done.error().detail;
}

std::string value_of(FormatTokens& of, std::string_view token) {
  Bytes out;
  BoundedBytes bounded(out, 1000);
  const auto done = of.detokenize(as_bytes(token), bounded);
  return done ? std::string(as_chars(out)) : "error " + done.error().detail;
}

TEST_CASE("the tokens of docs/formats/token.md, both ways") {
  const auto example = test::read_examples("token.md");
  CHECK(hex_encode(index_key(kTokens).key.reveal()) == hex_encode(example.at("index_key")));
  auto cards = tokens({"digits", " "});
  auto ibans = tokens({"upper-alnum", ""});
  const std::string card(as_chars(example.at("card")));
  CHECK(token_of(cards, card) == as_chars(example.at("card_token")));
  CHECK(value_of(cards, as_chars(example.at("card_token"))) == card);
  CHECK(token_of(ibans, as_chars(example.at("iban"))) == as_chars(example.at("iban_token")));
  CHECK(value_of(ibans, as_chars(example.at("iban_token"))) == as_chars(example.at("iban")));
}

TEST_CASE("a token has its value's shape, and every value one of its own") {
  auto of = tokens({"digits", "-"});
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    auto value = std::to_string(1'000'000 + i * 37);
    value.insert(3, "-");
    const auto token = token_of(of, value);
    CAPTURE(value);
    CHECK(token.size() == value.size());
    CHECK(token.find_first_not_of("0123456789-") == std::string::npos);
    CHECK(token[3] == '-');
    CHECK(value_of(of, token) == value);
    seen.insert(token);
  }
  CHECK(seen.size() == 2000);
}

TEST_CASE("another tenant, column or key gives another token") {
  auto mine = tokens({"digits", ""});
  const auto token = token_of(mine, "4111111111111111");
  auto other_column = tokens({"digits", ""}, test::kTenant, test::kColumn);
  CHECK(token_of(other_column, "4111111111111111") != token);
  auto other_tenant = tokens({"digits", ""}, *Uuid::parse("00000000-0000-4000-8000-000000000001"));
  CHECK(token_of(other_tenant, "4111111111111111") != token);
  auto other_key = FormatTokens::make(index_key(test::kColumn).key, test::kTenant, kTokens, {"digits", ""});
  REQUIRE(other_key);
  CHECK(token_of(*other_key, "4111111111111111") != token);
}

TEST_CASE("domains below a million, and other characters, have no token, and say nothing of the value") {
  struct Row {
    const char* alphabet;
    const char* shortest;
    const char* too_short;
  };
  for (const auto& [alphabet, shortest, too_short] :
       {Row{"digits", "123456", "12345"}, Row{"hex", "abcde", "abcd"}, Row{"lower", "abcde", "abcd"},
        Row{"upper-alnum", "AB12", "AB1"}, Row{"alnum", "aB12", "aB1"}}) {
    CAPTURE(alphabet);
    auto of = tokens({alphabet, " "});
    CHECK_FALSE(token_of(of, shortest).starts_with("error"));
    CHECK(token_of(of, too_short).find("less than a million") != std::string::npos);
    CHECK(token_of(of, std::string(too_short) + "   ").find("less than a million") != std::string::npos);
    CHECK(token_of(of, too_short).find(too_short) == std::string::npos);
    CHECK(value_of(of, too_short) == std::string("error ") + kCellDoesNotOpen);
    CHECK(token_of(of, std::string(shortest) + "~").find("alphabet") != std::string::npos);
    CHECK(fewest_characters(alphabet_named(alphabet)) == std::string_view(shortest).size());
  }
  auto of = tokens({"digits", ""});
  CHECK(token_of(of, "").starts_with("error"));
  CHECK(token_of(of, "1234-5678").starts_with("error"));
  CHECK(token_of(of, "١٢٣٤٥٦٧").starts_with("error"));
  CHECK(token_of(of, std::string(5000, '1')).find("too many") != std::string::npos);
}

TEST_CASE("shapes that can't be one") {
  CHECK(check_shape({"digits", " -/."}));
  for (const TokenShape& shape : {TokenShape{"", ""}, TokenShape{"emoji", ""}, TokenShape{"digits", "3"},
                                  TokenShape{"digits", "--"}, TokenShape{"digits", "\n"}, TokenShape{"digits", "é"}})
    CHECK(check_shape(shape).error().code == Errc::InvalidArgument);
}

TEST_CASE("a column of tokens exchanges fields, and compares what it can't hold with nothing") {
  auto cipher = ColumnCipher::make({test::kTenant, kTokens, 7, ValueType::Varchar, false}, {});
  REQUIRE(cipher);
  EncryptedColumn column(std::move(*cipher), 4 + 19, tokens({"digits", " "}));
  CHECK(column.holds_tokens());
  const auto example = test::read_examples("token.md");
  test::StuckRandom random(Bytes(64));
  for (const auto format : {WireFormat::Text, WireFormat::Binary}) {
    Bytes out;
    BoundedBytes token(out, 100);
    REQUIRE(column.encrypt(format, example.at("card"), {}, nullptr, random, token));
    CHECK(out == example.at("card_token"));
    Bytes room;
    const auto stored = stored_in_field(column, format, out, room);
    REQUIRE(stored);
    Bytes value;
    BoundedBytes shown(value, 100);
    CHECK(column.show(*stored, nullptr, format, {}, shown) == true);
    CHECK(value == example.at("card"));
    Bytes none;
    BoundedBytes compared(none, 100);
    REQUIRE(column.compared_token(format, as_bytes("12"), {}, compared));
    CHECK(as_chars(none) == kNoToken);
  }
  Bytes out;
  BoundedBytes token(out, 100);
  CHECK_FALSE(column.encrypt(WireFormat::Text, as_bytes("12345678901234567890"), {}, nullptr, random, token));
  CHECK(out.empty());
}

}  // namespace
}  // namespace bartizan::transform
