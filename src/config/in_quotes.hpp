// Text from outside, fit to stand in a message: quoted, on one line, escaped, cut short.
#pragma once

#include <string>
#include <string_view>

namespace bartizan::config {

/// At most 64 bytes of text between double quotes; control bytes and all that is not ASCII as
/// \xNN; "…" written as ... after a cut.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace bartizan::config
