// Is everything as it should be, and if not, what is there to do? Looks and tries, changes
// nothing. Each check is {"name","ok","detail","hint"}; the wiring adds its own.
#include "bartizan/crypto/x509.hpp"
#include "bartizan/postgres/pg_hba.hpp"
#include "bartizan/postgres/wall_grade.hpp"
#include "bartizan/store/changes.hpp"
#include "bartizan/store/depots.hpp"
#include "depot_connection.hpp"
#include "services.hpp"
#include "wall_door.hpp"

namespace bartizan::control {
namespace {

constexpr std::chrono::seconds kTryFor{3};
constexpr std::chrono::milliseconds kStaleAfter{5000};
constexpr std::chrono::hours kRenewBefore{14 * 24};

Document check(std::string_view name, bool ok, std::string_view detail, std::string_view hint = {}) {
  return Members{{"name", name}, {"ok", ok}, {"detail", detail}, {"hint", hint.empty() ? Document() : Document(hint)}};
}

Document check_control_database(Call& call) {
  auto transaction = call.read();
  if (!transaction)
    return check("control.database", false, transaction.error().detail,
                 "see that the control database runs and admits the gateway");
  const auto seq = store::Changes(*transaction).last_seq();
  if (!seq) return check("control.database", false, seq.error().detail);
  return check("control.database", true, "at change " + std::to_string(*seq));
}

Document check_snapshot(Call& call) {
  const auto staleness = call.context.snapshots.staleness(call.context.clock.steady());
  if (!staleness) return check("control.snapshot", false, "none was read yet");
  return check("control.snapshot", *staleness < kStaleAfter,
               "confirmed " + std::to_string(staleness->count()) + " ms ago",
               *staleness < kStaleAfter
                   ? ""
                   : "the gateway can't reach its control database; it refuses work after control.max_stale");
}

/// Nobody forgets a depot whose policies are words alone.
Items check_enforcement(Call& call, const std::optional<std::string>& only) {
  Items out;
  const auto snapshot = call.context.snapshots.current();
  if (!snapshot) return out;
  for (const auto& depot : snapshot->depots()) {
    if (depot.enforcement != policy::Enforcement::Observe || (only && *only != depot.name)) continue;
    out.push_back(check("depot." + depot.name + ".enforcement", false,
                        "its policies are observed: nothing is masked, filtered or refused",
                        "bartizan depot enforce " + depot.name));
  }
  return out;
}

/// Of a depot on one's own server: the grade of its wall's login, then what layer 1 alone stands for.
void check_wall(Call& call, const policy::Depot& depot, Items& out) {
  const auto name = "depot." + depot.name + ".wall";
  const auto set_it = "bartizan depot wall-login " + depot.name + " ROLE";
  const auto deadline = call.context.clock.steady() + kTryFor;
  auto connection = connect_for_wall(call.context.database, call.context.runtime, depot, deadline);
  if (!connection) return out.push_back(check(name, false, connection.error().detail, set_it));
  const auto review = postgres::review_login(*connection, deadline);
  if (!review) return out.push_back(check(name, false, review.error().detail));
  if (!review->able())
    return out.push_back(check(name, false, review->role + " keeps no wall any more: " + review->complaint(),
                               "run what stands in parentheses, in database " + depot.database));
  out.push_back(check(name, true,
                      "grade " + std::string(to_string(review->grade)) + ", kept by " + review->role +
                          " on PostgreSQL " + std::to_string(review->server_version / 10000)));
  const auto duties = postgres::open_duties(*connection, deadline);
  if (!duties) return out.push_back(check(name + ".duties", false, duties.error().detail));
  for (const auto& duty : *duties)
    out.push_back(check(name + "." + std::string(duty.name), true, "on layer 1 alone: " + std::string(duty.sentence)));
}

/// Those that have a login for it, or policies that need one.
Items check_walls(Call& call, const std::optional<std::string>& only) {
  Items out;
  const auto snapshot = call.context.snapshots.current();
  if (!snapshot) return out;
  for (const auto& depot : snapshot->depots()) {
    if (depot.embedded || (only && *only != depot.name)) continue;
    const auto can = can_have_wall(call.context.database, depot);
    if ((can && *can) || snapshot->policies().protects(depot.name)) check_wall(call, depot, out);
  }
  return out;
}

/// The lines that admit this gateway alone, by the address that the server sees.
std::string hba_advice(postgres::ControlConnection& connection, const policy::DepotLogin& login, SteadyTime deadline) {
  const auto address = connection.scalar("SELECT host(pg_catalog.inet_client_addr())", deadline);
  if (!address) return {};
  const std::vector<std::string> addresses = {*address};
  const bool secret = !std::holds_alternative<policy::NoSecret>(login.secret);
  const auto proof = !login.certificate ? postgres::LoginProof::Password
                     : secret           ? postgres::LoginProof::PasswordAndCertificate
                                        : postgres::LoginProof::Certificate;
  const auto lines = postgres::pg_hba_lines(addresses, login.role_name, proof);
  if (!lines) return {};
  std::string out = "pg_hba.conf of the server should begin with:";
  for (const auto& line : *lines) out += "\n" + line;
  return out;
}

/// Of the certificate that the gateway shows the server.
Document check_certificate(const std::string& pem, WallTime now, const policy::Depot& depot, const std::string& role,
                           const std::string& name) {
  const auto info = crypto::certificate_info(pem);
  if (!info) return check(name, false, "it can't be read");
  const bool lasts = info->not_after - now > kRenewBefore;
  return check(name, lasts, "good until " + format_time(info->not_after),
               lasts ? "" : "set a new one: bartizan depot login " + depot.name + " " + role + " --certificate-file …");
}

/// Without its password and certificate the login must not be let in: else anyone who reaches the
/// server gets round the gateway.
Document check_direct(const policy::Depot& depot, const std::string& login, SteadyTime deadline,
                      const std::string& name) {
  policy::DepotLogin bare{{}, depot.id, login, policy::NoSecret{}};
  const auto let_in = connect_to_depot(depot, bare, deadline);
  if (let_in)
    return check(name, false, "the server lets this login in without a password or a certificate",
                 "take 'trust' and 'peer' lines out of its pg_hba.conf");
  return check(name, true, "a direct sign-in without its password or certificate is refused");
}

/// What there is to try, read before any of it is tried: no transaction waits for a depot.
struct Candidate {
  policy::Depot depot;
  store::DepotLoginEntry entry;
  Result<policy::DepotLogin> login;
};

void check_login(Call& call, const Candidate& candidate, Items& out) {
  const auto& depot = candidate.depot;
  const auto& role = candidate.entry.role_name;
  const auto name = "depot." + depot.name + "." + role;
  if (!candidate.login) {
    out.push_back(check(name, false, "its secret does not open under the root key",
                        "set it again: bartizan depot login " + depot.name + " " + role));
    return;
  }
  const auto deadline = call.context.clock.steady() + kTryFor;
  auto connection = connect_to_depot(depot, *candidate.login, deadline);
  if (!connection && connection.error().code == Errc::Unsupported) return;
  if (!connection) {
    out.push_back(
        check(name, false, connection.error().detail,
              "see the depot's address, its login's password and its authority: bartizan depot show " + depot.name));
    return;
  }
  const bool network = std::holds_alternative<policy::TcpEndpoint>(depot.endpoint);
  out.push_back(
      check(name, true, "signed in", network ? hba_advice(*connection, *candidate.login, deadline) : std::string()));
  if (candidate.login->certificate)
    out.push_back(check_certificate(candidate.login->certificate->chain_pem, call.context.clock.wall(), depot, role,
                                    name + ".certificate"));
  if (candidate.entry.kind == store::SecretKind::Password || candidate.login->certificate)
    out.push_back(check_direct(depot, role, call.context.clock.steady() + kTryFor, name + ".direct"));
}

/// only: the depot that was asked for, or nothing for all of them.
Result<std::vector<Candidate>> read_candidates(Call& call, const std::optional<std::string>& only, Items& out) {
  std::vector<Candidate> candidates;
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto depots, store::Depots(transaction).list());
  store::DepotLogins logins(transaction);
  bool found = false;
  for (const auto& depot : depots) {
    if (only && depot.value.name != *only) continue;
    found = true;
    BZ_TRY(const auto entries, logins.list(depot.value.id));
    if (entries.empty()) {
      out.push_back(check("depot." + depot.value.name, false, "it has no login",
                          "bartizan depot login " + depot.value.name + " ROLE"));
    }
    for (const auto& entry : entries)
      candidates.push_back({depot.value, entry.value, logins.open(depot.value.id, entry.value.role_name)});
  }
  if (only && !found) return fail(Errc::NotFound, "there is no depot \"" + *only + "\"");
  return candidates;
}

Result<void> check_depots(Call& call, const std::optional<std::string>& only, Items& out) {
  BZ_TRY(const auto candidates, read_candidates(call, only, out));
  for (const Candidate& candidate : candidates) check_login(call, candidate, out);
  return {};
}

}  // namespace

Result<Document> doctor(Call& call, Args& args) {
  BZ_TRY(const auto depot, args.name_or_none("depot", NameKind::Resource));
  BZ_CHECK(args.finish());
  Items checks = {check_control_database(call), check_snapshot(call)};
  for (auto& one : check_walls(call, depot)) checks.push_back(std::move(one));
  for (auto& one : check_enforcement(call, depot)) checks.push_back(std::move(one));
  auto done = check_depots(call, depot, checks);
  if (!done && done.error().code == Errc::NotFound) return tl::unexpected(std::move(done).error());
  if (!done) checks.push_back(check("depots", false, done.error().detail));
  for (Document& one : call.context.runtime.doctor_checks()) checks.push_back(std::move(one));
  bool all = true;
  for (const Document& one : checks) {
    const auto* ok = one.find("ok");
    all = all && ok != nullptr && ok->as<bool>() != nullptr && *ok->as<bool>();
  }
  return Document(Members{{"ok", all}, {"checks", std::move(checks)}});
}

}  // namespace bartizan::control
