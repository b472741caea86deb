// UTF-8 as PostgreSQL accepts it (RFC 3629: no overlong form, no surrogate, nothing over U+10FFFF).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bartizan::transform {

/// The number of code points; nullopt when it is not valid UTF-8, or holds a NUL.
[[nodiscard]] std::optional<std::size_t> count_utf8(std::string_view text) noexcept;
/// The bytes of the first count code points. REQUIRES: valid, and that many are there.
[[nodiscard]] std::size_t utf8_prefix(std::string_view text, std::size_t count) noexcept;
/// Writes 1 to 4 bytes and returns how many. REQUIRES: a Unicode scalar value.
std::size_t encode_utf8(std::uint32_t code_point, char* out) noexcept;

}  // namespace bartizan::transform
