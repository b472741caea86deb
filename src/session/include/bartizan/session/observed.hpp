// A depot in observe: what its policies would do to a statement of an identity is decided and recorded, and nothing of it is
// done (ADR 0201). The session is passed through; its texts are read as a consumer's would be, for the record alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bartizan/policy/wall_class.hpp"
#include "bartizan/session/consumer_text.hpp"

namespace bartizan::session {

/// Kept by the session, which brings it up to date, and outlives the relay that is told of it. One thread.
struct Observer {
  std::shared_ptr<const policy::WallClass> wall_class;  ///< null: none stands, so that all would be refused
  std::vector<std::string> search_path{"public"};  ///< follows the client's SETs, not its transactions
};

/// What a text that can't be read at all would come to: no class stands.
[[nodiscard]] const std::shared_ptr<const ConsumerText>& unserved_text();

/// `,"observed":{…}` of statement `index` of `count`: what would have been done.
void append_observed(std::string& out, const ConsumerText& text, std::size_t index, std::size_t count);

/// Whether something of it would have been masked.
[[nodiscard]] bool would_mask(const ConsumerText& text) noexcept;

}  // namespace bartizan::session
