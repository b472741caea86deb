#include "wall_statements.hpp"

#include <string_view>

#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {
namespace {

using wall::ObjectKind;

struct Parts {
  std::string first;
  std::string second;
  std::string third;
};

Parts parts_of(std::string_view name) {
  Parts parts;
  const auto one = name.find('/');
  parts.first = name.substr(0, one);
  if (one == std::string_view::npos) return parts;
  name.remove_prefix(one + 1);
  const auto two = name.find('/');
  parts.second = name.substr(0, two);
  if (two != std::string_view::npos) parts.third = name.substr(two + 1);
  return parts;
}

/// EXECUTE of a format over the relation with that oid, if there still is one.
std::string for_relation(std::string_view oid, std::string_view format) {
  return "DO $do$ DECLARE target regclass; BEGIN SELECT c.oid INTO target FROM pg_catalog.pg_class AS c "
         "WHERE c.oid = " +
         quote_literal(oid) + "::oid; IF target IS NOT NULL THEN EXECUTE format(" + quote_literal(format) +
         ", target); END IF; END $do$";
}

/// REVOKE of a role's right on a schema or function, if both are there still.
std::string revoke_right(const Parts& parts, std::string_view catalog, std::string_view what, std::string_view type) {
  return "DO $do$ BEGIN IF EXISTS (SELECT FROM pg_catalog." + std::string(catalog) +
         " AS o WHERE o.oid = " + quote_literal(parts.first) + "::oid) AND pg_catalog.to_regrole(" +
         quote_literal(parts.second) + ") IS NOT NULL THEN EXECUTE format('REVOKE ALL ON " + std::string(what) +
         " %s FROM " + parts.second + "', " + quote_literal(parts.first) + "::oid::pg_catalog." + std::string(type) +
         "); END IF; END $do$";
}

std::string_view privilege(std::string_view verb) {
  return verb == "insert" ? "INSERT" : verb == "update" ? "UPDATE" : verb == "delete" ? "DELETE" : "SELECT";
}

/// To name an attribute that only a superuser may change is refused to others, changed or not.
std::string take_attributes(const std::string& role, const wall::Installer& installer) {
  const std::string powers = "NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS";
  if (installer.superuser) return "ALTER ROLE " + role + " " + powers + "; ";
  return "DO $do$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = " + quote_literal(role) +
         " AND (r.rolsuper OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)) THEN ALTER ROLE " + role + " " +
         powers + "; END IF; END $do$; ";
}

/// Attributes, memberships both ways and settings as the wall wants them. The wall's own login stays a member.
std::string normalise_role(const std::string& role, std::string_view login, const wall::Installer& installer) {
  const auto literal = quote_literal(role);
  return take_attributes(role, installer) + "ALTER ROLE " + role + " " + std::string(login) +
         " NOINHERIT NOCREATEROLE CONNECTION LIMIT -1 VALID UNTIL 'infinity'; "
         "DO $do$ DECLARE r record; BEGIN "
         "FOR r IN SELECT m.roleid::regrole AS role, m.member::regrole AS member FROM pg_catalog.pg_auth_members AS m "
         "WHERE " +
         literal +
         "::regrole IN (m.roleid, m.member) AND m.member <> pg_catalog.quote_ident(current_user)::regrole LOOP EXECUTE format('REVOKE %s FROM %s CASCADE', r.role, r.member); END LOOP; "
         "FOR r IN SELECT d.datname FROM pg_catalog.pg_db_role_setting AS s JOIN pg_catalog.pg_database AS d "
         "ON d.oid = s.setdatabase WHERE s.setrole = " +
         literal + "::regrole LOOP EXECUTE format('ALTER ROLE " + role +
         " IN DATABASE %I RESET ALL', r.datname); END LOOP; EXECUTE 'ALTER ROLE " + role + " RESET ALL'; END $do$";
}

std::string revoke_from_role(const std::string& role, std::string_view statement) {
  return "DO $do$ BEGIN IF pg_catalog.to_regrole(" + quote_literal(role) + ") IS NOT NULL AND " +
         std::string(statement) + "; END IF; END $do$";
}

}  // namespace

std::string drop_role(const std::string& role) {
  return "DO $do$ BEGIN IF pg_catalog.to_regrole(" + quote_literal(role) + ") IS NOT NULL THEN DROP OWNED BY " + role +
         "; DROP ROLE " + role + "; END IF; END $do$";
}

std::string prepare_repair(const ObjectKey& key, const wall::Installer& installer) {
  const auto parts = parts_of(key.name);
  switch (key.kind) {
    case ObjectKind::ViewOwner: return normalise_role(key.name, "NOLOGIN", installer);
    case ObjectKind::ClassRole: return normalise_role(key.name, "LOGIN", installer);
    case ObjectKind::OpenPolicy:
    case ObjectKind::FilterPolicy: return for_relation(parts.first, "DROP POLICY IF EXISTS " + parts.second + " ON %s");
    case ObjectKind::View: return "DROP VIEW bartizan_views." + key.name;
    case ObjectKind::BaseGrant:
      return for_relation(parts.first, "REVOKE " + std::string(privilege(parts.second)) + " ON %s FROM " + parts.third);
    case ObjectKind::ViewGrant: return "REVOKE ALL ON bartizan_views." + parts.first + " FROM " + parts.second;
    case ObjectKind::SchemaGrant: return revoke_right(parts, "pg_namespace", "SCHEMA", "regnamespace");
    case ObjectKind::FunctionGrant: return revoke_right(parts, "pg_proc", "ROUTINE", "regprocedure");
    case ObjectKind::RowSecurity:
    case ObjectKind::SequenceFunction:
    case ObjectKind::CatalogEntry: break;
  }
  return "";
}

std::string drop_statement(const wall::Names& names, const ObjectKey& key, const wall::Installer& installer) {
  const auto parts = parts_of(key.name);
  switch (key.kind) {
    case ObjectKind::ViewOwner:
    case ObjectKind::ClassRole: return drop_role(key.name);
    case ObjectKind::RowSecurity: return for_relation(key.name, "ALTER TABLE %s DISABLE ROW LEVEL SECURITY");
    case ObjectKind::SequenceFunction:
      return "DROP FUNCTION IF EXISTS bartizan.nextval_" + key.name + "(); " +
             for_relation(key.name, "REVOKE USAGE ON SEQUENCE %s FROM " + names.wall_owner());
    case ObjectKind::View: return "DROP VIEW IF EXISTS bartizan_views." + key.name;
    case ObjectKind::ViewGrant:
      return revoke_from_role(parts.second, "pg_catalog.to_regclass('bartizan_views." + parts.first +
                                                "') IS NOT NULL THEN REVOKE ALL ON bartizan_views." + parts.first +
                                                " FROM " + parts.second);
    case ObjectKind::CatalogEntry:
      return "DELETE FROM bartizan.class_relation WHERE relation = " + quote_literal(parts.first) +
             "::oid AND class_role = " + quote_literal(parts.second);
    case ObjectKind::OpenPolicy:
    case ObjectKind::FilterPolicy:
    case ObjectKind::SchemaGrant:
    case ObjectKind::FunctionGrant:
    case ObjectKind::BaseGrant: break;
  }
  return prepare_repair(key, installer);
}

}  // namespace bartizan::postgres
