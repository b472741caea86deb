#include "bartizan/session/class_settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace bartizan::session::test {
namespace {

std::string last(const ClassSettings& made, std::string_view name) {
  std::string value = "(none)";
  for (const auto& [key, text] : made.for_server)
    if (key == name) value = text;
  return value;
}

TEST_CASE("lists of identifiers, as search_path takes them") {
  struct Row {
    std::string_view text;
    std::vector<std::string> names;
  };
  const Row rows[] = {
      {"", {}},
      {"  ", {}},
      {"public", {"public"}},
      {"Public , CLINIC", {"public", "clinic"}},
      {"\"Public\",\"$user\"", {"Public", "$user"}},
      {"\"a\"\"b\" , c", {"a\"b", "c"}},
      {"\"a,b\"", {"a,b"}},
      {"\"\"", {""}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto names = split_identifiers(row.text);
    REQUIRE(names.has_value());
    CHECK(*names == row.names);
  }
  for (const std::string_view none : {",", "a,", ",a", "a b", "\"a", "\"a\"b", "a,,b"}) {
    CAPTURE(none);
    CHECK_FALSE(split_identifiers(none).has_value());
  }
  CHECK(split_identifiers(std::string(63, 'a')).has_value());
  CHECK_FALSE(split_identifiers(std::string(64, 'a')).has_value());
}

TEST_CASE("what a consumer may say at its sign-in") {
  const Settings asked = {{"TimeZone", "UTC"},
                          {"DateStyle", "ISO"},
                          {"application_name", "x"},
                          {"client_encoding", "utf-8"},
                          {"standard_conforming_strings", "ON"}};
  const auto made = class_settings(asked);
  REQUIRE(made.has_value());
  CHECK(last(*made, "timezone") == "UTC");
  CHECK(last(*made, "datestyle") == "ISO");
  CHECK(last(*made, "application_name") == "x");
  CHECK(made->search_path == std::vector<std::string>{"$user", "public"});
}

TEST_CASE("operators are looked for in pg_catalog, then where the class's are") {
  const std::vector<std::string> schemas = {"ext", "Odd \"one\""};
  const auto made = class_settings({}, schemas);
  REQUIRE(made.has_value());
  CHECK(last(*made, "search_path") == "pg_catalog, \"ext\", \"Odd \"\"one\"\"\"");
  CHECK(made->search_path == std::vector<std::string>{"$user", "public"});
}

TEST_CASE("what layer 1 relies on is pinned whatever was asked") {
  const Settings asked = {{"search_path", "clinic, public"}, {"SEARCH_PATH", "\"Clinic\""}};
  const auto made = class_settings(asked);
  REQUIRE(made.has_value());
  CHECK(made->search_path == std::vector<std::string>{"Clinic"});
  CHECK(last(*made, "search_path") == "pg_catalog");
  CHECK(last(*made, "row_security") == "on");
  CHECK(last(*made, "standard_conforming_strings") == "on");
  CHECK(last(*made, "client_encoding") == "UTF8");
  CHECK(std::ranges::count(made->for_server, std::string("search_path"), &std::pair<std::string, std::string>::first) ==
        1);
}

TEST_CASE("what may not be given") {
  struct Row {
    std::pair<std::string, std::string> setting;
    Errc code;
  };
  const Row rows[] = {
      {{"row_security", "off"}, Errc::PermissionDenied},
      {{"session_replication_role", "replica"}, Errc::PermissionDenied},
      {{"my.setting", "1"}, Errc::PermissionDenied},
      {{"server_version", "9"}, Errc::PermissionDenied},
      {{"work_mem", "1GB"}, Errc::PermissionDenied},
      {{"client_encoding", "SJIS"}, Errc::InvalidArgument},
      {{"standard_conforming_strings", "off"}, Errc::InvalidArgument},
      {{"search_path", "a,,b"}, Errc::InvalidArgument},
      {{"bartizan.tenant", "x"}, Errc::InvalidArgument},
  };
  for (const auto& row : rows) {
    CAPTURE(row.setting.first);
    const Settings asked = {row.setting};
    const auto made = class_settings(asked);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == row.code);
    CHECK(made.error().detail.find(row.setting.second + "\"") == std::string::npos);
  }
}

}  // namespace
}  // namespace bartizan::session::test
