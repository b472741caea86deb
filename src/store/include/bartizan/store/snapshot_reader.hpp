// The whole control plane as one policy::Snapshot.
#pragma once

#include <memory>

#include "bartizan/policy/snapshot.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// REQUIRES: a transaction of begin_read(), so that all of it is from one moment. A login whose
/// secret does not open is left out and logged, so that one damaged row closes one door only:
/// its grants then fail with FailedPrecondition.
[[nodiscard]] Result<std::shared_ptr<const policy::Snapshot>> read_snapshot(Transaction& transaction);

}  // namespace bartizan::store
