// COPY data with encrypted columns, in text, csv and binary format (PostgreSQL manual, COPY,
// "File Formats"), as a stream: rows may be cut anywhere between two feeds.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/transform/encrypted_column.hpp"
#include "bartizan/transform/row_key.hpp"

namespace bartizan::transform {

enum class CopyFormat : std::uint8_t { Text, Csv, Binary };
enum class CopyDirection : std::uint8_t {
  In,   ///< from the client: values become cells
  Out,  ///< to the client: cells become values
};

/// The options of the COPY statement, with PostgreSQL's defaults filled in by whoever parsed it.
struct CopyOptions {
  CopyFormat format = CopyFormat::Text;
  char delimiter = '\t';
  std::string null_text = "\\N";
  char quote = '"';   ///< csv
  char escape = '"';  ///< csv
  bool header = false;
};

struct CopyOp {
  std::uint16_t index = 0;            ///< of the column in the COPY's list, from 0
  EncryptedColumn* column = nullptr;  ///< not null
  /// Where row-bound: the key's columns, in its order, by their places in the same list.
  std::vector<RowKeyColumn> key = {};
};

/// Lifetime: one COPY. Not thread-safe. What it buffers (a row cut in two) is wiped.
/// After an error it is not used again: the COPY ends with CopyFail or the session.
class CopyTransform {
 public:
  struct Limits {
    std::size_t max_row_bytes = std::size_t{64} << 20;
    std::size_t max_field_bytes = std::size_t{16} << 20;
  };
  /// ops ascend by index. settings and random outlive it.
  /// InvalidArgument for options that PostgreSQL would refuse, Unsupported for row-bound ops without
  /// their key.
  [[nodiscard]] static Result<CopyTransform> make(CopyDirection direction, const CopyOptions& options,
                                                  std::uint16_t column_count, std::span<const CopyOp> ops,
                                                  const ValueSettings& settings, Random& random, const Limits& limits);
  CopyTransform(CopyTransform&&) noexcept;
  CopyTransform& operator=(CopyTransform&&) noexcept;
  ~CopyTransform();

  /// Appends the rows that data completes, each whole or not at all. Malformed when a row does not have column_count
  /// columns or is not well-formed.
  [[nodiscard]] Result<void> feed(ByteView data, Bytes& out);
  /// At CopyDone: a last row without its newline. Malformed when it is cut short.
  [[nodiscard]] Result<void> finish(Bytes& out);

 private:
  struct State;
  explicit CopyTransform(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::transform
