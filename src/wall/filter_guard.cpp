#include "filter_guard.hpp"

#include <fmt/format.h>

#include "bartizan/wall/base_objects.hpp"
#include "text.hpp"

namespace bartizan::wall {
namespace {

// By the row of the catalog that the wall itself wrote: another expression is another xmin. A transaction that
// began before keeps its snapshot, so what can be asked past it is: whether the table's row-level security is on
// (relcache) and the policy is there (the catalogs' own snapshot). The function's owner is no owner of tables.
constexpr std::string_view kGuard = R"sql(
CREATE TABLE IF NOT EXISTS bartizan.filter (
  relation oid NOT NULL,
  owner name NOT NULL,
  policy oid NOT NULL,
  made_by xid NOT NULL,
  PRIMARY KEY (relation, owner)
);
CREATE OR REPLACE FUNCTION bartizan.filter_stands(relation oid, owner name, view text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  stands oid;
BEGIN
  SELECT p.oid INTO stands FROM bartizan.filter AS f JOIN pg_policy AS p ON p.oid = f.policy AND p.xmin = f.made_by
   WHERE f.relation = filter_stands.relation AND f.owner = filter_stands.owner
     AND p.polrelid = filter_stands.relation AND p.polname = filter_stands.owner AND NOT p.polpermissive;
  IF (row_security_active(relation) AND stands IS NOT NULL
      AND pg_describe_object('pg_policy'::regclass, stands, 0) IS NOT NULL) IS NOT TRUE THEN
    RAISE EXCEPTION 'relation "bartizan_views.%" does not exist', view USING ERRCODE = '42P01';
  END IF;
  RETURN true;
END
$f$;
)sql";

}  // namespace

std::string filter_guard_sql() { return std::string(kGuard); }

std::string filter_guard(std::uint32_t relation, std::string_view view_owner, std::string_view view) {
  return fmt::format("(SELECT bartizan.filter_stands({}, {}, {}))", relation, quoted_literal(view_owner),
                     quoted_literal(view));
}

std::string note_filter_sql(std::string_view relation, std::string_view view_owner) {
  return fmt::format(
      "INSERT INTO bartizan.filter AS f (relation, owner, policy, made_by) "
      "SELECT p.polrelid, p.polname, p.oid, p.xmin FROM pg_catalog.pg_policy AS p "
      "WHERE p.polrelid = {}::oid AND p.polname = {} ON CONFLICT (relation, owner) "
      "DO UPDATE SET policy = EXCLUDED.policy, made_by = EXCLUDED.made_by",
      quoted_literal(relation), quoted_literal(view_owner));
}

}  // namespace bartizan::wall
