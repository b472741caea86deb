#include "bartizan/migrate/ini.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "connection_string.hpp"
#include "samples.hpp"

namespace bartizan::migrate {
namespace {

std::string shown(const std::vector<IniEntry>& entries) {
  std::string out;
  for (const IniEntry& entry : entries)
    out += "[" + entry.section + "] " + entry.key + "=" + entry.value + " @" + std::to_string(entry.place.line) + "\n";
  return out;
}

TEST_CASE("ini: what PgBouncer reads") {
  struct Row {
    const char* text;
    const char* entries;
  };
  for (const Row& row : {
           Row{"", ""},
           Row{"[a]", ""},
           Row{"; x\n# y\n\n[a]\nk=v\n", "[a] k=v @5\n"},
           Row{"[a]\r\n k \t=  v w \r\n", "[a] k=v w @2\n"},
           Row{"[a]\nk = v ; kept # too\n", "[a] k=v ; kept # too @2\n"},
           Row{"[a]\nk =\n* = x\na.b-c_9 = y", "[a] k= @2\n[a] *=x @3\n[a] a.b-c_9=y @4\n"},
           Row{"[a] k=v\n", "[a] k=v @1\n"},
           Row{"[a] ; comment\n[b]\nk=v", "[b] k=v @3\n"},
           Row{"[a]\n\"x \"\"y\"\"\" = v", "[a] x \"y\"=v @2\n"},
           Row{"[a]\nk=1\nk=2", "[a] k=1 @2\n[a] k=2 @3\n"},
       }) {
    CAPTURE(row.text);
    const auto entries = read_ini("/e/p.ini", test::reader_of({{"/e/p.ini", row.text}}));
    REQUIRE(entries.has_value());
    CHECK(shown(*entries) == row.entries);
  }
}

TEST_CASE("ini: faults name their place and none of the text") {
  struct Row {
    std::string text;
    const char* message;
  };
  using namespace std::string_literals;
  for (const Row& row : {
           Row{"k = v", "/e/p.ini:1: a key stands before the first section"},
           Row{"[a]\n\n[b", "/e/p.ini:3: a section's name without ]"},
           Row{"[a]\nsecret", "/e/p.ini:2: not key = value"},
           Row{"[a]\n= v", "/e/p.ini:2: not key = value"},
           Row{"[a]\n\"k = v", "/e/p.ini:2: a key's quote has no end"},
           Row{"[a]\nk = v\0w"s, "/e/p.ini:2: a NUL byte"},
           Row{"[a]\n%inkludiere x", "/e/p.ini:2: only %include begins with %"},
           Row{"[a]\n%include ", "/e/p.ini:2: %include names no file"},
           Row{"[a]\n%includex", "/e/p.ini:2: %include names no file"},
           Row{"[a]\n" + std::string(300, 'k') + "=v", "/e/p.ini:2: a key is longer than 256 bytes"},
           Row{"%include gone", "/e/gone: there is none"},
       }) {
    CAPTURE(row.text);
    const auto entries = read_ini("/e/p.ini", test::reader_of({{"/e/p.ini", row.text}}));
    REQUIRE(!entries.has_value());
    CHECK(entries.error().detail == row.message);
  }
}

TEST_CASE("ini: includes keep the section, start beside the main file, and end somewhere") {
  const auto entries = read_ini("/e/p.ini", test::reader_of({{"/e/p.ini", "[a]\n%include sub/x.ini\nk=1"},
                                                             {"/e/sub/x.ini", "k=2\n%include /abs.ini\n[b]"},
                                                             {"/abs.ini", "k=3"}}));
  REQUIRE(entries.has_value());
  CHECK(shown(*entries) == "[a] k=2 @1\n[a] k=3 @1\n[b] k=1 @3\n");
  CHECK(entries->front().place.file == "/e/sub/x.ini");
  const auto endless = read_ini("/e/p.ini", test::reader_of({{"/e/p.ini", "%include p.ini"}}));
  REQUIRE(!endless.has_value());
  CHECK(endless.error().code == Errc::TooLarge);
  const auto long_file = read_ini("/l", test::reader_of({{"/l", std::string(kMaxIniBytes + 1, '\n')}}));
  CHECK(long_file.error().code == Errc::TooLarge);
  std::string many = "[a]\n";
  for (std::size_t i = 0; i <= kMaxIniEntries; ++i) many += "k=\n";
  CHECK(read_ini("/m", test::reader_of({{"/m", many}})).error().code == Errc::TooLarge);
}

TEST_CASE("connection strings") {
  struct Row {
    const char* text;
    Pairs pairs;
  };
  for (const Row& row : {
           Row{"", {}},
           Row{"  host=a\tport = 5432 ", {{"host", "a"}, {"port", "5432"}}},
           Row{"q='a b' r='it''s' s=''", {{"q", "a b"}, {"r", "it's"}, {"s", ""}}},
           Row{"a=b=c", {{"a", "b=c"}}},
       }) {
    CAPTURE(row.text);
    const auto pairs = read_connection_string(row.text);
    REQUIRE(pairs.has_value());
    CHECK(*pairs == row.pairs);
  }
  for (const char* text : {"host", "host=", "=x", "a='b", "a=b c"}) {
    CAPTURE(text);
    CHECK(!read_connection_string(text).has_value());
  }
}

}  // namespace
}  // namespace bartizan::migrate
