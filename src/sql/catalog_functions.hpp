// Functions of pg_catalog that tell of objects by their oid or name, and the casts to the types that do
// the same on input and output. None is called as it is: the wall has one of the same name for each,
// which answers for what the class may see (ViewMap::catalog_functions, ADR 0125).
#pragma once

#include <string_view>

#include "permitted_names.hpp"

namespace bartizan::sql {

struct CatalogFunctionRule {
  PermittedFunction function;
  bool takes_path = false;  ///< the client's search_path is its last argument
  bool standard = false;    ///< of information_schema
  bool is_cast = false;     ///< what stands for a cast, and can't be called
};

/// nullptr: none of that name.
[[nodiscard]] const CatalogFunctionRule* catalog_function(std::string_view name) noexcept;

/// The function for a cast to a type of pg_catalog; empty: none.
[[nodiscard]] std::string_view object_type_function(std::string_view type) noexcept;

}  // namespace bartizan::sql
