// What only the running gateway knows or can do, as control asks for it. The application's
// wiring implements it over proxy and the process; control never sees either.
#pragma once

#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/control/document.hpp"

namespace bartizan::control {

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
  /// Configuration and certificates again; the old ones stay when the new ones are wrong.
  [[nodiscard]] virtual Result<void> reload() = 0;
  /// Begins to drain and returns at once.
  virtual void shutdown() = 0;
  /// Checks that the wiring adds to doctor's own (see doctor.hpp); an array of checks.
  [[nodiscard]] virtual Items doctor_checks() { return {}; }
};

}  // namespace bartizan::control
