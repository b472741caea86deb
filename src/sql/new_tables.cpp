#include "bartizan/sql/new_tables.hpp"

#include <algorithm>
#include <utility>

#include "bartizan/sql/encryption_plan.hpp"

namespace bartizan::sql {

namespace {

std::string key_of(std::string_view schema, std::string_view name) {
  std::string key(schema);
  key.push_back('\0');
  return key.append(name);
}

bool is_known(const Catalog& catalog, std::string_view schema, std::string_view name) {
  if (!schema.empty()) return catalog.relation(schema, name) != nullptr;
  return std::ranges::any_of(catalog.contents().relations, [&](const auto& relation) { return relation.name == name; });
}

/// Of a name without a schema: whether any such table does.
bool may_hold_cells(const EncryptedColumns& columns, std::string_view schema, std::string_view name) {
  return std::ranges::any_of(columns.catalog().contents().relations, [&](const auto& relation) {
    return relation.name == name && (schema.empty() || relation.schema == schema) &&
           columns.guarded(relation.oid) != nullptr;
  });
}

}  // namespace

bool NewTables::makes(const Statement& statement) noexcept {
  return statement.command_tag == "CREATE TABLE" || statement.command_tag == "CREATE TABLE AS" ||
         statement.command_tag == "SELECT INTO";
}

void NewTables::note(const Statement& statement, const EncryptedColumns& columns) {
  if (!makes(statement) || statement.pin == PinReason::TempTable || keys_.size() >= kMost) return;
  // CREATE TABLE names its parents as it names the table itself; what a query reads is of no interest.
  const Relation* made = nullptr;
  for (const auto& relation : statement.relations) {
    if (relation.access != Access::Write || contains(relation.schema, relation.name)) continue;
    if (is_known(columns.catalog(), relation.schema, relation.name)) {
      if (may_hold_cells(columns, relation.schema, relation.name)) return;
    } else if (std::exchange(made, &relation) != nullptr) {
      return;
    }
  }
  if (made != nullptr) keys_.insert(key_of(made->schema, made->name));
}

void NewTables::forget_known(const Catalog& catalog) {
  std::erase_if(keys_, [&](const std::string& key) {
    const auto split = key.find('\0');
    return is_known(catalog, std::string_view(key).substr(0, split), std::string_view(key).substr(split + 1));
  });
}

bool NewTables::contains(std::string_view schema, std::string_view name) const {
  return !keys_.empty() && keys_.contains(key_of(schema, name));
}

}  // namespace bartizan::sql
