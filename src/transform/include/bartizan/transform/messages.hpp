// Bind and DataRow with encrypted columns: the message is written anew with some of its fields
// exchanged. Every op must find its field; a message that does not fit its ops is refused whole,
// never relayed in part. On an error nothing stays in out.
#pragma once

#include <span>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/transform/encrypted_column.hpp"

namespace bartizan::transform {

enum class BindAction : std::uint8_t {
  Encrypt,          ///< the parameter becomes a cell
  BlindIndex,       ///< ... the blind index of its value
  BlindIndexArray,  ///< ... a bytea[] of them, one for each index key in use
};

/// One parameter, from 0. The client declared it as the column's logical type.
struct BindOp {
  std::uint16_t index = 0;
  BindAction action = BindAction::Encrypt;
  EncryptedColumn* column = nullptr;  ///< not null
  const RowDigest* row = nullptr;     ///< for Encrypt, where row-bound
};

/// Which columns of the result the server is to send in binary, because they are cells; the rest
/// as the client asked.
struct ResultFormats {
  std::uint16_t column_count = 0;
  std::span<const std::uint16_t> cells;  ///< ascending
};

/// Appends the whole Bind message, 'B' first. ops ascend by index, one for each parameter at most.
[[nodiscard]] Result<void> rewrite_bind(const pgwire::Bind& bind, std::span<const BindOp> ops,
                                        const ResultFormats& results, const ValueSettings& settings, Random& random,
                                        std::size_t max_field_bytes, Bytes& out);

/// One column of a row, from 0.
struct RowOp {
  std::uint16_t index = 0;
  EncryptedColumn* column = nullptr;              ///< not null
  WireFormat server_format = WireFormat::Binary;  ///< of the cell
  WireFormat client_format = WireFormat::Text;    ///< of the value
  const RowDigest* row = nullptr;
};

/// Appends the whole DataRow message, 'D' first. ops ascend by index. hidden: so many of the last columns the
/// client has not asked for, and they are left out; none of them has an op.
[[nodiscard]] Result<void> rewrite_data_row(const pgwire::DataRow& row, std::span<const RowOp> ops,
                                            const ValueSettings& settings, std::size_t max_field_bytes, Bytes& out,
                                            std::size_t hidden = 0);

}  // namespace bartizan::transform
