#include "bartizan/wall/names.hpp"

#include <span>

#include "bartizan/base/bytes.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::wall {
namespace {

// What hangs together by these hashes changes when the compiler's output for the same input does.
constexpr std::string_view kGeneration = "bartizan wall 1";
constexpr std::size_t kDepotBytes = 4;
constexpr std::size_t kNameBytes = 8;
constexpr std::size_t kViewBytes = 12;

std::string head_hex(const crypto::Digest256& digest, std::size_t bytes) {
  return hex_encode(std::span(digest).first(bytes));
}

// Lengths and zero bytes stand between the parts, so that no two shapes have one text.
void append(std::string& text, std::string_view part) {
  text += std::to_string(part.size());
  text += ':';
  text += part;
}
void append(std::string& text, std::int64_t number) {
  text += std::to_string(number);
  text += '\0';
}

std::string shape_hash(std::string_view owner, const policy::TableOutcome& table,
                       const sql::CatalogRelation& relation) {
  std::string text(kGeneration);
  append(text, owner);  // of its depot, its filters and their attributes' types
  append(text, relation.schema);
  append(text, relation.name);
  append(text, static_cast<std::int64_t>(relation.oid));
  append(text, static_cast<std::int64_t>(relation.kind));
  for (const auto& column : relation.columns) {
    append(text, column.name);
    append(text, static_cast<std::int64_t>(column.attnum));
    append(text, static_cast<std::int64_t>(column.type));
    append(text, static_cast<std::int64_t>(column.typmod));
    append(text, column.default_expression);
  }
  const auto outcome = policy::content_hash(table);
  return head_hex(crypto::sha256_concat({outcome, as_bytes(text)}), kViewBytes);
}

}  // namespace

Names Names::for_depot(std::string_view depot) {
  const auto digest = crypto::sha256_concat({as_bytes(kGeneration), as_bytes(depot)});
  return Names("bz_" + head_hex(digest, kDepotBytes) + "_");
}

std::string Names::class_role(policy::ClassId id) const {
  std::array<std::byte, kNameBytes> bytes{};
  store_be32(bytes.data(), static_cast<std::uint32_t>(id.get() >> 32));
  store_be32(bytes.data() + 4, static_cast<std::uint32_t>(id.get() & 0xffffffff));
  return prefix_ + "c_" + hex_encode(bytes);
}

std::string Names::view_owner(const std::vector<policy::FilterTemplate>& filters,
                              const std::vector<policy::ContextAttribute>& context) const {
  if (filters.empty()) return prefix_ + "f_none";
  std::string text(kGeneration);
  for (const auto& filter : filters) {
    append(text, as_chars(policy::content_hash(filter)));
    for (const auto& slot : filter.slots)
      for (const auto& attribute : context)
        if (attribute.name == slot.attribute) append(text, policy::to_string(attribute.type));
  }
  return prefix_ + "f_" + head_hex(crypto::sha256(as_bytes(text)), kNameBytes);
}

sql::ViewName Names::view(const policy::TableOutcome& table, const sql::CatalogRelation& relation,
                          const std::vector<policy::ContextAttribute>& context) const {
  return {std::string(kViewSchema), "v_" + shape_hash(view_owner(table.filters, context), table, relation)};
}

sql::ViewName Names::write_view(const policy::TableOutcome& table, const sql::CatalogRelation& relation,
                                const std::vector<policy::ContextAttribute>& context) const {
  return {std::string(kViewSchema), "w_" + shape_hash(view_owner(table.filters, context), table, relation)};
}

}  // namespace bartizan::wall
