// What the control plane takes as a name (docs/formats/admin-socket.md): asked here, so that a
// name which it would refuse is a finding of the import and not a request that fails.
#pragma once

#include <string_view>

namespace bartizan::migrate {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// Of a depot: letters, digits, '_', and further on '.' and '-'; at most 63.
[[nodiscard]] bool is_resource_name(std::string_view name) noexcept;
/// The same and '@'.
[[nodiscard]] bool is_identity_name(std::string_view name) noexcept;
/// Of a role or database on a server: UTF-8 without control characters, 1 to 63 bytes.
[[nodiscard]] bool is_postgresql_name(std::string_view name) noexcept;

}  // namespace bartizan::migrate
