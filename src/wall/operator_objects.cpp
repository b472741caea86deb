#include "operator_objects.hpp"

#include "function_objects.hpp"

namespace bartizan::wall {
namespace {

constexpr int kMaxDomains = 32;  ///< over one another; PostgreSQL has no loops of them

/// What operators see of a type: under a domain, and in an array.
sql::Oid operand_type(const sql::Catalog& catalog, sql::Oid oid) {
  for (int i = 0; i < kMaxDomains; ++i) {
    const auto* const type = catalog.type(oid);
    if (type == nullptr || (type->base == 0 && type->element == 0)) break;
    oid = type->base != 0 ? type->base : type->element;
  }
  return oid;
}

/// Sorted; each once.
std::set<std::string> schemas_of(const sql::Catalog& catalog, const std::set<sql::Oid>& functions,
                                 const std::set<sql::Oid>& shown) {
  std::set<sql::Oid> operands;
  for (const auto oid : shown) operands.insert(operand_type(catalog, oid));
  std::set<std::string> out;
  for (const auto& one : catalog.contents().operators) {
    const auto takes = [&](sql::Oid type) {
      const auto* const known = catalog.type(type);
      return known != nullptr && known->schema != "pg_catalog" && operands.contains(type);
    };
    if (functions.contains(one.function) || takes(one.left) || takes(one.right)) out.insert(one.schema);
  }
  return out;
}

/// It may be chosen for what has nothing of the user's, polymorphic types among them.
bool takes_own_types_alone(const sql::Catalog& catalog, const sql::CatalogOperator& one) {
  const auto own = [&](sql::Oid oid) {
    const auto* const type = catalog.type(oid);
    return type == nullptr || type->schema == "pg_catalog";
  };
  return own(one.left) && own(one.right);
}

}  // namespace

std::vector<Object> operator_objects(const sql::Catalog& catalog, const std::set<sql::Oid>& functions,
                                     const std::set<sql::Oid>& shown, const std::string& class_role) {
  std::vector<Object> out;
  const auto wanted = schemas_of(catalog, functions, shown);
  for (const auto& schema : catalog.contents().schemas)
    if (wanted.contains(schema.name)) out.push_back(schema_usage(schema.oid, class_role));
  return out;
}

void add_operators(const sql::Catalog& catalog, const std::set<sql::Oid>& functions, const std::set<sql::Oid>& shown,
                   sql::ViewMap& map) {
  const auto wanted = schemas_of(catalog, functions, shown);
  map.operator_schemas.assign(wanted.begin(), wanted.end());
  for (const auto& one : catalog.contents().operators) {
    if (!wanted.contains(one.schema)) continue;
    if (functions.contains(one.function))
      map.operators.insert(one.name);
    else if (!one.from_extension && takes_own_types_alone(catalog, one))
      map.closed_operators.insert(one.name);
  }
}

}  // namespace bartizan::wall
