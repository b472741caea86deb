// What administrators call a resource whose id stands in another one's row: for records, which name what they are about.
#pragma once

#include <optional>
#include <string>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

enum class Named : std::uint8_t { Identity, Role, Depot };
/// nullopt when it is gone, or id is none.
[[nodiscard]] Result<std::optional<std::string>> name_of(Transaction& transaction, Named kind, const std::string& id);

}  // namespace bartizan::store
