// What a search of an audit log's index asks: terms that records must have, and when they began.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bartizan/audit/record_terms.hpp"

namespace bartizan::auditlog {

/// A record has to have one term of each group. Without groups every record will do.
struct IndexQuery {
  std::vector<std::vector<audit::Term>> groups;
  std::optional<std::int64_t> from_ms;  ///< begun then or later
  std::optional<std::int64_t> to_ms;    ///< begun then or before
};

}  // namespace bartizan::auditlog
