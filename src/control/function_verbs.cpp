// function.allow, function.deny, function.list: which of a depot's functions have been reviewed (ADR 0200).
#include <algorithm>
#include <map>
#include <set>

#include "bartizan/control/cell_keeper.hpp"
#include "bartizan/control/wall_keeper.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/encrypted_columns.hpp"
#include "bartizan/store/reviewed_functions.hpp"
#include "depot_cells.hpp"
#include "function_findings.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::chrono::seconds kLookFor{30};
constexpr std::size_t kMaxSignatureBytes = 8192;
constexpr std::size_t kMaxDigestBytes = 64;

Result<policy::Depot> depot_named(Call& call, const std::string& name) {
  BZ_TRY(auto transaction, call.read());
  auto depot = store::Depots(transaction).find(name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  if (!depot->value.embedded)
    return fail(Errc::Unsupported,
                "only depots in the embedded PostgreSQL can have a wall or encrypted columns so far");
  return std::move(depot->value);
}

Result<std::set<std::string>> take_codes(Args& args) {
  BZ_TRY(const auto text, args.text_or_none("acknowledge", 1024));
  std::set<std::string> out;
  const auto& known = function_finding_codes();
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto code = rest.substr(0, comma);
    if (std::ranges::find(known, code) == known.end())
      return fail(Errc::InvalidArgument, "'acknowledge' is codes of findings, with commas between");
    out.emplace(code);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return out;
}

struct Reviewed {
  postgres::FunctionFacts facts;
  std::vector<FunctionFinding> findings;
};

Result<std::vector<std::string>> encrypted_tables(Call& call, policy::DepotId depot) {
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto columns, store::EncryptedColumns(transaction).list());
  std::set<std::string> out;
  for (const auto& one : columns)
    if (one.value.depot == depot) out.insert(one.value.schema + "." + one.value.table);
  return std::vector<std::string>(out.begin(), out.end());
}

Result<Reviewed> look_at(Call& call, const policy::Depot& depot, const std::string& name) {
  const auto deadline = call.context.clock.steady() + kLookFor;
  BZ_TRY(auto connection, call.context.runtime.embedded_superuser(depot.database, deadline));
  Reviewed out;
  call.hint = "name it as psql's \\df does, with its schema and the schemas of its types: 'public.initials(text)'";
  BZ_TRY(out.facts, postgres::read_function(connection, name, deadline));
  call.hint.clear();
  if (out.facts.is_procedure) return fail(Errc::Unsupported, "procedures can't be called by a class");
  BZ_TRY(const auto relations, postgres::read_relation_names(connection, deadline));
  BZ_TRY(const auto encrypted, encrypted_tables(call, depot.id));
  out.findings = review(out.facts, relations, encrypted);
  return out;
}

Document render(const FunctionFinding& finding, const std::set<std::string>& acknowledged) {
  return Members{{"severity", finding.warning ? "warning" : "note"},
                 {"code", finding.code},
                 {"message", finding.message},
                 {"acknowledged", finding.warning && acknowledged.contains(finding.code)}};
}

/// Commands wait until their change is in force in this gateway.
Result<void> follow(Call& call) {
  if (call.context.walls != nullptr) BZ_CHECK(call.context.walls->run_now());
  if (call.context.cells != nullptr) BZ_CHECK(call.context.cells->run_now());
  return {};
}

std::string_view state_of(const std::map<std::string, postgres::StandingFunction>& standing,
                          const store::ReviewedFunction& function) {
  const auto found = standing.find(function.signature);
  if (found == standing.end()) return "gone";
  return found->second.digest == function.digest ? "allowed" : "changed";
}

/// What has become of the functions; empty: the depot could not be asked.
Result<std::map<std::string, postgres::StandingFunction>> standing_in(
    Call& call, const policy::Depot& depot, const std::vector<store::Record<store::ReviewedFunction>>& reviews) {
  std::vector<postgres::ReviewedFunction> of_depot;
  for (const auto& one : reviews)
    if (one.value.depot == depot.id) of_depot.push_back({one.value.signature, one.value.digest});
  const auto deadline = call.context.clock.steady() + kLookFor;
  BZ_TRY(auto connection, call.context.runtime.embedded_superuser(depot.database, deadline));
  return postgres::read_standing(connection, of_depot, deadline);
}

}  // namespace

Result<Document> function_allow(Call& call, Args& args) {
  BZ_TRY(const auto depot_name, args.name("depot", NameKind::Resource));
  BZ_TRY(const auto name, args.text("function", kMaxSignatureBytes));
  BZ_TRY(const auto reason, args.text_or_none("reason", 4096));
  BZ_TRY(const auto acknowledged, take_codes(args));
  BZ_TRY(const auto digest, args.text_or_none("digest", kMaxDigestBytes));
  BZ_TRY(const bool dry_run, args.flag("dry_run"));
  BZ_CHECK(args.finish());
  if (!dry_run && (!reason || reason->empty())) return fail(Errc::InvalidArgument, "'reason' is missing");
  BZ_TRY(const auto depot, depot_named(call, depot_name));
  BZ_TRY(const auto found, look_at(call, depot, name));
  if (digest && *digest != found.facts.digest) {
    call.hint = "read it again: --dry-run tells the digest of what stands now";
    return fail(Errc::FailedPrecondition, "function " + found.facts.signature +
                                              " is not the one of --digest: its definition now has " +
                                              found.facts.digest);
  }
  std::string open;
  for (const auto& one : found.findings)
    if (one.warning && !acknowledged.contains(one.code)) open += (open.empty() ? "" : ",") + one.code;
  if (!open.empty() && !dry_run) {
    call.hint = "--dry-run tells what each means; to accept them: --acknowledge " + open;
    return fail(Errc::FailedPrecondition, "function " + found.facts.signature + " has findings: " + open);
  }
  if (!dry_run) {
    BZ_TRY(auto transaction, call.write());
    BZ_CHECK(store::ReviewedFunctions(transaction).put({depot.id, found.facts.signature, found.facts.digest, *reason}));
    BZ_CHECK(transaction.commit());
    BZ_CHECK(follow(call));
  }
  Items findings;
  for (const auto& one : found.findings) findings.push_back(render(one, acknowledged));
  return Document(Members{{"depot", depot_name},
                          {"function", found.facts.signature},
                          {"allowed", !dry_run},
                          {"owner", found.facts.owner},
                          {"language", found.facts.language},
                          {"digest", found.facts.digest},
                          {"findings", std::move(findings)}});
}

Result<Document> function_deny(Call& call, Args& args) {
  BZ_TRY(const auto depot_name, args.name("depot", NameKind::Resource));
  BZ_TRY(const auto signature, args.text("function", kMaxSignatureBytes));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto depot, depot_named(call, depot_name));
  {
    BZ_TRY(auto transaction, call.write());
    call.hint = "as `bartizan function list` writes it";
    BZ_CHECK(store::ReviewedFunctions(transaction).remove(depot.id, signature));
    call.hint.clear();
    BZ_CHECK(transaction.commit());
  }
  BZ_CHECK(follow(call));
  return Document(Members{{"depot", depot_name}, {"function", signature}, {"allowed", false}});
}

Result<Document> function_list(Call& call, Args& args) {
  BZ_TRY(const auto only, args.name_or_none("depot", NameKind::Resource));
  BZ_CHECK(args.finish());
  std::vector<store::Record<store::ReviewedFunction>> reviews;
  std::vector<store::Record<policy::Depot>> depots;
  {
    BZ_TRY(auto transaction, call.read());
    BZ_TRY(reviews, store::ReviewedFunctions(transaction).list());
    BZ_TRY(depots, store::Depots(transaction).list());
  }
  Items out;
  for (const auto& depot : depots) {
    if (only && depot.value.name != *only) continue;
    if (std::ranges::none_of(reviews, [&](const auto& one) { return one.value.depot == depot.value.id; })) continue;
    const auto standing = standing_in(call, depot.value, reviews);
    for (const auto& one : reviews) {
      if (one.value.depot != depot.value.id) continue;
      Members members = {{"depot", depot.value.name},
                         {"function", one.value.signature},
                         {"state", standing ? state_of(*standing, one.value) : "unknown"},
                         {"reason", one.value.reason},
                         {"digest", one.value.digest}};
      append_meta(members, one.meta);
      out.push_back(std::move(members));
    }
  }
  return Document(std::move(out));
}

}  // namespace bartizan::control
