#include "bartizan/policy/outcome.hpp"

#include <algorithm>

#include "canonical_writer.hpp"

namespace bartizan::policy {
namespace {

void write(CanonicalWriter& out, const FilterTemplate& filter) {
  out.text(filter.text);
  out.count(filter.slots.size());
  for (const FilterSlot& slot : filter.slots) {
    out.count(slot.offset);
    out.count(slot.length);
    out.text(slot.attribute);
  }
}

struct WriteMask {
  CanonicalWriter& out;
  void operator()(const HashMask&) const {}
  void operator()(const BucketNumberMask& m) const { out.texts(m.bounds); }
  void operator()(const BucketDateMask& m) const { out.text(to_string(m.unit)); }
  void operator()(const RedactMask& m) const { out.text(m.replacement); }
  void operator()(const RandPatternMask& m) const { out.text(m.pattern); }
  void operator()(const RegexReplaceMask& m) const {
    out.text(m.pattern);
    out.text(m.replacement);
  }
  void operator()(const PassThroughMask&) const {}
  void operator()(const PartialMask& m) const {
    out.count(m.first);
    out.count(m.last);
    out.text(m.fill);
  }
  void operator()(const EmailMask& m) const {
    out.count(m.first);
    out.octet(m.keep_domain ? 1 : 0);
  }
  void operator()(const NullMask&) const {}
  void operator()(const ConstantMask& m) const { out.text(m.value); }
  void operator()(const JsonPathMask& m) const {
    out.count(m.edits.size());
    for (const JsonEdit& edit : m.edits) {
      out.texts(edit.path);
      out.text(to_string(edit.action));
      out.text(edit.replacement);
    }
  }
};

void write(CanonicalWriter& out, const ColumnOutcome& column) {
  out.text(column.name);
  out.octet(column.writes.bits());
  struct Visit {
    CanonicalWriter& out;
    void operator()(const Clear&) const { out.text("clear"); }
    void operator()(const Masked& masked) const {
      out.text("masked");
      out.text(mask_name(masked.mask));
      std::visit(WriteMask{out}, masked.mask);
    }
    void operator()(const Hidden&) const { out.text("hidden"); }
    void operator()(const WriteOnly&) const { out.text("write_only"); }
  };
  std::visit(Visit{out}, column.visibility);
}

void write(CanonicalWriter& out, const TableOutcome& table) {
  out.text(table.schema);
  out.text(table.name);
  out.octet(table.verbs.bits());
  out.count(table.columns.size());
  for (const ColumnOutcome& column : table.columns) write(out, column);
  out.count(table.filters.size());
  for (const FilterTemplate& filter : table.filters) write(out, filter);
  out.octet(table.aggregate_only ? 1 : 0);
  if (table.aggregate_only) {
    out.count(table.aggregate_only->k);
    out.text(table.aggregate_only->entity_column);
  }
}

template <class T>
crypto::Digest256 hash_of(const T& value) {
  return crypto::sha256(canonical_bytes(value));
}

}  // namespace

std::string_view to_string(AttributeType type) noexcept {
  switch (type) {
    case AttributeType::Text: return "text";
    case AttributeType::Bigint: return "bigint";
    case AttributeType::Numeric: return "numeric";
    case AttributeType::Boolean: return "boolean";
    case AttributeType::Uuid: return "uuid";
    case AttributeType::Date: return "date";
    case AttributeType::Timestamptz: return "timestamptz";
    case AttributeType::TextArray: return "text[]";
  }
  return "?";
}

std::string FilterTemplate::render(const std::function<std::string(std::string_view attribute)>& slot_sql) const {
  std::string out;
  std::size_t from = 0;
  for (const FilterSlot& slot : slots) {
    BZ_ASSERT(slot.offset >= from && slot.offset <= text.size() && slot.length <= text.size() - slot.offset);
    out.append(text, from, slot.offset - from);
    out += slot_sql(slot.attribute);
    from = slot.offset + slot.length;
  }
  return out.append(text, from);
}

const ColumnOutcome* TableOutcome::find(std::string_view column) const noexcept {
  const auto found = std::ranges::find(columns, column, &ColumnOutcome::name);
  return found == columns.end() ? nullptr : &*found;
}

const TableOutcome* ClassOutcome::find(std::string_view schema, std::string_view table) const noexcept {
  const auto before = [](const TableOutcome& t, const std::pair<std::string_view, std::string_view>& key) {
    return std::pair<std::string_view, std::string_view>(t.schema, t.name) < key;
  };
  const auto found = std::lower_bound(tables.begin(), tables.end(), std::pair(schema, table), before);
  return found != tables.end() && found->schema == schema && found->name == table ? &*found : nullptr;
}

const ContextAttribute* ClassOutcome::find_attribute(std::string_view name) const noexcept {
  const auto found = std::ranges::find(context, name, &ContextAttribute::name);
  return found == context.end() ? nullptr : &*found;
}

Bytes canonical_bytes(const FilterTemplate& filter) {
  CanonicalWriter out("bartizan filter 1");
  write(out, filter);
  return std::move(out).bytes();
}

Bytes canonical_bytes(const TableOutcome& table) {
  CanonicalWriter out("bartizan table 1");
  write(out, table);
  return std::move(out).bytes();
}

Bytes canonical_bytes(const ClassOutcome& outcome) {
  CanonicalWriter out("bartizan class 1");
  out.text(outcome.depot);
  out.count(outcome.context.size());
  for (const ContextAttribute& attribute : outcome.context) {
    out.text(attribute.name);
    out.text(to_string(attribute.type));
  }
  out.count(outcome.tables.size());
  for (const TableOutcome& table : outcome.tables) write(out, table);
  return std::move(out).bytes();
}

crypto::Digest256 content_hash(const ClassOutcome& outcome) { return hash_of(outcome); }
crypto::Digest256 content_hash(const TableOutcome& table) { return hash_of(table); }
crypto::Digest256 content_hash(const FilterTemplate& filter) { return hash_of(filter); }

ClassId class_id(const ClassOutcome& outcome) {
  const crypto::Digest256 digest = content_hash(outcome);
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < sizeof id; ++i) id = (id << 8) | std::to_integer<std::uint64_t>(digest[i]);
  return ClassId(id == 0 ? 1 : id);
}

}  // namespace bartizan::policy
