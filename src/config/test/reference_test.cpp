#include "bartizan/config/reference.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "bartizan/config/parse.hpp"
#include "schema.hpp"

namespace bartizan::config {
namespace {

TEST_CASE("the reference page is what the schema says") {
  const std::string path = BZ_SOURCE_ROOT "/docs/reference/configuration.md";
  if (std::getenv("BARTIZAN_UPDATE_REFERENCE") != nullptr) std::ofstream(path, std::ios::binary) << render_reference();
  std::ifstream file(path, std::ios::binary);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const bool same = page == render_reference();
  CHECK_MESSAGE(same, "run: BARTIZAN_UPDATE_REFERENCE=1 ctest -R config");
}

TEST_CASE("the schema is whole: sections in order, unique names, a sentence each") {
  std::set<std::string> names;
  std::size_t section = 0;
  for (const Key& key : keys()) {
    CAPTURE(key.full_name());
    CHECK(names.insert(key.full_name()).second);
    while (section < sections().size() && sections()[section].name != key.section) ++section;
    CHECK(section < sections().size());
    CHECK(key.description.ends_with('.'));
    CHECK(key.min <= key.max);
  }
}

TEST_CASE("every default is a value that the schema accepts, and setting it changes nothing") {
  const auto defaults = parse(Input{}, {});
  REQUIRE(defaults.has_value());
  Configuration initial;
  std::string text;
  std::string_view section;
  for (const Key& key : keys()) {
    if (key.section != section) text.append("[").append(key.section).append("]\n");
    section = key.section;
    text.append(key.name).append(" = ").append(to_toml(key.slot(initial))).append("\n");
  }
  CAPTURE(text);
  Input input;
  input.text = text;
  const auto written = parse(input, {});
  REQUIRE(written.has_value());
  CHECK(differences(*defaults, *written).empty());
}

TEST_CASE("differences name the changed keys and whether a restart is needed") {
  Input input;
  input.text = "[listen]\nport = 1\n[log]\nlevel = \"info\"\n[embedded]\nenabled = false\n[control]\ndsn = \"a\"\n";
  const auto a = parse(input, {});
  const auto b =
      parse(input, {{"BARTIZAN_LISTEN_PORT", "2"}, {"BARTIZAN_LOG_LEVEL", "warn"}, {"BARTIZAN_CONTROL_DSN", "b"}});
  REQUIRE(a.has_value());
  REQUIRE(b.has_value());
  CHECK(differences(*a, *a).empty());
  const auto changed = differences(*a, *b);
  REQUIRE(changed.size() == 3);
  CHECK(changed[0].key == "listen.port");
  CHECK(changed[0].needs_restart);
  CHECK(changed[1].key == "control.dsn");
  CHECK(changed[2].key == "log.level");
  CHECK_FALSE(changed[2].needs_restart);
}

}  // namespace
}  // namespace bartizan::config
