#include "policy_answers.hpp"

#include <set>

#include "policy_publication.hpp"

namespace bartizan::control {

std::string verbs_of(policy::VerbSet verbs) {
  std::string out;
  for (const auto verb : policy::kAllVerbs)
    if (verbs.contains(verb)) out.append(out.empty() ? "" : ",").append(policy::to_string(verb));
  return out;
}

namespace {

std::string rows(const std::vector<std::string>& filters, const std::optional<policy::AggregateOnly>& aggregates) {
  std::string out;
  for (const auto& filter : filters) out.append(out.empty() ? "" : " AND ").append("(" + filter + ")");
  if (out.empty()) out = "all";
  if (aggregates)
    out.append(", in aggregates over at least ")
        .append(std::to_string(aggregates->k))
        .append(" distinct ")
        .append(aggregates->entity_column)
        .append(" alone");
  return out;
}

}  // namespace

std::string rows_of(const policy::TableOutcome& table) {
  std::vector<std::string> filters;
  for (const auto& filter : table.filters) filters.push_back(filter.text);
  return rows(filters, table.aggregate_only);
}

std::string rows_of(const policy::ColumnSight& sight) { return rows(sight.filters, sight.aggregate_only); }

Result<policy::PublishedPolicies> asked_policies(Args& args, const policy::Snapshot& snapshot) {
  if (!args.has("documents")) {
    if (!snapshot.policies().readable)
      return fail(Errc::Unsupported, "the policies in force are of a form that this program does not know");
    return snapshot.policies();
  }
  BZ_TRY(const auto documents, take_documents(args));
  return policy::read_documents(0, documents);
}

std::vector<std::optional<std::string>> asked_purposes(const policy::PublishedPolicies& policies,
                                                       const std::optional<std::string>& purpose) {
  if (purpose) return {purpose};
  std::set<std::string> given;
  for (const auto& grant : policies.set.grants)
    if (!grant.purpose.empty()) given.insert(grant.purpose);
  std::vector<std::optional<std::string>> out{std::nullopt};
  out.insert(out.end(), given.begin(), given.end());
  return out;
}

Result<const policy::Identity*> find_identity(Call& call, const policy::Snapshot& snapshot, const std::string& name) {
  const auto* found = snapshot.find_identity(name);
  if (found != nullptr) return found;
  call.hint = "see: bartizan identity list";
  return fail(Errc::NotFound, "no identity '" + name + "'");
}

Result<const policy::Depot*> find_protected_depot(Call& call, const policy::Snapshot& snapshot,
                                                  const policy::PublishedPolicies& policies, std::string_view name) {
  const auto* found = snapshot.find_depot(name);
  if (found == nullptr) call.hint = "see: bartizan depot list";
  if (found == nullptr) return fail(Errc::NotFound, "no depot '" + std::string(name) + "'");
  if (policies.protects(name)) return found;
  return fail(Errc::FailedPrecondition,
              "no policy speaks of depot '" + std::string(name) + "': whoever has a grant sees what its login sees");
}

}  // namespace bartizan::control
