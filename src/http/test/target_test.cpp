#include "target.hpp"

#include <doctest/doctest.h>

using namespace bartizan;
using namespace bartizan::http;

TEST_CASE("paths are decoded once, segment by segment") {
  struct Row {
    std::string_view target, path, host;
  };
  const Row rows[] = {
      {"/", "/", ""},
      {"/a/b/", "/a/b/", ""},
      {"//a", "//a", ""},
      {"/a%20b", "/a b", ""},
      {"/%C3%a9", "/\xc3\xa9", ""},
      {"/%2525", "/%25", ""},
      {"/a+b", "/a+b", ""},
      {"/...", "/...", ""},
      {"/a.b", "/a.b", ""},
      {"HTTPS://h/x", "/x", "h"},
      {"http://[::1]:9", "/", "[::1]:9"},
      {"http://h?q", "/", "h"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.target);
    const auto target = parse_target(Method::Get, row.target, 10);
    REQUIRE(target);
    CHECK(target->path == row.path);
    CHECK(target->host == row.host);
  }
}

TEST_CASE("targets that two readers could take differently are refused") {
  for (const std::string_view text :
       {"",       "*",      "a",         "?a",   "/.",      "/..",       "/a/../b",     "/a/%2e%2E/b", "/%2e",
        "/a%2fb", "/a%2Fb", "/%00",      "/%0a", "/%7f",    "/%09",      "/%",          "/%4",         "/%g0",
        "/%4g",   "/a#b",   "/\xc3\xa9", "/a b", "http://", "http:///x", "http://u@h/", "ftp://h/",    "h:443",
        "/?a=%",  "/?%00",  "/?a=%zz"}) {
    CAPTURE(text);
    const auto target = parse_target(Method::Get, text, 10);
    REQUIRE(!target);
    CHECK(target.error().code == Errc::Malformed);
  }
}

TEST_CASE("a query is decoded pair by pair") {
  const auto target = parse_target(Method::Get, "/?a=1%263=+%2B&&b&=c&a==&d/?=e", 10);
  REQUIRE(target);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1&3= +"}, {"b", ""}, {"", "c"}, {"a", "="}, {"d/?", "e"}};
  REQUIRE(target->query.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(target->query[i].name == expected[i].first);
    CHECK(target->query[i].value == expected[i].second);
  }
}
