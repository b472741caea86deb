#include "wall_hardening_statements.hpp"

#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {
namespace {

/// "privilege ON class target": GRANT and REVOKE share it.
std::string clause(const PublicRight& right) {
  if (right.object_class != "COLUMN") return right.privilege + " ON " + right.object_class + " " + right.target;
  // A quoted column name may hold spaces: the relation follows the closing quote.
  const auto from = right.target.starts_with('"') ? right.target.find("\" ") + 1 : right.target.find(' ');
  return right.privilege + " (" + right.target.substr(0, from) + ") ON TABLE " + right.target.substr(from + 1);
}

std::string values(const PublicRight& right) {
  return quote_literal(right.object_class) + ", " + quote_literal(right.target) + ", " + quote_literal(right.privilege);
}

/// Whether the role stands in the object's own list, by the class's catalog.
std::string held_by_itself(const PublicRight& right, std::string_view role) {
  const auto list = [&]() -> std::string {
    const auto target = quote_literal(right.target);
    if (right.object_class == "DATABASE")
      return "SELECT datacl FROM pg_database WHERE quote_ident(datname) = " + target;
    if (right.object_class == "LANGUAGE")
      return "SELECT lanacl FROM pg_language WHERE quote_ident(lanname) = " + target;
    if (right.object_class == "SCHEMA") return "SELECT nspacl FROM pg_namespace WHERE quote_ident(nspname) = " + target;
    if (right.object_class == "ROUTINE") return "SELECT proacl FROM pg_proc WHERE oid = " + target + "::regprocedure";
    if (right.object_class == "COLUMN")
      return "SELECT t.attacl FROM pg_attribute AS t WHERE concat(quote_ident(t.attname), ' ', t.attrelid::regclass) = " +
             target;
    return "SELECT relacl FROM pg_class WHERE oid = " + target + "::regclass";
  }();
  return "EXISTS (SELECT FROM aclexplode((" + list + ")) AS a WHERE a.grantee = " + quote_literal(role) +
         "::regrole AND a.privilege_type = " + quote_literal(right.privilege) + ")";
}

}  // namespace

std::string grant_sql(const PublicRight& right, std::string_view role) {
  return "GRANT " + clause(right) + " TO " + std::string(role);
}

std::string revoke_sql(const PublicRight& right, std::string_view role) {
  return "REVOKE " + clause(right) + " FROM " + std::string(role);
}

std::string note_grant_sql(const PublicRight& right, std::string_view role) {
  return "INSERT INTO bartizan.hardened (class, target, privilege, grantee) SELECT " + values(right) + ", " +
         quote_literal(role) + " WHERE NOT " + held_by_itself(right, role) + " ON CONFLICT DO NOTHING";
}

std::string note_public_sql(const PublicRight& right) {
  return "INSERT INTO bartizan.hardened (class, target, privilege, grantee) VALUES (" + values(right) +
         ", 'PUBLIC') ON CONFLICT DO NOTHING";
}

}  // namespace bartizan::postgres
