#include "bartizan/wall/context.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "bartizan/crypto/hash.hpp"

namespace bartizan::wall {
namespace {

std::string format_page() {
  std::ifstream file(BZ_SOURCE_ROOT "/docs/formats/context.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The value in the example's table, without its back-quotes.
std::string cell(const std::string& page, const std::string& name) {
  const auto row = page.find("| " + name + " | `");
  REQUIRE(row != std::string::npos);
  const auto from = page.find('`', row) + 1;
  return page.substr(from, page.find('`', from) - from);
}

SecretBytes key_of(std::string_view hex) {
  const auto bytes = hex_decode(hex);
  REQUIRE(bytes);
  return SecretBytes(ByteView(*bytes));
}

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

TEST_CASE("a class's key for tokens is the secret's HMAC of its role") {
  const SecretBytes secret(std::string(32, 'k'));
  const auto wanted = crypto::hmac_sha256(secret.reveal(), as_bytes(std::string_view("bartizan mask 1\nbz_c_1")));
  CHECK(std::ranges::equal(mask_key(secret, "bz_c_1").reveal(), wanted));
  CHECK_FALSE(std::ranges::equal(mask_key(secret, "bz_c_2").reveal(), wanted));
}

TEST_CASE("the format's example") {
  const auto page = format_page();
  const ServerConnection connection{cell(page, "class role"), std::stoi(cell(page, "backend pid")),
                                    cell(page, "nonce")};
  const auto key = connection_key(key_of(cell(page, "context key")), connection);
  REQUIRE(key);
  CHECK(hex_encode(key->reveal()) == cell(page, "connection key"));
  const auto from = page.find("```context\n") + 11;
  const auto wanted = page.substr(from, page.find('\n', from) - from);
  const auto made = sign_context(
      *key, {at(std::stoll(cell(page, "expiry"))), {{"tenant", "northside"}, {"region", "north \"shore\""}}});
  REQUIRE(made);
  CHECK(*made == wanted);
}

TEST_CASE("every part of the connection is in the key") {
  const auto depot_key = key_of(std::string(64, 'a'));
  const ServerConnection one{"bz_1_c_1", 12, "n"};
  const auto hex = [&](const ServerConnection& connection) {
    return hex_encode(connection_key(depot_key, connection)->reveal());
  };
  CHECK(hex(one) != hex({"bz_1_c_2", 12, "n"}));
  CHECK(hex(one) != hex({"bz_1_c_1", 13, "n"}));
  CHECK(hex(one) != hex({"bz_1_c_1", 12, "m"}));
  CHECK(hex(one) != hex_encode(connection_key(key_of(std::string(64, 'b')), one)->reveal()));
}

TEST_CASE("the expiry is signed") {
  const auto key = key_of(std::string(64, 'a'));
  const auto early = sign_context(key, {at(1'000), {{"tenant", "a"}}});
  const auto late = sign_context(key, {at(1'001), {{"tenant", "a"}}});
  CHECK(early->substr(0, 64) != late->substr(0, 64));
  CHECK(early->substr(64) == "1000000001000{\"tenant\":\"a\"}");
}

TEST_CASE("values are ASCII JSON") {
  const auto key = key_of(std::string(64, 'a'));
  const std::pair<std::string, std::string> cases[] = {
      {"plain", "plain"},
      {"it's", "it\\u0027s"},
      {"back\\slash", "back\\u005cslash"},
      {"Zürich", "Z\\u00fcrich"},
      {"\xF0\x9F\x8F\xB0", "\\ud83c\\udff0"},
      {"a\nb\x7f", "a\\u000ab\\u007f"},
      {"", ""},
  };
  for (const auto& [value, wanted] : cases) {
    CAPTURE(value);
    const auto made = sign_context(key, {at(1), {{"tenant", value}}});
    REQUIRE(made);
    CHECK(made->substr(77) == "{\"tenant\":\"" + wanted + "\"}");
  }
  CHECK(sign_context(key, {at(1), {{"tenant", std::nullopt}}})->substr(77) == "{\"tenant\":null}");
}

TEST_CASE("what can't be a context is refused") {
  const auto key = key_of(std::string(64, 'a'));
  const std::pair<const char*, Context> cases[] = {
      {"no tenant", {at(1), {{"region", "x"}}}},
      {"nothing", {at(1), {}}},
      {"twice", {at(1), {{"tenant", "a"}, {"tenant", "b"}}}},
      {"bad name", {at(1), {{"tenant", "a"}, {"Region", "x"}}}},
      {"name with a quote", {at(1), {{"tenant", "a"}, {"a\"b", "x"}}}},
      {"empty name", {at(1), {{"tenant", "a"}, {"", "x"}}}},
      {"no UTF-8", {at(1), {{"tenant", "\xff"}}}},
      {"overlong UTF-8", {at(1), {{"tenant", "\xc0\xaf"}}}},
      {"cut UTF-8", {at(1), {{"tenant", "\xe2\x82"}}}},
      {"surrogate", {at(1), {{"tenant", "\xed\xa0\x80"}}}},
      {"zero byte", {at(1), {{"tenant", std::string("a\0b", 3)}}}},
      {"before 1970", {at(-1), {{"tenant", "a"}}}},
      {"beyond twelve digits", {at(1'000'000'000'000), {{"tenant", "a"}}}},
      {"too long", {at(1), {{"tenant", std::string(kMaxContextBytes, 'x')}}}},
  };
  for (const auto& [what, context] : cases) {
    CAPTURE(what);
    CHECK_FALSE(sign_context(key, context));
  }
  CHECK_FALSE(sign_context(key_of("aa"), {at(1), {{"tenant", "a"}}}));
  CHECK_FALSE(connection_key(key_of("aa"), {"r", 1, "n"}));
  CHECK_FALSE(connection_key(key, {"r\nx", 1, "n"}));
  CHECK_FALSE(connection_key(key, {"r", 0, "n"}));
  CHECK_FALSE(connection_key(key, {"r", 1, ""}));
  CHECK_FALSE(connection_key(key, {"r", 1, "n\n"}));
}

TEST_CASE("the literal means the same under every standard_conforming_strings") {
  CHECK(set_context_sql("ab{\"t\":\"x\\u0027\"}") ==
        "SELECT pg_catalog.set_config('bartizan.ctx', E'ab{\"t\":\"x\\\\u0027\"}', true)");
  CHECK(set_context_sql("a'b") == "SELECT pg_catalog.set_config('bartizan.ctx', 'a''b', true)");
}

}  // namespace
}  // namespace bartizan::wall
