#include "terminal_text.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::cli {
namespace {

TEST_CASE("what could act on a terminal is shown, not done") {
  struct Row {
    std::string text;
    std::string shown;
  };
  for (const Row& row : {Row{"plain", "plain"}, Row{"\x1b[31mred", "\\x1b[31mred"}, Row{"a\r\nb\tc", "a\\x0d\\nb\\tc"},
                         Row{std::string("a\0b", 3), "a\\x00b"}, Row{"\x7f", "\\x7f"}, Row{"Zoë 北", "Zoë 北"},
                         Row{"\xc2\x9b"
                             "31m",
                             "\\u009b31m"},
                         Row{"\xe2\x80\xae"
                             "evil",
                             "\\u202eevil"},
                         Row{"a\xe2\x80\x8b"
                             "b",
                             "a\\u200bb"},
                         Row{"\xf3\xa0\x80\x81", "\\U000e0001"}, Row{"\xff\xc3", "\\xff\\xc3"},
                         Row{"\xc0\x9b", "\\xc0\\x9b"}, Row{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
                         Row{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, Row{"\xe2\x80", "\\xe2\\x80"}}) {
    CHECK(visible(row.text) == row.shown);
  }
}

TEST_CASE("JSON keeps its value when it is made visible") {
  CHECK(visible_json(R"({"a":"é","b":"\u001b"})") == R"({"a":"é","b":"\u001b"})");
  CHECK(visible_json("\"\x7f\xc2\x85\xe2\x80\xae\"") == R"("\u007f\u0085\u202e")");
  CHECK(visible_json("\"\xf3\xa0\x80\x81\"") == R"("\udb40\udc01")");
  CHECK(visible_json("\"\xff\"") == R"("\ufffd")");
}

TEST_CASE("UTF-8") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("aé北\xf0\x9f\x98\x80"));
  for (const char* text : {"\x80", "\xc1\x81", "\xe0\x80\x80", "\xed\xbf\xbf", "\xf5\x80\x80\x80", "a\xe2\x82"})
    CHECK_FALSE(is_utf8(text));
}

TEST_CASE("columns") {
  CHECK(width("abc") == 3);
  CHECK(width("Zoë") == 3);
  CHECK(width("e\xcc\x81") == 1);
  CHECK(width("北京") == 4);
  CHECK(width("\xf0\x9f\x98\x80") == 2);
}

TEST_CASE("wrapping") {
  CHECK(wrapped("one two three four", 9, 0) == "one two\nthree\nfour");
  CHECK(wrapped("one two three", 10, 4) == "one\n    two\n    three");
  CHECK(wrapped("averyverylongword x", 5, 0) == "averyverylongword\nx");
}

}  // namespace
}  // namespace bartizan::cli
