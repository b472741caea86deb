// The digest of a row's key: docs/formats/cell.md, "Row digest".
#include "bartizan/transform/row_key.hpp"

#include <random>
#include <set>

#include "test_column.hpp"

namespace bartizan::transform {
namespace {

RowKeyField text_field(ValueType type, std::string_view value, std::int32_t typmod = kNoTypmod) {
  return {type, typmod, WireFormat::Text, as_bytes(value)};
}

std::string digest(std::vector<RowKeyField> fields) {
  const auto made = row_digest_of(fields);
  return made ? hex_encode(*made) : "refused";
}

TEST_CASE("the worked examples of the format") {
  const auto example = test::read_examples("cell.md");
  const auto hash = [&](const char* name) { return hex_encode(crypto::sha256(example.at(name))); };
  CHECK(digest({text_field(ValueType::Int4, "42")}) == hex_encode(example.at("row_digest")));
  CHECK(hash("row_input") == hex_encode(example.at("row_digest")));
  CHECK(digest({text_field(ValueType::Uuid, "6f1c2a0e-5d3b-4c7f-9a81-00000000002a"),
                text_field(ValueType::Text, "K\xc3\xb8ge")}) == hex_encode(example.at("pair_digest")));
  CHECK(hash("pair_input") == hex_encode(example.at("pair_digest")));
}

TEST_CASE("one key has one digest, however it was sent") {
  const Bytes four = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{42}};
  const auto binary = RowKeyField{ValueType::Int4, kNoTypmod, WireFormat::Binary, four};
  CHECK(digest({text_field(ValueType::Int4, "42")}) == digest({binary}));
  CHECK(digest({text_field(ValueType::Int4, " +42 ")}) == digest({binary}));
  CHECK(digest({text_field(ValueType::Uuid, "{6F1C2A0E-5D3B-4C7F-9A81-00000000002A}")}) ==
        digest({text_field(ValueType::Uuid, "6f1c2a0e-5d3b-4c7f-9a81-00000000002a")}));
  // What PostgreSQL stores of 'abc  ' in a varchar(3).
  CHECK(digest({text_field(ValueType::Varchar, "abc  ", 7)}) == digest({text_field(ValueType::Varchar, "abc")}));
  CHECK(digest({text_field(ValueType::Bytea, "\\x00ff")}) == digest({text_field(ValueType::Bytea, "\\000\\377")}));
}

TEST_CASE("two keys never have one digest") {
  std::set<std::string> seen;
  std::size_t made = 0;
  const auto note = [&](std::vector<RowKeyField> fields) {
    seen.insert(digest(std::move(fields)));
    ++made;
  };
  for (const auto type : {ValueType::Int2, ValueType::Int4, ValueType::Int8, ValueType::Text, ValueType::Varchar})
    for (const std::string_view value : {"1", "-1", "12"}) note({text_field(type, value)});
  note({text_field(ValueType::Bytea, "1")});
  note({text_field(ValueType::Text, "")});
  note({text_field(ValueType::Text, "01")});
  note({text_field(ValueType::Text, "1 ")});
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{
           {"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}, {"c", "ab"}, {"bzr1", "1"}})
    note({text_field(ValueType::Text, a), text_field(ValueType::Text, b)});
  note({text_field(ValueType::Text, "abc")});
  note({text_field(ValueType::Int4, "1"), text_field(ValueType::Int4, "2")});
  note({text_field(ValueType::Int4, "2"), text_field(ValueType::Int4, "1")});
  note({text_field(ValueType::Int4, "1"), text_field(ValueType::Int8, "2")});
  CHECK(seen.size() == made);
  CHECK_FALSE(seen.contains("refused"));
}

TEST_CASE("random keys: equal digests exactly where type, number and values are equal") {
  std::mt19937 random(20261122);  // the same each time
  const auto pick = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  constexpr std::array kTypes = {ValueType::Int2, ValueType::Int4, ValueType::Int8, ValueType::Text, ValueType::Bytea};
  std::map<std::string, std::string> by_key;
  std::map<std::string, std::string> by_digest;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> values(1 + pick(3));
    std::vector<RowKeyField> fields;
    std::string key;
    for (auto& value : values) {
      const auto type = kTypes[pick(kTypes.size())];
      const bool number = type != ValueType::Text && type != ValueType::Bytea;
      if (number) value = std::to_string(static_cast<int>(pick(7)) - 3);
      for (std::size_t i = number ? 0 : pick(4); i > 0; --i) value += "ab1|"[pick(4)];
      fields.push_back(text_field(type, value));
      key += std::to_string(oid_of(type)) + ":" + std::to_string(value.size()) + ":" + value + ",";
    }
    const auto made = digest(fields);
    REQUIRE(made != "refused");
    const auto known = by_key.emplace(key, made);
    const auto found = by_digest.emplace(made, key);
    REQUIRE(known.first->second == made);
    REQUIRE(found.first->second == key);
  }
  CHECK(by_key.size() > 5'000);
}

TEST_CASE("what is no key") {
  CHECK(digest({}) == "refused");
  CHECK(digest({{ValueType::Int4, kNoTypmod, WireFormat::Text, std::nullopt}}) == "refused");
  CHECK(digest({text_field(ValueType::Int4, "1"), {ValueType::Int4, kNoTypmod, WireFormat::Text, {}}}) == "refused");
  CHECK(digest({text_field(ValueType::Int4, "one")}) == "refused");
  CHECK(digest({text_field(ValueType::Int2, "40000")}) == "refused");
  CHECK(digest({text_field(ValueType::Text, std::string(65'537, 'x'))}) == "refused");
  for (const auto type : {ValueType::Numeric, ValueType::Bool, ValueType::Date, ValueType::Timestamp,
                          ValueType::TimestampTz, ValueType::Jsonb}) {
    CHECK_FALSE(can_be_row_key(type));
    CHECK(digest({text_field(type, "1")}) == "refused");
  }
}

}  // namespace
}  // namespace bartizan::transform
