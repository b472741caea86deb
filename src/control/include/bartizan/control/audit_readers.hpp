// Tenants' own readers of the audit log: who signs in with name and password, and which tree is theirs. It
// answers on a socket of its own, on which no other verb exists.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/identity/lockout.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

struct SignedInReader {
  std::string identity;
  std::string tenant;
};

/// Thread-safe. Counts failures of its own, by name and by the peer's user; a check costs one PBKDF2.
class AuditReaderSignIn {
 public:
  AuditReaderSignIn(store::Database& database, const Clock& clock, Random& random);

  /// Unauthenticated, always with the same words, for a wrong password, an unknown name, one that is disabled or
  /// over, and one without the right; ResourceExhausted after too many failures.
  [[nodiscard]] Result<SignedInReader> sign_in(const std::string& identity, const SecretBytes& password,
                                               const std::string& peer);

 private:
  [[nodiscard]] Result<std::optional<SignedInReader>> check(const std::string& identity, const SecretBytes& password);

  store::Database& database_;
  const Clock& clock_;
  SecretBytes mock_secret_;
  std::mutex mutex_;
  identity::SignInThrottle throttle_;  // guarded by mutex_
};

}  // namespace bartizan::control
