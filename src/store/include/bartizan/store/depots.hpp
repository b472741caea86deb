// Depots and the logins by which the gateway signs in at them, in the control database. A
// login's secret is sealed under the root key for its very row (root_key.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// Repository over one transaction, which must outlive it.
class Depots {
 public:
  explicit Depots(Transaction& transaction) : transaction_(transaction) {}
  /// A nil id is replaced by a fresh one. AlreadyExists: the name.
  [[nodiscard]] Result<Record<policy::Depot>> create(policy::Depot depot);
  [[nodiscard]] Result<Record<policy::Depot>> find(std::string_view name);
  [[nodiscard]] Result<std::vector<Record<policy::Depot>>> list();
  /// Everything but id and name. Conflict: another version.
  [[nodiscard]] Result<Record<policy::Depot>> update(const policy::Depot& depot, std::int64_t version);
  /// Its logins and grants go with it. Conflict: another version.
  [[nodiscard]] Result<void> remove(policy::DepotId id, std::int64_t version);

 private:
  Transaction& transaction_;
};

enum class SecretKind : std::uint8_t { None, Password, Scram };

/// A login without its secret.
struct DepotLoginEntry {
  policy::DepotLoginId id;
  policy::DepotId depot;
  std::string role_name;
  SecretKind kind = SecretKind::None;
  std::string certificate_pem;  ///< empty: none
};

/// Repository over one transaction, which must outlive it.
class DepotLogins {
 public:
  explicit DepotLogins(Transaction& transaction) : transaction_(transaction) {}
  /// Makes the login or replaces its secret. NotFound: the depot.
  [[nodiscard]] Result<void> put(policy::DepotId depot, std::string_view role_name, const policy::LoginSecret& secret);
  /// Of a login that put() has made; nullopt takes it away. NotFound.
  [[nodiscard]] Result<void> put_certificate(policy::DepotId depot, std::string_view role_name,
                                             const std::optional<policy::ClientCertificate>& certificate);
  /// Without secrets.
  [[nodiscard]] Result<std::vector<Record<DepotLoginEntry>>> list(policy::DepotId depot);
  /// With its secret opened. NotFound; Crypto: it was not sealed here.
  [[nodiscard]] Result<policy::DepotLogin> open(policy::DepotId depot, std::string_view role_name);
  /// Those of every depot; one whose secret does not open is logged and left out.
  [[nodiscard]] Result<std::vector<policy::DepotLogin>> open_all();
  /// FailedPrecondition: a grant still names it. NotFound.
  [[nodiscard]] Result<void> remove(policy::DepotId depot, std::string_view role_name);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
