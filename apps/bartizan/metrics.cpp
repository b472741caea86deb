// The figures that Prometheus reads.
#include "bartizan/api/exposition.hpp"
#include "program.hpp"

namespace bartizan::app {

std::string Program::metrics_text() {
  api::Exposition page;
  const auto f = gateway_->figures();
  const auto number = [](auto value) { return static_cast<double>(value); };
  page.gauge("bartizan_sessions", "Signed-in sessions.", number(f.sessions));
  page.gauge("bartizan_half_open", "Connections that have not signed in yet.", number(f.half_open));
  page.counter("bartizan_connections_total", "Connections accepted.", number(f.accepted));
  page.counter("bartizan_connections_refused_total", "Connections refused before sign-in.",
               number(f.refused_connections));
  page.counter("bartizan_sign_ins_total", "Sign-ins that succeeded.", number(f.sign_ins));
  page.counter("bartizan_sign_in_failures_total", "Sign-ins that failed.", number(f.sign_in_failures));
  page.counter("bartizan_cancels_total", "Cancel requests passed on.", number(f.cancels));
  page.counter("bartizan_statements_total", "Statements admitted.", number(f.statements));
  page.counter("bartizan_statements_refused_total", "Statements refused by Bartizan.", number(f.statements_refused));
  if (const auto snapshot = snapshots_.current())
    for (const auto& depot : snapshot->depots())
      page.gauge("bartizan_depot_observed", "1 while a depot's policies are recorded and not enforced.",
                 {{"depot", depot.name}}, depot.enforcement == policy::Enforcement::Observe ? 1 : 0);
  page.counter("bartizan_observed_denials_total", "Statements that enforcement would have refused.",
               number(f.observed_denials));
  page.counter("bartizan_observed_masks_total", "Statements of which enforcement would have masked something.",
               number(f.observed_masks));
  page.counter("bartizan_errors_total", "ErrorResponses of servers.", number(f.errors));
  page.counter("bartizan_rows_total", "Rows returned.", number(f.rows));
  page.counter("bartizan_client_received_bytes_total", "Bytes of clients, inside TLS.", number(f.bytes_from_clients));
  page.counter("bartizan_client_sent_bytes_total", "Bytes to clients, inside TLS.", number(f.bytes_to_clients));
  page.counter("bartizan_analysis_hits_total", "Statements whose analysis was cached.", number(f.analysis_hits));
  page.counter("bartizan_analysis_misses_total", "Statements that were parsed.", number(f.analysis_misses));
  page.gauge("bartizan_server_connections", "Connections to depots' servers.", number(f.server_connections));
  page.gauge("bartizan_server_connections_idle", "Of those, not in use by a session.", number(f.servers_idle));
  page.gauge("bartizan_sessions_waiting", "Sessions that wait for a server connection.", number(f.sessions_waiting));
  page.counter("bartizan_queue_timeouts_total", "Sessions ended because none became free.", number(f.queue_timeouts));
  for (const auto& [reason, count] : f.pins)
    page.gauge("bartizan_sessions_pinned", "Sessions that keep their server connection, by reason.",
               {{"reason", reason}}, number(count));
  audit_->add_metrics(page);
  page.counter("bartizan_audit_waits_total", "Statements and results that waited for the audit log.",
               number(f.durable_waits));
  page.counter("bartizan_audit_waits_given_up_total", "Sessions ended because that took too long.",
               number(f.durable_waits_given_up));
  const auto staleness = snapshots_.staleness(system_clock().steady());
  page.gauge("bartizan_control_stale_seconds", "Time since the control database last confirmed the configuration.",
             staleness ? number(staleness->count()) / 1000 : -1);
  if (embedded_) {
    const auto status = embedded_->status();
    page.gauge("bartizan_embedded_running", "1 while the embedded PostgreSQL runs.",
               status.state == postgres::ServerState::Running ? 1 : 0);
    page.counter("bartizan_embedded_restarts_total", "Restarts of the embedded PostgreSQL after crashes.",
                 number(status.restarts));
  }
  return page.text();
}

}  // namespace bartizan::app
