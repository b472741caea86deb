// One encrypted column as a session sees it: fields in a wire format on one side, cells on the
// other. Everything else here (Bind, DataRow, COPY) is a loop around these operations.
#pragma once

#include <memory>
#include <optional>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/transform/column_cipher.hpp"
#include "bartizan/transform/format_tokens.hpp"
#include "bartizan/transform/value.hpp"
#include "bartizan/transform/value_mask.hpp"
#include "bartizan/transform/vault_tokens.hpp"

namespace bartizan::transform {

/// Not thread-safe. Its scratch holds plaintext during a call and is wiped before it returns.
/// SQL NULL never comes here: it stays NULL.
class EncryptedColumn {
 public:
  /// typmod: of the logical column, as applications see it.
  EncryptedColumn(ColumnCipher cipher, std::int32_t typmod) : cipher_(std::move(cipher)), typmod_(typmod) {}
  /// For who sees the column masked: show() takes cut cells and gives what the mask makes of them. Nothing
  /// is encrypted or indexed by it.
  EncryptedColumn(ColumnCipher cipher, std::int32_t typmod, std::unique_ptr<ValueMask> mask)
      : cipher_(std::move(cipher)), typmod_(typmod), mask_(std::move(mask)) {}

  /// The column holds tokens in place of cells: encrypt() gives the token of a field, and show() and decrypt() take
  /// one. Both in the field's own format.
  EncryptedColumn(ColumnCipher cipher, std::int32_t typmod, FormatTokens tokens)
      : cipher_(std::move(cipher)), typmod_(typmod), tokens_(std::move(tokens)) {}
  /// The same with tokens of the vault: encrypt() gives the text of an entry, show() and decrypt() take its cell's.
  EncryptedColumn(ColumnCipher cipher, std::int32_t typmod, VaultTokens vault)
      : cipher_(std::move(cipher)), typmod_(typmod), vault_(std::move(vault)) {}
  [[nodiscard]] bool holds_tokens() const noexcept { return tokens_.has_value() || vault_.has_value(); }
  /// Appends what a field is compared with. A value that the column can't hold has a token that no row has.
  [[nodiscard]] Result<void> compared_token(WireFormat format, ByteView field, const ValueSettings& settings,
                                            BoundedBytes& out);

  [[nodiscard]] const CellPlace& place() const noexcept { return cipher_.place(); }
  [[nodiscard]] std::int32_t typmod() const noexcept { return typmod_; }
  [[nodiscard]] bool searchable() const noexcept { return cipher_.searchable(); }
  [[nodiscard]] const keys::SubjectTree* subjects() const noexcept { return cipher_.subjects(); }

  /// Appends the cell of a field that is to be stored. row: null unless row-bound.
  [[nodiscard]] Result<void> encrypt(WireFormat format, ByteView field, const ValueSettings& settings,
                                     const RowDigest* row, Random& random, BoundedBytes& out);
  /// Appends the field that PostgreSQL would have sent.
  [[nodiscard]] Result<void> decrypt(ByteView cell, const RowDigest* row, WireFormat format,
                                     const ValueSettings& settings, BoundedBytes& out);
  /// What a reader of the column is shown: the value, or what its mask makes of it. False: that is NULL, as are the
  /// cells of a subject whose keys were destroyed (of which decrypt() says NotFound).
  [[nodiscard]] Result<bool> show(ByteView cell, const RowDigest* row, WireFormat format, const ValueSettings& settings,
                                  BoundedBytes& out);
  /// Appends the blind index of a field that is compared: for `substr(column, 9, 16) = $1`.
  [[nodiscard]] Result<void> blind_index(WireFormat format, ByteView field, const ValueSettings& settings,
                                         BoundedBytes& out);
  /// Appends a bytea[] in binary of the field's index under each key: for `= ANY ($1)`.
  [[nodiscard]] Result<void> blind_index_array(WireFormat format, ByteView field, const ValueSettings& settings,
                                               BoundedBytes& out);

 private:
  [[nodiscard]] Result<void> to_scratch(std::int32_t typmod, WireFormat format, ByteView field,
                                        const ValueSettings& settings);
  ColumnCipher cipher_;
  std::int32_t typmod_;
  std::unique_ptr<ValueMask> mask_;  ///< null: the value itself is shown
  std::optional<FormatTokens> tokens_;
  std::optional<VaultTokens> vault_;
  WipedBytes scratch_;
  WipedBytes masked_;
};

/// Appends a cell as bytea's text form, "\x" and hexadecimal digits.
void append_bytea_hex(ByteView bytes, BoundedBytes& out);
/// What stands for the column's value in a field that the server sent: the cell, or a token, which is the field.
[[nodiscard]] Result<ByteView> stored_in_field(const EncryptedColumn& column, WireFormat format, ByteView field,
                                               Bytes& room);
/// The cell in a field that the server sent: the field itself, or in room, which is used again and again.
/// Crypto (kCellDoesNotOpen) when text is not that form.
[[nodiscard]] Result<ByteView> cell_of_field(WireFormat format, ByteView field, Bytes& room);

}  // namespace bartizan::transform
