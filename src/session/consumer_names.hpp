// What a consumer's protocol messages may name: no statement or portal of the gateway's own, and
// no parameter type that layer 1 would refuse in a text.
#pragma once

#include <cstdint>
#include <string_view>

namespace bartizan::session {

/// The statement that sets the context, and its portal where the one without a name is the client's.
inline constexpr std::string_view kContextName = "bartizan_context";

/// As sql::rewrite refuses them in SQL.
[[nodiscard]] constexpr bool is_reserved(std::string_view name) noexcept {
  return name.starts_with("bartizan") || name.starts_with("bz_");
}

/// An oid of pg_catalog, declared by Parse for a parameter. 0: the server infers it.
[[nodiscard]] bool is_permitted_parameter_type(std::uint32_t oid) noexcept;

}  // namespace bartizan::session
