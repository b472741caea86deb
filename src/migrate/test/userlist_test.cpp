#include "bartizan/migrate/userlist.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::migrate {
namespace {

std::string shown(std::string_view text) {
  const auto users = read_userlist(text, "u");
  if (!users) return users.error().detail;
  std::string out;
  for (const User& user : *users) {
    out += user.name + "/" + std::to_string(static_cast<int>(user.kind)) + "/" +
           std::string(user.secret.reveal_chars()) + "@" + std::to_string(user.place.line) + " ";
  }
  return out;
}

TEST_CASE("userlist: names, kinds of secrets, places") {
  struct Row {
    const char* text;
    const char* users;
  };
  for (const Row& row : {
           Row{"", ""},
           Row{"\n ; comment \"x\" \"y\"\n", ""},
           Row{"\"a\" \"\"", "a/0/@1 "},
           Row{"\"a\" \"SCRAM-SHA-256$x\" ignored \"more\"\n", "a/1/SCRAM-SHA-256$x@1 "},
           Row{"\"a\" \"md545f2603610af569b6155c45067268c6b\"", "a/2/md545f2603610af569b6155c45067268c6b@1 "},
           Row{"\"a\" \"md5 is no hash\"", "a/3/md5 is no hash@1 "},
           Row{"\"a\" \"md5g5f2603610af569b6155c45067268c6b\"", "a/3/md5g5f2603610af569b6155c45067268c6b@1 "},
           Row{"\"say \"\"hi\"\"\" \"p\"\"\"\r\n\"b\"\"p\"", "not \"name\" \"secret\""},
           Row{"\"say \"\"hi\"\"\"  \"p\"\"w\"\r\n\"b\" \"p\"", "say \"hi\"/3/p\"w@1 b/3/p@2 "},
           Row{"\"a\" \"1\"\n\"b\" \"2\"\n\"a\" \"3\"", "a/3/3@3 b/3/2@2 "},
       }) {
    CAPTURE(row.text);
    CHECK(shown(row.text).find(row.users) != std::string::npos);
    if (*row.users == '\0') CHECK(shown(row.text).empty());
  }
}

TEST_CASE("userlist: faults name the line and never the secret") {
  struct Row {
    std::string text;
    const char* message;
  };
  for (const Row& row : {
           Row{"a \"hunter2\"", "u:1: not \"name\" \"secret\""},
           Row{"\"a\" \"x\"\n\"b\"\n\"c\" \"hunter2\"", "u:2: not \"name\" \"secret\""},
           Row{"\"a\" \"hunter2\n", "u:1: the secret's quote has no end"},
           Row{"\"a", "u:1: not \"name\" \"secret\""},
           Row{"\"\" \"hunter2\"", "u:1: a name is empty or longer than 1 KiB"},
           Row{"\"" + std::string(1025, 'n') + "\" \"hunter2\"", "u:1: a name is empty or longer than 1 KiB"},
           Row{"\"a\" \"" + std::string(4097, 's') + "\"", "u:1: a secret is longer than 4 KiB"},
           Row{std::string(kMaxUserlistBytes + 1, ' '), "u: longer than 16 MiB"},
       }) {
    const auto users = read_userlist(row.text, "u");
    REQUIRE(!users.has_value());
    CHECK(users.error().detail == row.message);
    CHECK(users.error().detail.find("hunter2") == std::string::npos);
  }
}

}  // namespace
}  // namespace bartizan::migrate
