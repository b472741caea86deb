#include "manual.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "manual_markdown.hpp"

namespace bartizan::cli {
namespace {

TEST_CASE("text to man(7)") {
  CHECK(roff("a-b\\n") == "a\\-b\\en");
  CHECK(roff_line(".dot") == "\\&.dot");
  CHECK(roff_line("'quote") == "\\&'quote");
  CHECK(roff_line("see `serve --config` or *that*") == "see \\fBserve \\-\\-config\\fR or \\fIthat\\fR");
}

TEST_CASE("there is a page for each noun and for the configuration, and no other") {
  const auto pages = manual_pages();
  CHECK(pages.front() == "bartizan.1");
  CHECK(pages.back() == "bartizan.toml.5");
  for (const Command& command : commands()) {
    const auto page = render_manual("bartizan-" + std::string(command.noun) + ".1", "1.2.3");
    REQUIRE(page.has_value());
    CHECK(page->find(roff(command.name())) != std::string::npos);
    for (const Parameter& parameter : command.parameters) {
      CAPTURE(parameter.name);
      CHECK(page->find(parameter.positional ? roff(parameter.placeholder) : "\\-\\-" + roff(parameter.name)) !=
            std::string::npos);
    }
  }
  CHECK(!render_manual("bartizan-nothing.1", "1").has_value());
  CHECK(present_manual("bartizan-nothing.1", "1").code == ExitCode::Refused);
  CHECK(present_manual("", "1").out.starts_with("bartizan.1\nbartizan-serve.1\n"));
}

TEST_CASE("every configuration key stands in bartizan.toml(5) with its default") {
  const auto page = render_manual("bartizan.toml.5", "1.2.3");
  REQUIRE(page.has_value());
  CHECK(page->starts_with(".TH \"BARTIZAN.TOML\" \"5\" \"\" \"bartizan 1.2.3\" \"Bartizan\"\n"));
  CHECK(page->find(".SH [limits]\n") != std::string::npos);
  CHECK(page->find("\\fBsign_in_timeout\\fR\n") != std::string::npos);
  CHECK(page->find("default \\fB\"15s\"\\fR; taken over by a reload.\n") != std::string::npos);
  CHECK(page->find("| ") == std::string::npos);
}

TEST_CASE("groff has nothing to say against any page, where it is installed") {
  if (std::system("command -v groff >/dev/null 2>&1") != 0) return;
  for (const std::string& name : manual_pages()) {
    CAPTURE(name);
    const std::string file = "/tmp/bz-manual-" + std::to_string(::getpid());
    std::ofstream(file, std::ios::binary) << render_manual(name, "1.2.3").value_or("");
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
        ::popen(("groff -K utf8 -man -T utf8 -ww -z " + file + " 2>&1").c_str(), "r"), ::pclose);
    std::string said;
    std::array<char, 512> buffer{};
    while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) said.append(buffer.data(), size);
    std::remove(file.c_str());
    CHECK(said.empty());
  }
}

}  // namespace
}  // namespace bartizan::cli
