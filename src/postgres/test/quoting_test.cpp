#include <doctest/doctest.h>

#include "bartizan/postgres/control_connection.hpp"

using namespace bartizan::postgres;

TEST_CASE("identifiers and literals can't end early") {
  struct Row {
    std::string text;
    std::string identifier;
    std::string literal;
  };
  const Row rows[] = {
      {"demo", "\"demo\"", "'demo'"},
      {"", "\"\"", "''"},
      {"a\"b", "\"a\"\"b\"", "'a\"b'"},
      {"it's", "\"it's\"", "'it''s'"},
      {"back\\slash'", "\"back\\slash'\"", "E'back\\\\slash'''"},
      {std::string("nul\0'x", 6), "\"nul'x\"", "'nul''x'"},
  };
  for (const auto& row : rows) {
    CHECK(quote_identifier(row.text) == row.identifier);
    CHECK(quote_literal(row.text) == row.literal);
  }
}
