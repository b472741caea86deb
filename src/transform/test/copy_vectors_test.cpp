// How PostgreSQL 15 itself reads and writes COPY data (test/data/postgresql_copy.py): with both
// columns encrypted on the way in and decrypted on the way out, the same must come back.
#include <algorithm>

#include "bartizan/transform/copy_transform.hpp"
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

Result<std::string> run(CopyDirection direction, const CopyOptions& options, std::string_view data,
                        EncryptedColumn& column) {
  static const ValueSettings settings;
  const CopyOp ops[] = {{0, &column}, {1, &column}};
  BZ_TRY(auto copy, CopyTransform::make(direction, options, 2, ops, settings, system_random(), {}));
  Bytes out;
  BZ_CHECK(copy.feed(as_bytes(data), out));
  BZ_CHECK(copy.finish(out));
  return std::string(as_chars(out));
}

/// PostgreSQL ends every row alike; we keep the client's terminators, and its end marker.
std::string as_postgresql_ends(std::string text, bool csv) {
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  if (const auto marker = text.find("\\.\n"); marker == 0 || (marker != std::string::npos && text[marker - 1] == '\n'))
    text.erase(marker);
  if (!csv || text.find('"') == std::string::npos)
    for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) text.erase(at, 1);
  return text;
}

TEST_CASE("COPY data reads and writes as in PostgreSQL, or is refused") {
  auto column = test::make_column({});
  std::ifstream in(std::string(BZ_TEST_DATA) + "/copy.tsv");
  REQUIRE(in.good());
  std::size_t same = 0, refused = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> row(1);
    for (const char c : line) {
      if (c == '\t')
        row.emplace_back();
      else
        row.back() += c;
    }
    REQUIRE_MESSAGE(row.size() == 7, line);
    CAPTURE(line);
    CopyOptions options;
    options.format = row[0] == "csv" ? CopyFormat::Csv : CopyFormat::Text;
    options.delimiter = unescape(row[1]).at(0);
    options.null_text = unescape(row[2]);
    options.escape = unescape(row[3]).at(0);
    const auto stored = run(CopyDirection::In, options, unescape(row[4]), column);
    if (row[5] == "error") {
      CHECK_FALSE(stored);
      continue;
    }
    if (!stored) {
      CHECK(stored.error().code == Errc::Malformed);
      ++refused;
      continue;
    }
    const auto returned = run(CopyDirection::Out, options, *stored, column);
    REQUIRE_MESSAGE(returned, (returned ? "" : returned.error().detail));
    CHECK(as_postgresql_ends(*returned, row[0] == "csv") == unescape(row[6]));
    ++same;
  }
  CHECK(same > 500);
  CHECK(refused < same / 20);  // end markers in the middle of a row, backslashes at the end of the data
}

}  // namespace
}  // namespace bartizan::transform
