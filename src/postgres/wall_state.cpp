#include "wall_state.hpp"

#include <array>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/crypto/hash.hpp"
#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {
namespace {

// Whose verifier it is only a superuser may read.
constexpr std::string_view kVerifierBlank = "{verifier}";
constexpr std::string_view kVerifier = "(SELECT a.rolpassword FROM pg_authid AS a WHERE a.oid = r.oid)";

// One row an object: kind, name, and all that matters of it. $1 is the wall's prefix. Only the
// privileges that a grant object stands for are in its row; what a view grants is not the view's.
constexpr std::string_view kActual = R"sql(
WITH wall_role AS (
  SELECT r.oid, r.rolname,
         CASE WHEN starts_with(r.rolname, $1 || 'f_') THEN 'view_owner' ELSE 'class_role' END AS kind,
         concat_ws('|', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
           r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil,
           (SELECT string_agg(concat_ws('>', m.member, m.roleid, m.admin_option), ',' ORDER BY m.member, m.roleid)
              FROM pg_auth_members AS m WHERE r.oid IN (m.member, m.roleid)),
           (SELECT string_agg(concat_ws('=', s.setdatabase, s.setconfig), ',' ORDER BY s.setdatabase)
              FROM pg_db_role_setting AS s WHERE s.setrole = r.oid)) AS attributes
    FROM pg_roles AS r
   WHERE starts_with(r.rolname, $1 || 'f_') OR starts_with(r.rolname, $1 || 'c_')
),
state (kind, name, state) AS (
  SELECT r.kind, r.rolname::text,
         concat_ws('|', r.attributes, CASE WHEN r.kind = 'class_role' THEN concat_ws('|',
           {verifier},
           has_database_privilege(r.oid, current_database(), 'CONNECT'),
           has_schema_privilege(r.oid, 'bartizan_views', 'USAGE')) END)
    FROM wall_role AS r
  UNION ALL
  SELECT 'base_grant', concat_ws('/', c.oid, v.verb, r.rolname), concat(a.is_grantable)
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN wall_role AS r ON r.oid = a.grantee
    JOIN (VALUES ('SELECT', 'read'), ('INSERT', 'insert'), ('UPDATE', 'update'), ('DELETE', 'delete')) AS v(word, verb)
      ON v.word = a.privilege_type
   WHERE r.kind = 'view_owner' AND c.relnamespace <> 'bartizan_views'::regnamespace
  UNION ALL
  SELECT CASE WHEN p.polpermissive THEN 'open_policy' ELSE 'filter_policy' END, concat_ws('/', p.polrelid, p.polname),
         concat_ws('|', p.polcmd, p.polroles, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy AS p WHERE starts_with(p.polname, $1)
  UNION ALL
  SELECT 'row_security', c.oid::text, 'on' FROM pg_class AS c WHERE c.relrowsecurity
  UNION ALL
  SELECT 'sequence_function', substr(p.proname, 9),
         concat_ws('|', pg_get_functiondef(p.oid), p.proowner, p.proacl,
           (SELECT string_agg(a.privilege_type, ',' ORDER BY a.privilege_type) FROM pg_class AS c
              CROSS JOIN LATERAL aclexplode(c.relacl) AS a
             WHERE c.oid::text = substr(p.proname, 9) AND a.grantee = p.proowner))
    FROM pg_proc AS p WHERE p.pronamespace = 'bartizan'::regnamespace AND starts_with(p.proname, 'nextval_')
  UNION ALL
  SELECT 'view', c.relname::text,
         concat_ws('|', pg_get_viewdef(c.oid), c.relowner, c.reloptions,
           (SELECT string_agg(concat_ws('=', d.adnum, pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY d.adnum)
              FROM pg_attrdef AS d WHERE d.adrelid = c.oid),
           (SELECT string_agg(concat_ws('=', a.grantee, a.privilege_type), ',' ORDER BY a.grantee, a.privilege_type)
              FROM aclexplode(c.relacl) AS a WHERE a.grantee NOT IN (SELECT r.oid FROM wall_role AS r)))
    FROM pg_class AS c WHERE c.relnamespace = 'bartizan_views'::regnamespace AND c.relkind = 'v' AND c.relname ~ '^[vw]_'
  UNION ALL
  SELECT 'view_grant', concat_ws('/', g.relname, r.rolname),
         string_agg(concat_ws('.', g.attnum, g.privilege_type, g.is_grantable), ',' ORDER BY g.attnum, g.privilege_type)
    FROM (SELECT c.relname, 0 AS attnum, a.grantee, a.privilege_type, a.is_grantable
            FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
           WHERE c.relnamespace = 'bartizan_views'::regnamespace
          UNION ALL
          SELECT c.relname, t.attnum, a.grantee, a.privilege_type, a.is_grantable
            FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid CROSS JOIN LATERAL aclexplode(t.attacl) AS a
           WHERE c.relnamespace = 'bartizan_views'::regnamespace) AS g
    JOIN wall_role AS r ON r.oid = g.grantee AND r.kind = 'class_role'
   GROUP BY g.relname, r.rolname
  UNION ALL
  SELECT 'catalog_entry', concat_ws('/', e.relation, e.class_role), concat_ws('|', e.readable, e.clear, e.verbs, e.logical)
    FROM bartizan.class_relation AS e
  UNION ALL
  SELECT 'schema_grant', concat_ws('/', n.oid, r.rolname),
         string_agg(concat_ws('.', a.privilege_type, a.is_grantable), ',' ORDER BY a.privilege_type)
    FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
    JOIN wall_role AS r ON r.oid = a.grantee AND r.kind = 'class_role'
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'bartizan', 'bartizan_views') GROUP BY n.oid, r.rolname
  UNION ALL
  SELECT 'function_grant', concat_ws('/', p.oid, r.rolname), string_agg(concat(a.is_grantable), ',')
    FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a
    JOIN wall_role AS r ON r.oid = a.grantee AND r.kind = 'class_role'
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'bartizan', 'bartizan_views') GROUP BY p.oid, r.rolname
)
SELECT kind, name, encode(sha256(convert_to(state, 'UTF8')), 'hex') FROM state
)sql";

constexpr std::array kKinds{
    wall::ObjectKind::ViewOwner,    wall::ObjectKind::BaseGrant,   wall::ObjectKind::OpenPolicy,
    wall::ObjectKind::FilterPolicy, wall::ObjectKind::RowSecurity, wall::ObjectKind::SequenceFunction,
    wall::ObjectKind::View,         wall::ObjectKind::ClassRole,   wall::ObjectKind::ViewGrant,
    wall::ObjectKind::CatalogEntry, wall::ObjectKind::SchemaGrant, wall::ObjectKind::FunctionGrant};

std::optional<wall::ObjectKind> kind_of(std::string_view text) {
  for (const auto kind : kKinds)
    if (wall::to_string(kind) == text) return kind;
  return std::nullopt;
}

Result<ObjectKey> key_of(const Rows& rows, std::size_t row) {
  const auto kind = kind_of(rows.at(row, 0).value_or(""));
  if (!kind) return fail(Errc::Malformed, "bartizan.object holds an unknown kind");
  return ObjectKey{*kind, rows.at(row, 1).value_or("")};
}

using Parameters = std::vector<std::optional<std::string>>;

}  // namespace

bool WallState::stands_as_made(const ObjectKey& key, const std::string& specification) const {
  const auto now = actual.find(key);
  const auto made = recorded.find(key);
  return now != actual.end() && made != recorded.end() && made->second.specification == specification &&
         made->second.state == now->second;
}

bool WallState::drifted(const ObjectKey& key) const {
  const auto now = actual.find(key);
  const auto made = recorded.find(key);
  return made != recorded.end() && (now == actual.end() || made->second.state != now->second);
}

Result<WallState> load_state(WallTransaction& transaction, const wall::Names& names) {
  WallState state;
  const Parameters prefix{names.prefix()};
  BZ_TRY(const auto sees, transaction.exec("SELECT has_column_privilege('pg_authid', 'rolpassword', 'SELECT')"));
  std::string query(kActual);
  query.replace(query.find(kVerifierBlank), kVerifierBlank.size(), sees.at(0, 0) == "t" ? kVerifier : "NULL");
  BZ_TRY(const auto actual, transaction.connection().exec(query, prefix, transaction.deadline()));
  for (std::size_t i = 0; i < actual.size(); ++i) {
    BZ_TRY(auto key, key_of(actual, i));
    state.actual.emplace(std::move(key), actual.at(i, 2).value_or(""));
  }
  BZ_TRY(const auto recorded, transaction.exec("SELECT kind, name, specification, state FROM bartizan.object"));
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    BZ_TRY(auto key, key_of(recorded, i));
    state.recorded.emplace(std::move(key), Record{recorded.at(i, 2).value_or(""), recorded.at(i, 3).value_or("")});
  }
  return state;
}

std::string specification_hash(const wall::Object& object, std::string_view verifier) {
  const auto role = object.kind == wall::ObjectKind::ClassRole;
  return hex_encode(crypto::sha256_concat({as_bytes(object.create), as_bytes(role ? verifier : std::string_view())}));
}

Result<void> record(WallTransaction& transaction, const WallState& now, const ObjectKey& key,
                    const std::string& specification) {
  const auto actual = now.actual.find(key);
  if (actual == now.actual.end())
    return fail(Errc::NotFound, "an object of the wall does not stand although it was made: " +
                                    std::string(wall::to_string(key.kind)) + " " + key.name);
  const Parameters parameters{std::string(wall::to_string(key.kind)), key.name, specification, actual->second};
  BZ_CHECK(transaction.connection().exec(
      "INSERT INTO bartizan.object (kind, name, specification, state) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (kind, name) DO UPDATE SET specification = EXCLUDED.specification, state = EXCLUDED.state",
      parameters, transaction.deadline()));
  return {};
}

Result<void> forget(WallTransaction& transaction, const ObjectKey& key) {
  const Parameters parameters{std::string(wall::to_string(key.kind)), key.name};
  BZ_CHECK(transaction.connection().exec("DELETE FROM bartizan.object WHERE kind = $1 AND name = $2", parameters,
                                         transaction.deadline()));
  return {};
}

std::set<sql::Oid> own_row_security(const sql::Catalog& catalog, const WallState& state) {
  std::set<sql::Oid> own;
  for (const auto& relation : catalog.contents().relations) {
    const ObjectKey key{wall::ObjectKind::RowSecurity, std::to_string(relation.oid)};
    if (relation.row_security && !state.recorded.contains(key)) own.insert(relation.oid);
  }
  return own;
}

}  // namespace bartizan::postgres
