#include "bartizan/policy/cell_masks.hpp"

#include <variant>

namespace bartizan::policy {

bool needs_value(const Mask& mask) noexcept {
  return !std::holds_alternative<NullMask>(mask) && !std::holds_alternative<RedactMask>(mask) &&
         !std::holds_alternative<ConstantMask>(mask);
}

Result<void> check_gateway_mask(const Mask& mask) {
  if (std::holds_alternative<RegexReplaceMask>(mask))
    return fail(Errc::Unsupported,
                "regex_replace is not to be had over an encrypted column: use partial, email, hash, null, redact or "
                "constant, or let it pass through");
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
