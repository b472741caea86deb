// Any text: reading ends within its bounds, twice the same, and nothing is kept of a file with an
// error. What was accepted can be published against an empty catalog and evaluated.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bartizan/policy/manifest.hpp"
#include "bartizan/policy/publish_check.hpp"
#include "bartizan/policy/resolve.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  static const auto catalog = *sql::Catalog::make({});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const policy::Manifest once = policy::read_manifest(text, "f");
  const policy::Manifest twice = policy::read_manifest(text, "f");
  if (once.errors != twice.errors || once.policies != twice.policies) std::abort();
  if (once.errors.size() > 50) std::abort();
  if (!once.ok()) {
    if (once.policies != policy::PolicySet{} || !once.tests.empty()) std::abort();
    return 0;
  }
  (void)policy::publish_check(once.policies, "demo", *catalog);
  for (const policy::PolicyTest& test : once.tests) {
    const auto resolution = policy::resolve(once.policies, test.subject, test.depot, *catalog, policy::Explain::Yes);
    if (!resolution.outcome.tables.empty()) std::abort();
  }
  return 0;
}
