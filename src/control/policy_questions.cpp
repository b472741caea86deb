// policy.test, access.who-can-see and access.what-can-see: the evaluation that the
// wall is built of, asked by people. All of them over the policies in force, or over documents
// that are not published yet.
#include "bartizan/policy/access_questions.hpp"
#include "bartizan/policy/statement_explanation.hpp"
#include "depot_catalog.hpp"
#include "policy_answers.hpp"
#include "policy_publication.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxObjectBytes = 400;

struct ColumnPath {
  std::string depot;
  std::string schema;
  std::string table;
  std::string column;
};

/// depot:schema.table.column
Result<ColumnPath> take_column(Args& args) {
  BZ_TRY(const auto text, args.text("column", kMaxObjectBytes));
  const auto colon = text.find(':');
  const auto first = text.find('.', colon == std::string::npos ? 0 : colon);
  const auto second = first == std::string::npos ? first : text.find('.', first + 1);
  if (colon == std::string::npos || second == std::string::npos)
    return fail(Errc::InvalidArgument, "'column' is depot:schema.table.column");
  return ColumnPath{text.substr(0, colon), text.substr(colon + 1, first - colon - 1),
                    text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

/// Everyone whose grant on the depot lives and leads through the wall, once for each purpose.
std::vector<policy::SubjectFacts> subjects_of(const policy::Snapshot& snapshot, const policy::Depot& depot,
                                              const std::vector<std::optional<std::string>>& purposes, WallTime now) {
  std::vector<policy::SubjectFacts> out;
  for (const auto& identity : snapshot.identities()) {
    const auto grant = snapshot.resolve_grant(identity.id, depot.id, now);
    if (!grant || grant->past_wall) continue;
    for (const auto& purpose : purposes)
      if (auto facts = policy::subject_facts(snapshot, identity.id, purpose, now)) out.push_back(std::move(*facts));
  }
  return out;
}

Document text_or_null(const std::optional<std::string>& text) { return text ? Document(*text) : Document(); }

/// "*", names with commas, or null: for whom an identity that is of no tenant may see rows.
Document acts_for(const policy::Snapshot& snapshot, std::string_view identity, const policy::Depot& depot,
                  WallTime now) {
  const auto* found = snapshot.find_identity(identity);
  const auto grant = found == nullptr ? Result<policy::GrantedLogin>(fail(Errc::NotFound, ""))
                                      : snapshot.resolve_grant(found->id, depot.id, now);
  if (!grant) return {};
  if (grant->act_for.any) return Document("*");
  std::string names;
  for (const auto& [id, until] : grant->act_for.tenants)
    if (const auto* tenant = snapshot.find_tenant(policy::TenantId(id)))
      names.append(names.empty() ? "" : ",").append(tenant->name);
  return names.empty() ? Document() : Document(std::move(names));
}

/// A stated purpose that shows no more and no less than none is not worth a line.
bool same_sight(const policy::ColumnSight& a, const policy::ColumnSight& b) {
  return a.identity == b.identity && a.visibility == b.visibility && a.writes == b.writes && a.filters == b.filters &&
         a.aggregate_only == b.aggregate_only;
}

/// Those of them that the identity sees otherwise than without a purpose.
void seen_tables(const policy::ClassOutcome& outcome, const std::optional<policy::ClassOutcome>& without,
                 const std::string& depot, const std::optional<std::string>& purpose, Items& out) {
  for (const auto& table : outcome.tables) {
    const auto* before = without ? without->find(table.schema, table.name) : nullptr;
    if (before != nullptr && *before == table) continue;
    std::string columns;
    for (const auto& column : table.columns) {
      if (std::holds_alternative<policy::Hidden>(column.visibility)) continue;
      columns.append(columns.empty() ? "" : ", ").append(column.name);
      if (!std::holds_alternative<policy::Clear>(column.visibility))
        columns.append(" (").append(policy::describe(column.visibility)).append(")");
    }
    out.push_back(Members{{"depot", depot},
                          {"purpose", text_or_null(purpose)},
                          {"table", table.schema + "." + table.name},
                          {"may", verbs_of(table.verbs)},
                          {"columns", std::move(columns)},
                          {"rows", rows_of(table)}});
  }
}

Result<void> what_is_seen(Call& call, const policy::Snapshot& snapshot, const policy::PublishedPolicies& policies,
                          const policy::Identity& identity, const std::vector<std::optional<std::string>>& purposes,
                          const policy::Depot& depot, Items& out) {
  BZ_TRY(const auto catalog, read_depot_catalog(call, depot));
  std::optional<policy::ClassOutcome> first;
  for (const auto& purpose : purposes) {
    const auto facts = policy::subject_facts(snapshot, identity.id, purpose, call.context.clock.wall());
    if (!facts) continue;
    auto outcome = policy::resolve(policies.set, *facts, depot.name, *catalog, policy::Explain::No).outcome;
    seen_tables(outcome, first, depot.name, purpose, out);
    if (!first) first = std::move(outcome);
  }
  return {};
}

}  // namespace

Result<Document> policy_test(Call& call, Args& args) {
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  BZ_TRY(const auto policies, asked_policies(args, *snapshot));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto tests, run_tests(call, *snapshot, policies));
  bool all = true;
  Items out;
  for (const auto& test : tests) {
    all = all && test.result.passed();
    out.push_back(render(test));
  }
  return Document(Members{{"ok", all}, {"tests", std::move(out)}});
}

Result<Document> access_who_can_see(Call& call, Args& args) {
  BZ_TRY(const auto path, take_column(args));
  BZ_TRY(const auto purpose, args.text_or_none("purpose", 128));
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  BZ_TRY(const auto policies, asked_policies(args, *snapshot));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* depot, find_protected_depot(call, *snapshot, policies, path.depot));
  BZ_TRY(const auto catalog, read_depot_catalog(call, *depot));
  const auto now = call.context.clock.wall();
  const auto subjects = subjects_of(*snapshot, *depot, asked_purposes(policies, purpose), now);
  BZ_TRY(const auto sights, policy::who_can_see(policies.set, subjects, depot->name, *catalog,
                                                {path.depot, path.schema, path.table, path.column}));
  Items out;
  const policy::ColumnSight* without = nullptr;  // a purpose, of the same identity
  for (const auto& sight : sights) {
    if (without != nullptr && same_sight(*without, sight)) continue;
    if (without == nullptr || without->identity != sight.identity) without = &sight;
    out.push_back(Members{{"identity", sight.identity},
                          {"purpose", text_or_null(sight.purpose)},
                          {"acts_for", acts_for(*snapshot, sight.identity, *depot, now)},
                          {"shown", policy::describe(sight.visibility)},
                          {"writes", verbs_of(sight.writes)},
                          {"rows", rows_of(sight)},
                          {"why", policy::reasons_in_line(sight.reasons, path.schema, path.table, path.column)}});
  }
  for (const auto& identity : snapshot->identities()) {
    const auto grant = snapshot->resolve_grant(identity.id, depot->id, now);
    if (!grant || !grant->past_wall) continue;
    out.push_back(Members{{"identity", identity.name},
                          {"purpose", Document()},
                          {"acts_for", Document()},
                          {"shown", "clear"},
                          {"writes", "whatever its login may"},
                          {"rows", "all"},
                          {"why", "a grant past the wall"}});
  }
  return Document(std::move(out));
}

Result<Document> access_what_can_see(Call& call, Args& args) {
  BZ_TRY(const auto who, args.name("identity", NameKind::Identity));
  BZ_TRY(const auto where, args.name_or_none("depot", NameKind::Resource));
  BZ_TRY(const auto purpose, args.text_or_none("purpose", 128));
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  BZ_TRY(const auto policies, asked_policies(args, *snapshot));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* identity, find_identity(call, *snapshot, who));
  if (where) BZ_CHECK(find_protected_depot(call, *snapshot, policies, *where));
  const auto now = call.context.clock.wall();
  const auto purposes = asked_purposes(policies, purpose);
  Items out;
  for (const auto& depot : snapshot->depots()) {
    const auto grant = snapshot->resolve_grant(identity->id, depot.id, now);
    if ((where && *where != depot.name) || !grant) continue;
    const bool behind_wall = policies.protects(depot.name);
    if (behind_wall && !grant->past_wall) {
      BZ_CHECK(what_is_seen(call, *snapshot, policies, *identity, purposes, depot, out));
    } else {
      out.push_back(Members{{"depot", depot.name},
                            {"purpose", Document()},
                            {"table", "*"},
                            {"may", "whatever its login may"},
                            {"columns", behind_wall ? "past the wall" : "unprotected"},
                            {"rows", "all"}});
    }
  }
  return Document(std::move(out));
}

}  // namespace bartizan::control
