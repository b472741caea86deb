#include "bartizan/policy/policy_test.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bartizan/policy/access_questions.hpp"
#include "bartizan/sql/catalog.hpp"
#include "column_access.hpp"
#include "filter_expression.hpp"

namespace bartizan::policy {
namespace {

bool as_expected(const Visibility& found, std::string_view expected) {
  if (describe(found) == expected) return true;
  const auto* masked = std::get_if<Masked>(&found);
  return masked != nullptr && mask_name(masked->mask) == expected;
}

/// Deparsed, so that a test may say a filter as it was authored; the text itself if it is none.
std::string canonical(const std::string& text) {
  const auto parsed = parse_filter(text);
  return parsed ? parsed->filter.text : text;
}

std::string guarded(const std::string& text) {
  const auto parsed = parse_filter(text);
  return parsed ? canonical(with_tenant_guard(parsed->filter).text) : text;
}

void check_filters(const TableOutcome& table, const std::vector<std::string>& expected,
                   std::vector<std::string>& failures) {
  std::vector<std::string> found;
  for (const FilterTemplate& filter : table.filters) found.push_back(canonical(filter.text));
  std::vector<std::string> wanted;
  for (const std::string& text : expected) {
    // The tenancy's own filter has no guard, authored ones that name the tenant have one.
    const bool plain = std::ranges::find(found, canonical(text)) != found.end();
    wanted.push_back(plain ? canonical(text) : guarded(text));
  }
  std::ranges::sort(wanted);
  std::ranges::sort(found);
  if (wanted == found) return;
  failures.push_back(fmt::format("{}.{}: expected the filters [{}], found [{}]", table.schema, table.name,
                                 fmt::join(wanted, "; "), fmt::join(found, "; ")));
}

void check(const TableExpectation& expectation, const Resolution& resolution, const sql::Catalog& catalog,
           std::vector<std::string>& failures) {
  const std::string name = expectation.schema + "." + expectation.table;
  const sql::CatalogRelation* relation = catalog.relation(expectation.schema, expectation.table);
  if (relation == nullptr) {
    failures.push_back(name + ": there is no such table");
    return;
  }
  const TableOutcome* table = resolution.outcome.find(expectation.schema, expectation.table);
  if (expectation.visible && *expectation.visible != (table != nullptr)) {
    failures.push_back(fmt::format("{}: expected {}, found {}", name, *expectation.visible ? "visible" : "not visible",
                                   table != nullptr ? "visible" : "not visible"));
  }
  const VerbSet verbs = table == nullptr ? VerbSet{} : table->verbs;
  if (expectation.verbs && *expectation.verbs != verbs) {
    failures.push_back(fmt::format("{}: expected {}, found {}", name, verb_list(*expectation.verbs), verb_list(verbs)));
  }
  for (const auto& [column, expected] : expectation.columns) {
    const ColumnOutcome* found = table == nullptr ? nullptr : table->find(column);
    const Visibility visibility = found == nullptr ? Visibility(Hidden{}) : found->visibility;
    if (relation->column(column) == nullptr) {
      failures.push_back(fmt::format("{}.{}: there is no such column", name, column));
    } else if (!as_expected(visibility, expected)) {
      failures.push_back(fmt::format("{}.{}: expected {}, found {}", name, column, expected, describe(visibility)));
    }
  }
  if (!expectation.filters) return;
  if (table == nullptr) {
    failures.push_back(name + ": expected filters, found no table");
  } else {
    check_filters(*table, *expectation.filters, failures);
  }
}

}  // namespace

std::vector<PolicyTestResult> run_policy_tests(const std::vector<PolicyTest>& tests, const PolicySet& policies,
                                               std::string_view depot, const sql::Catalog& catalog) {
  std::vector<PolicyTestResult> out;
  for (const PolicyTest& test : tests) {
    if (test.depot != depot) continue;
    PolicyTestResult result{test.head.name, {}};
    const Resolution resolution = resolve(policies, test.subject, depot, catalog, Explain::No);
    for (const TableExpectation& expectation : test.expect) check(expectation, resolution, catalog, result.failures);
    out.push_back(std::move(result));
  }
  return out;
}

}  // namespace bartizan::policy
