#include "bartizan/sql/new_tables.hpp"

#include <algorithm>

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

}  // namespace

bool NewTables::makes(const Statement& statement) noexcept {
  return statement.command_tag == "CREATE TABLE" || statement.command_tag == "CREATE TABLE AS" ||
         statement.command_tag == "SELECT INTO";
}

void NewTables::note(const Statement& statement, const Catalog& catalog) {
  if (!makes(statement) || statement.pin == PinReason::TempTable) return;
  for (const auto& relation : statement.relations) {
    if (relation.access != Access::Write || keys_.size() >= kMost) continue;
    if (!is_known(catalog, relation.schema, relation.name)) keys_.insert(key_of(relation.schema, relation.name));
  }
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
