// policy.explain, policy.test, access.who-can-see and access.what-can-see: the evaluation that the
// wall is built of, asked by people. All of them over the policies in force, or over documents
// that are not published yet.
#include "bartizan/policy/access_questions.hpp"
#include "depot_catalog.hpp"
#include "policy_publication.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxObjectBytes = 400;

std::string verbs_of(policy::VerbSet verbs) {
  std::string out;
  for (const auto verb : policy::kAllVerbs)
    if (verbs.contains(verb)) out.append(out.empty() ? "" : ",").append(policy::to_string(verb));
  return out;
}

std::string filters_of(const std::vector<policy::FilterTemplate>& filters) {
  std::string out;
  for (const auto& filter : filters) out.append(out.empty() ? "" : " AND ").append("(" + filter.text + ")");
  return out;
}

/// "policy: text" of a table (column empty) or a column, in one line.
std::string reasons_of(const std::vector<policy::Reason>& reasons, std::string_view schema, std::string_view table,
                       std::string_view column) {
  std::string out;
  for (const auto& reason : reasons) {
    if (reason.schema != schema || reason.table != table || reason.column != column) continue;
    out.append(out.empty() ? "" : "; ").append(reason.policy.empty() ? "" : reason.policy + ": ").append(reason.text);
  }
  return out;
}

Result<policy::PublishedPolicies> asked_policies(Args& args, const policy::Snapshot& snapshot) {
  if (!args.has("documents")) {
    if (!snapshot.policies().readable)
      return fail(Errc::Unsupported, "the policies in force are of a form that this program does not know");
    return snapshot.policies();
  }
  BZ_TRY(const auto documents, take_documents(args));
  return policy::read_documents(0, documents);
}

Result<const policy::Identity*> find_identity(Call& call, const policy::Snapshot& snapshot, const std::string& name) {
  const auto* found = snapshot.find_identity(name);
  if (found != nullptr) return found;
  call.hint = "see: bartizan identity list";
  return fail(Errc::NotFound, "no identity '" + name + "'");
}

/// NotFound, or FailedPrecondition where no policy speaks of it: then there is no class.
Result<const policy::Depot*> find_depot(Call& call, const policy::Snapshot& snapshot,
                                        const policy::PublishedPolicies& policies, std::string_view name) {
  const auto* found = snapshot.find_depot(name);
  if (found == nullptr) call.hint = "see: bartizan depot list";
  if (found == nullptr) return fail(Errc::NotFound, "no depot '" + std::string(name) + "'");
  if (policies.protects(name)) return found;
  return fail(Errc::FailedPrecondition,
              "no policy speaks of depot '" + std::string(name) + "': whoever has a grant sees what its login sees");
}

Items explained_tables(const policy::Resolution& resolution, const std::optional<std::string>& only) {
  Items out;
  for (const auto& table : resolution.outcome.tables) {
    auto name = table.schema + "." + table.name;
    if (only && *only != name) continue;
    out.push_back(Members{{"table", std::move(name)},
                          {"may", verbs_of(table.verbs)},
                          {"rows", table.filters.empty() ? "all" : filters_of(table.filters)},
                          {"why", reasons_of(resolution.reasons, table.schema, table.name, "")}});
  }
  return out;
}

Items explained_columns(const policy::Resolution& resolution, const std::optional<std::string>& only) {
  Items out;
  for (const auto& table : resolution.outcome.tables) {
    const auto name = table.schema + "." + table.name;
    if (only && *only != name) continue;
    for (const auto& column : table.columns)
      out.push_back(Members{{"column", name + "." + column.name},
                            {"shown", policy::describe(column.visibility)},
                            {"writes", verbs_of(column.writes)},
                            {"why", reasons_of(resolution.reasons, table.schema, table.name, column.name)}});
  }
  return out;
}

/// Tables that are not there for the subject, with what took them away.
Items explained_absences(const policy::Resolution& resolution, const std::optional<std::string>& only) {
  Items out;
  for (const auto& reason : resolution.reasons) {
    if (!reason.column.empty() || resolution.outcome.find(reason.schema, reason.table) != nullptr) continue;
    auto name = reason.schema + "." + reason.table;
    if (only && *only != name) continue;
    out.push_back(Members{{"table", std::move(name)},
                          {"why", (reason.policy.empty() ? "" : reason.policy + ": ") + reason.text}});
  }
  return out;
}

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
                          {"rows", table.filters.empty() ? "all" : filters_of(table.filters)}});
  }
  return {};
}

}  // namespace

Result<Document> policy_explain(Call& call, Args& args) {
  BZ_TRY(const auto who, args.name("identity", NameKind::Identity));
  BZ_TRY(const auto where, args.name("depot", NameKind::Resource));
  BZ_TRY(const auto only, args.text_or_none("table", kMaxObjectBytes));
  BZ_TRY(auto purpose, args.text_or_none("purpose", 128));
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  BZ_TRY(const auto policies, asked_policies(args, *snapshot));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* identity, find_identity(call, *snapshot, who));
  BZ_TRY(const auto* depot, find_depot(call, *snapshot, policies, where));
  BZ_TRY(const auto catalog, read_depot_catalog(call, *depot));
  const auto now = call.context.clock.wall();
  const auto facts = policy::subject_facts(*snapshot, identity->id, std::move(purpose), now);
  if (!facts) return fail(Errc::NotFound, "no identity '" + who + "'");
  const auto resolution = policy::resolve(policies.set, *facts, depot->name, *catalog, policy::Explain::Yes);
  Items context;
  for (const auto& attribute : resolution.outcome.context) context.emplace_back(attribute.name);
  return Document(Members{{"identity", identity->name},
                          {"depot", depot->name},
                          {"granted", snapshot->resolve_grant(identity->id, depot->id, now).has_value()},
                          {"policies", policies.number},
                          {"class", class_name(policy::class_id(resolution.outcome))},
                          {"context", std::move(context)},
                          {"valid_until", time_or_null(resolution.valid_until)},
                          {"tables", explained_tables(resolution, only)},
                          {"columns", explained_columns(resolution, only)},
                          {"not_seen", explained_absences(resolution, only)}});
}

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
  BZ_TRY(const auto* depot, find_depot(call, *snapshot, policies, path.depot));
  BZ_TRY(const auto catalog, read_depot_catalog(call, *depot));
  const auto subjects = subjects_of(*snapshot, *depot, purpose, call.context.clock.wall());
  BZ_TRY(const auto sights, policy::who_can_see(policies.set, subjects, depot->name, *catalog,
                                                {path.depot, path.schema, path.table, path.column}));
  Items out;
  for (const auto& sight : sights) {
    std::string rows;
    for (const auto& filter : sight.filters) rows.append(rows.empty() ? "" : " AND ").append("(" + filter + ")");
    out.push_back(Members{{"identity", sight.identity},
                          {"shown", policy::describe(sight.visibility)},
                          {"writes", verbs_of(sight.writes)},
                          {"rows", rows.empty() ? "all" : rows},
                          {"why", reasons_of(sight.reasons, path.schema, path.table, path.column)}});
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
  if (where) BZ_CHECK(find_depot(call, *snapshot, policies, *where));
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
