#include "bartizan/sql/catalog.hpp"

#include <algorithm>

namespace bartizan::sql {

namespace {

template <class Map, class Key>
auto find_in(const Map& map, const Key& key) noexcept -> typename Map::mapped_type {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

Result<void> check_columns(const CatalogRelation& relation) {
  AttrNumber last = 0;
  for (const CatalogColumn& column : relation.columns) {
    if (column.attnum <= last) return fail(Errc::Malformed, "columns of a relation are not in order of attnum");
    last = column.attnum;
  }
  for (const CatalogKey& key : relation.keys) {
    for (const AttrNumber attnum : key.columns) {
      if (relation.column(attnum) == nullptr) return fail(Errc::Malformed, "a key names a column that is not there");
    }
  }
  return {};
}

}  // namespace

const CatalogColumn* CatalogRelation::column(std::string_view column_name) const noexcept {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.name == column_name; });
  return found == columns.end() ? nullptr : &*found;
}

const CatalogColumn* CatalogRelation::column(AttrNumber number) const noexcept {
  const auto found = std::lower_bound(columns.begin(), columns.end(), number,
                                      [](const CatalogColumn& c, AttrNumber n) { return c.attnum < n; });
  return found == columns.end() || found->attnum != number ? nullptr : &*found;
}

const CatalogKey* CatalogRelation::primary_key() const noexcept {
  const auto found = std::find_if(keys.begin(), keys.end(), [](const auto& key) { return key.primary; });
  return found == keys.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const Catalog>> Catalog::make(CatalogContents contents) {
  // Not make_shared: the constructor is private.
  std::shared_ptr<Catalog> catalog(new Catalog(std::move(contents)));
  BZ_CHECK(catalog->index());
  BZ_CHECK(catalog->index_types_and_functions());
  return std::shared_ptr<const Catalog>(std::move(catalog));
}

Result<void> Catalog::index() {
  for (const CatalogSchema& schema : contents_.schemas) {
    if (!schemas_.emplace(schema.name, &schema).second) return fail(Errc::Malformed, "a schema is listed twice");
  }
  for (const CatalogRelation& relation : contents_.relations) {
    BZ_CHECK(check_columns(relation));
    if (relation.oid == 0 || !relations_.emplace(relation.oid, &relation).second ||
        !relations_by_name_.emplace(QualifiedName{relation.schema, relation.name}, &relation).second) {
      return fail(Errc::Malformed, "a relation without an oid of its own or with another's name");
    }
  }
  return {};
}

Result<void> Catalog::index_types_and_functions() {
  for (const CatalogType& type : contents_.types) {
    if (type.oid == 0 || !types_.emplace(type.oid, &type).second ||
        !types_by_name_.emplace(QualifiedName{type.schema, type.name}, &type).second) {
      return fail(Errc::Malformed, "a type without an oid of its own or with another's name");
    }
  }
  for (const CatalogFunction& function : contents_.functions) {
    if (function.oid == 0 || !functions_.emplace(function.oid, &function).second) {
      return fail(Errc::Malformed, "a function without an oid of its own");
    }
    functions_by_name_.emplace(QualifiedName{function.schema, function.name}, &function);
  }
  return {};
}

bool Catalog::has_schema(std::string_view name) const noexcept { return schemas_.contains(name); }

const CatalogRelation* Catalog::relation(Oid oid) const noexcept { return find_in(relations_, oid); }

const CatalogRelation* Catalog::relation(std::string_view schema, std::string_view name) const noexcept {
  return find_in(relations_by_name_, QualifiedName{schema, name});
}

const CatalogType* Catalog::type(Oid oid) const noexcept { return find_in(types_, oid); }

const CatalogType* Catalog::type(std::string_view schema, std::string_view name) const noexcept {
  return find_in(types_by_name_, QualifiedName{schema, name});
}

const CatalogFunction* Catalog::function(Oid oid) const noexcept { return find_in(functions_, oid); }

std::vector<const CatalogFunction*> Catalog::functions(std::string_view schema, std::string_view name) const {
  std::vector<const CatalogFunction*> overloads;
  const auto [begin, end] = functions_by_name_.equal_range(QualifiedName{schema, name});
  for (auto it = begin; it != end; ++it) overloads.push_back(it->second);
  std::sort(overloads.begin(), overloads.end(), [](const auto* a, const auto* b) { return a->oid < b->oid; });
  return overloads;
}

}  // namespace bartizan::sql
