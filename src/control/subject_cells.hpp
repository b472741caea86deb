// How many values of a data subject there are: told before they are destroyed, since a number that was mistyped is
// somebody else's or nobody's.
#pragma once

#include <cstdint>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/keyring.hpp"
#include "services.hpp"

namespace bartizan::control {

/// Cells under the owner's keys, in rows of the subject, in all columns by subject. What the server says where it can't be
/// asked.
[[nodiscard]] Result<std::uint64_t> cells_of_subject(const Call& call, const keys::Keyring& keyring,
                                                     const SecretBytes& subject);

}  // namespace bartizan::control
