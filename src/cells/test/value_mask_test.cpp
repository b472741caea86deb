#include "value_mask.hpp"

#include <doctest/doctest.h>

#include "bartizan/crypto/hash.hpp"

namespace bartizan::cells {

namespace {

using transform::ValueType;
using transform::WireFormat;

const SecretBytes kKey(std::string(32, 'k'));

/// A value in PostgreSQL's text through its mask, in text again.
std::string seen(const policy::Mask& mask, ValueType type, std::string_view value, std::int32_t typmod = -1) {
  auto made = value_mask(mask, type, typmod, kKey);
  REQUIRE_MESSAGE(made, (made ? "" : made.error().detail));
  const transform::FixedTimeZone utc(std::chrono::seconds(0));
  transform::ValueSettings settings;
  settings.time_zone = &utc;
  Bytes canonical;
  transform::BoundedBytes in(canonical, 1 << 20);
  REQUIRE(transform::to_canonical(type, -1, WireFormat::Text, as_bytes(value), settings, in));
  for (int again = 0; again < 2; ++again) {  // what one value leaves does not show in the next
    Bytes shown;
    transform::BoundedBytes out(shown, 1 << 20);
    const auto done = (*made)->apply(canonical, out);
    REQUIRE_MESSAGE(done, (done ? "" : done.error().detail));
    if (!*done) {
      CHECK(shown.empty());
      return "NULL";
    }
    if (again == 0) continue;
    Bytes text;
    transform::BoundedBytes written(text, 1 << 20);
    REQUIRE(transform::from_canonical(type, WireFormat::Text, shown, settings, written));
    return std::string(as_chars(text));
  }
  return {};
}

std::string token(std::string_view text) { return hex_encode(crypto::hmac_sha256(kKey.reveal(), as_bytes(text))); }

struct Row {
  policy::Mask mask;
  ValueType type;
  std::string_view value;
  std::string wanted;
  std::int32_t typmod = -1;
};

void check(std::span<const Row> rows) {
  for (const auto& row : rows) {
    CAPTURE(row.value);
    CAPTURE(policy::describe(row.mask));
    CHECK(seen(row.mask, row.type, row.value, row.typmod) == row.wanted);
  }
}

}  // namespace

TEST_CASE("parts of texts, by characters") {
  using policy::EmailMask;
  using policy::PartialMask;
  const std::string long_text(50'000, 'a');
  const Row rows[] = {
      {PartialMask{2, 3, "***"}, ValueType::Text, "Zürich 12345678", "Zü***678"},
      {PartialMask{0, 0, "-"}, ValueType::Text, "Zürich", "-"},
      {PartialMask{0, 2, "-"}, ValueType::Text, "€😀x", "-😀x"},
      {PartialMask{3, 2, "?"}, ValueType::Text, "12345", "?"},
      {PartialMask{0, 0, "?"}, ValueType::Text, "", "?"},
      {PartialMask{1, 1, ""}, ValueType::Text, "äöü", "äü"},
      {PartialMask{1, 1, "****"}, ValueType::Varchar, "äöü", "ä***", 4 + 4},
      {policy::RegexReplaceMask{"[0-9]", "#"}, ValueType::Varchar, "a12345", "a##", 3 + 4},
      {policy::RegexReplaceMask{"^(.)[^@]*", "\\1…"}, ValueType::Text, "ann.smith@example.org", "a…@example.org"},
      {policy::RegexReplaceMask{"a*a*a*b", "x"}, ValueType::Text, long_text, "NULL"},
      {EmailMask{1, true}, ValueType::Text, "ann.smith@example.org", "a***@example.org"},
      {EmailMask{20, false}, ValueType::Text, "ann@example.org", "***@***"},
      {EmailMask{3, true}, ValueType::Text, "no address", "***"},
      {EmailMask{0, true}, ValueType::Text, "", "***"},
      {EmailMask{1, true}, ValueType::Text, "a@b@c", "a***@c"},
      {EmailMask{1, true}, ValueType::Text, "@c", "***@c"},
      {EmailMask{1, false}, ValueType::Text, "ä😀@", "ä***@***"},
      {EmailMask{1, true}, ValueType::Varchar, "ann@example.org", "a***@ex", 4 + 7},
  };
  check(rows);
}

TEST_CASE("tokens are the class's HMAC of the value's text") {
  using policy::HashMask;
  using policy::RandPatternMask;
  const auto digits = crypto::hmac_sha256(kKey.reveal(), as_bytes(std::string_view("x")));
  const auto digit = [](std::byte byte) { return static_cast<char>('0' + std::to_integer<unsigned>(byte) % 10); };
  std::string thirty_three;
  for (const auto byte : digits) thirty_three.push_back(digit(byte));
  thirty_three.push_back(digit(crypto::hmac_sha256(kKey.reveal(), digits)[0]));
  const Row rows[] = {
      {HashMask{}, ValueType::Text, "ann", token("ann")},
      {HashMask{}, ValueType::Text, "", token("")},
      {HashMask{}, ValueType::Varchar, "ann", token("ann").substr(0, 20), 20 + 4},
      {HashMask{}, ValueType::Bytea, "\\x00ff",
       "\\x" + hex_encode(crypto::hmac_sha256(kKey.reveal(), as_bytes(std::string_view("\0\xff", 2))))},
      {RandPatternMask{"a-##"}, ValueType::Text, "x", std::string("a-") + digit(digits[0]) + digit(digits[1])},
      {RandPatternMask{""}, ValueType::Text, "x", ""},
      {RandPatternMask{std::string(33, '#')}, ValueType::Text, "x", thirty_three},
      {RandPatternMask{"€#"}, ValueType::Varchar, "x", "€", 1 + 4},
  };
  check(rows);
  const auto number = seen(HashMask{}, ValueType::Int8, "98765432100");
  const auto raw = hex_decode(token("98765432100").substr(0, 16));
  CHECK(number ==
        std::to_string(static_cast<std::int64_t>(
            (std::uint64_t{load_be32(raw->data())} << 32 | load_be32(raw->data() + 4)) & 0x7fffffffffffffff)));
  const auto uuid = seen(HashMask{}, ValueType::Uuid, "0F0E0D0C-0b0a-0908-0706-050403020100");
  CHECK(uuid.substr(0, 8) == token("0f0e0d0c-0b0a-0908-0706-050403020100").substr(0, 8));
  CHECK(uuid[14] == '8');
}

TEST_CASE("numbers fall into the greatest bound that they reach") {
  const policy::BucketNumberMask ints{{"-5", "0", "1000", "1234"}};
  const policy::BucketNumberMask decimals{{"-100.5", "-1", "0", "0.001", "77.5", "100000"}};
  const Row rows[] = {
      {ints, ValueType::Int4, "1234", "1234"},
      {ints, ValueType::Int4, "1233", "1000"},
      {ints, ValueType::Int8, "9223372036854775807", "1234"},
      {ints, ValueType::Int2, "-5", "-5"},
      {ints, ValueType::Int8, "-9223372036854775808", "NULL"},
      {decimals, ValueType::Numeric, "77.50", "77.50", (10 << 16) + 2 + 4},
      {decimals, ValueType::Numeric, "77.4999", "0.001"},
      {decimals, ValueType::Numeric, "0.001000", "0.001"},
      {decimals, ValueType::Numeric, "0.0009", "0"},
      {decimals, ValueType::Numeric, "-0.0", "0"},
      {decimals, ValueType::Numeric, "-0.00001", "-1"},
      {decimals, ValueType::Numeric, "-1", "-1"},
      {decimals, ValueType::Numeric, "-1.00001", "-100.5"},
      {decimals, ValueType::Numeric, "-100.50", "-100.5"},
      {decimals, ValueType::Numeric, "-100.5001", "NULL"},
      {decimals, ValueType::Numeric, "1e100", "100000"},
      {decimals, ValueType::Numeric, "99999.9999", "77.5"},
      {decimals, ValueType::Numeric, "NaN", "100000"},
      {decimals, ValueType::Numeric, "Infinity", "100000"},
      {decimals, ValueType::Numeric, "-Infinity", "NULL"},
  };
  check(rows);
  CHECK_FALSE(value_mask(policy::BucketNumberMask{{"1.5"}}, ValueType::Int4, -1, kKey));
  CHECK_FALSE(value_mask(policy::BucketNumberMask{}, ValueType::Int4, -1, kKey));
}

TEST_CASE("moments are cut as date_trunc cuts them, in UTC") {
  using policy::BucketDateMask;
  using enum policy::DateUnit;
  const Row rows[] = {
      {BucketDateMask{Month}, ValueType::Date, "2024-05-17", "2024-05-01"},
      {BucketDateMask{Week}, ValueType::Date, "2024-05-17", "2024-05-13"},
      {BucketDateMask{Week}, ValueType::Date, "2024-05-13", "2024-05-13"},
      {BucketDateMask{Week}, ValueType::Date, "2024-05-12", "2024-05-06"},
      {BucketDateMask{Week}, ValueType::Date, "1999-12-31", "1999-12-27"},
      {BucketDateMask{Quarter}, ValueType::Date, "2024-02-29", "2024-01-01"},
      {BucketDateMask{Quarter}, ValueType::Date, "2024-12-31", "2024-10-01"},
      {BucketDateMask{Year}, ValueType::Date, "2024-01-01", "2024-01-01"},
      {BucketDateMask{Year}, ValueType::Date, "0044-03-15 BC", "0044-01-01 BC"},
      {BucketDateMask{Month}, ValueType::Date, "0001-02-28 BC", "0001-02-01 BC"},
      {BucketDateMask{Year}, ValueType::Date, "infinity", "infinity"},
      {BucketDateMask{Year}, ValueType::Date, "-infinity", "-infinity"},
      {BucketDateMask{Year}, ValueType::Date, "4714-11-24 BC", "NULL"},
      {BucketDateMask{Year}, ValueType::Date, "5874897-12-31", "5874897-01-01"},
      {BucketDateMask{Minute}, ValueType::Timestamp, "1999-12-31 23:59:59.999999", "1999-12-31 23:59:00"},
      {BucketDateMask{Hour}, ValueType::Timestamp, "2024-05-17 13:45:10.123", "2024-05-17 13:00:00"},
      {BucketDateMask{Day}, ValueType::Timestamp, "0001-01-01 00:00:00.5 BC", "0001-01-01 00:00:00 BC"},
      {BucketDateMask{Day}, ValueType::TimestampTz, "2024-05-17 23:45:10-02", "2024-05-18 00:00:00+00"},
      {BucketDateMask{Month}, ValueType::Timestamp, "infinity", "infinity"},
      {BucketDateMask{Year}, ValueType::TimestampTz, "-infinity", "-infinity"},
  };
  check(rows);
}

TEST_CASE("members of documents") {
  using policy::JsonAction;
  using policy::JsonPathMask;
  constexpr std::string_view kDocument =
      R"({"a": {"ssn": "12-3", "x": 1}, "l": [{"ssn": 5}, 6, []], "s": "t", "k\"ey": null, "": "\u0001\\"})";
  const auto edit = [](std::vector<std::string> path, JsonAction action, std::string text = {}) {
    return JsonPathMask{{{std::move(path), action, std::move(text)}}};
  };
  const Row rows[] = {
      {edit({"a", "ssn"}, JsonAction::Remove), ValueType::Jsonb, kDocument,
       R"({"": "\u0001\\", "a": {"x": 1}, "l": [{"ssn": 5}, 6, []], "s": "t", "k\"ey": null})"},
      {edit({"*", "*", "ssn"}, JsonAction::Null), ValueType::Jsonb, R"({"a": {"ssn": 1}, "l": [{"ssn": 5}, 6]})",
       R"({"a": {"ssn": 1}, "l": [{"ssn": null}, 6]})"},
      {edit({"l", "*"}, JsonAction::Redact, "it's \\ \"hid\"\n"), ValueType::Jsonb, R"({"l": [1, {"b": [2]}]})",
       R"({"l": ["it's \\ \"hid\"\n", "it's \\ \"hid\"\n"]})"},
      {edit({"l", "*"}, JsonAction::Remove), ValueType::Jsonb, R"({"l": [1, 2], "m": {"x": 1}})",
       R"({"l": [], "m": {"x": 1}})"},
      {edit({"m", "*"}, JsonAction::Remove), ValueType::Jsonb, R"({"l": [1, 2], "m": {"x": 1, "y": "}"}})",
       R"({"l": [1, 2], "m": {}})"},
      {edit({"k\"ey"}, JsonAction::Hash), ValueType::Jsonb, R"({"k\"ey": "a\n€"})",
       R"({"k\"ey": ")" + token("a\n€") + R"("})"},
      {edit({"*"}, JsonAction::Hash), ValueType::Jsonb, R"({"a": null, "b": 1.50, "c": [1, "x"], "d": true})",
       R"({"a": null, "b": ")" + token("1.50") + R"(", "c": ")" + token(R"([1, "x"])") + R"(", "d": ")" +
           token("true") + R"("})"},
      {edit({"0"}, JsonAction::Remove), ValueType::Jsonb, "[1, 2]", "[1, 2]"},
      {edit({"a"}, JsonAction::Remove), ValueType::Jsonb, R"({"a": {"b": "},{"}})", "{}"},
      {edit({"a"}, JsonAction::Null), ValueType::Jsonb, R"("a")", R"("a")"},
      {edit({"a", "b"}, JsonAction::Null), ValueType::Jsonb, R"({"a": "b"})", R"({"a": "b"})"},
      {edit({"a"}, JsonAction::Null), ValueType::Jsonb, "null", "null"},
      {edit({"*"}, JsonAction::Null), ValueType::Jsonb, "[]", "[]"},
      {edit({"*"}, JsonAction::Null), ValueType::Jsonb, "{}", "{}"},
      {JsonPathMask{{{{"a"}, JsonAction::Remove, ""}, {{"b"}, JsonAction::Redact, "x"}, {{"c"}, JsonAction::Null, ""}}},
       ValueType::Jsonb, R"({"a": 1, "b": 2, "c": 3})", R"({"b": "x", "c": null})"},
  };
  check(rows);
}

TEST_CASE("what is no printed document is refused, however it is cut") {
  auto made =
      value_mask(policy::JsonPathMask{{{{"*", "*"}, policy::JsonAction::Hash, ""}}}, ValueType::Jsonb, -1, kKey);
  REQUIRE(made);
  const std::string whole = R"({"a": [1, "x\"y"], "b": {"c": null}})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes room;
    transform::BoundedBytes out(room, 1 << 20);
    const auto done = (*made)->apply(as_bytes(std::string_view(whole).substr(0, size)), out);
    CHECK_FALSE(done);
  }
  for (const std::string_view text : {"{\"a\":1}", "{a: 1}", "[1,2]", "{}x", "[1, 2", "\"", "{\"a\\", "]"}) {
    Bytes room;
    transform::BoundedBytes out(room, 1 << 20);
    CAPTURE(text);
    CHECK_FALSE((*made)->apply(as_bytes(text), out));
  }
}

TEST_CASE("masks of other types are refused, and patterns that PostgreSQL alone understands") {
  const std::pair<policy::Mask, ValueType> rows[] = {
      {policy::PartialMask{}, ValueType::Int4},
      {policy::EmailMask{}, ValueType::Jsonb},
      {policy::HashMask{}, ValueType::Int4},
      {policy::HashMask{}, ValueType::Date},
      {policy::RandPatternMask{}, ValueType::Bytea},
      {policy::BucketNumberMask{{"1"}}, ValueType::Text},
      {policy::BucketDateMask{}, ValueType::Int8},
      {policy::JsonPathMask{}, ValueType::Text},
      {policy::RegexReplaceMask{"\\w", "x"}, ValueType::Text},
      {policy::NullMask{}, ValueType::Text},
  };
  for (const auto& [mask, type] : rows) {
    CAPTURE(policy::describe(mask));
    CHECK_FALSE(value_mask(mask, type, -1, kKey));
  }
  CHECK_FALSE(value_mask(policy::HashMask{}, ValueType::Varchar, 15 + 4, kKey));
  CHECK_FALSE(value_mask(policy::HashMask{}, ValueType::Text, -1, SecretBytes()));
}

}  // namespace bartizan::cells
