#include "bartizan/postgres/preflight.hpp"

#include <algorithm>

#include "bartizan/postgres/control_connection.hpp"
#include "preflight_checks.hpp"

namespace bartizan::postgres {
namespace {

/// Read only, never waiting behind another's lock for long, and names that only pg_catalog has.
constexpr std::string_view kSession =
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET search_path = pg_catalog; "
    "SET lock_timeout = '2s'; SET statement_timeout = '20s'";

}  // namespace

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::Ok: return "ok";
    case Severity::Note: return "note";
    case Severity::Warning: return "warning";
    case Severity::Blocker: return "blocker";
  }
  return "unknown";
}

std::string_view to_string(Grade grade) noexcept {
  switch (grade) {
    case Grade::Full: return "full";
    case Grade::Managed: return "managed";
    case Grade::Insufficient: return "insufficient";
  }
  return "unknown";
}

Severity PreflightReport::worst() const noexcept {
  Severity worst = Severity::Ok;
  for (const auto& finding : findings) worst = std::max(worst, finding.severity);
  return worst;
}

Result<PreflightReport> preflight(std::string_view conninfo, SteadyTime deadline) {
  BZ_TRY(auto connection, ControlConnection::connect(conninfo, deadline));
  BZ_CHECK(connection.exec(kSession, deadline));
  PreflightReport report;
  CheckContext context{connection, report, deadline};
  context.superuser = context.ask("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "t";
  for (const auto check : {check_version, check_grade, check_tls, check_passwords, check_roles, check_capacity,
                           check_extensions, check_replication, check_prepared_transactions, check_hba, check_settings})
    check(context);
  if (!connection.open())
    return fail(Errc::Unavailable, "the connection to PostgreSQL was lost, or its answer came too late");
  return report;
}

}  // namespace bartizan::postgres
