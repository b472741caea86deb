// Data subjects whose keys somebody has ordered to be destroyed: as key_destructions.hpp does it for whole owners.
#pragma once

#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

/// Which subjects of the owner a value names: one for each type that a column has by which the owner's cells are under
/// keys of subjects. Empty: there is no such column, or the value is of none of their types.
[[nodiscard]] Result<std::vector<keys::SubjectId>> subjects_named(store::Database& database, CellKeys& keys,
                                                                  const keys::KeyringOwner& owner,
                                                                  const SecretBytes& value);

/// authority: who orders it, and why. The certificate. FailedPrecondition: they are destroyed already.
[[nodiscard]] Result<std::string> destroy_subjects(store::Database& database, CellKeys& keys, const Clock& clock,
                                                   const keys::KeyringOwner& owner,
                                                   const std::vector<keys::SubjectId>& subjects,
                                                   const std::string& actor, const std::string& authority);
/// From then on no key is given out that an order says is destroyed. Before any key is given out, and after each order.
[[nodiscard]] Result<void> heed_subject_orders(store::Database& database, CellKeys& keys);
/// Whatever was ordered and is not done; of several owners as many as can be. After heed_subject_orders(). at_start: also
/// what was done already and an older key store may have undone.
[[nodiscard]] Result<void> finish_subject_destructions(store::Database& database, CellKeys& keys, const Clock& clock,
                                                       bool at_start);

}  // namespace bartizan::control
