#include "bartizan/transform/copy_transform.hpp"
#include "test_column.hpp"

namespace bartizan::transform {
namespace {

const ValueSettings kSettings{};

struct Setup {
  CopyOptions options{};
  std::uint16_t columns = 3;
  std::vector<std::uint16_t> encrypted = {1};
  CopyTransform::Limits limits{};
};

/// Runs the whole of data through in pieces of the given size.
Result<std::string> run(CopyDirection direction, const Setup& setup, std::string_view data, EncryptedColumn& column,
                        std::size_t piece = 1 << 20) {
  std::vector<CopyOp> ops;
  for (const auto index : setup.encrypted) ops.push_back({index, &column});
  BZ_TRY(auto transform,
         CopyTransform::make(direction, setup.options, setup.columns, ops, kSettings, system_random(), setup.limits));
  Bytes out;
  for (std::size_t at = 0; at < data.size(); at += piece)
    BZ_CHECK(transform.feed(as_bytes(data.substr(at, piece)), out));
  BZ_CHECK(transform.finish(out));
  return std::string(as_chars(out));
}

/// In and out again, cut at every size; what comes back and what the server saw.
struct RoundTrip {
  std::string returned, stored;
};
RoundTrip round_trip(const Setup& setup, std::string_view data, EncryptedColumn& column) {
  RoundTrip made;
  for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 1UL << 20}) {
    const auto in = run(CopyDirection::In, setup, data, column, piece);
    REQUIRE_MESSAGE(in, (in ? "" : in.error().detail));
    const auto out = run(CopyDirection::Out, setup, *in, column, piece);
    REQUIRE_MESSAGE(out, (out ? "" : out.error().detail));
    if (!made.returned.empty()) CHECK(made.returned == *out);
    made = {*out, *in};
  }
  return made;
}

Errc error_of(const Result<std::string>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

TEST_CASE("text: rows come back as PostgreSQL would write them, and only encrypted fields changed on the way") {
  auto column = test::make_column({});
  const Setup setup;
  const auto made =
      round_trip(setup, "1\tcanary one\tx\n2\t\\N\ty\\tz\n3\t\t\\N\n4\ta\\tb\\\\c\\nd\\142\\x63\\q\tlast", column);
  CHECK(made.returned == "1\tcanary one\tx\n2\t\\N\ty\\tz\n3\t\t\\N\n4\ta\\tb\\\\c\\ndbcq\tlast");
  CHECK(made.stored.find("canary") == std::string::npos);
  CHECK(made.stored.starts_with("1\t\\\\xc711"));
  CHECK(made.stored.find("\n2\t\\N\ty\\tz\n3\t\\\\xc711") != std::string::npos);
}

TEST_CASE("text: header, carriage returns, other delimiters and null texts, the end-of-data marker") {
  auto column = test::make_column({});
  CHECK(round_trip({.options = {.header = true}}, "a\tb\tc\n1\tv\t2\n", column).returned == "a\tb\tc\n1\tv\t2\n");
  CHECK(round_trip({}, "1\tv\t2\r\n3\tw\t4\r\n", column).returned == "1\tv\t2\r\n3\tw\t4\r\n");
  CHECK(round_trip({.options = {.delimiter = '|', .null_text = "NULL"}}, "1|NULL|2\n1|a\\|b|2\n", column).returned ==
        "1|NULL|2\n1|a\\|b|2\n");
  CHECK(round_trip({.columns = 1, .encrypted = {0}}, "\nv\n", column).returned == "\nv\n");
  const auto ended = run(CopyDirection::In, {}, "\\.\n1\tcanary\t2\n", column);
  REQUIRE(ended);
  CHECK(*ended == "\\.\n");
}

TEST_CASE("text: an escaped newline is part of the value") {
  auto column = test::make_column({});
  CHECK(round_trip({}, "1\ta\\\nb\t2\n", column).returned == "1\ta\\nb\t2\n");
}

TEST_CASE("csv: quoting, escapes and NULL as in PostgreSQL") {
  auto column = test::make_column({});
  const Setup setup{.options = {.format = CopyFormat::Csv, .delimiter = ',', .null_text = ""}};
  const auto made =
      round_trip(setup, "1,canary,x\n2,,y\n3,\"\",z\n4,\"a,b\"\"c\nd\",\"q\"\"\n\"\n5,pre\"mid,\"post,6", column);
  CHECK(made.returned == "1,canary,x\n2,,y\n3,\"\",z\n4,\"a,b\"\"c\nd\",\"q\"\"\n\"\n5,\"premid,post\",6");
  CHECK(made.stored.find("canary") == std::string::npos);
  CHECK(made.stored.starts_with("1,\\xc711"));
  CHECK(made.stored.find("\n2,,y\n3,\\xc711") != std::string::npos);

  const Setup escaped{.options = {.format = CopyFormat::Csv,
                                  .delimiter = 'c',
                                  .null_text = "\\N",
                                  .quote = '\'',
                                  .escape = '\\',
                                  .header = true}};
  CHECK(round_trip(escaped, "acbcx\n1c'\\'\\\\'c2\n1c\\Nc2\n", column).returned == "acbcx\n1c'\\'\\\\'c2\n1c\\Nc2\n");
  const Setup single{.options = setup.options, .columns = 1, .encrypted = {0}};
  CHECK(round_trip(single, "\"\\.\"\n", column).returned == "\"\\.\"\n");
}

std::string be(std::uint64_t value, int bytes) {
  std::string text;
  for (int shift = bytes - 1; shift >= 0; --shift) text += static_cast<char>(value >> (8 * shift) & 0xff);
  return text;
}
const std::string kHeader = std::string("PGCOPY\n\377\r\n\0", 11) + be(0, 8);
const std::string kTrailer = "\xff\xff";

TEST_CASE("binary: fields by length, NULL, header and trailer") {
  auto column = test::make_column({.type = ValueType::Int4});
  const Setup setup{.options = {.format = CopyFormat::Binary}};
  const std::string row_1 = be(3, 2) + be(1, 4) + "a" + be(4, 4) + be(77, 4) + be(0xffffffff, 4);
  const std::string row_2 = be(3, 2) + be(0, 4) + be(0xffffffff, 4) + be(2, 4) + "zz";
  const auto made = round_trip(setup, kHeader + row_1 + row_2 + kTrailer, column);
  CHECK(made.returned == kHeader + row_1 + row_2 + kTrailer);
  CHECK(made.stored.size() == kHeader.size() + row_1.size() + row_2.size() + 2 + 64 + 8 - 4);

  const auto refused = [&](const std::string& data) {
    CHECK(error_of(run(CopyDirection::In, setup, data, column)) == Errc::Malformed);
  };
  refused("");
  refused(kHeader);
  refused(kHeader + row_1);
  refused(kHeader + row_1.substr(0, 9));
  refused(kHeader + kTrailer + "x");
  refused("PGCOPX" + kHeader.substr(6) + kTrailer);
  refused(kHeader.substr(0, 11) + be(0x10000, 4) + be(0, 4) + kTrailer);
  refused(kHeader + be(2, 2) + be(0xffffffff, 4) + be(0xffffffff, 4) + kTrailer);
  refused(kHeader + be(3, 2) + be(0xfffffffe, 4));
}

TEST_CASE("rows that are not well-formed are refused, never passed on") {
  auto column = test::make_column({});
  const auto refused = [&](const Setup& setup, std::string_view data) {
    CAPTURE(data);
    for (const std::size_t piece : {1UL, 1UL << 20})
      CHECK(error_of(run(CopyDirection::In, setup, data, column, piece)) == Errc::Malformed);
  };
  const Setup text;
  refused(text, "1\tv\n");
  refused(text, "1\tv\t2\t3\n");
  refused(text, "\n");
  refused(text, "1\tv\t2\\");
  refused(text, "1\tv\rw\t2\n");
  refused(text, "1\tv\\.\t2\n");
  refused(text, "1\tv\t\\.\n");
  const Setup csv{.options = {.format = CopyFormat::Csv, .delimiter = ',', .null_text = ""}};
  refused(csv, "1,v\n");
  refused(csv, "1,v,2,3\n");
  refused(csv, "1,\"v,2\n");
  refused(csv, "1,v\rw,2\n");
  refused(csv, "1,\"v\n\\.\nw\",2\n");
  const Setup csv_escape{.options = {.format = CopyFormat::Csv, .delimiter = ',', .null_text = "", .escape = '\\'}};
  refused(csv_escape, "1,\"v\\\",2\n");
}

TEST_CASE("values that are not of the type, cells that do not open, rows that are too long") {
  auto number = test::make_column({.type = ValueType::Int4});
  CHECK(error_of(run(CopyDirection::In, {}, "1\tx\t2\n", number)) == Errc::InvalidArgument);
  CHECK(error_of(run(CopyDirection::Out, {}, "1\t5\t2\n", number)) == Errc::Crypto);
  CHECK(error_of(run(CopyDirection::Out, {}, "1\t\\\\xc711\t2\n", number)) == Errc::Crypto);
  auto text = test::make_column({});
  const Setup small{.limits = {.max_row_bytes = 100, .max_field_bytes = 1000}};
  CHECK(error_of(run(CopyDirection::In, small, "1\t" + std::string(200, 'x'), text, 10)) == Errc::TooLarge);
  const Setup narrow{.limits = {.max_row_bytes = 1000, .max_field_bytes = 80}};
  CHECK(error_of(run(CopyDirection::In, narrow, "1\t" + std::string(17, 'x') + "\t2\n", text)) == Errc::TooLarge);
  CHECK(run(CopyDirection::In, narrow, "1\t" + std::string(16, 'x') + "\t2\n", text));
}

TEST_CASE("a row that fails leaves nothing of itself, and the rows before it stay") {
  auto column = test::make_column({});
  const auto stored = run(CopyDirection::In, {.columns = 2, .encrypted = {0, 1}}, "a\tb\ncanary\td\n", column);
  REQUIRE(stored);
  std::string broken = *stored;
  broken[broken.size() - 2] = broken[broken.size() - 2] == '0' ? '1' : '0';  // in the last field's tag
  const CopyOp ops[] = {{0, &column}, {1, &column}};
  for (const bool ended : {true, false}) {
    auto copy = CopyTransform::make(CopyDirection::Out, {}, 2, ops, kSettings, system_random(), {});
    REQUIRE(copy);
    Bytes out;
    const auto fed = copy->feed(as_bytes(std::string_view(broken).substr(0, broken.size() - (ended ? 0 : 1))), out);
    CHECK(fed.has_value() == !ended);
    if (!ended) CHECK_FALSE(copy->finish(out));
    CHECK(as_chars(out) == "a\tb\n");
  }
}

TEST_CASE("row-bound: the key may stand before the cell or behind it, and a cell of another row ends the COPY") {
  auto column = test::make_column({.row_bound = true});
  const auto copied = [&](CopyDirection direction, CopyOptions options, std::string_view data) -> Result<std::string> {
    // A column of the key on each side of the cell.
    const CopyOp op{1, &column, {{2, ValueType::Text}, {0, ValueType::Int4}}};
    BZ_TRY(auto copy, CopyTransform::make(direction, options, 3, {&op, 1}, kSettings, system_random(), {}));
    Bytes out;
    BZ_CHECK(copy.feed(as_bytes(data), out));
    BZ_CHECK(copy.finish(out));
    return std::string(as_chars(out));
  };
  for (const bool csv : {false, true}) {
    CopyOptions options;
    if (csv) options = {.format = CopyFormat::Csv, .delimiter = ',', .null_text = ""};
    const std::string null = csv ? "" : "\\N", at = csv ? "," : "\t";
    const std::string rows = "1" + at + "first" + at + "a\n2" + at + "second" + at + "b\n3" + at + null + at + "c\n";
    const auto in = copied(CopyDirection::In, options, rows);
    REQUIRE_MESSAGE(in, (in ? "" : in.error().detail));
    CHECK(in->find("first") == std::string::npos);
    CHECK(*copied(CopyDirection::Out, options, *in) == rows);
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"1" + at, "2" + at}, {at + "a\n", at + "b\n"}, {at + "a\n", at + null + "\n"}, {"1" + at, null + at}}) {
      std::string moved = *in;
      moved.replace(moved.find(from), from.size(), to);
      const auto out = copied(CopyDirection::Out, options, moved);
      REQUIRE_FALSE(out);
      CHECK(out.error().code == Errc::Crypto);
      CHECK(out.error().detail == kCellDoesNotOpen);
    }
    CHECK(error_of(copied(CopyDirection::In, options, null + at + "value" + at + "a\n")) == Errc::InvalidArgument);
    CHECK(error_of(copied(CopyDirection::In, options, "x" + at + "value" + at + "a\n")) == Errc::InvalidArgument);
    CHECK(copied(CopyDirection::In, options, null + at + null + at + "a\n"));  // there is nothing to seal
  }
}

TEST_CASE("options and operations that can't be") {
  auto column = test::make_column({});
  auto bound = test::make_column({.row_bound = true});
  const auto make = [&](const CopyOptions& options, std::uint16_t columns, std::vector<CopyOp> ops) {
    return CopyTransform::make(CopyDirection::In, options, columns, ops, kSettings, system_random(), {}).has_value();
  };
  CHECK(make({}, 3, {{1, &column}}));
  CHECK_FALSE(make({}, 3, {{3, &column}}));
  CHECK_FALSE(make({}, 3, {{1, nullptr}}));
  CHECK_FALSE(make({}, 3, {{1, &bound}}));
  CHECK(make({}, 3, {{1, &bound, {{0, ValueType::Int4}}}}));
  CHECK_FALSE(make({}, 3, {{1, &bound, {{3, ValueType::Int4}}}}));
  CHECK_FALSE(make({}, 3, {{1, &column, {{0, ValueType::Int4}}}}));
  CHECK_FALSE(make({}, 3, {{1, &column}, {1, &column}}));
  CHECK_FALSE(make({}, 0, {}));
  CHECK_FALSE(make({.delimiter = '\n'}, 1, {}));
  CHECK_FALSE(make({.delimiter = 'a'}, 1, {}));
  CHECK_FALSE(make({.delimiter = '\\'}, 1, {}));
  CHECK_FALSE(make({.null_text = "a\tb"}, 1, {}));
  CHECK_FALSE(make({.null_text = "a\n"}, 1, {}));
  CHECK_FALSE(make({.format = CopyFormat::Csv, .delimiter = '"'}, 1, {}));
  CHECK_FALSE(make({.format = CopyFormat::Csv, .delimiter = ',', .null_text = "a\"b"}, 1, {}));
  CHECK_FALSE(make({.format = CopyFormat::Csv, .delimiter = ',', .escape = '\n'}, 1, {}));
}

}  // namespace
}  // namespace bartizan::transform
