#include <utility>

#include "copy_rows.hpp"

namespace bartizan::transform {
namespace {

constexpr std::string_view kEndMarker = "\\.";

class CopyCsv final : public CopyRows {
 public:
  CopyCsv(const CopyOptions& options, CopyFields& fields) : options_(options), fields_(fields) {}

  /// CopyReadLineText: which newlines stand inside quotes.
  Result<std::optional<std::size_t>> find_row(ByteView data) override {
    const auto text = as_chars(data);
    for (; scanned_ < text.size(); ++scanned_) {
      const char c = text[scanned_];
      if (in_quotes_ && distinct_escape() && c == options_.escape) after_escape_ = !after_escape_;
      if (c == options_.quote && !after_escape_) in_quotes_ = !in_quotes_;
      if (!distinct_escape() || c != options_.escape) after_escape_ = false;
      if (c == '\n' && !in_quotes_) return std::exchange(scanned_, 0) + 1;
    }
    return std::nullopt;
  }

  Result<void> write_row(ByteView row, Bytes& out) override { return write_line(split_terminator(row), out); }

  Result<void> write_rest(ByteView rest, Bytes& out) override {
    if (in_quotes_) return bad_copy_data("a quoted value has no end");
    // A newline in it is data, or it would be a row.
    return rest.empty() ? Result<void>() : write_line({as_chars(rest), {}}, out);
  }

 private:
  Result<void> write_line(const CopyLine& line, Bytes& out) {
    const bool marker = line.text == kEndMarker && !header_;
    if (std::exchange(header_, false) || marker) {
      ended_ = marker;
      append_chars(out, line.text);
      append_chars(out, line.terminator);
      return {};
    }
    // Servers up to 16 end the data at such a line even inside quotes.
    if (fields_.direction() == CopyDirection::In && line.text.find("\n\\.") != std::string_view::npos)
      return bad_copy_data("an end-of-data marker stands in a quoted value");
    BZ_CHECK(write_fields(line.text, out));
    append_chars(out, line.terminator);
    return {};
  }

  [[nodiscard]] bool distinct_escape() const noexcept { return options_.escape != options_.quote; }

  Result<void> take_keys(std::string_view text) {
    fields_.keys().begin_row();
    std::size_t from = 0;
    for (std::size_t index = 0;; ++index) {
      bool quoted = false;
      BZ_TRY(const auto end, read_field(text, from, quoted));
      const bool null = !quoted && text.substr(from, end - from) == options_.null_text;
      if (fields_.keys().wants(index) && !null) fields_.keys().take(index, value_.view());
      if (end == text.size()) return {};
      from = end + 1;
    }
  }

  Result<void> write_fields(std::string_view text, Bytes& out) {
    if (fields_.keys().wanted()) BZ_CHECK(take_keys(text));
    std::size_t index = 0;
    for (std::size_t from = 0;; ++index) {
      bool quoted = false;
      BZ_TRY(const auto end, read_field(text, from, quoted));
      if (index >= fields_.column_count()) return bad_copy_data("a row has too many columns");
      BZ_CHECK(write_field(index, text.substr(from, end - from), quoted, out));
      if (end == text.size()) break;
      append_chars(out, text.substr(end, 1));
      from = end + 1;
    }
    value_.clear();
    return index + 1 == fields_.column_count() ? Result<void>() : bad_copy_data("a row has too few columns");
  }

  /// CopyReadAttributesCSV: fills value_ and returns where the field ends.
  Result<std::size_t> read_field(std::string_view text, std::size_t from, bool& quoted) {
    Bytes& value = value_.use(text.size() - from);
    bool inside = false;
    std::size_t at = from;
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (!inside) {
        if (c == options_.delimiter) break;
        if (c == '\r' || c == '\n') return bad_copy_data("a newline stands in an unquoted value");
        if (c == options_.quote) {
          quoted = inside = true;
          continue;
        }
      } else if (c == options_.escape && at + 1 < text.size() &&
                 (text[at + 1] == options_.escape || text[at + 1] == options_.quote)) {
        value.push_back(static_cast<std::byte>(text[++at]));
        continue;
      } else if (c == options_.quote) {
        inside = false;
        continue;
      }
      value.push_back(static_cast<std::byte>(c));
    }
    if (inside) return bad_copy_data("a quoted value has no end");
    return at;
  }

  Result<void> write_field(std::size_t index, std::string_view raw, bool quoted, Bytes& out) {
    const CopyOp* const op = fields_.op_of(index);
    if (op == nullptr || (!quoted && raw == options_.null_text)) {
      append_chars(out, raw);
      return {};
    }
    BZ_TRY(const auto made, fields_.replace(*op, WireFormat::Text, value_.view()));
    if (made)
      write_value(as_chars(*made), out);
    else
      append_chars(out, options_.null_text);
    return {};
  }

  /// CopyAttributeOutCSV.
  void write_value(std::string_view value, Bytes& out) const {
    const char special[] = {options_.delimiter, options_.quote, '\n', '\r'};
    const bool quote = value == options_.null_text || (fields_.column_count() == 1 && value == kEndMarker) ||
                       value.find_first_of(std::string_view(special, sizeof special)) != std::string_view::npos;
    if (!quote) return append_chars(out, value);
    out.push_back(static_cast<std::byte>(options_.quote));
    for (const char c : value) {
      if (c == options_.quote || c == options_.escape) out.push_back(static_cast<std::byte>(options_.escape));
      out.push_back(static_cast<std::byte>(c));
    }
    out.push_back(static_cast<std::byte>(options_.quote));
  }

  CopyOptions options_;
  bool header_ = options_.header;
  CopyFields& fields_;
  std::size_t scanned_ = 0;
  bool in_quotes_ = false;
  bool after_escape_ = false;
  WipedBytes value_;
};

}  // namespace

std::unique_ptr<CopyRows> make_copy_csv(const CopyOptions& options, CopyFields& fields) {
  return std::make_unique<CopyCsv>(options, fields);
}

}  // namespace bartizan::transform
