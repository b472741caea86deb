// The functions, types and operators that a row filter may name: pg_catalog's own, neither
// volatile nor reaching outside their arguments.
#pragma once

#include <string_view>

namespace bartizan::policy {

[[nodiscard]] bool filter_function(std::string_view name) noexcept;
[[nodiscard]] bool filter_type(std::string_view name) noexcept;
[[nodiscard]] bool filter_operator(std::string_view name) noexcept;

}  // namespace bartizan::policy
