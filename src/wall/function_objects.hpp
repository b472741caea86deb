// What reviewed functions need in the database, and what layer 1 is told of them (ADR 0200).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bartizan/wall/compile.hpp"

namespace bartizan::wall {

/// EXECUTE for the class's role, and USAGE on the schemas of the functions and of their types. Trigger functions
/// nobody calls; what the catalog has not is left out.
[[nodiscard]] std::vector<Object> function_objects(const sql::Catalog& catalog, const std::set<sql::Oid>& functions,
                                                   const std::string& class_role);

/// USAGE for the class's role.
[[nodiscard]] Object schema_usage(sql::Oid schema, const std::string& class_role);

/// The functions that may be named, and the types of their signatures.
void add_functions(const sql::Catalog& catalog, const std::set<sql::Oid>& functions, sql::ViewMap& map);

}  // namespace bartizan::wall
