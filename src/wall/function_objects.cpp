#include "function_objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace bartizan::wall {
namespace {

constexpr sql::Oid kTrigger = 2279;
constexpr sql::Oid kEventTrigger = 3838;
constexpr std::string_view kCatalogSchema = "pg_catalog";

std::vector<const sql::CatalogFunction*> callable(const sql::Catalog& catalog, const std::set<sql::Oid>& functions) {
  std::vector<const sql::CatalogFunction*> out;
  for (const auto oid : functions) {
    const auto* const function = catalog.function(oid);
    if (function == nullptr || function->kind == sql::FunctionKind::Procedure || function->return_type == kTrigger ||
        function->return_type == kEventTrigger)
      continue;
    out.push_back(function);
  }
  return out;
}

/// Types of the owner's that a statement has to name to call it. No row types: a table's would bring its columns.
std::vector<const sql::CatalogType*> named_types(const sql::Catalog& catalog, const sql::CatalogFunction& function) {
  std::vector<const sql::CatalogType*> out;
  const auto take = [&](sql::Oid oid) {
    const auto* type = catalog.type(oid);
    if (type != nullptr && type->element != 0) type = catalog.type(type->element);
    if (type == nullptr || type->schema == kCatalogSchema || type->relation != 0 ||
        type->kind == sql::TypeKind::Composite || type->kind == sql::TypeKind::Pseudo)
      return;
    out.push_back(type);
  };
  for (const auto oid : function.argument_types) take(oid);
  take(function.return_type);
  return out;
}

sql::Oid schema_oid(const sql::Catalog& catalog, std::string_view name) {
  const auto& schemas = catalog.contents().schemas;
  const auto found = std::ranges::find(schemas, name, &sql::CatalogSchema::name);
  return found == schemas.end() ? 0 : found->oid;
}

Object granted(ObjectKind kind, sql::Oid oid, const std::string& class_role, std::string_view right,
               std::string_view type) {
  return {kind, fmt::format("{}/{}", oid, class_role),
          fmt::format("DO $do$ BEGIN EXECUTE format('GRANT {} %s TO {}', {}::pg_catalog.{}); END $do$", right,
                      class_role, oid, type)};
}

}  // namespace

Object schema_usage(sql::Oid schema, const std::string& class_role) {
  return granted(ObjectKind::SchemaGrant, schema, class_role, "USAGE ON SCHEMA", "regnamespace");
}

std::vector<Object> function_objects(const sql::Catalog& catalog, const std::set<sql::Oid>& functions,
                                     const std::string& class_role) {
  std::vector<Object> out;
  const auto schema = [&](const std::string& name) {
    const auto oid = schema_oid(catalog, name);
    if (oid != 0) out.push_back(schema_usage(oid, class_role));
  };
  for (const auto* function : callable(catalog, functions)) {
    out.push_back(granted(ObjectKind::FunctionGrant, function->oid, class_role, "EXECUTE ON ROUTINE", "regprocedure"));
    schema(function->schema);
    for (const auto* type : named_types(catalog, *function)) schema(type->schema);
  }
  return out;
}

void add_functions(const sql::Catalog& catalog, const std::set<sql::Oid>& functions, sql::ViewMap& map) {
  for (const auto* function : callable(catalog, functions)) {
    map.functions.insert(function->oid);
    for (const auto* type : named_types(catalog, *function)) map.types.insert(type->oid);
  }
}

}  // namespace bartizan::wall
