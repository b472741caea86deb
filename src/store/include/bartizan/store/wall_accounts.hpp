// As whom the wall of a depot on one's own server is kept: a login of great power, apart from depot_logins, since
// nobody may be granted it and no session runs as it. Its secrets are sealed (docs/formats/control-schema.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// An account without its secrets.
struct WallAccount {
  policy::DepotId depot;
  std::string role_name;
  std::string grade;  ///< "full" or "managed"
  std::int64_t server_version = 0;  ///< server_version_num
  std::string certificate_pem;      ///< empty: none
};

/// Repository over one transaction, which must outlive it.
class WallAccounts {
 public:
  explicit WallAccounts(Transaction& transaction) : transaction_(transaction) {}
  [[nodiscard]] Result<std::vector<Record<WallAccount>>> list();
  /// NotFound.
  [[nodiscard]] Result<Record<WallAccount>> find(policy::DepotId depot);
  /// With its secrets opened, as a login that is none of the depot's. NotFound; Crypto: it was not sealed here.
  [[nodiscard]] Result<policy::DepotLogin> open(policy::DepotId depot);
  /// The depot's only one, in place of any other. NotFound: the depot.
  [[nodiscard]] Result<void> put(const policy::DepotLogin& login, std::string_view grade, std::int64_t server_version);
  /// What the server tells now; nothing where it is what stands there.
  [[nodiscard]] Result<void> note_grade(policy::DepotId depot, std::string_view grade, std::int64_t server_version);
  /// NotFound.
  [[nodiscard]] Result<void> remove(policy::DepotId depot);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
