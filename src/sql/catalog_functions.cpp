#include "catalog_functions.hpp"

#include <algorithm>
#include <iterator>

namespace bartizan::sql {

namespace {

constexpr CatalogFunctionRule plain(std::string_view name, std::uint8_t least, std::uint8_t most) {
  return {{name, least, most, Permit::Plain, false, ""}};
}
constexpr CatalogFunctionRule with_path(std::string_view name, std::uint8_t least, std::uint8_t most) {
  return {{name, least, most, Permit::Plain, false, ""}, true};
}
constexpr CatalogFunctionRule cast_to(std::string_view name) {
  return {{name, 2, 2, Permit::Plain, false, ""}, true, false, true};
}

constexpr CatalogFunctionRule kRules[] = {
    {{"_pg_expandarray", 1, 1, Permit::Plain, true, "x,n"}, false, true},
    plain("col_description", 2, 2),
    plain("format_type", 2, 2),
    with_path("has_any_column_privilege", 2, 3),
    with_path("has_column_privilege", 3, 3),
    plain("has_database_privilege", 2, 2),
    plain("has_schema_privilege", 2, 3),
    with_path("has_table_privilege", 2, 3),
    plain("obj_description", 1, 2),
    plain("pg_collation_is_visible", 1, 1),
    plain("pg_conversion_is_visible", 1, 1),
    plain("pg_database_size", 1, 1),
    plain("pg_function_is_visible", 1, 1),
    plain("pg_get_constraintdef", 1, 2),
    plain("pg_get_expr", 2, 3),
    plain("pg_get_function_arguments", 1, 1),
    plain("pg_get_function_identity_arguments", 1, 1),
    plain("pg_get_function_result", 1, 1),
    plain("pg_get_functiondef", 1, 1),
    plain("pg_get_indexdef", 1, 3),
    plain("pg_get_partkeydef", 1, 1),
    plain("pg_get_ruledef", 1, 2),
    plain("pg_get_serial_sequence", 2, 2),
    plain("pg_get_statisticsobjdef", 1, 1),
    plain("pg_get_statisticsobjdef_columns", 1, 1),
    plain("pg_get_triggerdef", 1, 2),
    plain("pg_get_userbyid", 1, 1),
    plain("pg_get_viewdef", 1, 2),
    plain("pg_has_role", 2, 3),
    plain("pg_indexes_size", 1, 1),
    plain("pg_is_other_temp_schema", 1, 1),
    plain("pg_my_temp_schema", 0, 0),
    plain("pg_opclass_is_visible", 1, 1),
    plain("pg_operator_is_visible", 1, 1),
    plain("pg_opfamily_is_visible", 1, 1),
    {{"pg_partition_ancestors", 1, 1, Permit::Plain, true, "relid"}},
    plain("pg_relation_is_publishable", 1, 1),
    plain("pg_relation_size", 1, 1),
    plain("pg_statistics_obj_is_visible", 1, 1),
    with_path("pg_table_is_visible", 1, 1),
    plain("pg_table_size", 1, 1),
    plain("pg_tablespace_location", 1, 1),
    plain("pg_tablespace_size", 1, 1),
    plain("pg_total_relation_size", 1, 1),
    plain("pg_ts_config_is_visible", 1, 1),
    plain("pg_ts_dict_is_visible", 1, 1),
    plain("pg_ts_parser_is_visible", 1, 1),
    plain("pg_ts_template_is_visible", 1, 1),
    with_path("pg_type_is_visible", 1, 1),
    cast_to("regclass"),
    cast_to("regnamespace"),
    cast_to("regproc"),
    cast_to("regtype"),
    plain("shobj_description", 2, 2),
    with_path("to_regclass", 1, 1),
    with_path("to_regtype", 1, 1),
};

constexpr bool before(const CatalogFunctionRule& a, const CatalogFunctionRule& b) {
  return a.function.name < b.function.name;
}
static_assert(std::is_sorted(std::begin(kRules), std::end(kRules), before));

}  // namespace

const CatalogFunctionRule* catalog_function(std::string_view name) noexcept {
  const auto* const found =
      std::lower_bound(std::begin(kRules), std::end(kRules), name,
                       [](const auto& rule, std::string_view wanted) { return rule.function.name < wanted; });
  return found == std::end(kRules) || found->function.name != name ? nullptr : found;
}

std::string_view object_type_function(std::string_view type) noexcept {
  const CatalogFunctionRule* const rule = catalog_function(type);
  return rule != nullptr && rule->is_cast ? rule->function.name : std::string_view{};
}

}  // namespace bartizan::sql
