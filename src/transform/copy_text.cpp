#include <algorithm>
#include <array>
#include <utility>

#include "codecs.hpp"
#include "copy_rows.hpp"

namespace bartizan::transform {
namespace {

constexpr std::string_view kEndMarker = "\\.";
/// What CopyAttributeOutText writes for control characters, and what is read for them.
constexpr std::string_view kControls = "\b\f\n\r\t\v", kControlLetters = "bfnrtv";

class CopyText final : public CopyRows {
 public:
  CopyText(const CopyOptions& options, CopyFields& fields)
      : delimiter_(options.delimiter), null_text_(options.null_text), header_(options.header), fields_(fields) {
    for (const char c : kControls) escaped_on_output_[static_cast<unsigned char>(c)] = true;
    for (const char c : {'\\', delimiter_}) escaped_on_output_[static_cast<unsigned char>(c)] = true;
  }

  Result<std::optional<std::size_t>> find_row(ByteView data) override {
    const auto text = as_chars(data);
    auto newline = text.find('\n', scanned_);
    while (scanned_ < text.size()) {
      if (escaped_) {
        escaped_ = false;  // a backslash takes whatever follows along, a newline too
        if (scanned_++ == newline) newline = text.find('\n', scanned_);
        continue;
      }
      const auto line = text.substr(0, newline);  // all of it where there is none
      const auto backslash = line.find('\\', scanned_);
      if (backslash == std::string_view::npos) {
        scanned_ = line.size();
        if (newline == std::string_view::npos) break;
        return std::exchange(scanned_, 0) + 1;
      }
      escaped_ = true;
      scanned_ = backslash + 1;
    }
    return std::nullopt;
  }

  Result<void> write_row(ByteView row, Bytes& out) override { return write_line(split_terminator(row), out); }

  Result<void> write_rest(ByteView rest, Bytes& out) override {
    if (escaped_) return bad_copy_data("it ends after a backslash");
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
    BZ_CHECK(write_fields(line.text, out));
    append_chars(out, line.terminator);
    return {};
  }

  Result<void> take_keys(std::string_view text) {
    fields_.keys().begin_row();
    std::size_t from = 0;
    for (std::size_t index = 0;; ++index) {
      BZ_TRY(const auto end, end_of_field(text, from));
      const auto raw = text.substr(from, end - from);
      if (fields_.keys().wants(index) && raw != null_text_) {
        Bytes& value = unescaped_.use(raw.size());
        unescape(raw, value);
        fields_.keys().take(index, value);
        unescaped_.clear();
      }
      if (end == text.size()) return {};
      from = end + 1;
    }
  }

  Result<void> write_fields(std::string_view text, Bytes& out) {
    if (fields_.keys().wanted()) BZ_CHECK(take_keys(text));
    std::size_t index = 0;
    for (std::size_t from = 0;; ++index) {
      BZ_TRY(const auto end, end_of_field(text, from));
      if (index >= fields_.column_count()) return bad_copy_data("a row has too many columns");
      BZ_CHECK(write_field(index, text.substr(from, end - from), out));
      if (end == text.size()) break;
      append_chars(out, text.substr(end, 1));
      from = end + 1;
    }
    return index + 1 == fields_.column_count() ? Result<void>() : bad_copy_data("a row has too few columns");
  }

  Result<std::size_t> end_of_field(std::string_view text, std::size_t at) const {
    auto end = std::min(text.find(delimiter_, at), text.size());
    for (;;) {
      if (at > end) end = std::min(text.find(delimiter_, at), text.size());
      const auto field = text.substr(0, end);
      const auto backslash = field.find('\\', at);
      if (field.substr(0, backslash).find('\r', at) != std::string_view::npos)
        return bad_copy_data("a carriage return stands in a row");
      if (backslash == std::string_view::npos) return end;
      at = backslash + 1;  // it takes along what follows, a delimiter too
      if (at >= text.size()) return bad_copy_data("a row ends after a backslash");
      if (text[at] == '.') return bad_copy_data("an end-of-data marker stands in a row");
      ++at;
    }
  }

  Result<void> write_field(std::size_t index, std::string_view raw, Bytes& out) {
    const CopyOp* const op = fields_.op_of(index);
    if (op == nullptr || raw == null_text_) {
      append_chars(out, raw);
      return {};
    }
    Bytes& value = unescaped_.use(raw.size());
    unescape(raw, value);
    const auto made = fields_.replace(*op, WireFormat::Text, value);
    unescaped_.clear();
    if (!made) return tl::unexpected(made.error());
    if (*made && fields_.direction() == CopyDirection::In && op->column->holds_tokens() &&
        as_chars(**made) == null_text_)
      return bad_copy_data("a token is what stands for NULL: write NULL otherwise");
    if (*made && fields_.direction() == CopyDirection::In && !op->column->holds_tokens())
      append_hex(as_chars(**made), out);
    else if (*made)
      escape(as_chars(**made), out);
    else
      append_chars(out, null_text_);
    return {};
  }

  static void unescape(std::string_view raw, Bytes& out) {
    if (raw.find('\\') == std::string_view::npos) return append_chars(out, raw);
    for (std::size_t at = 0; at < raw.size(); ++at) {
      const auto backslash = std::min(raw.find('\\', at), raw.size());
      append_chars(out, raw.substr(at, backslash - at));
      if (backslash == raw.size()) return;
      at = backslash + 1;
      char c = raw[at];  // end_of_field() saw that it is there
      if (const auto letter = kControlLetters.find(c); letter != std::string_view::npos)
        c = kControls[letter];
      else if (c >= '0' && c <= '7')
        c = take_octal(raw, at);
      else if (c == 'x')
        c = take_hex(raw, at);
      out.push_back(static_cast<std::byte>(c));
    }
  }
  /// at is on the first digit, and left on the last: one to three.
  static char take_octal(std::string_view raw, std::size_t& at) noexcept {
    int value = raw[at] - '0';
    for (int more = 0; more < 2 && at + 1 < raw.size() && raw[at + 1] >= '0' && raw[at + 1] <= '7'; ++more)
      value = value * 8 + (raw[++at] - '0');
    return static_cast<char>(value & 0xff);
  }
  /// at is on the x, and left on the last digit: none (then it is an x), one or two.
  static char take_hex(std::string_view raw, std::size_t& at) noexcept {
    int value = -1;
    for (int more = 0; more < 2 && at + 1 < raw.size() && hex_value(raw[at + 1]) >= 0; ++more)
      value = std::max(value, 0) * 16 + hex_value(raw[++at]);
    return value < 0 ? 'x' : static_cast<char>(value);
  }

  /// A cell as bytea's text: one backslash, in front, and nothing else that would be escaped.
  static void append_hex(std::string_view cell, Bytes& out) {
    out.push_back(std::byte{'\\'});
    append_chars(out, cell);
  }

  void escape(std::string_view value, Bytes& out) const {
    std::size_t from = 0;
    for (std::size_t at = 0; at < value.size(); ++at) {
      if (!escaped_on_output_[static_cast<unsigned char>(value[at])]) continue;
      append_chars(out, value.substr(from, at - from));
      const auto control = kControls.find(value[at]);
      out.push_back(std::byte{'\\'});
      out.push_back(static_cast<std::byte>(control == std::string_view::npos ? value[at] : kControlLetters[control]));
      from = at + 1;
    }
    append_chars(out, value.substr(from));
  }

  char delimiter_;
  std::string null_text_;
  bool header_;
  CopyFields& fields_;
  std::size_t scanned_ = 0;
  bool escaped_ = false;
  std::array<bool, 256> escaped_on_output_{};
  WipedBytes unescaped_;
};

}  // namespace

std::unique_ptr<CopyRows> make_copy_text(const CopyOptions& options, CopyFields& fields) {
  return std::make_unique<CopyText>(options, fields);
}

}  // namespace bartizan::transform
