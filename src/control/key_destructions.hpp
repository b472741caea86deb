// Destructions that somebody has ordered: recorded in the control database before a key goes, carried out,
// and certified afterwards; what a crash or an older key store has left undone is done at the next start.
#pragma once

#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

struct CertifiedDestruction {
  keys::Keyring keyring;
  std::string certificate;  ///< a signed note: docs/formats/keyring.md, "Certificate of destruction"
};

/// authority: who orders it, and why. FailedPrecondition: nothing is left to destroy.
[[nodiscard]] Result<CertifiedDestruction> destroy_keys(store::Database& database, CellKeys& keys, const Clock& clock,
                                                        const keys::KeyringOwner& owner, const std::string& actor,
                                                        const std::string& authority);
/// Whatever was ordered and is not done. At the start, before any key is given out.
[[nodiscard]] Result<void> finish_destructions(store::Database& database, CellKeys& keys, const Clock& clock);

}  // namespace bartizan::control
