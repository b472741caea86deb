#include "bartizan/policy/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "bartizan/policy/detokenize.hpp"
#include "bartizan/policy/manifest.hpp"

namespace bartizan::policy {
namespace {

bool any_matches(const std::vector<ObjectPattern>& patterns, std::string_view depot) {
  return std::ranges::any_of(patterns, [&](const ObjectPattern& one) { return one.matches_depot(depot); });
}

}  // namespace

bool PublishedPolicies::protects(std::string_view depot) const {
  if (!readable) return true;
  const auto& all = set;
  const auto speaks = [&](const AccessPolicy& one) {
    return !is_about_tokens_alone(one) && any_matches(one.paths, depot);
  };
  return std::ranges::any_of(all.access, speaks) ||
         std::ranges::any_of(all.data, [&](const DataPolicy& one) { return one.dataset.matches_depot(depot); }) ||
         std::ranges::any_of(all.tenancies, [&](const Tenancy& one) { return any_matches(one.tables, depot); }) ||
         std::ranges::any_of(all.classifications, [&](const ColumnClassification& one) { return one.depot == depot; });
}

Result<PublishedPolicies> read_documents(std::int64_t number, std::span<const PolicyDocument> documents) {
  PublishedPolicies out;
  out.number = number;
  std::vector<PolicySet> parts;
  std::string faults;
  for (const PolicyDocument& document : documents) {
    Manifest manifest = read_manifest(document.text, document.file);
    for (const ManifestError& error : manifest.errors)
      faults += fmt::format("{}{}:{}:{}: {}", faults.empty() ? "" : "\n", document.file, error.line, error.column,
                            error.message);
    parts.push_back(std::move(manifest.policies));
    std::ranges::move(manifest.tests, std::back_inserter(out.tests));
  }
  if (!faults.empty()) return fail(Errc::InvalidArgument, std::move(faults));
  BZ_TRY(out.set, merge(std::move(parts)));
  return out;
}

PublishedPolicies read_published(std::int64_t number, std::span<const PolicyDocument> documents) {
  if (auto read = read_documents(number, documents)) return std::move(*read);
  PublishedPolicies out;
  out.number = number;
  out.readable = false;
  return out;
}

}  // namespace bartizan::policy
