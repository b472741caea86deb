// Settings that a session with encrypted columns may have, and search paths as settings write them.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "cells_world.hpp"

namespace bartizan::cells {

TEST_SUITE("session settings") {
  TEST_CASE("settings by which texts or values would be read otherwise") {
    World world;
    struct Case {
      const char* text;
      const char* name;
      bool permitted;
    };
    const Case cases[] = {
        {"SET search_path = other", "search_path", false},
        {"SET search_path TO DEFAULT", "search_path", true},
        {"SET client_encoding TO 'UTF8'", "client_encoding", true},
        {"SET client_encoding = latin1", "client_encoding", false},
        {"SET standard_conforming_strings = on", "standard_conforming_strings", true},
        {"SET standard_conforming_strings = off", "standard_conforming_strings", false},
        {"SET bytea_output = 'escape'", "bytea_output", false},
        {"SET DateStyle = 'ISO, DMY'", "datestyle", true},
        {"SET DateStyle = 'German'", "datestyle", false},
        {"SET statement_timeout = 0", "statement_timeout", true},
    };
    for (const auto& one : cases) {
      CAPTURE(one.text);
      const auto set = analysis(sql::Kind::Set, one.name);
      const auto read = world.north.read(one.text, {}, &set, World::settings());
      CHECK((read == nullptr || !read->refusal) == one.permitted);
    }
    auto latin = World::settings();
    latin.client_encoding = "LATIN1";
    const auto select = analysis(sql::Kind::Select);
    CHECK(world.north.read("SELECT 1", {}, &select, latin)->refusal);
  }

  TEST_CASE("search paths as settings write them") {
    const auto known = catalog();
    struct Case {
      const char* text;
      std::optional<std::vector<std::string>> path;
    };
    const Case cases[] = {
        {"\"$user\", public", std::vector<std::string>{"public"}},
        {"Public, \"Mixed\"\"Case\"", std::vector<std::string>{"public", "Mixed\"Case"}},
        {"", std::vector<std::string>{}},
        {"\"\"", std::vector<std::string>{}},
        {"pg_temp, public", std::nullopt},
        {"public,", std::nullopt},
        {"a b", std::nullopt},
        {"1a", std::nullopt},
    };
    for (const auto& one : cases) {
      CAPTURE(one.text);
      CHECK(read_path(one.text, "olga", *known) == one.path);
    }
    CHECK(read_path("\"$user\"", "public", *known) == std::vector<std::string>{"public"});
    CHECK(write_path({"a", "b\"c"}) == "\"a\", \"b\"\"c\"");
  }
}

}  // namespace bartizan::cells
