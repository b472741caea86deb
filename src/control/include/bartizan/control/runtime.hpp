// What only the running gateway knows or can do, as control asks for it. The application's
// wiring implements it over proxy and the process; control never sees either.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/control/document.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::control {

/// A database of the embedded PostgreSQL and the login that owns it.
struct EmbeddedDatabase {
  policy::UnixEndpoint endpoint;
  std::string owner;
  SecretBytes password;
};

/// What a reload did, by the names of configuration keys.
struct Reloaded {
  std::vector<std::string> taken_over;
  std::vector<std::string> needs_restart;  ///< changed in the file, and not in force
  WallTime certificate_not_after{};        ///< of the wire port's certificate, which was read again
};

/// What the sessions of a depot do in this gateway.
struct DepotActivity {
  bool followed = false;  ///< its traffic is here as it was asked for
  std::uint64_t running = 0;  ///< sessions in the midst of a statement or of a transaction
  std::uint64_t waiting = 0;  ///< for a server connection, or for the depot to be resumed
  std::uint64_t server_connections = 0;
};

/// Called from the admin server's threads: must be thread-safe, and outlive the server.
class Runtime {
 public:
  virtual ~Runtime() = default;
  /// An object: version, uptime, endpoints, CA file, sessions, …
  [[nodiscard]] virtual Document status() = 0;
  /// An array of objects with at least an id (a string).
  [[nodiscard]] virtual Document list_sessions() = 0;
  /// NotFound.
  [[nodiscard]] virtual Result<void> kill_session(std::string_view id) = 0;
  /// traffic: what the depot has been set to.
  [[nodiscard]] virtual DepotActivity depot_activity(policy::DepotId depot, policy::Traffic traffic) = 0;
  /// Configuration and certificates again; the old ones stay when the new ones are wrong.
  [[nodiscard]] virtual Result<Reloaded> reload() = 0;
  /// Begins to drain and returns at once.
  virtual void shutdown() = 0;
  /// Where the embedded PostgreSQL listens; nullopt when there is none.
  [[nodiscard]] virtual std::optional<policy::UnixEndpoint> embedded_endpoint() { return std::nullopt; }
  /// Makes the database and a LOGIN role <database>_owner that owns it, where they are missing,
  /// and gives that role a fresh password. REQUIRES: embedded_endpoint() has one.
  [[nodiscard]] virtual Result<EmbeddedDatabase> make_embedded_database(const std::string& /*database*/) {
    return fail(Errc::Unsupported, "there is no embedded PostgreSQL");
  }
  /// A superuser's connection to a database of the embedded PostgreSQL.
  [[nodiscard]] virtual Result<postgres::ControlConnection> embedded_superuser(const std::string& /*database*/,
                                                                               SteadyTime /*deadline*/) {
    return fail(Errc::Unsupported, "there is no embedded PostgreSQL");
  }
  /// Checks that the wiring adds to doctor's own (see doctor.hpp); an array of checks.
  [[nodiscard]] virtual Items doctor_checks() { return {}; }
};

}  // namespace bartizan::control
