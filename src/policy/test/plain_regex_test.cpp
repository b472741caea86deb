#include "bartizan/policy/plain_regex.hpp"

#include <doctest/doctest.h>

#include <array>
#include <fstream>

namespace bartizan::policy {

namespace {

std::string replaced(std::string_view pattern, std::string_view replacement, std::string_view text) {
  const auto made = PlainRegex::make(pattern, replacement);
  if (!made) return "refused: " + made.error().detail;
  std::string out;
  if (!made->replace(text, [&](std::string_view part) { out.append(part); })) return "given up";
  return out;
}

}  // namespace

TEST_CASE("what PostgreSQL answers") {
  std::ifstream file(BZ_TEST_DATA "/regex.tsv");
  REQUIRE(file.good());
  std::size_t rows = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("# ")) continue;
    std::array<std::string, 4> fields;
    std::size_t from = 0;
    for (auto& field : fields) {
      const auto tab = std::min(line.find('\t', from), line.size());
      field = line.substr(from, tab - from);
      from = tab + 1;
    }
    CAPTURE(line);
    CHECK(replaced(fields[0], fields[1], fields[2]) == fields[3]);
    ++rows;
  }
  CHECK(rows > 300);
}

TEST_CASE("groups, empty matches, anchors and references") {
  struct Row {
    std::string_view pattern, replacement, text, wanted;
  };
  const Row rows[] = {
      {"[0-9]", "#", "Zürich 12345678", "Zürich ########"},
      {"[a-z]+@", "\\&x", "ann.smith@example.org", "ann.smith@xexample.org"},
      {"a*", "x", "baac", "xbxxcx"},
      {"^a|c$", "-", "abcac", "-bca-"},
      {"(a|ab)(c|bcd)(d*)", "[\\1,\\2,\\3]", "abcd", "[ab,c,d]"},
      {"(\\d{3})\\d+", "\\1***", "tel 123456789", "tel 123***"},
      {"(a)|(b)", "<\\1\\2>", "ab", "<a><b>"},
      {".", "\\\\", "ab", "\\\\"},
      {"b", "\\x\\", "abc", "a\\x\\c"},
      {"[^]a-]", "-", "]a-b", "]a--"},
      {"\\.", "", "a.b.", "ab"},
      {"x", "y", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.pattern);
    CHECK(replaced(row.pattern, row.replacement, row.text) == row.wanted);
  }
}

TEST_CASE("what hangs on a locale, is not greedy or is no pattern is refused") {
  for (const std::string_view pattern : {"\\w",
                                         "\\s",
                                         "[[:alpha:]]",
                                         "[[=a=]]",
                                         "a*?",
                                         "a+?",
                                         "a{1,2}?",
                                         "(?i)a",
                                         "(?=a)",
                                         "(?!a)",
                                         "(?<=a)",
                                         "***=a",
                                         "\\m",
                                         "\\A",
                                         "(a)\\1",
                                         "a**",
                                         "*a",
                                         "a{",
                                         "a{2",
                                         "a{3,2}",
                                         "a{0}",
                                         "a{256}",
                                         "(a",
                                         "a)",
                                         "[a",
                                         "[b-a]",
                                         "[a-c-e]",
                                         "[a\\w]",
                                         "a|",
                                         "|a",
                                         "()",
                                         "^*",
                                         "",
                                         "a\\",
                                         "((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))",
                                         "(?:[ab]{255}){255}"}) {
    CAPTURE(pattern);
    CHECK(replaced(pattern, "x", "a").starts_with("refused: "));
  }
  CHECK(replaced("(a)+", "\\1", "aa").starts_with("refused: "));
  CHECK(replaced("(a)+", "x", "aa") == "x");
}

TEST_CASE("work is bounded") {
  const std::string text(100'000, 'a');
  CHECK(replaced("a*a*a*b", "x", text) == "given up");
  CHECK(replaced("[a-c]", "x", text) == std::string(100'000, 'x'));
}

}  // namespace bartizan::policy
