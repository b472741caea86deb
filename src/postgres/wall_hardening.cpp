// harden: what PUBLIC holds goes to the roles that exist, so that a class's role, which is a member
// of nothing, has none of it.

#include <algorithm>
#include <string>
#include <vector>

#include "bartizan/postgres/wall_reconciler.hpp"
#include "wall_base.hpp"
#include "wall_duties.hpp"
#include "wall_hardening_statements.hpp"
#include "wall_hardening_targets.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

constexpr std::size_t kMaxNamed = 1000;

// Members get what everyone_else holds; those that do not inherit are given it each by itself.
// Roles of the wall, of this depot's or another's, and PostgreSQL's own stay outside.
constexpr std::string_view kOutsiders =
    "SELECT r.rolname, r.rolinherit FROM pg_roles AS r WHERE NOT r.rolsuper AND r.rolname !~ '^bz_[0-9a-f]{8}_' "
    "AND r.rolname !~ '^pg_' ORDER BY r.rolname";

struct Outsiders {
  std::vector<std::string> inheriting;
  std::vector<std::string> grantees;  ///< everyone_else first
};

Result<Outsiders> outsiders(WallTransaction& transaction, const wall::Names& names) {
  Outsiders out;
  out.grantees.push_back(names.everyone_else());
  BZ_TRY(const auto rows, transaction.exec(kOutsiders));
  for (std::size_t i = 0; i < rows.size(); ++i)
    (rows.at(i, 1) == "t" ? out.inheriting : out.grantees).push_back(quote_identifier(rows.at(i, 0).value_or("")));
  return out;
}

Result<void> enlist(WallTransaction& transaction, const wall::Names& names, const Outsiders& roles) {
  BZ_TRY(const auto rows,
         transaction.exec("SELECT quote_ident(pg_get_userbyid(m.member)) FROM pg_auth_members AS m WHERE m.roleid = '" +
                          names.everyone_else() + "'::regrole"));
  std::vector<std::string> members;
  for (std::size_t i = 0; i < rows.size(); ++i) members.push_back(quote_identifier(rows.at(i, 0).value_or("")));
  for (const auto& role : roles.inheriting)
    if (std::ranges::find(members, role) == members.end())
      BZ_CHECK(transaction.exec("GRANT " + names.everyone_else() + " TO " + role));
  return {};
}

/// One right from PUBLIC to the roles outside. False: PostgreSQL refused.
Result<bool> take(WallTransaction& transaction, const Outsiders& roles, const PublicRight& right) {
  BZ_CHECK(transaction.exec("SAVEPOINT one_right"));
  for (const auto& role : roles.grantees) {
    // Remember only what the role did not hold by itself: the undoing must not take that.
    auto noted = transaction.exec(note_grant_sql(right, role));
    if (noted && noted->command_tag() == "INSERT 0 1") noted = transaction.exec(grant_sql(right, role));
    if (!noted && !transaction.connection().open()) return tl::unexpected(noted.error());
    if (!noted) return transaction.exec("ROLLBACK TO one_right").map([](const Rows&) { return false; });
  }
  auto taken = transaction.exec(revoke_sql(right, "PUBLIC"));
  if (taken) taken = transaction.exec(note_public_sql(right));
  if (!taken && !transaction.connection().open()) return tl::unexpected(taken.error());
  if (!taken) return transaction.exec("ROLLBACK TO one_right").map([](const Rows&) { return false; });
  BZ_CHECK(transaction.exec("RELEASE one_right"));
  return true;
}

std::string words_of(const PublicRight& right) {
  return right.privilege + " on " + right.object_class + " " + right.target;
}

/// What PUBLIC still has, in the managed grade: nothing but what is known to be out of reach. REVOKE takes what its
/// owner has given, and not what somebody with a grant option has.
Result<void> check_rest(WallTransaction& transaction, HardeningReport& report) {
  BZ_TRY(const auto rows, transaction.exec(public_rights_sql()));
  std::string unknown;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto held = held_right(rows, i);
    auto words = words_of(held.right);
    if (held.takeable || !duty_of(held)) unknown += (unknown.empty() ? "" : ", ") + words;
    report.refused.push_back(std::move(words));
  }
  if (unknown.empty()) return {};
  return fail(Errc::FailedPrecondition,
              "PUBLIC has rights that the wall's login can't take away: " + unknown.substr(0, kMaxNamed));
}

}  // namespace

Result<HardeningReport> harden(ControlConnection& connection, const wall::Names& names, SteadyTime deadline) {
  BZ_TRY(const auto login, check_login(connection, deadline));
  BZ_CHECK(ensure_base(connection, names, login.installer(), deadline));
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Change, deadline));
  BZ_TRY(const auto rows, transaction.exec(public_rights_sql()));
  std::vector<PublicRight> rights;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (auto held = held_right(rows, i); held.takeable) rights.push_back(std::move(held.right));
  if (!rights.empty()) BZ_CHECK(transaction.after_owners_ddl());
  BZ_TRY(const auto roles, outsiders(transaction, names));
  BZ_CHECK(enlist(transaction, names, roles));
  HardeningReport report;
  report.grade = login.grade;
  for (const auto& right : rights) {
    BZ_TRY(const bool taken, take(transaction, roles, right));
    if (taken)
      ++report.changed;
    else
      report.refused.push_back(words_of(right));
  }
  BZ_CHECK(transaction.commit());
  if (report.grade == WallGrade::Full) return report;
  BZ_TRY(auto after, WallTransaction::begin(connection, Isolation::Snapshot, deadline));
  report.refused.clear();
  BZ_CHECK(check_rest(after, report));
  BZ_CHECK(after.commit());
  return report;
}

}  // namespace bartizan::postgres
