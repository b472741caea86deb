// The count of what the gateway has been let through with, kept over a restart: up to which ticket the log
// has been told of it, up to which it has gone on since, and what each tree has of that. Text, small, replaced
// as a whole (docs/formats/audit-log.md, "Counts").
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

inline constexpr std::size_t kStatuses = 5;  ///< those of audit::Status, in its order

struct Tally {
  std::uint64_t intents = 0;
  std::array<std::uint64_t, kStatuses> ended{};  ///< of them, those that had an outcome by then
  friend bool operator==(const Tally&, const Tally&) = default;
};

struct SavedCounts {
  std::uint64_t told = 0;     ///< the log has records of the counts up to this ticket
  std::uint64_t through = 0;  ///< at least told; what follows counts the tickets between
  std::int64_t from_s = 0;    ///< when that began, in seconds since 1970
  struct Tree {
    std::string tenant;  ///< as it stands between quotes in JSON; empty: the system tree
    Tally tally;
  };
  std::vector<Tree> trees;
};

inline constexpr std::string_view kCountsFile = "counts";

[[nodiscard]] std::string encode_counts(const SavedCounts& counts);
/// Malformed unless it is exactly what encode_counts makes.
[[nodiscard]] Result<SavedCounts> decode_counts(std::string_view text);

}  // namespace bartizan::auditlog
