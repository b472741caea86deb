#include "bartizan/sql/logical_types.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace bartizan::sql {

namespace {

struct KnownType {
  Oid oid;
  std::string_view name;
  char category;
  std::int16_t length;
  Oid collation;
};
// pg_type.dat, the same in every server: a database without another column of the type does not name it.
constexpr KnownType kTypes[] = {
    {16, "bool", 'B', 1, 0},          {17, "bytea", 'U', -1, 0},     {20, "int8", 'N', 8, 0},
    {21, "int2", 'N', 2, 0},          {23, "int4", 'N', 4, 0},       {25, "text", 'S', -1, 100},
    {1043, "varchar", 'S', -1, 100},  {1082, "date", 'D', 4, 0},     {1114, "timestamp", 'D', 8, 0},
    {1184, "timestamptz", 'D', 8, 0}, {1700, "numeric", 'N', -1, 0}, {2950, "uuid", 'U', 16, 0},
    {3802, "jsonb", 'U', -1, 0}};

const KnownType* known(Oid oid) noexcept {
  const auto* const found = std::ranges::find(kTypes, oid, &KnownType::oid);
  return found == std::end(kTypes) ? nullptr : found;
}

/// The columns of a table and of its partitions and children: names are the same in all.
using Places = std::map<Oid, std::map<std::string, const LogicalColumn*>>;

Places places_of(const Catalog& catalog, const std::vector<LogicalColumn>& columns) {
  Places places;
  for (const auto& column : columns)
    if (const auto* relation = catalog.relation(column.schema, column.table))
      places[relation->oid][column.column] = &column;
  for (bool more = true; more;) {
    more = false;
    for (const auto& child : catalog.contents().relations)
      for (const Oid parent : child.parents)
        if (const auto of = places.find(parent); of != places.end())
          for (const auto& [name, column] : of->second) more = places[child.oid].emplace(name, column).second || more;
  }
  return places;
}

/// On its way there, or back: cells are of a domain.
bool is_plain(const Catalog& catalog, const CatalogColumn& column) {
  const auto* const type = catalog.type(column.type);
  return type != nullptr && type->kind != TypeKind::Domain;
}

}  // namespace

bool LogicalCatalog::holds_cells(Oid relation, AttrNumber column) const noexcept {
  const auto found = cells.find(relation);
  return found != cells.end() && std::ranges::find(found->second, column) != found->second.end();
}

const StoredIndex* LogicalCatalog::stored_index(Oid relation, AttrNumber column) const noexcept {
  const auto found = stored.find(relation);
  if (found == stored.end()) return nullptr;
  const auto at = std::ranges::find(found->second, column, &StoredIndex::of);
  return at == found->second.end() ? nullptr : &*at;
}

Result<LogicalCatalog> with_logical_types(std::shared_ptr<const Catalog> catalog,
                                          const std::vector<LogicalColumn>& columns) {
  if (columns.empty()) return LogicalCatalog{std::move(catalog), {}, {}};
  for (const auto& column : columns)
    if (known(column.type) == nullptr) return fail(Errc::Malformed, "an encrypted column of a type that can't be one");
  LogicalCatalog out;
  auto contents = catalog->contents();
  auto places = places_of(*catalog, columns);
  for (auto& relation : contents.relations) {
    const auto found = places.find(relation.oid);
    if (found == places.end()) continue;
    std::set<std::string, std::less<>> indexes;
    for (auto& column : relation.columns) {
      const auto at = found->second.find(column.name);
      if (at == found->second.end() || is_plain(*catalog, column)) continue;
      column.type = at->second->type;
      column.typmod = at->second->typmod;
      column.collation = known(column.type)->collation;
      out.cells[relation.oid].push_back(column.attnum);
      const auto& stored = at->second->stored_index;
      if (stored.empty() || !indexes.insert(stored).second) continue;
      const auto generated = std::ranges::find_if(relation.columns, [&](const auto& other) {
        return other.generated == Generated::Stored && other.name == stored;
      });
      if (generated != relation.columns.end()) out.stored[relation.oid].push_back({column.attnum, stored});
    }
    std::erase_if(relation.columns, [&](const auto& column) {
      return column.generated == Generated::Stored && indexes.contains(column.name);
    });
    // Keys are over the index then, and no key that anybody can name.
    std::erase_if(relation.keys, [&](const auto& key) {
      return std::ranges::any_of(key.columns, [&](auto attnum) { return relation.column(attnum) == nullptr; });
    });
  }
  for (const auto& column : columns) {
    const auto& type = *known(column.type);
    if (std::ranges::any_of(contents.types, [&](const auto& one) { return one.oid == type.oid; })) continue;
    CatalogType made;
    made.oid = type.oid;
    made.schema = "pg_catalog";
    made.name = type.name;
    made.category = type.category;
    made.length = type.length;
    made.collation = type.collation;
    contents.types.push_back(std::move(made));
  }
  BZ_TRY(out.catalog, Catalog::make(std::move(contents)));
  return out;
}

}  // namespace bartizan::sql
