// Operators outside pg_catalog: which schemas the server has to look for them in, so that a comparison means to a class
// what it means to an owner, and what layer 1 is told of them (ADR 0204).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bartizan/wall/compile.hpp"

namespace bartizan::wall {

/// USAGE on the schemas of operators whose functions were reviewed, and of those that take one of `shown`, the types
/// of the class's columns: without it PostgreSQL would not find them, and compare citext as text, say. Where a function
/// behind an operator was not reviewed, the class has no right to execute it, and an error says so.
[[nodiscard]] std::vector<Object> operator_objects(const sql::Catalog& catalog, const std::set<sql::Oid>& functions,
                                                   const std::set<sql::Oid>& shown, const std::string& class_role);

/// The same schemas in the order of the server's search_path, and the names that may be used.
void add_operators(const sql::Catalog& catalog, const std::set<sql::Oid>& functions, const std::set<sql::Oid>& shown,
                   sql::ViewMap& map);

}  // namespace bartizan::wall
