// What the journal holds beyond the state file, found at start. Only a group at the very end can be
// torn; a harmed group with a later one behind it was durable once, so that is damage and refused.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bartizan/auditlog/file_layer.hpp"
#include "journal.hpp"
#include "state_file.hpp"

namespace bartizan::auditlog {

struct Recovered {
  std::vector<Segment> segments;        ///< all closed
  std::uint64_t last_sequence = 0;
  std::uint64_t next_ticket = 1;
  std::uint64_t highest_number = 0;     ///< of any segment, good or not
  std::vector<std::uint64_t> orphans;   ///< tickets without an outcome, rising
  std::uint64_t torn_bytes = 0;         ///< dropped at the end
  std::vector<std::uint64_t> stale;     ///< segments below the state's place, whose removal was interrupted
};

/// Malformed with the file and offset when the journal is damaged.
[[nodiscard]] Result<Recovered> scan_journal(FileLayer& files, const std::string& directory, const State& state);

}  // namespace bartizan::auditlog
