// Text from outside on its way into JSON or a metric, where one bad byte would spoil the whole
// document for its reader.
#pragma once

#include <string>
#include <string_view>

namespace bartizan::http {

/// Each byte that belongs to no well-formed sequence (Unicode table 3-7: no overlong forms, no
/// surrogates) becomes U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

}  // namespace bartizan::http
