// What can be said of a statement from its tokens alone, when the parser was not or could not be
// asked: the kind that the leading keywords prove, and the worst case for all else.
#pragma once

#include <string_view>

#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/lexer.hpp"

namespace bartizan::sql {

/// text: one complete statement. The result has parsed = false and effect = Write. It pins (Unknown) unless
/// it is plain DML or a COPY that names nothing which could change the session.
[[nodiscard]] Statement classify_by_tokens(std::string_view text, LexOptions options);

}  // namespace bartizan::sql
