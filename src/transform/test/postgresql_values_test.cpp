// What PostgreSQL 15 itself made of some thousands of values (test/data/postgresql_values.py).
#include <algorithm>
#include <set>

#include "test_column.hpp"

namespace bartizan::transform {
namespace {

std::string unescape(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\') {
      text += field[i];
    } else if (field.at(i + 1) == '\\') {
      text += '\\';
      ++i;
    } else {
      const auto byte = hex_decode(field.substr(i + 2, 2));
      REQUIRE(byte);
      text += static_cast<char>(byte->front());
      i += 3;
    }
  }
  return text;
}

std::vector<std::vector<std::string>> read_rows(const std::string& name, std::size_t fields) {
  std::ifstream in(std::string(BZ_TEST_DATA) + "/" + name);
  REQUIRE(in.good());
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> row(1);
    for (const char c : line) {
      if (c == '\t')
        row.emplace_back();
      else
        row.back() += c;
    }
    REQUIRE_MESSAGE(row.size() == fields, line);
    rows.push_back(std::move(row));
  }
  REQUIRE(rows.size() > 500);
  return rows;
}

ValueType type_named(const std::string& name) {
  const std::map<std::string, ValueType> types{{"boolean", ValueType::Bool},
                                               {"bytea", ValueType::Bytea},
                                               {"bigint", ValueType::Int8},
                                               {"smallint", ValueType::Int2},
                                               {"integer", ValueType::Int4},
                                               {"text", ValueType::Text},
                                               {"character varying", ValueType::Varchar},
                                               {"date", ValueType::Date},
                                               {"timestamp without time zone", ValueType::Timestamp},
                                               {"timestamp with time zone", ValueType::TimestampTz},
                                               {"numeric", ValueType::Numeric},
                                               {"uuid", ValueType::Uuid},
                                               {"jsonb", ValueType::Jsonb}};
  return types.at(name);
}

const FixedTimeZone kUtc{std::chrono::seconds(0)};
const ValueSettings kSettings{.time_zone = &kUtc};

Result<Bytes> canonical_of(ValueType type, std::int32_t typmod, WireFormat format, ByteView wire) {
  Bytes canonical;
  BoundedBytes out(canonical, test::kLimit);
  BZ_CHECK(to_canonical(type, typmod, format, wire, kSettings, out));
  return canonical;
}

std::string shown(ValueType type, WireFormat format, ByteView canonical) {
  Bytes field;
  BoundedBytes out(field, test::kLimit);
  const auto done = from_canonical(type, format, canonical, kSettings, out);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().detail));
  return std::string(as_chars(field));
}

TEST_CASE("every value reads and writes as in PostgreSQL, in text and in binary, or is refused") {
  std::set<std::string> unsupported;
  for (const auto& row : read_rows("values.tsv", 6)) {
    const auto type = type_named(row[0]);
    const auto typmod = std::stoi(row[1]);
    const auto input = unescape(row[2]);
    CAPTURE(row[0]);
    CAPTURE(row[1]);
    CAPTURE(row[2]);
    const auto canonical = canonical_of(type, typmod, WireFormat::Text, as_bytes(input));
    if (row[3] == "error") {
      CHECK_FALSE(canonical);
      continue;
    }
    const auto binary = hex_decode(row[5]);
    REQUIRE(binary);
    if (canonical) {
      CHECK(shown(type, WireFormat::Text, *canonical) == unescape(row[4]));
      CHECK(hex_encode(as_bytes(shown(type, WireFormat::Binary, *canonical))) == row[5]);
    } else {
      CHECK(canonical.error().code == Errc::Unsupported);
      unsupported.insert(row[0] + ": " + input);
    }
    // What PostgreSQL sends, we read, whatever the client wrote.
    const auto from_binary = canonical_of(type, typmod, WireFormat::Binary, *binary);
    REQUIRE(from_binary);
    CHECK(shown(type, WireFormat::Text, *from_binary) == unescape(row[4]));
    const auto from_text = canonical_of(type, typmod, WireFormat::Text, as_bytes(unescape(row[4])));
    REQUIRE(from_text);
    CHECK(*from_binary == *from_text);
    if (canonical) CHECK(*canonical == *from_text);
  }
  // Only dates in other forms than ISO 8601, or with more digits than are stored.
  for (const auto& what : unsupported) CHECK(what.find("date") + what.find("timestamp") != 2 * std::string::npos);
  CHECK(unsupported.size() <= 30);
}

TEST_CASE("index forms are equal exactly where PostgreSQL's = is") {
  std::size_t equal = 0;
  for (const auto& row : read_rows("equal.tsv", 4)) {
    const auto type = type_named(row[0]);
    CAPTURE(row[0]);
    CAPTURE(row[1]);
    CAPTURE(row[2]);
    const auto a = canonical_of(type, kNoTypmod, WireFormat::Text, as_bytes(unescape(row[1])));
    const auto b = canonical_of(type, kNoTypmod, WireFormat::Text, as_bytes(unescape(row[2])));
    if (!a || !b) continue;
    Bytes form_a, form_b;
    BoundedBytes out_a(form_a, test::kLimit), out_b(form_b, test::kLimit);
    REQUIRE(to_index_form(type, *a, out_a));
    REQUIRE(to_index_form(type, *b, out_b));
    CHECK((form_a == form_b) == (row[3] == "t"));
    if (row[3] == "t") ++equal;
  }
  CHECK(equal > 200);
}

}  // namespace
}  // namespace bartizan::transform
