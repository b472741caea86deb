// policy.simulate: what documents that are not published would change, for whom, and which statements of the
// audit log would no longer run. Nothing is changed by it.
#include <algorithm>
#include <map>
#include <set>

#include "bartizan/policy/outcome_difference.hpp"
#include "depot_catalog.hpp"
#include "policy_answers.hpp"
#include "policy_publication.hpp"
#include "recorded_statements.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::int64_t kMostLines = 1000;
constexpr std::int64_t kUsualLines = 200;
constexpr std::int64_t kMostRecords = 100'000;
constexpr std::int64_t kUsualRecords = 10'000;

/// Those of a depot to whom one thing happens.
struct Affected {
  std::vector<std::string> people;  ///< "ana", "ana (purpose fraud)"
  std::string before;               ///< class, or "unprotected"
  std::string after;
  std::vector<policy::OutcomeChange> changes;
};

struct Simulation {
  std::vector<std::pair<std::string, Affected>> affected;  ///< by depot, in a settled order
  FutureOutcomes future;
};

std::set<std::optional<std::string>> all_purposes(const policy::PublishedPolicies& before,
                                                  const policy::PublishedPolicies& after) {
  std::set<std::optional<std::string>> out;
  for (const auto* policies : {&before, &after})
    for (const auto& purpose : asked_purposes(*policies, std::nullopt)) out.insert(purpose);
  return out;
}

std::string class_or_none(const policy::ClassOutcome* outcome) {
  return outcome == nullptr ? "unprotected" : class_name(policy::class_id(*outcome));
}

/// One depot: every identity with a grant, without a purpose and with each.
Result<void> simulate_depot(Call& call, const policy::Snapshot& snapshot, const policy::Depot& depot,
                            const policy::PublishedPolicies& before, const policy::PublishedPolicies& after,
                            const std::optional<std::string>& only, Simulation& out) {
  BZ_TRY(const auto catalog, read_depot_catalog(call, depot));
  const auto now = call.context.clock.wall();
  const bool was = before.protects(depot.name);
  const bool will = after.protects(depot.name);
  std::map<std::pair<std::string, std::string>, Affected> groups;
  for (const auto& identity : snapshot.identities()) {
    const auto grant = snapshot.resolve_grant(identity.id, depot.id, now);
    if (!grant || grant->past_wall || (only && *only != identity.name)) continue;
    std::pair<std::string, std::string> without;  // a purpose
    for (const auto& purpose : all_purposes(before, after)) {
      const auto facts = policy::subject_facts(snapshot, identity.id, purpose, now);
      if (!facts) continue;
      std::optional<policy::ClassOutcome> then;
      std::optional<policy::ClassOutcome> later;
      if (was) then = policy::resolve(before.set, *facts, depot.name, *catalog, policy::Explain::No).outcome;
      if (will) later = policy::resolve(after.set, *facts, depot.name, *catalog, policy::Explain::No).outcome;
      const auto* old_one = then ? &*then : nullptr;
      const auto* new_one = later ? &*later : nullptr;
      const std::pair key{class_or_none(old_one), class_or_none(new_one)};
      const bool told = purpose && key == without;  // a purpose that makes no difference is not worth a name
      if (!purpose) without = key;
      auto& group = groups[key];
      if (group.people.empty()) {
        group.before = class_or_none(old_one);
        group.after = class_or_none(new_one);
        if (new_one != nullptr) group.changes = policy::difference(old_one, *new_one);
        if (new_one == nullptr && old_one != nullptr)
          group.changes = {{"*", "", "table", "by the policies", "as its login: the depot is unprotected"}};
      }
      if (!told) group.people.push_back(identity.name + (purpose ? " (purpose " + *purpose + ")" : ""));
      out.future.add(identity.name, depot.name, purpose.value_or(""), std::move(then), std::move(later));
    }
  }
  for (auto& [classes, group] : groups)
    if (!group.changes.empty()) out.affected.emplace_back(depot.name, std::move(group));
  return {};
}

struct Page {
  std::size_t first = 0;
  std::size_t most = 0;
};

/// The lines of one page; total counts all of them.
Items changes_of(const Simulation& simulation, const Page& page, std::size_t& total) {
  Items out;
  total = 0;
  for (const auto& [depot, group] : simulation.affected) {
    Items people;
    for (const auto& one : group.people) people.emplace_back(one);
    for (const auto& change : group.changes) {
      const std::size_t number = total++;
      if (number < page.first || out.size() >= page.most) continue;
      out.push_back(Members{{"depot", depot},
                            {"identities", people},
                            {"class", group.before},
                            {"class_after", group.after},
                            {"table", change.table},
                            {"column", change.column.empty() ? Document() : Document(change.column)},
                            {"what", change.what},
                            {"before", change.before},
                            {"after", change.after}});
    }
  }
  return out;
}

Document number_of(std::size_t count) { return {static_cast<std::int64_t>(count)}; }

}  // namespace

Result<Document> policy_simulate(Call& call, Args& args) {
  BZ_TRY(const auto documents, take_documents(args));
  BZ_TRY(const auto where, args.name_or_none("depot", NameKind::Resource));
  BZ_TRY(const auto who, args.name_or_none("identity", NameKind::Identity));
  BZ_TRY(const auto after, args.integer_or_none("after", 0, INT64_MAX));
  BZ_TRY(const auto limit, args.integer_or_none("limit", 1, kMostLines));
  BZ_TRY(const auto records, args.integer_or_none("records", 0, kMostRecords));
  BZ_TRY(const auto below, args.text_or_none("below", 256));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  if (!snapshot->policies().readable)
    return fail(Errc::Unsupported, "the policies in force are of a form that this program does not know");
  BZ_TRY(const auto later, policy::read_documents(0, documents));
  const auto& now = snapshot->policies();
  if (who) BZ_CHECK(find_identity(call, *snapshot, *who));
  if (where && snapshot->find_depot(*where) == nullptr) return fail(Errc::NotFound, "no depot '" + *where + "'");
  Simulation simulation;
  Items depots;
  for (const auto& depot : snapshot->depots()) {
    if ((where && *where != depot.name) || (!now.protects(depot.name) && !later.protects(depot.name))) continue;
    depots.emplace_back(depot.name);
    BZ_CHECK(simulate_depot(call, *snapshot, depot, now, later, who, simulation));
  }
  const Page page{static_cast<std::size_t>(after.value_or(0)), static_cast<std::size_t>(limit.value_or(kUsualLines))};
  std::size_t total = 0;
  auto changes = changes_of(simulation, page, total);
  const std::size_t shown_to = page.first + changes.size();
  BZ_TRY(auto statements, recorded_statements(call, simulation.future, below,
                                              static_cast<std::size_t>(records.value_or(kUsualRecords))));
  return Document(Members{{"policies", now.number},
                          {"depots", std::move(depots)},
                          {"changes", std::move(changes)},
                          {"total", number_of(total)},
                          {"next", shown_to < total ? number_of(shown_to) : Document()},
                          {"statements", std::move(statements.lines)},
                          {"records", number_of(statements.looked_at)},
                          {"oldest", time_or_null(statements.oldest)},
                          {"below", statements.below.empty() ? Document() : Document(statements.below)}});
}

}  // namespace bartizan::control
