// What the wall of a depot keeps secret: its context key, and the passwords of its class roles
// with their verifiers, all sealed (docs/formats/control-schema.md). Apart from depot_logins,
// since nobody may be granted a class role.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// A class role's password, and the verifier that stands in the depot: kept, so that the same role
/// is not given another salt at each start.
struct WallLogin {
  std::string role_name;
  SecretBytes password;
  SecretBytes verifier;
};

/// Repository over one transaction, which must outlive it.
class WallSecrets {
 public:
  explicit WallSecrets(Transaction& transaction) : transaction_(transaction) {}
  /// NotFound until it is put; Crypto: it was not sealed here.
  [[nodiscard]] Result<SecretBytes> context_key(policy::DepotId depot);
  [[nodiscard]] Result<void> put_context_key(policy::DepotId depot, const SecretBytes& key);
  /// Those that open; one that does not is logged and left out.
  [[nodiscard]] Result<std::vector<WallLogin>> logins(policy::DepotId depot);
  [[nodiscard]] Result<void> put_login(policy::DepotId depot, const WallLogin& login);
  /// Takes away those of other roles.
  [[nodiscard]] Result<void> keep_only(policy::DepotId depot, const std::set<std::string>& roles);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
