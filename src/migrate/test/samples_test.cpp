// Whole configurations as people run them, with all that is said of them, as golden files in
// test/data/*/expected.txt (BARTIZAN_UPDATE_REFERENCE=1 writes them again: read the difference).
#include "samples.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "bartizan/config/parse.hpp"

namespace bartizan::migrate {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string shown(const Plan& plan, const std::string& folder) {
  std::string out;
  const auto tell = [&](std::string text) {
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.replace(at, folder.size(), ".");
    out += text;
  };
  for (const Finding& finding : plan.findings) {
    tell(std::string(to_string(finding.verdict)) + " " + finding.place.file + ":" + std::to_string(finding.place.line) +
         " [" + finding.section + "] " + finding.entry + " " + finding.key + "=" + finding.value + " -> " +
         finding.outcome + "\n");
  }
  for (const Chore& chore : plan.chores) {
    tell("todo " + chore.text + "\n");
    for (const std::string& command : chore.commands) tell("  " + command + "\n");
  }
  for (const AdminRequest& request : plan.requests) tell(std::string(render_request(request).reveal_chars()) + "\n");
  const std::string toml = render_toml(plan);
  tell(toml.substr(std::min(toml.size(), toml.find("\n["))));
  return out;
}

TEST_CASE("sample configurations") {
  for (const char* name : {"shop", "tenants", "legacy", "rds", "newest"}) {
    CAPTURE(name);
    const std::filesystem::path folder = std::filesystem::path(BZ_TEST_DATA) / name;
    const FileReader reader = [&](const std::string& path) -> Result<std::string> {
      if (path.ends_with(".crt") || path.ends_with(".pem")) return std::string("-----BEGIN CERTIFICATE-----");
      if (path == "/etc/pgbouncer/users") return content_of(folder / "users");
      if (!std::filesystem::exists(path)) return fail(Errc::NotFound, path + ": there is none");
      return content_of(path);
    };
    const auto plan = plan_from_pgbouncer((folder / "pgbouncer.ini").native(), reader);
    INFO((plan ? std::string() : plan.error().detail));
    REQUIRE(plan.has_value());
    const std::string text = shown(*plan, folder.native());
    if (std::getenv("BARTIZAN_UPDATE_REFERENCE") != nullptr)
      std::ofstream(folder / "expected.txt", std::ios::binary) << text;
    CHECK(text == content_of(folder / "expected.txt"));

    config::Input input;
    const std::string toml = render_toml(*plan);
    input.text = toml;
    CHECK(config::parse(input, {}).has_value());
  }
}

TEST_CASE("Debian's own configuration, where it is installed") {
  const std::string file = "/etc/pgbouncer/pgbouncer.ini";
  if (!std::filesystem::exists(file) || content_of(file).empty()) return;
  const FileReader reader = [&](const std::string& path) -> Result<std::string> {
    return path == file ? content_of(file) : std::string();
  };
  const auto plan = plan_from_pgbouncer(file, reader);
  REQUIRE(plan.has_value());
  CHECK(plan->findings.size() >= 7);
  for (const Finding& finding : plan->findings) CHECK(finding.outcome != "not a key of PgBouncer that is known here");
}

}  // namespace
}  // namespace bartizan::migrate
