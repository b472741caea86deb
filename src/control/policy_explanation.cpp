// policy.explain: what an identity sees of a depot, and why; of one statement also what would go to
// the server in its place, or how it would be refused. Nothing is run.
#include <algorithm>
#include <iterator>

#include "bartizan/policy/access_questions.hpp"
#include "bartizan/policy/statement_explanation.hpp"
#include "bartizan/wall/compile.hpp"
#include "depot_catalog.hpp"
#include "policy_answers.hpp"
#include "policy_publication.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxTableBytes = 400;
/// As much as the rewriter reads: what is longer is refused by it, and that is the answer.
constexpr std::size_t kMaxStatementBytes = std::size_t{128} * 1024;

Items explained_tables(const policy::Resolution& resolution, const std::optional<std::string>& only) {
  Items out;
  for (const auto& table : resolution.outcome.tables) {
    auto name = table.schema + "." + table.name;
    if (only && *only != name) continue;
    out.push_back(Members{{"table", std::move(name)},
                          {"may", verbs_of(table.verbs)},
                          {"rows", rows_of(table)},
                          {"why", policy::reasons_in_line(resolution.reasons, table.schema, table.name, "")}});
  }
  return out;
}

Items explained_columns(const policy::Resolution& resolution, const std::optional<std::string>& only) {
  Items out;
  for (const auto& table : resolution.outcome.tables) {
    const auto name = table.schema + "." + table.name;
    if (only && *only != name) continue;
    for (const auto& column : table.columns)
      out.push_back(
          Members{{"column", name + "." + column.name},
                  {"shown", policy::describe(column.visibility)},
                  {"writes", verbs_of(column.writes)},
                  {"why", policy::reasons_in_line(resolution.reasons, table.schema, table.name, column.name)}});
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

Items explained_uses(const policy::StatementExplanation& told) {
  Items out;
  for (const auto& statement : told.statements)
    for (const auto& use : statement.uses)
      out.push_back(Members{{"object", use.object}, {"use", use.use}, {"shown", use.shown}, {"why", use.why}});
  return out;
}

/// decision, refusal, statements and uses: what becomes of the statement for this class.
Result<Members> explained_statement(const policy::Depot& depot, const DepotCatalog& read,
                                    const policy::Resolution& resolution, const std::string& statement) {
  const auto names = wall::Names::for_depot(depot.id.get().to_string());
  BZ_TRY(const auto views, wall::view_map(names, *read.catalog, resolution.outcome, read.functions));
  sql::RewriteRequest request;
  request.text = statement;
  request.catalog = read.catalog.get();
  request.views = &views;
  request.search_path = {"$user", "public"};  // of a session that was given none
  const auto told = policy::explain_statement(request, resolution);
  Document refusal;
  if (told.refusal)
    refusal = Members{
        {"sqlstate", told.refusal->sqlstate},
        {"message", told.refusal->message},
        {"hint", told.refusal->hint.empty() ? Document() : Document(told.refusal->hint)},
        {"position",
         told.refusal->position == 0 ? Document() : Document(static_cast<std::int64_t>(told.refusal->position))}};
  Items statements;
  for (const auto& one : told.statements)
    statements.push_back(Members{{"command", one.command}, {"rewritten", one.server_text}});
  return Members{{"decision", told.refusal ? "refused" : "permitted"},
                 {"refusal", std::move(refusal)},
                 {"statements", std::move(statements)},
                 {"uses", explained_uses(told)}};
}

/// The depot that was named, or the only one that the identity has a grant on and policies speak of.
Result<const policy::Depot*> asked_depot(Call& call, const policy::Snapshot& snapshot,
                                         const policy::PublishedPolicies& policies, const policy::Identity& identity,
                                         const std::optional<std::string>& name) {
  if (name) return find_protected_depot(call, snapshot, policies, *name);
  const policy::Depot* found = nullptr;
  for (const auto& depot : snapshot.depots()) {
    if (!policies.protects(depot.name) ||
        !snapshot.resolve_grant(identity.id, depot.id, call.context.clock.wall()).has_value())
      continue;
    call.hint = "say which: --depot NAME";
    if (found != nullptr) return fail(Errc::InvalidArgument, "'depot' is missing, and there are several");
    found = &depot;
  }
  call.hint = found == nullptr ? "see: bartizan grant list --identity " + identity.name : "";
  if (found != nullptr) return found;
  return fail(Errc::FailedPrecondition,
              "identity '" + identity.name + "' has no grant on a depot that policies speak of");
}

}  // namespace

Result<Document> policy_explain(Call& call, Args& args) {
  BZ_TRY(const auto who, args.name("as", NameKind::Identity));
  BZ_TRY(const auto where, args.name_or_none("depot", NameKind::Resource));
  BZ_TRY(const auto only, args.text_or_none("table", kMaxTableBytes));
  BZ_TRY(const auto statement, args.text_or_none("statement", kMaxStatementBytes));
  BZ_TRY(auto purpose, args.text_or_none("purpose", 128));
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  BZ_TRY(const auto policies, asked_policies(args, *snapshot));
  BZ_CHECK(args.finish());
  if (only && statement) return fail(Errc::InvalidArgument, "'table' and 'statement' exclude each other");
  BZ_TRY(const auto* identity, find_identity(call, *snapshot, who));
  BZ_TRY(const auto* depot, asked_depot(call, *snapshot, policies, *identity, where));
  BZ_TRY(const auto read, read_depot(call, *depot));
  const auto now = call.context.clock.wall();
  const auto facts = policy::subject_facts(*snapshot, identity->id, std::move(purpose), now);
  if (!facts) return fail(Errc::NotFound, "no identity '" + who + "'");
  const auto resolution = policy::resolve(policies.set, *facts, depot->name, *read.catalog, policy::Explain::Yes);
  const auto grant = snapshot->resolve_grant(identity->id, depot->id, now);
  Items context;
  for (const auto& attribute : resolution.outcome.context) context.emplace_back(attribute.name);
  Members out{{"identity", identity->name},    {"depot", depot->name},
              {"granted", grant.has_value()},  {"past_wall", grant && grant->past_wall},
              {"policies", policies.number},   {"class", class_name(policy::class_id(resolution.outcome))},
              {"context", std::move(context)}, {"valid_until", time_or_null(resolution.valid_until)}};
  if (statement) {
    BZ_TRY(auto told, explained_statement(*depot, read, resolution, *statement));
    std::ranges::move(told, std::back_inserter(out));
  } else {
    out.emplace_back("tables", explained_tables(resolution, only));
    out.emplace_back("columns", explained_columns(resolution, only));
    out.emplace_back("not_seen", explained_absences(resolution, only));
  }
  return Document(std::move(out));
}

}  // namespace bartizan::control
