// What is shown in place of an encrypted column's value: the seam between decryption, which is here,
// and the masks of policies, which are not.
#pragma once

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/transform/bounded_bytes.hpp"

namespace bartizan::transform {

/// Of one column. Not thread-safe: it may hold a key and scratch.
class ValueMask {
 public:
  virtual ~ValueMask() = default;
  /// Appends the canonical form of what is seen; false, with nothing appended, where that is NULL.
  /// Crypto when canonical is not a canonical form of the column's type, TooLarge for out's limit.
  [[nodiscard]] virtual Result<bool> apply(ByteView canonical, BoundedBytes& out) = 0;
};

}  // namespace bartizan::transform
