// Settings that would change how a text or a value is read behind the gateway's back: what a session
// of a depot with encrypted columns may not set.
#pragma once

#include <optional>
#include <string_view>

#include "bartizan/policy/decision.hpp"
#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/lexer.hpp"

namespace bartizan::cells {

/// nullopt: none of the statements sets such a one. kept_path: search_path is the gateway's own matter.
[[nodiscard]] std::optional<policy::Refuse> refuse_setting(std::string_view text, const sql::Analysis& analysis,
                                                           sql::LexOptions lex, bool kept_path);

[[nodiscard]] policy::Refuse refusal(std::string_view sqlstate, std::string message, std::string hint,
                                     std::string reason);

}  // namespace bartizan::cells
