// The digests of rows in messages: of a row that is written, by the statement's constants and the Bind's
// parameters; of rows that come back, by the columns of their keys.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/sql/encryption_plan.hpp"
#include "bartizan/transform/row_key.hpp"

namespace bartizan::cells {

/// number: from 1. bind: null where no part of the key is a parameter. InvalidArgument: it is NULL, or no value
/// of its type.
[[nodiscard]] Result<transform::RowDigest> written_row(const std::vector<sql::WrittenRow>& rows, std::uint16_t number,
                                                       const pgwire::Bind* bind);

/// For COPY. Empty for a key that can't be one.
[[nodiscard]] std::vector<transform::RowKeyColumn> copied_key(const std::vector<sql::RowKeyOutput>& key);

/// One field of a DataRow.
struct ReadField {
  std::optional<ByteView> value;
  transform::WireFormat format = transform::WireFormat::Text;
};

/// The rows that one DataRow is made of; used again for the next one. Fields are views into it.
class ReadRows {
 public:
  /// cells: how many may ask for their digest.
  void begin(std::size_t cells) {
    fields_.clear();
    digests_.resize(cells);
    known_ = nullptr;
  }
  [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
  void add(const ReadField& field) { fields_.push_back(field); }
  /// Of the cell-th cell, which is field index: valid until begin(). Crypto, with kCellDoesNotOpen, whatever is
  /// wrong with the key; a NULL is bound to no row, and any digest will do.
  [[nodiscard]] Result<const transform::RowDigest*> digest(std::size_t cell, std::size_t index,
                                                           const std::vector<sql::RowKeyOutput>& key);

 private:
  std::vector<ReadField> fields_;
  std::vector<transform::RowDigest> digests_;
  std::vector<transform::RowKeyField> parts_;
  const std::vector<sql::RowKeyOutput>* known_ = nullptr;  ///< the key of last_: two cells of a row have one digest
  std::size_t last_ = 0;
};

}  // namespace bartizan::cells
