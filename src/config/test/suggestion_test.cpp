#include "bartizan/config/suggestion.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace bartizan::config {
namespace {

TEST_CASE("the nearest word, unless it is too far") {
  static constexpr std::array<std::string_view, 4> kWords = {"sign_in_timeout", "idle_timeout", "clients", "port"};
  struct Row {
    const char* word;
    const char* expected;  ///< nullptr: none
  };
  for (const Row& row : {Row{"clients", "clients"}, Row{"client", "clients"}, Row{"cleints", "clients"},
                         Row{"CLIENTS", "clients"}, Row{"sign-in-timeout", "sign_in_timeout"}, Row{"prot", "port"},
                         Row{"pr", nullptr}, Row{"", nullptr}, Row{"nothing_like_it", nullptr}}) {
    CAPTURE(row.word);
    const auto found = closest(row.word, kWords);
    REQUIRE(found.has_value() == (row.expected != nullptr));
    if (found) CHECK(*found == row.expected);
  }
  CHECK_FALSE(closest(std::string(65, 'a'), kWords).has_value());
  CHECK_FALSE(closest("port", {}).has_value());
}

}  // namespace
}  // namespace bartizan::config
