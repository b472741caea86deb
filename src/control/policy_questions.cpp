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

/// Everyone whose grant on the depot lives and leads through the wall.
std::vector<policy::SubjectFacts> subjects_of(const policy::Snapshot& snapshot, const policy::Depot& depot,
                                              const std::optional<std::string>& purpose, WallTime now) {
  std::vector<policy::SubjectFacts> out;
  for (const auto& identity : snapshot.identities()) {
    const auto grant = snapshot.resolve_grant(identity.id, depot.id, now);
    if (!grant || grant->past_wall) continue;
    if (auto facts = policy::subject_facts(snapshot, identity.id, purpose, now)) out.push_back(std::move(*facts));
  }
  return out;
}

Result<void> what_is_seen(Call& call, const policy::PublishedPolicies& policies, const policy::SubjectFacts& facts,
                          const policy::Depot& depot, Items& out) {
  BZ_TRY(const auto catalog, read_depot_catalog(call, depot));
  const auto resolution = policy::resolve(policies.set, facts, depot.name, *catalog, policy::Explain::No);
  for (const auto& table : resolution.outcome.tables) {
    std::string columns;
    for (const auto& column : table.columns) {
      if (std::holds_alternative<policy::Hidden>(column.visibility)) continue;
      columns.append(columns.empty() ? "" : ", ").append(column.name);
      if (!std::holds_alternative<policy::Clear>(column.visibility))
        columns.append(" (").append(policy::describe(column.visibility)).append(")");
    }
    out.push_back(Members{{"depot", depot.name},
                          {"table", table.schema + "." + table.name},
                          {"may", verbs_of(table.verbs)},
                          {"columns", std::move(columns)},
                          {"rows", rows_of(table)}});
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
  const auto subjects = subjects_of(*snapshot, *depot, purpose, call.context.clock.wall());
  BZ_TRY(const auto sights, policy::who_can_see(policies.set, subjects, depot->name, *catalog,
                                                {path.depot, path.schema, path.table, path.column}));
  Items out;
  for (const auto& sight : sights) {
    out.push_back(Members{{"identity", sight.identity},
                          {"shown", policy::describe(sight.visibility)},
                          {"writes", verbs_of(sight.writes)},
                          {"rows", rows_of(sight)},
                          {"why", policy::reasons_in_line(sight.reasons, path.schema, path.table, path.column)}});
  }
  for (const auto& identity : snapshot->identities()) {
    const auto grant = snapshot->resolve_grant(identity.id, depot->id, call.context.clock.wall());
    if (!grant || !grant->past_wall) continue;
    out.push_back(Members{{"identity", identity.name},
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
  const auto facts = policy::subject_facts(*snapshot, identity->id, purpose, now);
  Items out;
  for (const auto& depot : snapshot->depots()) {
    const auto grant = snapshot->resolve_grant(identity->id, depot.id, now);
    if ((where && *where != depot.name) || !facts || !grant) continue;
    const bool behind_wall = policies.protects(depot.name);
    if (behind_wall && !grant->past_wall) {
      BZ_CHECK(what_is_seen(call, policies, *facts, depot, out));
    } else {
      out.push_back(Members{{"depot", depot.name},
                            {"table", "*"},
                            {"may", "whatever its login may"},
                            {"columns", behind_wall ? "past the wall" : "unprotected"},
                            {"rows", "all"}});
    }
  }
  return Document(std::move(out));
}

}  // namespace bartizan::control
