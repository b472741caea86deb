// What a class is shown of the system catalogs, as SQL of the base objects: views in the place of
// pg_catalog's and information_schema's relations, and functions in the place of those that tell of
// objects by their oid or name (DESIGN, "The wall", layer 1; ADR 0125). One set serves all classes of a depot:
// bartizan.class_relation says what each has, session_user which class it is.
#pragma once

#include <string>

namespace bartizan::wall {

/// Blanks as base_objects_sql fills them. REQUIRES: the schemas, and `bartizan.subject`.
[[nodiscard]] std::string catalog_relations_sql();
[[nodiscard]] std::string information_schema_sql();
[[nodiscard]] std::string catalog_functions_sql();

}  // namespace bartizan::wall
