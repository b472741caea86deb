#include "bartizan/postgres/wall_grade.hpp"

#include <algorithm>

namespace bartizan::postgres {
namespace {

constexpr int kOldestServer = 140000;

struct Self {
  std::string role;  ///< quoted
  bool superuser = false;
  bool makes_roles = false;
  bool inherits = false;
};

Result<Self> self_of(ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(const auto rows, connection.exec("SELECT pg_catalog.quote_ident(r.rolname), r.rolsuper, r.rolcreaterole, "
                                          "r.rolinherit FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user",
                                          deadline));
  if (rows.size() != 1) return fail(Errc::Malformed, "the server does not know the role that it let in");
  const auto flag = [&](std::size_t column) { return rows.at(0, column) == "t"; };
  return Self{rows.at(0, 0).value_or(""), flag(1), flag(2), flag(3)};
}

// what, its owner, whether the owner is a superuser, whether the login is a member without the owner's rights. Tables
// of extensions are left alone: no policy is about them.
constexpr std::string_view kOwners = R"sql(
WITH owned (kind, name, owner) AS (
  SELECT 'database', pg_catalog.quote_ident(d.datname), d.datdba
    FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
  UNION ALL
  SELECT 'schema', pg_catalog.quote_ident(n.nspname), n.nspowner FROM pg_catalog.pg_namespace AS n
   WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'bartizan', 'bartizan_views')
     AND EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) AS a WHERE a.grantee = 0)
  UNION ALL
  SELECT 'table', c.oid::pg_catalog.regclass::text, c.relowner FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname !~ '^pg_'
     AND n.nspname NOT IN ('information_schema', 'bartizan', 'bartizan_views')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT o.kind, pg_catalog.min(o.name), pg_catalog.count(*), pg_catalog.quote_ident(r.rolname), r.rolsuper,
       pg_catalog.pg_has_role(r.oid, 'MEMBER')
  FROM owned AS o JOIN pg_catalog.pg_roles AS r ON r.oid = o.owner
 WHERE NOT pg_catalog.pg_has_role(r.oid, 'USAGE')
 GROUP BY o.kind, r.oid, r.rolname, r.rolsuper ORDER BY o.kind, r.rolname
)sql";

std::string membership(const LoginReview& review, const std::string& owner, bool member) {
  if (review.server_version >= 160000) return "GRANT " + owner + " TO " + review.role + " WITH INHERIT TRUE;";
  return member ? "ALTER ROLE " + review.role + " INHERIT;" : "GRANT " + owner + " TO " + review.role + ";";
}

void take_owner(const Rows& rows, std::size_t row, LoginReview& review) {
  const auto text = [&](std::size_t column) { return rows.at(row, column).value_or(""); };
  const auto kind = text(0);
  const auto owner = text(3);
  const bool member = text(5) == "t";
  MissingRight missing;
  missing.blocks = kind != "table";
  const bool by_superuser = text(4) == "t";
  missing.what = (text(2) == "1" ? kind + " " + text(1) + " is" : text(2) + " " + kind + "s (" + text(1) + ", …) are") +
                 " " + owner + "'s, whose rights it does not have" +
                 (by_superuser ? " and only a superuser can give" : "");
  if (!by_superuser) {
    missing.statement = membership(review, owner, member);
  } else if (kind == "schema") {
    missing.statement = "REVOKE ALL ON SCHEMA " + text(1) + " FROM PUBLIC;";
  } else {
    std::string word = kind;
    std::ranges::transform(word, word.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    missing.statement = "ALTER " + word + " " + text(1) + " OWNER TO " + review.role + ";";
  }
  review.missing.push_back(std::move(missing));
}

}  // namespace

std::string_view to_string(WallGrade grade) noexcept { return grade == WallGrade::Full ? "full" : "managed"; }

bool LoginReview::able() const noexcept { return std::ranges::none_of(missing, &MissingRight::blocks); }

std::string LoginReview::complaint() const {
  std::string out;
  for (const auto& one : missing) {
    if (!one.blocks) continue;
    out += (out.empty() ? "" : ", ") + one.what + " (" + one.statement + ")";
  }
  return out;
}

Result<LoginReview> review_login(ControlConnection& connection, SteadyTime deadline) {
  LoginReview review;
  review.server_version = connection.server_version();
  if (review.server_version < kOldestServer) return fail(Errc::Unsupported, "the wall needs PostgreSQL 14 or later");
  BZ_TRY(const auto self, self_of(connection, deadline));
  review.role = self.role;
  if (self.superuser) {
    review.grade = WallGrade::Full;
    return review;
  }
  if (!self.makes_roles)
    review.missing.push_back({"it may not make roles", "ALTER ROLE " + self.role + " CREATEROLE;"});
  // Up to 15 this one attribute decides about all memberships, those in the wall's own roles among them.
  if (!self.inherits && review.server_version < 160000)
    review.missing.push_back({"it does not inherit rights", "ALTER ROLE " + self.role + " INHERIT;"});
  BZ_TRY(const auto owners, connection.exec(kOwners, deadline));
  for (std::size_t i = 0; i < owners.size(); ++i) take_owner(owners, i, review);
  return review;
}

}  // namespace bartizan::postgres
