#include "bartizan/cli/reference.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "help.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

TEST_CASE("the reference page is what the table says") {
  const std::string path = BZ_SOURCE_ROOT "/docs/reference/cli.md";
  if (std::getenv("BARTIZAN_UPDATE_REFERENCE") != nullptr) std::ofstream(path, std::ios::binary) << render_reference();
  std::ifstream file(path, std::ios::binary);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const bool same = page == render_reference();
  CHECK_MESSAGE(same, "run: BARTIZAN_UPDATE_REFERENCE=1 ctest -R cli");
}

TEST_CASE("help fits a terminal of 80 columns, examples apart") {
  for (const Command& command : commands()) {
    const std::string text = help_on(command);
    std::istringstream lines(text.substr(0, text.find("\nEXAMPLES\n")));
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      CHECK(width(line) <= 80);
    }
  }
}

}  // namespace
}  // namespace bartizan::cli
