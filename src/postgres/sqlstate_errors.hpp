// PostgreSQL's errors as ours. See the manual, "PostgreSQL Error Codes".
#pragma once

#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

struct SqlError {
  std::string sqlstate;
  std::string message;
  std::string schema;
  std::string table;
  std::string column;
  std::string constraint;
};

[[nodiscard]] Errc errc_of_sqlstate(std::string_view sqlstate) noexcept;
/// True where the primary message may quote values or statement text.
[[nodiscard]] bool message_may_quote(std::string_view sqlstate) noexcept;
[[nodiscard]] Error statement_error(const SqlError& error);
/// libpq's text (verbose) of a connection that did not come about.
[[nodiscard]] Error connection_error(std::string_view text);

}  // namespace bartizan::postgres
