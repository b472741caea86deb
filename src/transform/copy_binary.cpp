#include "copy_rows.hpp"

namespace bartizan::transform {
namespace {

constexpr std::string_view kSignature{"PGCOPY\n\377\r\n\0", 11};
constexpr std::uint16_t kTrailer = 0xFFFF;
constexpr std::uint32_t kNull = 0xFFFFFFFF;
constexpr std::uint32_t kMostField = 0x3FFFFFFF;

void append_be32(Bytes& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  store_be32(out.data() + out.size() - 4, value);
}
void append_bytes(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

/// The header and the trailer count as rows of their own kind.
class CopyBinary final : public CopyRows {
 public:
  explicit CopyBinary(CopyFields& fields) : fields_(fields) {}

  Result<std::optional<std::size_t>> find_row(ByteView data) override {
    if (trailer_seen_)
      return data.empty() ? Result<std::optional<std::size_t>>(std::nullopt)
                          : bad_copy_data("something follows the trailer");
    return header_seen_ ? find_tuple(data) : find_header(data);
  }

  Result<void> write_row(ByteView row, Bytes& out) override {
    if (!header_seen_) {
      header_seen_ = true;
      append_bytes(out, row);
      return {};
    }
    ByteReaderView in(row);
    if (in.be16() == kTrailer) {
      trailer_seen_ = true;
      append_bytes(out, row);
      return {};
    }
    if (fields_.keys().wanted()) take_keys(in);
    append_bytes(out, row.first(2));
    for (std::size_t index = 0; !in.at_end(); ++index) {
      const auto length = *in.be32();
      const CopyOp* const op = fields_.op_of(index);
      if (length == kNull) {
        append_be32(out, kNull);
        continue;
      }
      ByteView field = *in.bytes(length);
      if (op != nullptr) {
        BZ_TRY(const auto made, fields_.replace(*op, WireFormat::Binary, field));
        if (!made) {
          append_be32(out, kNull);
          continue;
        }
        field = *made;
      }
      append_be32(out, static_cast<std::uint32_t>(field.size()));
      append_bytes(out, field);
    }
    return {};
  }

  /// in: by value, it stands behind the row's number of columns; find_row() has seen that all is there.
  void take_keys(ByteReaderView in) {
    fields_.keys().begin_row();
    for (std::size_t index = 0; !in.at_end(); ++index) {
      const auto length = *in.be32();
      if (length == kNull) continue;
      const ByteView field = *in.bytes(length);
      if (fields_.keys().wants(index)) fields_.keys().take(index, field);
    }
  }

  Result<void> write_rest(ByteView rest, Bytes&) override {
    if (rest.empty() && header_seen_ && trailer_seen_) return {};
    return bad_copy_data("it is cut short");
  }

 private:
  static Result<std::optional<std::size_t>> find_header(ByteView data) {
    ByteReaderView in(data);
    const auto signature = in.bytes(kSignature.size());
    if (!signature) return std::nullopt;
    if (as_chars(*signature) != kSignature) return bad_copy_data("it does not begin as binary data do");
    const auto flags = in.be32();
    const auto extension = in.be32();
    if (!extension) return std::nullopt;
    if (*flags != 0 || *extension != 0) return bad_copy_data("its header has flags or an extension");
    return in.position();
  }

  Result<std::optional<std::size_t>> find_tuple(ByteView data) const {
    ByteReaderView in(data);
    const auto count = in.be16();
    if (!count) return std::nullopt;
    if (*count == kTrailer) return in.position();
    if (*count != fields_.column_count()) return bad_copy_data("a row has another number of columns");
    for (std::size_t i = 0; i < *count; ++i) {
      const auto length = in.be32();
      if (!length) return std::nullopt;
      if (*length == kNull) continue;
      if (*length > kMostField) return bad_copy_data("a field's length is not possible");
      if (!in.bytes(*length)) return std::nullopt;
    }
    return in.position();
  }

  CopyFields& fields_;
  bool header_seen_ = false;
  bool trailer_seen_ = false;
};

}  // namespace

std::unique_ptr<CopyRows> make_copy_binary(CopyFields& fields) { return std::make_unique<CopyBinary>(fields); }

}  // namespace bartizan::transform
