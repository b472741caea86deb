// What a proven identity may use, between its proof and its server connection.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "bartizan/pgwire/writer.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "client_session.hpp"

namespace bartizan::proxy {

/// Pointers live as long as the snapshot.
struct ClientSession::Granted {
  std::shared_ptr<const policy::Snapshot> snapshot;
  const policy::Identity* identity = nullptr;
  const policy::Depot* depot = nullptr;
  policy::GrantedLogin grant;

  /// REQUIRES: grant has been resolved.
  [[nodiscard]] bool ruled() const { return snapshot->policies().protects(depot->name) && !grant.past_wall; }
  [[nodiscard]] bool behind_wall() const { return ruled() && depot->enforcement == policy::Enforcement::Enforce; }
};

inline pgwire::ErrorReport fatal(pgwire::SqlState sqlstate, std::string message, std::string hint = {}) {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = sqlstate;
  report.message = std::move(message);
  report.hint = std::move(hint);
  return report;
}

}  // namespace bartizan::proxy
