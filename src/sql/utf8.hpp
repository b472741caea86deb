// Whether bytes are UTF-8 (RFC 3629: shortest forms, no surrogates, up to U+10FFFF).
#pragma once

#include <string_view>

namespace bartizan::sql {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace bartizan::sql
