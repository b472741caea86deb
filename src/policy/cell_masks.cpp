#include "bartizan/policy/cell_masks.hpp"

#include <variant>

#include "bartizan/policy/plain_regex.hpp"

namespace bartizan::policy {

bool needs_value(const Mask& mask) noexcept {
  return !std::holds_alternative<NullMask>(mask) && !std::holds_alternative<RedactMask>(mask) &&
         !std::holds_alternative<ConstantMask>(mask);
}

Result<void> check_gateway_mask(const Mask& mask) {
  const auto* const regex = std::get_if<RegexReplaceMask>(&mask);
  if (regex == nullptr) return {};
  if (auto made = PlainRegex::make(regex->pattern, regex->replacement); !made)
    return fail(Errc::Unsupported, "regex_replace has " + made.error().detail +
                                       ", which PostgreSQL alone understands: write it simpler, or use partial, email "
                                       "or hash");
  return {};
}

const Mask* CellMasks::find(sql::Oid relation, sql::AttrNumber column) const noexcept {
  const auto found = masks.find({relation, column});
  return found == masks.end() ? nullptr : &found->second;
}

std::map<std::pair<sql::Oid, sql::AttrNumber>, Mask> masks_over_values(const ClassOutcome& outcome,
                                                                       const sql::Catalog& catalog) {
  std::map<std::pair<sql::Oid, sql::AttrNumber>, Mask> out;
  for (const auto& table : outcome.tables) {
    const auto* const relation = catalog.relation(table.schema, table.name);
    if (relation == nullptr) continue;
    for (const auto& column : table.columns) {
      const auto* const masked = std::get_if<Masked>(&column.visibility);
      const auto* const known = relation->column(column.name);
      if (masked != nullptr && known != nullptr && needs_value(masked->mask))
        out.emplace(std::pair{relation->oid, known->attnum}, masked->mask);
    }
  }
  return out;
}

}  // namespace bartizan::policy
