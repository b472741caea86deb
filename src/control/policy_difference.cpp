// policy.diff: what two sets of policies say differently, resource by resource, and whose class
// on which depot comes out as another.
#include <map>
#include <utility>

#include "depot_catalog.hpp"
#include "policy_publication.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

/// Where a resource stands in its file is no difference.
template <class T>
T placeless(T resource) {
  resource.head.position = {};
  return resource;
}
policy::ColumnClassification placeless(policy::ColumnClassification column) { return column; }
policy::AttributeDeclaration placeless(policy::AttributeDeclaration attribute) { return attribute; }
policy::ObjectPattern placeless(policy::ObjectPattern pattern) { return pattern; }

template <class T>
std::string name_of(const T& resource) {
  return resource.head.name;
}
std::string name_of(const policy::ColumnClassification& one) {
  return one.depot + ":" + one.schema + "." + one.table + (one.column.empty() ? "" : "." + one.column);
}
std::string name_of(const policy::AttributeDeclaration& one) { return one.name; }
std::string name_of(const policy::ObjectPattern& one) { return one.text(); }

template <class T>
void compare(std::string_view kind, const std::vector<T>& before, const std::vector<T>& after, Items& out) {
  std::map<std::string, std::pair<const T*, const T*>> by_name;
  for (const T& one : before) by_name[name_of(one)].first = &one;
  for (const T& one : after) by_name[name_of(one)].second = &one;
  for (const auto& [name, two] : by_name) {
    const auto& [old_one, new_one] = two;
    if (old_one != nullptr && new_one != nullptr && placeless(*old_one) == placeless(*new_one)) continue;
    const char* change = old_one == nullptr ? "added" : new_one == nullptr ? "removed" : "changed";
    out.push_back(Members{{"change", change}, {"kind", kind}, {"name", name}});
  }
}

Items resources(const policy::PolicySet& before, const policy::PolicySet& after) {
  Items out;
  compare("access", before.access, after.access, out);
  compare("data", before.data, after.data, out);
  compare("classification", before.classifications, after.classifications, out);
  compare("group", before.groups, after.groups, out);
  compare("grant", before.grants, after.grants, out);
  compare("attribute", before.attributes, after.attributes, out);
  compare("tenancy", before.tenancies, after.tenancies, out);
  compare("mapping", before.mapping_tables, after.mapping_tables, out);
  return out;
}

/// The class before and after; "unprotected" where no policy speaks of the depot.
std::string outcome_name(const policy::PublishedPolicies& policies, const policy::SubjectFacts& facts,
                         const std::string& depot, const sql::Catalog& catalog) {
  if (!policies.protects(depot)) return "unprotected";
  return class_name(
      policy::class_id(policy::resolve(policies.set, facts, depot, catalog, policy::Explain::No).outcome));
}

Result<Items> people(Call& call, const policy::Snapshot& snapshot, const policy::PublishedPolicies& before,
                     const policy::PublishedPolicies& after) {
  Items out;
  const auto now = call.context.clock.wall();
  for (const auto& depot : snapshot.depots()) {
    if (!before.protects(depot.name) && !after.protects(depot.name)) continue;
    BZ_TRY(const auto catalog, read_depot_catalog(call, depot));
    for (const auto& identity : snapshot.identities()) {
      const auto facts = policy::subject_facts(snapshot, identity.id, std::nullopt, now);
      if (!facts || !snapshot.resolve_grant(identity.id, depot.id, now)) continue;
      auto then = outcome_name(before, *facts, depot.name, *catalog);
      auto now_class = outcome_name(after, *facts, depot.name, *catalog);
      if (then == now_class) continue;
      out.push_back(Members{{"identity", identity.name},
                            {"depot", depot.name},
                            {"before", std::move(then)},
                            {"after", std::move(now_class)}});
    }
  }
  return out;
}

Result<policy::PublishedPolicies> publication(Call& call, std::optional<std::int64_t> number) {
  BZ_TRY(auto transaction, call.read());
  store::PolicyVersions versions(transaction);
  if (number) {
    auto found = versions.find(*number);
    if (!found) call.hint = "see: bartizan policy history";
    if (!found) return tl::unexpected<Error>(std::move(found).error());
    return policy::read_documents(*number, found->value.documents);
  }
  BZ_TRY(const auto found, versions.in_force());
  if (!found) return policy::PublishedPolicies();
  return policy::read_documents(found->value.number, found->value.documents);
}

}  // namespace

Result<Document> policy_diff(Call& call, Args& args) {
  BZ_TRY(const auto from, args.integer_or_none("from", 1, INT64_MAX));
  BZ_TRY(const auto to, args.integer_or_none("to", 1, INT64_MAX));
  const bool given = args.has("documents");
  std::vector<policy::PolicyDocument> documents;
  if (given) {
    BZ_TRY(documents, take_documents(args));
  }
  BZ_CHECK(args.finish());
  if (given && to) return fail(Errc::InvalidArgument, "'documents' and 'to' exclude each other");
  BZ_TRY(const auto before, publication(call, from));
  BZ_TRY(const auto after, given ? policy::read_documents(0, documents) : publication(call, to));
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  BZ_TRY(auto identities, people(call, *snapshot, before, after));
  return Document(Members{{"from", before.number},
                          {"to", given ? Document() : Document(after.number)},
                          {"resources", resources(before.set, after.set)},
                          {"identities", std::move(identities)}});
}

}  // namespace bartizan::control
