#include "bartizan/wall/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "function_objects.hpp"
#include "operator_objects.hpp"
#include "table_objects.hpp"
#include "text.hpp"

namespace bartizan::wall {
namespace {

Object class_role_object(const std::string& role, const Installer& installer) {
  return {ObjectKind::ClassRole, role,
          create_role_sql(role, true, installer) +
              fmt::format("; GRANT USAGE ON SCHEMA {1} TO {0}; DO $do$ BEGIN "
                          "EXECUTE format('GRANT CONNECT ON DATABASE %I TO {0}', current_database()); END $do$",
                          role, kViewSchema)};
}

/// A later object of the same kind and name is the same object: both are made from what its name hashes.
void sort_once(std::vector<Object>& objects) {
  std::ranges::sort(objects);
  const auto same = [](const Object& a, const Object& b) { return a.kind == b.kind && a.name == b.name; };
  const auto rest = std::ranges::unique(objects, same);
  objects.erase(rest.begin(), rest.end());
}

sql::Verbs view_verbs(policy::VerbSet verbs) {
  auto out = sql::Verbs::None;
  if (verbs.contains(policy::Verb::Read)) out = out | sql::Verbs::Select;
  if (verbs.contains(policy::Verb::Insert)) out = out | sql::Verbs::Insert;
  if (verbs.contains(policy::Verb::Update)) out = out | sql::Verbs::Update;
  if (verbs.contains(policy::Verb::Delete)) out = out | sql::Verbs::Delete;
  return out;
}

std::vector<sql::ViewColumn> view_columns(const policy::TableOutcome& table, const sql::CatalogRelation& relation) {
  std::vector<sql::ViewColumn> out;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto& column = table.columns[i];
    const bool masked = std::holds_alternative<policy::Masked>(column.visibility);
    const bool readable = masked || std::holds_alternative<policy::Clear>(column.visibility);
    const bool writable = !column.writes.empty();
    if (readable || writable) out.push_back({relation.columns[i].attnum, readable, writable, masked});
  }
  return out;
}

/// Of the columns that the class reads or writes.
Result<std::set<sql::Oid>> shown_types(const sql::Catalog& catalog, const policy::ClassOutcome& outcome) {
  std::set<sql::Oid> out;
  for (const auto& table : outcome.tables) {
    BZ_TRY(const auto* relation, relation_of(catalog, outcome, table));
    for (const auto& column : view_columns(table, *relation)) out.insert(relation->column(column.attnum)->type);
  }
  return out;
}

}  // namespace

std::string_view to_string(ObjectKind kind) noexcept {
  switch (kind) {
    case ObjectKind::ViewOwner: return "view_owner";
    case ObjectKind::BaseGrant: return "base_grant";
    case ObjectKind::OpenPolicy: return "open_policy";
    case ObjectKind::FilterPolicy: return "filter_policy";
    case ObjectKind::RowSecurity: return "row_security";
    case ObjectKind::SequenceFunction: return "sequence_function";
    case ObjectKind::View: return "view";
    case ObjectKind::ClassRole: return "class_role";
    case ObjectKind::ViewGrant: return "view_grant";
    case ObjectKind::CatalogEntry: return "catalog_entry";
    case ObjectKind::SchemaGrant: return "schema_grant";
    case ObjectKind::FunctionGrant: return "function_grant";
  }
  return "";
}

Result<CompiledClass> compile_class(const CompileInput& input, const policy::ClassOutcome& outcome) {
  CompiledClass out{policy::class_id(outcome), "", {}};
  out.role = input.names->class_role(out.id);
  out.objects.push_back(class_role_object(out.role, input.installer));
  for (const auto& table : outcome.tables) {
    BZ_TRY(auto objects, table_objects(input, outcome, table, out.role));
    std::ranges::move(objects, std::back_inserter(out.objects));
  }
  std::ranges::move(function_objects(*input.catalog, input.functions, out.role), std::back_inserter(out.objects));
  BZ_TRY(const auto types, shown_types(*input.catalog, outcome));
  std::ranges::move(operator_objects(*input.catalog, input.functions, types, out.role),
                    std::back_inserter(out.objects));
  sort_once(out.objects);
  return out;
}

Result<sql::ViewMap> view_map(const Names& names, const sql::Catalog& catalog, const policy::ClassOutcome& outcome,
                              const std::set<sql::Oid>& functions) {
  sql::ViewMap map;
  for (const auto& table : outcome.tables) {
    BZ_TRY(const auto* relation, relation_of(catalog, outcome, table));
    sql::ClassView view;
    view.view = names.view(table, *relation, outcome.context);
    if (needs_write_view(table)) view.write_view = names.write_view(table, *relation, outcome.context);
    view.verbs = view_verbs(table.verbs);
    view.columns = view_columns(table, *relation);
    if (table.aggregate_only)
      view.threshold =
          sql::Threshold{table.aggregate_only->k, relation->column(table.aggregate_only->entity_column)->attnum};
    map.relations.emplace(relation->oid, std::move(view));
  }
  add_functions(catalog, functions, map);
  BZ_TRY(const auto types, shown_types(catalog, outcome));
  add_operators(catalog, functions, types, map);
  for (const auto& shown : catalog.contents().catalog_views)
    map.catalog_views.emplace(shown.shows, sql::CatalogView{{std::string(kViewSchema), shown.view}, shown.columns});
  if (!map.catalog_views.empty()) {
    map.catalog_functions = kViewSchema;
    map.user_function = {std::string(kViewSchema), "shown_user"};
  }
  return map;
}

std::vector<Object> merge(const std::vector<CompiledClass>& classes) {
  std::vector<Object> out;
  for (const auto& compiled : classes) std::ranges::copy(compiled.objects, std::back_inserter(out));
  sort_once(out);
  return out;
}

}  // namespace bartizan::wall
