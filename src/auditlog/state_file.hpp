// How far the integrator has come (docs/formats/audit-log.md, "State"): the place in the journal up to
// which every outcome is a leaf, the size of each tree there, and the intents still open there.
// Replaced as a whole; recovery starts from it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

struct OpenIntent {
  std::uint64_t ticket = 0;
  Bytes record;  ///< as in the journal
};

struct State {
  std::uint64_t log_id = 0;
  std::uint64_t segment = 0;   ///< 0: before the first
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;  ///< of the newest group below that place
  std::uint64_t next_ticket = 1;
  std::map<std::string, std::uint64_t> trees;  ///< name to size
  std::vector<OpenIntent> open;
};

[[nodiscard]] Bytes encode_state(const State& state);
[[nodiscard]] Result<State> decode_state(ByteView bytes);

}  // namespace bartizan::auditlog
