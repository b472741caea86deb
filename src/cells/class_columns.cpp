#include "bartizan/cells/class_columns.hpp"

#include <algorithm>
#include <set>
#include <unordered_set>

namespace bartizan::cells {

namespace {

/// Oids of views are not known here, and need not be: these are nobody's.
constexpr sql::Oid kFirstOid = 0xF0000000;

struct Maker {
  const sql::EncryptedColumns& depot;
  const ClassFacts& of;
  sql::CatalogContents contents;
  std::vector<sql::EncryptedColumnSpec> specs;
  std::vector<MaskedColumn> masked;
  std::set<std::string> schemas;
  sql::Oid next = kFirstOid;

  [[nodiscard]] const sql::EncryptedColumnSpec* cell(sql::Oid relation, sql::AttrNumber attnum) const {
    const auto* const guarded = depot.guarded(relation);
    for (std::size_t i = 0; guarded != nullptr && i < guarded->columns.size(); ++i)
      if (guarded->relation->columns[i].attnum == attnum) return guarded->columns[i].cell;
    return nullptr;
  }

  /// Whether a view has a column as it is.
  static bool shows(const sql::ClassView& view, sql::AttrNumber attnum, bool bare) {
    return std::ranges::any_of(
        view.columns, [&](const auto& one) { return one.attnum == attnum && (bare || (one.readable && !one.masked)); });
  }

  /// bare: the view by which is written, which masks nothing.
  void add(const sql::CatalogRelation& base, const sql::ClassView& view, const sql::ViewName& name, bool bare) {
    sql::CatalogRelation made;
    made.oid = next++;
    made.schema = name.schema;
    made.name = name.name;
    std::vector<sql::CatalogColumn> indexes;
    for (const auto& column : view.columns) {
      const auto* const known = base.column(column.attnum);
      if (known == nullptr || (!bare && !column.readable)) continue;
      sql::CatalogColumn shown = *known;
      shown.has_default = false;
      shown.default_expression.clear();
      shown.generated = sql::Generated::No;
      shown.identity = sql::Identity::No;
      shown.owned_sequence = 0;
      made.columns.push_back(std::move(shown));
      const bool seen_masked = !bare && column.masked;
      const auto* const mask = seen_masked && of.masks != nullptr ? of.masks->find(base.oid, column.attnum) : nullptr;
      const auto* const spec = seen_masked && mask == nullptr ? nullptr : cell(base.oid, column.attnum);
      if (spec == nullptr) continue;
      sql::EncryptedColumnSpec ours = *spec;
      if (mask != nullptr) {
        ours.masked = true;
        ours.searchable = false;
        ours.number = kFirstMasked + static_cast<std::uint32_t>(masked.size());
        masked.push_back({spec->number, mask});
      }
      ours.column = {made.oid, column.attnum};
      for (auto& key : ours.row_key)
        if (!shows(view, key, bare)) key = 0;
      ours.index_column = 0;
      // The view has it for what the class sees in clear, behind all other columns.
      const auto* const index = column.readable && !column.masked && spec->index_column != 0
                                    ? stored_index(base.oid, spec->index_column)
                                    : nullptr;
      if (index != nullptr) {
        ours.index_column = index->attnum;
        indexes.push_back(*index);
      }
      specs.push_back(ours);
    }
    std::ranges::move(indexes, std::back_inserter(made.columns));
    schemas.insert(made.schema);
    contents.relations.push_back(std::move(made));
  }

  /// By the depot's own catalog: the class's has it not.
  [[nodiscard]] const sql::CatalogColumn* stored_index(sql::Oid relation, sql::AttrNumber attnum) const {
    const auto* const stored = depot.catalog().relation(relation);
    return stored == nullptr ? nullptr : stored->column(attnum);
  }
};

}  // namespace

std::string ClassColumns::shown(std::string message) const {
  for (const auto& [view, relation] : names)
    for (auto at = message.find(view); at != std::string::npos; at = message.find(view, at + relation.size()))
      message.replace(at, view.size(), relation);
  return message;
}

Result<std::shared_ptr<const ClassColumns>> class_columns(const sql::EncryptedColumns& depot, const ClassFacts& of) {
  auto out = std::make_shared<ClassColumns>();
  Maker maker{depot, of, {}, {}, {}, {}, kFirstOid};
  const auto& known = of.catalog->contents();
  maker.contents.epoch = known.epoch;
  maker.contents.server_version = known.server_version;
  maker.contents.database = known.database;
  maker.contents.functions = known.functions;
  maker.contents.types = known.types;
  for (const auto& [oid, view] : of.views->relations) {
    const auto* const base = of.catalog->relation(oid);
    if (base == nullptr) return fail(Errc::Malformed, "a class has a view of what is not in its catalog");
    maker.add(*base, view, view.view, false);
    out->names.emplace_back(view.view.name, base->name);
    if (view.write_view.name.empty()) continue;
    maker.add(*base, view, view.write_view, true);
    out->names.emplace_back(view.write_view.name, base->name);
  }
  for (const auto& [shows, view] : of.views->catalog_views) {
    sql::CatalogRelation made;
    made.oid = maker.next++;
    made.schema = view.view.schema;
    made.name = view.view.name;
    for (const auto& name : view.columns) {
      sql::CatalogColumn column;
      column.name = name;
      column.attnum = static_cast<sql::AttrNumber>(made.columns.size() + 1);
      made.columns.push_back(std::move(column));
    }
    maker.schemas.insert(made.schema);
    maker.contents.relations.push_back(std::move(made));
  }
  for (const auto& schema : maker.schemas) maker.contents.schemas.push_back({maker.next++, schema});
  // A longer name first: one may begin another.
  std::ranges::sort(out->names, [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  // Layer 1 has let a class's functions through already.
  std::unordered_set<sql::Oid> functions;
  for (const auto& function : maker.contents.functions) functions.insert(function.oid);
  BZ_TRY(auto catalog, sql::Catalog::make(std::move(maker.contents)));
  BZ_TRY(out->columns, sql::EncryptedColumns::make(std::move(catalog), std::move(maker.specs), std::move(functions)));
  out->version = of.version;
  out->masks = of.masks;
  out->masked = std::move(maker.masked);
  return std::shared_ptr<const ClassColumns>(std::move(out));
}

}  // namespace bartizan::cells
