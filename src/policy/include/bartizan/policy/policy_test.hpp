// `policy test`: unit tests that stand beside the policies as YAML. As this subject, at this
// moment: these tables, verbs, masks and filters. Pure; run in milliseconds, before publishing and
// in a pipeline. docs/guide/policies.md shows some.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/resolve.hpp"

namespace bartizan::policy {

struct TableExpectation {
  std::string schema;
  std::string table;
  SourcePosition position;
  std::optional<bool> visible;     ///< false: the class has nothing of the table
  std::optional<VerbSet> verbs;    ///< exactly these
  /// Column → "clear", "hidden", "write_only", a mask's name ("email") or its whole description.
  std::map<std::string, std::string, std::less<>> columns;
  std::optional<std::vector<std::string>> filters;  ///< exactly these, in canonical text or as authored
};

struct PolicyTest {
  PolicyHead head;
  SubjectFacts subject;
  std::string depot;
  std::vector<TableExpectation> expect;
};

struct PolicyTestResult {
  std::string name;
  std::vector<std::string> failures;  ///< empty: passed. Each names table, column, expected and found
  [[nodiscard]] bool passed() const noexcept { return failures.empty(); }
};

/// Those of the tests that are about `depot`, in their order.
[[nodiscard]] std::vector<PolicyTestResult> run_policy_tests(const std::vector<PolicyTest>& tests,
                                                             const PolicySet& policies, std::string_view depot,
                                                             const sql::Catalog& catalog);

}  // namespace bartizan::policy
