#include "bartizan/postgres/function_facts.hpp"

#include <algorithm>
#include <string_view>

#include "wall_row_fields.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

// A row's text tells its fields apart, NULL too.
#define BZ_DIGEST                                                                                                     \
  "encode(sha256(convert_to(concat(ROW(p.proowner, p.prolang, p.prokind, p.prosecdef, p.proleakproof, p.proisstrict," \
  " p.proretset, p.provolatile, p.proparallel, p.pronargdefaults, p.prorettype, p.proargtypes, p.proallargtypes,"     \
  " p.proargmodes, p.proargnames, p.provariadic, pg_get_expr(p.proargdefaults, 0), p.prosrc, p.probin,"               \
  " pg_get_function_sqlbody(p.oid), p.proconfig, p.prosupport::oid, p.protrftypes)::text,"                            \
  " (SELECT ROW(a.*)::text FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid)), 'UTF8')), 'hex')"

constexpr std::string_view kFacts =
    "SELECT p.oid, p.oid::regprocedure::text, " BZ_DIGEST
    ", l.lanname, l.lanpltrusted, r.rolname, r.rolsuper, p.prosecdef,"
    " EXISTS (SELECT FROM unnest(p.proconfig) AS c WHERE starts_with(c, 'search_path=')), p.provolatile,"
    " EXISTS (SELECT FROM unnest(p.proargtypes::oid[]) AS t WHERE t IN ('text'::regtype, 'varchar'::regtype,"
    " 'cstring'::regtype, 'text[]'::regtype)), p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype),"
    " p.prokind = 'p', (SELECT e.extname FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid"
    " WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'"
    " AND d.refclassid = 'pg_extension'::regclass LIMIT 1), coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)"
    " FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang JOIN pg_roles AS r ON r.oid = p.proowner"
    " JOIN pg_namespace AS n ON n.oid = p.pronamespace"
    " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'bartizan', 'bartizan_views')"
    " AND n.nspname !~ '^pg_(toast|temp)' AND p.oid = ";

constexpr std::string_view kStanding =
    "SELECT p.oid::regprocedure::text, p.oid, " BZ_DIGEST
    " FROM unnest($1::text[]) AS wanted(signature) JOIN pg_proc AS p ON p.oid = to_regprocedure(wanted.signature)"
    " WHERE p.oid::regprocedure::text = wanted.signature";
#undef BZ_DIGEST

constexpr std::string_view kRelationNames =
    "SELECT concat(n.nspname, '.', c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_(toast|temp)'"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'bartizan', 'bartizan_views') ORDER BY 1";

using Parameters = std::vector<std::optional<std::string>>;

std::string array_text(const std::vector<ReviewedFunction>& functions) {
  std::string out = "{";
  for (const auto& function : functions) {
    out += out.size() > 1 ? ",\"" : "\"";
    for (const char c : function.signature) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

}  // namespace

Result<FunctionFacts> read_function(ControlConnection& connection, const std::string& name, SteadyTime deadline) {
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Snapshot, deadline));
  const std::string_view look_up = name.find('(') == std::string::npos ? "to_regproc($1)" : "to_regprocedure($1)";
  auto rows = connection.exec(std::string(kFacts) + std::string(look_up), Parameters{name}, deadline);
  if (!rows && connection.open()) return fail(Errc::InvalidArgument, "a function is named as schema.name(types)");
  BZ_CHECK(rows);
  if (rows->empty()) return fail(Errc::NotFound, "no function of that name and types, or several of that name");
  FunctionFacts facts;
  RowFields row(*rows, 0);
  facts.oid = row.number<sql::Oid>();
  facts.signature = row.text();
  facts.digest = row.text();
  facts.language = row.text();
  facts.trusted = row.flag();
  facts.owner = row.text();
  facts.owner_is_superuser = row.flag();
  facts.security_definer = row.flag();
  facts.pins_search_path = row.flag();
  facts.volatility = static_cast<sql::Volatility>(row.letter());
  facts.takes_text = row.flag();
  facts.is_trigger = row.flag();
  facts.is_procedure = row.flag();
  facts.extension = row.text();
  facts.body = row.text();
  BZ_CHECK(row.check());
  BZ_CHECK(transaction.commit());
  return facts;
}

Result<std::vector<std::string>> read_relation_names(ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Snapshot, deadline));
  BZ_TRY(const auto rows, transaction.exec(kRelationNames));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows.at(i, 0).value_or(""));
  BZ_CHECK(transaction.commit());
  return out;
}

Result<std::map<std::string, StandingFunction>> read_standing(ControlConnection& connection,
                                                              const std::vector<ReviewedFunction>& functions,
                                                              SteadyTime deadline) {
  std::map<std::string, StandingFunction> out;
  if (functions.empty()) return out;
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Snapshot, deadline));
  BZ_TRY(const auto rows, connection.exec(kStanding, Parameters{array_text(functions)}, deadline));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    RowFields row(rows, i);
    auto signature = row.text();
    StandingFunction one;
    one.oid = row.number<sql::Oid>();
    one.digest = row.text();
    BZ_CHECK(row.check());
    out.insert_or_assign(std::move(signature), std::move(one));
  }
  BZ_CHECK(transaction.commit());
  return out;
}

Result<std::set<sql::Oid>> unchanged_functions(ControlConnection& connection,
                                               const std::vector<ReviewedFunction>& functions, SteadyTime deadline) {
  BZ_TRY(const auto standing, read_standing(connection, functions, deadline));
  std::set<sql::Oid> out;
  for (const auto& function : functions) {
    const auto found = standing.find(function.signature);
    if (found != standing.end() && found->second.digest == function.digest) out.insert(found->second.oid);
  }
  return out;
}

}  // namespace bartizan::postgres
