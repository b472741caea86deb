// Identities in the control database. Their SCRAM verifiers are kept as PostgreSQL keeps them:
// enough to check a password, not enough to sign in with; sealed all the same, since a verifier
// can be searched for its password.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// Repository over one transaction, which must outlive it. A verifier that does not open is logged
/// and read as none, so that one damaged row closes one door only.
class Identities {
 public:
  explicit Identities(Transaction& transaction) : transaction_(transaction) {}
  /// A nil id is replaced by a fresh one. AlreadyExists: the name.
  [[nodiscard]] Result<Record<policy::Identity>> create(policy::Identity identity);
  [[nodiscard]] Result<Record<policy::Identity>> find(std::string_view name);
  [[nodiscard]] Result<std::vector<Record<policy::Identity>>> list();
  /// All names, without opening anything.
  [[nodiscard]] Result<std::map<policy::IdentityId, std::string>> names();
  /// Everything but id, name and verifier. Conflict: another version.
  [[nodiscard]] Result<Record<policy::Identity>> update(const policy::Identity& identity, std::int64_t version);
  /// Empty: none. Conflict: another version.
  [[nodiscard]] Result<Record<policy::Identity>> set_verifier(policy::IdentityId id, const SecretBytes& verifier,
                                                              std::int64_t version);
  /// Its memberships and grants go with it. Conflict: another version.
  [[nodiscard]] Result<void> remove(policy::IdentityId id, std::int64_t version);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
