// What `bartizan status --json` and the session list say.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "bartizan/atrest/inspection.hpp"
#include "bartizan/control/at_rest_declared.hpp"
#include "program.hpp"

namespace bartizan::app {

using control::Document;
using control::Items;
using control::Members;

namespace {

constexpr std::string_view kKeysBeside = "keys/ is on the same disk: who takes the disk has both";

Document number(std::uint64_t value) { return Document(static_cast<std::int64_t>(value)); }

}  // namespace

/// What the system shows now, not what was opened once.
atrest::Finding Program::at_rest_now() {
  auto found = atrest::inspect(embedded_->cluster_directory());
  const auto& opened = embedded_->at_rest();
  if (found.held && opened.method != atrest::Method::None) found.how = opened.how;
  if (!found.held && !opened.how.empty()) found.how = opened.how;
  return found;
}

bool Program::keys_on_the_same_disk() {
  struct stat data{};
  struct stat keys{};
  return ::stat(embedded_->data_directory().c_str(), &data) == 0 &&
         ::stat(options_.configuration.control.root_key_file.parent_path().c_str(), &keys) == 0 &&
         data.st_dev == keys.st_dev;
}

Document Program::list_sessions() {
  Items items;
  for (const auto& session : gateway_->sessions()) {
    items.push_back(Members{{"id", std::to_string(session.id)},
                            {"identity", session.identity},
                            {"depot", session.depot},
                            {"login", session.login},
                            {"state", session.state},
                            {"client", session.address},
                            {"application", session.application_name},
                            {"since", control::format_time(session.since)},
                            {"server_pid", number(session.server_process_id)},
                            {"pinned", session.pinned},
                            {"statements", number(session.statements)}});
  }
  return items;
}

control::DepotActivity Program::depot_activity(policy::DepotId depot, policy::Traffic traffic) {
  const auto activity = gateway_->activity(depot, traffic);
  const auto snapshot = snapshots_.current();
  const auto* newest = snapshot ? snapshot->find_depot(depot) : nullptr;
  // A worker that has not met the depot yet goes by the newest snapshot when it does.
  const bool known = newest != nullptr && newest->traffic == traffic;
  return {known && activity.followed, activity.running, activity.waiting, activity.server_connections};
}

Document Program::status() {
  const auto& configuration = options_.configuration;
  Members out;
  out.emplace_back("version", BZ_VERSION);
  out.emplace_back("pid", number(static_cast<std::uint64_t>(::getpid())));
  out.emplace_back("started_at", control::format_time(started_));
  out.emplace_back("data_directory", data_directory().string());
  out.emplace_back("admin_socket", configuration.admin.socket_file.string());
  Items endpoints;
  for (const auto& address : gateway_->addresses())
    endpoints.push_back(Members{{"host", address}, {"port", number(gateway_->port())}});
  out.emplace_back("endpoints", std::move(endpoints));
  out.emplace_back("ca_file", ca_file_);
  out.emplace_back("certificate_not_after",
                   control::format_time(WallTime(WallTime::duration(certificate_not_after_.load()))));
  if (observability_)
    out.emplace_back("metrics", fmt::format("http://{}:{}/metrics", configuration.metrics.address->to_string(),
                                            observability_->port()));
  if (embedded_) {
    const auto status = embedded_->status();
    auto at_rest = at_rest_now();
    out.emplace_back("embedded",
                     Members{{"state", std::string(postgres::to_string(status.state))},
                             {"version", embedded_->binaries().version},
                             {"postmaster_pid", status.postmaster_pid},
                             {"restarts", number(status.restarts)},
                             {"reason", status.reason},
                             {"data_directory", embedded_->data_directory()},
                             {"socket_directory", embedded_->socket_directory()},
                             {"encrypted_at_rest", at_rest.held},
                             {"at_rest", std::move(at_rest.how)},
                             {"at_rest_method", std::string(atrest::to_string(embedded_->at_rest().method))},
                             {"at_rest_key", number(embedded_->at_rest().key)},
                             {"at_rest_note", keys_on_the_same_disk() ? kKeysBeside : ""}});
  }
  out.emplace_back("audit", audit_->status());
  const auto snapshot = snapshots_.current();
  // Where the control database is away nothing is known, which is what is said then.
  const auto declared = control::declared_at_rest(*database_, system_clock().wall());
  const auto at_rest_of = [&](const policy::Depot& depot) -> std::string {
    if (depot.embedded) return "as the embedded PostgreSQL";
    if (!declared || !declared->contains(depot.id)) return "unknown";
    return declared->at(depot.id);
  };
  Items depots;
  if (snapshot)
    for (const auto& depot : snapshot->depots())
      depots.push_back(Members{{"name", depot.name},
                               {"database", depot.database},
                               {"embedded", depot.embedded},
                               {"at_rest", at_rest_of(depot)},
                               {"traffic", policy::to_string(depot.traffic)},
                               {"protection", "pass-through"}});
  out.emplace_back("depots", std::move(depots));
  const auto figures = gateway_->figures();
  out.emplace_back("sessions", Members{{"signed_in", number(figures.sessions)},
                                       {"half_open", number(figures.half_open)},
                                       {"sign_ins", number(figures.sign_ins)}});
  if (!demo_.empty()) {
    Items identities;
    for (const auto& identity : demo_)
      identities.push_back(
          Members{{"name", identity.name},
                  {"tenant", identity.tenant},
                  {"about", identity.about},
                  {"login", identity.login},
                  {"depot", "demo"},
                  {"password_file", (data_directory() / "demo" / (identity.name + ".password")).string()}});
    out.emplace_back("demo", Members{{"pgpass_file", pgpass_file()}, {"identities", std::move(identities)}});
  }
  return out;
}

Items Program::doctor_checks() {
  Items checks;
  const auto add = [&](std::string_view name, bool ok, std::string detail, std::string_view hint) {
    const bool helps = !ok && !hint.empty();
    checks.push_back(Members{
        {"name", name}, {"ok", ok}, {"detail", std::move(detail)}, {"hint", helps ? Document(hint) : Document()}});
  };
  const auto left = std::chrono::duration_cast<std::chrono::hours>(
                        WallTime(WallTime::duration(certificate_not_after_.load())) - system_clock().wall())
                        .count() /
                    24;
  add("certificate", left > 14, fmt::format("{} days left", left), "Renew it, then `bartizan reload`.");
  add("audit", audit_->healthy(), audit_->summary(), "See audit.write_failed in the log.");
  if (const auto* shipping = audit_->shipping(); shipping != nullptr && !shipping->empty()) {
    const auto trouble = shipping->trouble();
    add("audit shipping", trouble.empty(), trouble.empty() ? shipping->names() : trouble,
        "The records stay in the log, and are sent once the receiver takes them.");
  }
  if (const auto said = audit_->witness_says())
    add("audit witness", said->empty(), said->empty() ? "knows nothing against this log" : *said,
        "Copy the audit folder before anything else; docs/guide/audit.md says what to do.");
  if (embedded_) {
    const auto status = embedded_->status();
    add("embedded", status.state == postgres::ServerState::Running, std::string(postgres::to_string(status.state)),
        status.reason);
    auto at_rest = at_rest_now();
    if (at_rest.held && embedded_->at_rest().method != atrest::Method::None && keys_on_the_same_disk())
      at_rest.how += fmt::format(" ({})", kKeysBeside);
    // Switched off is somebody's decision, not a fault.
    const bool wanted = options_.configuration.embedded.at_rest != config::AtRest::Off;
    add("at rest", at_rest.held || !wanted, std::move(at_rest.how),
        "See docs/guide/encryption-at-rest.md, or set embedded.at_rest = \"off\".");
  }
  return checks;
}

}  // namespace bartizan::app
