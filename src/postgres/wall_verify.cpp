// verify_class_role: what a class's role may do beyond its views. Effective rights are asked for,
// so what PUBLIC holds counts as the role's.

#include <array>
#include <string_view>

#include "bartizan/postgres/wall_reconciler.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

// Each gives one row a finding, one column: the words. $1: the role. What is not in these schemas
// is the owner's, the wall's keys and records among it.
#define BZ_BASE_SCHEMA \
  "n.nspname NOT IN ('pg_catalog', 'information_schema', 'bartizan_views') AND n.nspname !~ '^pg_(toast|temp)'"

// Not the duty `extensions`: others' objects that the role has no USAGE to name.
#define BZ_WITHIN_REACH                                                                                            \
  " AND NOT (NOT pg_has_role(c.relowner, 'USAGE') AND NOT has_schema_privilege(r.id, n.oid, 'USAGE') AND EXISTS (" \
  "SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))"

constexpr std::array<std::string_view, 12> kChecks{
    "SELECT 'the role does not exist' WHERE to_regrole($1) IS NULL",
    "SELECT 'the role has attributes beyond LOGIN' FROM pg_roles AS r WHERE r.rolname = $1 AND (r.rolsuper OR r.rolinherit"
    " OR r.rolcreaterole OR r.rolcreatedb OR NOT r.rolcanlogin OR r.rolreplication OR r.rolbypassrls)",
    "SELECT DISTINCT 'membership: ' || pg_get_userbyid(m.member) || ' in ' || pg_get_userbyid(m.roleid)"
    " FROM pg_auth_members AS m WHERE to_regrole($1) IN (m.member, m.roleid)"
    // The wall's own login has to be one where it is no superuser.
    " AND m.member <> quote_ident(current_user)::regrole",
    "SELECT 'the role has settings of its own' FROM pg_db_role_setting AS s WHERE s.setrole = to_regrole($1) LIMIT 1",
    "SELECT 'the role owns objects' FROM pg_shdepend AS d WHERE d.refclassid = 'pg_authid'::regclass"
    " AND d.refobjid = to_regrole($1) AND d.deptype = 'o' LIMIT 1",
    "SELECT 'right on ' || format('%I.%I', n.nspname, c.relname) FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace, to_regrole($1) AS r(id)"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND r.id IS NOT NULL AND " BZ_BASE_SCHEMA
    " AND (has_table_privilege(r.id, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
    " OR has_any_column_privilege(r.id, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))" BZ_WITHIN_REACH " ORDER BY 1",
    "SELECT 'right on sequence ' || format('%I.%I', n.nspname, c.relname) FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace, to_regrole($1) AS r(id)"
    " WHERE CASE WHEN c.relkind = 'S' AND r.id IS NOT NULL THEN has_sequence_privilege(r.id, c.oid,"
    " 'USAGE, SELECT, UPDATE') ELSE false END AND " BZ_BASE_SCHEMA BZ_WITHIN_REACH " ORDER BY 1",
    "SELECT 'USAGE on schema ' || quote_ident(n.nspname) FROM pg_namespace AS n, to_regrole($1) AS r(id)"
    " WHERE r.id IS NOT NULL AND has_schema_privilege(r.id, n.oid, 'USAGE') AND " BZ_BASE_SCHEMA
    // A reviewed function's schema.
    " AND NOT EXISTS (SELECT FROM bartizan.object AS o WHERE o.kind = 'schema_grant' AND o.name = concat(n.oid, '/', $1))"
    " ORDER BY 1",
    // In a schema that a column's type or a reviewed function has opened: what runs with another's rights.
    "SELECT 'EXECUTE on ' || p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace,"
    " to_regrole($1) AS r(id) WHERE p.prosecdef AND r.id IS NOT NULL AND " BZ_BASE_SCHEMA
    " AND has_schema_privilege(r.id, n.oid, 'USAGE') AND has_function_privilege(r.id, p.oid, 'EXECUTE') AND NOT EXISTS ("
    "SELECT FROM bartizan.object AS o WHERE o.kind = 'function_grant' AND o.name = concat(p.oid, '/', $1)) ORDER BY 1",
    "SELECT 'CREATE on schema ' || quote_ident(n.nspname) FROM pg_namespace AS n, to_regrole($1) AS r(id)"
    " WHERE r.id IS NOT NULL AND has_schema_privilege(r.id, n.oid, 'CREATE') ORDER BY 1",
    "SELECT 'CREATE or TEMPORARY on the database' FROM to_regrole($1) AS r(id) WHERE r.id IS NOT NULL"
    " AND has_database_privilege(r.id, current_database(), 'CREATE, TEMPORARY')",
    "SELECT 'USAGE on language ' || l.lanname FROM pg_language AS l, to_regrole($1) AS r(id) WHERE l.lanpltrusted"
    " AND r.id IS NOT NULL AND has_language_privilege(r.id, l.oid, 'USAGE') AND l.lanname <> 'sql'"
    // The duty `languages`: out of reach of the managed grade.
    " AND pg_has_role(l.lanowner, 'USAGE') ORDER BY 1",
};
#undef BZ_BASE_SCHEMA
#undef BZ_WITHIN_REACH

}  // namespace

Result<std::vector<std::string>> verify_class_role(ControlConnection& connection, const wall::Names& names,
                                                   policy::ClassId id, SteadyTime deadline) {
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Snapshot, deadline));
  const std::vector<std::optional<std::string>> role{names.class_role(id)};
  std::vector<std::string> findings;
  for (const auto check : kChecks) {
    BZ_TRY(const auto rows, connection.exec(check, role, deadline));
    for (std::size_t i = 0; i < rows.size(); ++i) findings.push_back(rows.at(i, 0).value_or(""));
  }
  BZ_CHECK(transaction.commit());
  return findings;
}

}  // namespace bartizan::postgres
