// The key fields of the row of COPY that is under way: a cell may stand before them, so that they are taken in a
// pass of their own. Private to this module.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "bartizan/transform/copy_transform.hpp"

namespace bartizan::transform {

class CopyKeys {
 public:
  explicit CopyKeys(std::span<const CopyOp> ops) {
    for (const auto& op : ops)
      for (const auto& part : op.key) fields_.try_emplace(part.index);
  }
  /// Whether rows have to be looked at for their keys at all.
  [[nodiscard]] bool wanted() const noexcept { return !fields_.empty(); }
  [[nodiscard]] bool wants(std::size_t index) const noexcept {
    return fields_.contains(static_cast<std::uint16_t>(index));
  }
  void begin_row() noexcept {
    for (auto& [index, field] : fields_) field.reset();
  }
  /// REQUIRES: wants(index).
  void take(std::size_t index, ByteView value) {
    fields_.at(static_cast<std::uint16_t>(index)).emplace(value.begin(), value.end());
  }
  /// By which the row's cells are bound. Going out, whatever is wrong with a key is a cell that does not open.
  [[nodiscard]] Result<RowDigest> digest(std::span<const RowKeyColumn> key, WireFormat format, bool in) const {
    std::vector<RowKeyField> parts;
    for (const auto& column : key) {
      const auto& field = fields_.at(column.index);
      parts.push_back({column.type, column.typmod, format, field ? std::optional(ByteView(*field)) : std::nullopt});
    }
    auto made = row_digest_of(parts);
    if (!made && !in) return fail(Errc::Crypto, kCellDoesNotOpen);
    return made;
  }

 private:
  std::map<std::uint16_t, std::optional<Bytes>> fields_;  // of a primary key: no secret
};

}  // namespace bartizan::transform
