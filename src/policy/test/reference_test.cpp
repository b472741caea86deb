// The reference pages say what the program does: the mask table and the finding codes are those of
// the registry, and every YAML example of the format and the guide is read, its policy tests run.
#include <fstream>
#include <sstream>

#include "bartizan/policy/mask_registry.hpp"
#include "bartizan/policy/publish_check.hpp"
#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

std::string page(const std::string& path) {
  std::ifstream in(std::string(BZ_SOURCE_ROOT) + "/docs/" + path);
  REQUIRE_MESSAGE(in.good(), path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

/// The fenced blocks of a language.
std::vector<std::string> blocks(const std::string& text, const std::string& language) {
  std::vector<std::string> out;
  const std::string fence = "```" + language + "\n";
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    const std::size_t end = text.find("\n```", at);
    REQUIRE(end != std::string::npos);
    out.push_back(text.substr(at, end + 1 - at));
    at = end;
  }
  return out;
}

TEST_CASE("the mask table of the reference is the registry's") {
  CHECK_MESSAGE(page("reference/policies.md").find(registry_table()) != std::string::npos, registry_table());
}

TEST_CASE("the reference lists every finding with its severity and meaning") {
  const std::string text = page("reference/policies.md");
  for (const FindingCode& code : finding_codes()) {
    const std::string line = "| `" + std::string(code.code) + "` | " + std::string(to_string(code.severity)) + " | " +
                             std::string(code.meaning) + " |\n";
    CHECK_MESSAGE(text.find(line) != std::string::npos, line);
  }
}

TEST_CASE("every example of format and guide is read, and its tests pass on the shop") {
  for (const char* path : {"formats/policy-yaml.md", "guide/policies.md"}) {
    CAPTURE(path);
    std::vector<PolicySet> parts;
    std::vector<PolicyTest> tests;
    const auto examples = blocks(page(path), "yaml");
    REQUIRE(examples.size() >= 3);
    for (const std::string& example : examples) {
      CAPTURE(example);
      Manifest m = manifest(example);
      parts.push_back(m.policies);
      tests.insert(tests.end(), m.tests.begin(), m.tests.end());
    }
    const auto merged = merge(parts);
    REQUIRE_MESSAGE(merged.has_value(), (merged ? "" : merged.error().detail));
    REQUIRE_FALSE(tests.empty());
    const auto c = catalog();
    for (const PolicyTestResult& result : run_policy_tests(tests, *merged, kDepot, *c)) {
      for (const std::string& failure : result.failures) MESSAGE(failure);
      CHECK_MESSAGE(result.passed(), result.name);
    }
    for (const Finding& f : publish_check(*merged, kDepot, *c)) {
      if (f.severity != Severity::Note)
        MESSAGE(f.code << " " << f.table << "." << f.column << " " << f.policy << ": " << f.message);
    }
    CHECK(publishable(publish_check(*merged, kDepot, *c)));
  }
}

}  // namespace
}  // namespace bartizan::policy
