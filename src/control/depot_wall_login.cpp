// depot.wall-login: as whom the wall of a depot on one's own server is kept (ADR 0250). The server is asked what the
// login may do before it is kept.
#include <algorithm>

#include "bartizan/postgres/wall_grade.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/wall_accounts.hpp"
#include "depot_certificate.hpp"
#include "depot_connection.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::chrono::seconds kReviewFor{20};

struct Wanted {
  std::string depot;
  bool take_away = false;
  policy::DepotLogin login;
};

Result<Wanted> take_wanted(Args& args) {
  Wanted wanted;
  BZ_TRY(wanted.depot, args.name("name", NameKind::Resource));
  BZ_TRY(wanted.take_away, args.flag("delete"));
  if (wanted.take_away && (args.has("login") || args.has("password") || args.has("certificate_pem")))
    return fail(Errc::InvalidArgument, "'delete' goes alone");
  if (!wanted.take_away) {
    BZ_TRY(wanted.login.role_name, args.name("login", NameKind::PostgreSql));
    BZ_TRY(auto password, args.secret_or_none("password"));
    if (password) wanted.login.secret = std::move(*password);
    BZ_TRY(wanted.login.certificate, take_certificate(args));
  }
  BZ_CHECK(args.finish());
  return wanted;
}

/// What one login has made another can't keep, and a session must not have the wall's power.
Result<void> check_place(Call& call, store::Transaction& transaction, const policy::Depot& depot,
                         const Wanted& wanted) {
  if (depot.embedded)
    return fail(Errc::InvalidArgument, "a depot of the embedded PostgreSQL needs no login for its wall");
  BZ_TRY(const auto logins, store::DepotLogins(transaction).list(depot.id));
  const auto& role = wanted.login.role_name;
  if (!wanted.take_away && std::ranges::any_of(logins, [&](const auto& one) { return one.value.role_name == role; })) {
    call.hint = "make another role for the wall alone, a member of those that own the tables";
    return fail(Errc::InvalidArgument, "sessions run as '" + role + "', so it can't be the wall's login");
  }
  const auto before = store::WallAccounts(transaction).find(depot.id);
  if (!before && before.error().code != Errc::NotFound) return tl::unexpected(before.error());
  const bool other = before && (wanted.take_away || before->value.role_name != role);
  if (!other || depot.state == policy::DepotState::Suspended) return {};
  call.hint = "first: bartizan depot suspend " + depot.name;
  return fail(Errc::FailedPrecondition,
              "what stands in the database was made by '" + before->value.role_name + "' and goes with it alone");
}

Result<policy::Depot> read_depot(Call& call, const Wanted& wanted) {
  BZ_TRY(auto transaction, call.read());
  auto depot = store::Depots(transaction).find(wanted.depot);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  BZ_CHECK(check_place(call, transaction, depot->value, wanted));
  return std::move(depot->value);
}

/// Signs in and asks. REQUIRES: no transaction is open, since a server may be slow.
Result<postgres::LoginReview> review(Call& call, const policy::Depot& depot, const policy::DepotLogin& login) {
  const auto deadline = call.context.clock.steady() + kReviewFor;
  BZ_TRY(auto connection, connect_to_depot(depot, login, deadline));
  BZ_TRY(auto found, postgres::review_login(connection, deadline));
  if (found.able()) return found;
  call.hint = "in database " + depot.database + ", as somebody who may, what stands in parentheses";
  return fail(Errc::FailedPrecondition, "'" + login.role_name + "' can't keep a wall: " + found.complaint());
}

Items render_limits(const postgres::LoginReview& found) {
  Items out;
  for (const auto& one : found.missing) out.push_back(Members{{"what", one.what}, {"statement", one.statement}});
  return out;
}

Result<Document> forget(Call& call, const policy::Depot& depot) {
  BZ_TRY(auto transaction, call.write());
  BZ_CHECK(store::WallAccounts(transaction).remove(depot.id));
  BZ_CHECK(transaction.commit());
  return Document(Members{{"name", depot.name}, {"login", Document()}, {"grade", Document()}});
}

}  // namespace

Result<Document> depot_wall_login(Call& call, Args& args) {
  BZ_TRY(auto wanted, take_wanted(args));
  BZ_TRY(const auto depot, read_depot(call, wanted));
  if (wanted.take_away) return forget(call, depot);
  wanted.login.depot = depot.id;
  if (wanted.login.certificate && std::holds_alternative<policy::UnixEndpoint>(depot.endpoint))
    return fail(Errc::InvalidArgument, "a certificate is for a server reached by TLS, and this one is on a socket");
  BZ_TRY(const auto found, review(call, depot, wanted.login));
  BZ_TRY(auto transaction, call.write());
  BZ_CHECK(store::WallAccounts(transaction).put(wanted.login, to_string(found.grade), found.server_version));
  BZ_CHECK(transaction.commit());
  return Document(Members{{"name", depot.name},
                          {"login", wanted.login.role_name},
                          {"grade", to_string(found.grade)},
                          {"server_version", std::int64_t{found.server_version}},
                          {"limits", render_limits(found)}});
}

}  // namespace bartizan::control
