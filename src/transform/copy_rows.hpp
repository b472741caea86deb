// What the three formats of COPY have in common, private to this module: a format finds rows in
// a stream and writes them again with some of their fields exchanged.
#pragma once

#include <memory>
#include <optional>

#include "bartizan/transform/copy_transform.hpp"
#include "copy_keys.hpp"

namespace bartizan::transform {

/// The fields of a COPY and what is done with them. settings and random are the session's.
class CopyFields {
 public:
  CopyFields(CopyDirection direction, std::uint16_t column_count, std::span<const CopyOp> ops,
             const ValueSettings& settings, Random& random, std::size_t max_field_bytes)
      : direction_(direction),
        column_count_(column_count),
        ops_(ops.begin(), ops.end()),
        settings_(settings),
        random_(random),
        max_field_bytes_(max_field_bytes),
        keys_(ops) {}

  [[nodiscard]] CopyDirection direction() const noexcept { return direction_; }
  [[nodiscard]] std::size_t column_count() const noexcept { return column_count_; }
  /// Null where the column is not encrypted.
  [[nodiscard]] const CopyOp* op_of(std::size_t index) const noexcept;
  /// Of the row under way: filled before replace() is asked, where any column is row-bound.
  [[nodiscard]] CopyKeys& keys() noexcept { return keys_; }
  /// The field's replacement, in the same format: valid until the next call. Cells in text are
  /// bytea's hexadecimal form. nullopt: NULL, which only masks make of a value.
  [[nodiscard]] Result<std::optional<ByteView>> replace(const CopyOp& op, WireFormat format, ByteView field);
  /// Wipes what replace() made.
  void forget() noexcept { replacement_.clear(); }

 private:
  CopyDirection direction_;
  std::uint16_t column_count_;
  std::vector<CopyOp> ops_;
  const ValueSettings& settings_;
  Random& random_;
  std::size_t max_field_bytes_;
  CopyKeys keys_;
  WipedBytes replacement_;
  Bytes cell_;  // ciphertext: not wiped
};

class CopyRows {
 public:
  virtual ~CopyRows() = default;
  /// Goes on where it stopped: the size of the first row of data, terminator and all, or nullopt
  /// until more is there. What is handed in later begins with the same bytes.
  [[nodiscard]] virtual Result<std::optional<std::size_t>> find_row(ByteView data) = 0;
  /// Appends the row that find_row() found, transformed.
  [[nodiscard]] virtual Result<void> write_row(ByteView row, Bytes& out) = 0;
  /// What is left at the end of the stream; may be empty.
  [[nodiscard]] virtual Result<void> write_rest(ByteView rest, Bytes& out) = 0;
  /// After an end-of-data marker: nothing is read beyond it.
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 protected:
  bool ended_ = false;
};

[[nodiscard]] std::unique_ptr<CopyRows> make_copy_text(const CopyOptions& options, CopyFields& fields);
[[nodiscard]] std::unique_ptr<CopyRows> make_copy_csv(const CopyOptions& options, CopyFields& fields);
[[nodiscard]] std::unique_ptr<CopyRows> make_copy_binary(CopyFields& fields);

/// Malformed, without any part of the row.
[[nodiscard]] tl::unexpected<Error> bad_copy_data(std::string_view what);

/// A line without its terminator, and the terminator: "\n", "\r\n" or nothing.
struct CopyLine {
  std::string_view text;
  std::string_view terminator;
};
[[nodiscard]] CopyLine split_terminator(ByteView row) noexcept;
void append_chars(Bytes& out, std::string_view text);

}  // namespace bartizan::transform
