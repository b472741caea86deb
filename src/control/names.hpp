// What may be a name. Ours are ASCII, so that no two look alike and none needs quoting in a
// shell; PostgreSQL's own (logins, databases) are any UTF-8 without control characters.
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::control {

enum class NameKind : std::uint8_t {
  Resource,    ///< tenants, depots, roles, attributes: letters, digits, '_', and further on '.' and '-'
  Identity,    ///< the same and '@'
  PostgreSql,  ///< roles and databases of a depot
};

inline constexpr std::size_t kMaxNameBytes = 63;

/// InvalidArgument says what a name of this kind may be.
[[nodiscard]] Result<void> validate_name(NameKind kind, std::string_view name);
/// UTF-8 without control characters (C0, DEL, C1).
[[nodiscard]] bool is_printable_utf8(std::string_view text) noexcept;

}  // namespace bartizan::control
