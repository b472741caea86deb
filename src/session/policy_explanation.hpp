// EXPLAIN POLICY statement: what the policies make of a statement, as a result set. It runs nothing and
// touches no table; what it tells is of the asker's own policies, on tables that it sees.
#pragma once

#include <optional>
#include <string_view>

#include "bartizan/policy/resolve.hpp"
#include "bartizan/session/consumer_text.hpp"

namespace bartizan::session {

/// The statement behind EXPLAIN POLICY; nullopt: the text is none.
[[nodiscard]] std::optional<std::string_view> explained_by_policy(std::string_view text, sql::LexOptions lex);

/// A SELECT of constants: object, use, shown, why. REQUIRES: 4 MiB of stack.
[[nodiscard]] ConsumerText explain_policy(std::string_view statement, const ConsumerReading& reading,
                                          const policy::Resolution& resolution);

}  // namespace bartizan::session
