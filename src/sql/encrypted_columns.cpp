// From declared columns to everything that holds their cells.
#include <algorithm>
#include <map>
#include <set>

#include "bartizan/sql/encryption_plan.hpp"
#include "cell_binder.hpp"
#include "cell_types.hpp"
#include "encryption_scan.hpp"
#include "nesting.hpp"
#include "tree_messages.hpp"
#include "utf8.hpp"

namespace bartizan::sql {

namespace {

bool is_view(const CatalogRelation& relation) {
  return relation.kind == RelKind::View || relation.kind == RelKind::MaterializedView;
}

EncryptedColumns::Guarded unencrypted(const CatalogRelation& relation) {
  EncryptedColumns::Guarded guarded;
  guarded.relation = &relation;
  guarded.columns.resize(relation.columns.size());
  return guarded;
}

/// A key is of types with one canonical form (docs/formats/cell.md, "Row digest").
bool binding_holds(const EncryptedColumnSpec& spec, const CatalogRelation& relation) {
  return std::all_of(spec.row_key.begin(), spec.row_key.end(), [&](AttrNumber attnum) {
    if (attnum == 0) return true;
    const CatalogColumn* const column = relation.column(attnum);
    const CellType* const type = column == nullptr ? nullptr : cell_type(column->type);
    return type != nullptr && attnum != spec.column.attnum &&
           (type->family == CellFamily::Integer || type->family == CellFamily::Uuid ||
            type->family == CellFamily::Text || type->family == CellFamily::Bytea);
  });
}

struct View {
  const CatalogRelation* relation = nullptr;
  std::unique_ptr<ParseTree> tree;  // null: can't be parsed
  std::set<Oid> reads;
};

View parse_view(const CatalogRelation& relation, const RelationNames& names) {
  static constexpr std::size_t kMaxBytes = std::size_t{256} * 1024;
  View view;
  view.relation = &relation;
  std::string text = relation.view_definition;
  while (!text.empty() && (text.back() == ';' || text.back() == ' ' || text.back() == '\n')) text.pop_back();
  if (text.empty() || text.size() > kMaxBytes || !is_utf8(text) || text.find('\0') != std::string::npos ||
      nests_deeply(text, LexOptions{}, 1000)) {
    return view;
  }
  view.tree = std::make_unique<ParseTree>(text);
  if (view.tree->statement() == nullptr) {
    view.tree.reset();
    return view;
  }
  std::vector<const ProtobufCMessage*> stack{&view.tree->statement()->base};
  while (!stack.empty()) {
    const ProtobufCMessage& message = *stack.back();
    stack.pop_back();
    if (message.descriptor == &pg_query__range_var__descriptor) {
      const auto found = names.find(as_message<PgQuery__RangeVar>(message));
      if (found.relation != nullptr) view.reads.insert(found.relation->oid);
    }
    push_children(message, stack);
  }
  return view;
}

}  // namespace

const EncryptedColumns::Guarded* EncryptedColumns::guarded(Oid relation) const noexcept {
  const auto found = guarded_.find(relation);
  return found == guarded_.end() ? nullptr : &found->second;
}

const EncryptedColumnSpec* EncryptedColumns::find(ColumnId column) const noexcept {
  const auto found =
      std::find_if(specs_.begin(), specs_.end(), [&](const auto& spec) { return spec.column == column; });
  return found == specs_.end() ? nullptr : &*found;
}

const EncryptedColumnSpec* EncryptedColumns::find(std::uint32_t number) const noexcept {
  const auto found =
      std::find_if(specs_.begin(), specs_.end(), [&](const auto& spec) { return spec.number == number; });
  return found == specs_.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const EncryptedColumns>> EncryptedColumns::make(std::shared_ptr<const Catalog> catalog,
                                                                       std::vector<EncryptedColumnSpec> columns,
                                                                       std::unordered_set<Oid> reviewed) {
  auto made = std::shared_ptr<EncryptedColumns>(new EncryptedColumns());
  made->catalog_ = std::move(catalog);
  made->specs_ = std::move(columns);
  made->reviewed_ = std::move(reviewed);
  BZ_CHECK(made->declare());
  made->inherit();
  made->see_views();
  return std::shared_ptr<const EncryptedColumns>(std::move(made));
}

Result<void> EncryptedColumns::declare() {
  const auto bad = [](const char* what) { return fail(Errc::Malformed, what); };
  for (const EncryptedColumnSpec& spec : specs_) {
    const CatalogRelation* const relation = catalog_->relation(spec.column.relation);
    const CatalogColumn* const column = relation == nullptr ? nullptr : relation->column(spec.column.attnum);
    if (column == nullptr) return bad("encrypted column that the catalog has not");
    if (cell_type(spec.type.oid) == nullptr) return bad("encrypted column of a type that can't be encrypted");
    const bool table = relation->kind == RelKind::Table || relation->kind == RelKind::PartitionedTable;
    if (!table || spec.index_versions == 0)
      return bad("encrypted column of what is not a table, or with no index version");
    if (find(spec.column) != &spec) return bad("encrypted column twice");
    Guarded& guarded = guarded_.try_emplace(relation->oid, unencrypted(*relation)).first->second;
    const auto place = [&](AttrNumber attnum) {
      return static_cast<std::size_t>(relation->column(attnum) - relation->columns.data());
    };
    guarded.columns[place(spec.column.attnum)].cell = &spec;
    for (std::size_t i = 0; i < relation->columns.size(); ++i) {
      guarded.columns[i].row = 1;
      guarded.columns[i].attnum = relation->columns[i].attnum;
    }
    if (!binding_holds(spec, *relation)) return bad("row-bound column whose key can't bind it");
    if (!spec.row_key.empty() && (relation->has_children || !relation->parents.empty())) {
      guarded.unusable = "it has row-bound columns, and a parent or children";
    }
    if (spec.index_column != 0) {
      if (relation->column(spec.index_column) == nullptr || spec.index_column == spec.column.attnum ||
          !spec.searchable) {
        return bad("stored index that the catalog has not, or of a column without one");
      }
      guarded.columns[place(spec.index_column)].hidden = true;
      guarded.hides = true;
    }
    if (relation->has_rules) guarded.unusable = "it has rules, which can't be seen into";
  }
  return {};
}

// Partitions and children hold their parents' cells in columns of the same name.
void EncryptedColumns::inherit() {
  const auto& relations = catalog_->contents().relations;
  for (bool more = true; more;) {
    more = false;
    for (const CatalogRelation& child : relations) {
      for (const Oid parent_oid : child.parents) {
        const Guarded* const parent = guarded(parent_oid);
        if (parent == nullptr) continue;
        Guarded ours = guarded(child.oid) != nullptr ? *guarded(child.oid) : unencrypted(child);
        bool changed = false;
        for (std::size_t i = 0; i < parent->columns.size(); ++i) {
          const CatalogColumn* const column = child.column(parent->relation->columns[i].name);
          if (column == nullptr) continue;
          Column& mine = ours.columns[static_cast<std::size_t>(column - child.columns.data())];
          if (parent->columns[i].cell != nullptr && mine.cell == nullptr) {
            mine.cell = parent->columns[i].cell;
            changed = true;
            if (!mine.cell->row_key.empty()) ours.unusable = "its parent has row-bound columns";
          }
          if (parent->columns[i].hidden && !mine.hidden) {
            mine.hidden = ours.hides = true;
            changed = true;
          }
        }
        if (!changed) continue;
        guarded_.insert_or_assign(child.oid, std::move(ours));
        more = true;
      }
    }
  }
  // Through a parent that isn't encrypted, cells of a child would come and go as bytes.
  std::vector<std::pair<const CatalogRelation*, std::string>> unusable;
  for (const CatalogRelation& child : relations) {
    const Guarded* const ours = guarded(child.oid);
    if (ours == nullptr) continue;
    for (const Oid parent_oid : child.parents) {
      const CatalogRelation* const parent = catalog_->relation(parent_oid);
      const Guarded* const theirs = guarded(parent_oid);
      for (std::size_t i = 0; parent != nullptr && i < ours->columns.size(); ++i) {
        const CatalogColumn* const column = parent->column(child.columns[i].name);
        if (ours->columns[i].cell == nullptr || column == nullptr) continue;
        const auto place = static_cast<std::size_t>(column - parent->columns.data());
        if (theirs != nullptr && theirs->columns[place].cell != nullptr &&
            theirs->columns[place].cell->number == ours->columns[i].cell->number) {
          continue;
        }
        unusable.emplace_back(parent, "a column of its child \"" + child.name + "\" is encrypted, but not its own");
      }
    }
  }
  for (auto& [relation, why] : unusable) {
    guarded_.try_emplace(relation->oid, unencrypted(*relation)).first->second.unusable = std::move(why);
  }
}

// A view is read like a table if it gives cells out bare and asks nothing of them.
void EncryptedColumns::see_views() {
  const std::vector<std::string> no_path;
  const std::unordered_set<std::string> no_temporary;
  const NewTables no_new;
  const RelationNames names(*catalog_, no_path, no_temporary, no_new);
  std::map<Oid, View> waiting;
  for (const CatalogRelation& relation : catalog_->contents().relations) {
    if (is_view(relation)) waiting.emplace(relation.oid, parse_view(relation, names));
  }
  const auto see = [&](View& view) {
    Guarded seen = unencrypted(*view.relation);
    const auto store = [&](std::string why) {
      seen.unusable = std::move(why);
      guarded_.insert_or_assign(view.relation->oid, std::move(seen));
    };
    if (view.tree == nullptr) return store("its definition can't be read");
    const ScanResult scanned = scan(*view.tree->statement(), *this, names, false);
    if (!scanned.sqlstate.empty()) return store(scanned.message);
    if (!scanned.guarded) return;
    CellBinder binder(*this, names, view.tree->arena());
    if (!binder.query(*view.tree->mutable_statement())) return store(binder.refusal().message);
    const auto& output = binder.output().list;
    if (binder.edited() || !binder.parameters().empty() || !binder.literals().empty()) {
      return store("it compares encrypted columns");
    }
    if (!binder.output().known || output.size() != seen.columns.size()) return store("its columns are not known");
    for (std::size_t i = 0; i < output.size(); ++i) {
      seen.columns[i] = {binder.cell(output[i]), false, output[i].row, output[i].attnum};
    }
    guarded_.insert_or_assign(view.relation->oid, std::move(seen));
  };
  for (bool more = true; more;) {
    more = false;
    for (auto at = waiting.begin(); at != waiting.end();) {
      const bool ready = std::none_of(at->second.reads.begin(), at->second.reads.end(),
                                      [&](Oid oid) { return oid != at->first && waiting.contains(oid); });
      if (!ready) {
        ++at;
        continue;
      }
      see(at->second);
      at = waiting.erase(at);
      more = true;
    }
  }
  for (auto& [oid, view] : waiting) {
    view.tree.reset();
    see(view);
  }
}

}  // namespace bartizan::sql
