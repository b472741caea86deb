// The way from documents to policies in force: read, checked against the catalog of each depot
// that they protect, tested, and only then stored.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bartizan/policy/publish_check.hpp"
#include "bartizan/store/policies.hpp"
#include "services.hpp"

namespace bartizan::control {

struct DepotFinding {
  std::string depot;
  policy::Finding finding;
};

struct TestOutcome {
  std::string depot;
  policy::PolicyTestResult result;
};

/// What there is to say of documents before they are published.
struct PolicyCheck {
  policy::PublishedPolicies policies;
  std::vector<std::string> depots;  ///< that they protect
  std::vector<DepotFinding> findings;
  std::vector<TestOutcome> tests;
  /// No error, no warning that is not acknowledged, no test that failed.
  [[nodiscard]] bool publishable() const;
};

/// The argument 'documents': [{"file","text"}], within bounds.
[[nodiscard]] Result<std::vector<policy::PolicyDocument>> take_documents(Args& args);
/// The argument 'acknowledge': codes with commas between them. InvalidArgument: no such code.
[[nodiscard]] Result<std::set<std::string>> take_acknowledged(Args& args);

[[nodiscard]] Result<PolicyCheck> check_policies(Call& call, const std::vector<policy::PolicyDocument>& documents,
                                                 const std::set<std::string>& acknowledged);
[[nodiscard]] Result<std::vector<TestOutcome>> run_tests(Call& call, const policy::Snapshot& snapshot,
                                                         const policy::PublishedPolicies& policies);
/// Publishes what passes. The answer says what was found, and what became of it.
[[nodiscard]] Result<Document> publish_policies(Call& call, store::PolicyVersion version,
                                                const std::set<std::string>& acknowledged, bool dry_run);

[[nodiscard]] Document render(const DepotFinding& finding);
[[nodiscard]] Document render(const TestOutcome& test);
/// As in the class role's name: 16 hexadecimal digits.
[[nodiscard]] std::string class_name(policy::ClassId id);
/// The walls as they stand, one item a depot; false in all_ready if one class is not ready.
[[nodiscard]] Items render_walls(const WallKeeper* walls, bool& all_ready);

}  // namespace bartizan::control
