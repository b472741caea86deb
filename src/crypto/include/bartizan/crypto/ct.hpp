// The one comparison that secrets, proofs and tags go through: its time depends on the lengths
// alone, never on where the first difference is.
#pragma once

#include "bartizan/base/bytes.hpp"

namespace bartizan::crypto {

/// False at once when the lengths differ: lengths are not secrets here.
[[nodiscard]] bool ct_equal(ByteView a, ByteView b) noexcept;

}  // namespace bartizan::crypto
