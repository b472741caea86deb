// HTTP status codes (RFC 9110 section 15): the phrase of each that we send, and the one table
// that maps Errc to them.
#pragma once

#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::http {

/// Empty for a code that we never send.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

[[nodiscard]] unsigned status_of(Errc code) noexcept;

}  // namespace bartizan::http
