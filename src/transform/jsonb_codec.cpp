// jsonb as text, the way PostgreSQL prints it: keys by length and then bytes, the last of equal
// ones kept, numbers as numeric, ", " and ": " between. So that equal documents have equal bytes,
// but for the scale of their numbers (jsonb_index_form).
#include <algorithm>
#include <vector>

#include "codecs.hpp"
#include "numeric.hpp"
#include "utf8.hpp"

namespace bartizan::transform {
namespace {

constexpr std::size_t kMaxDepth = 128;
constexpr std::byte kBinaryVersion{1};
/// JENTRY_OFFLENMASK: the longest string that a jsonb of PostgreSQL holds.
constexpr std::size_t kMaxString = 0x0FFFFFFF;

/// A member of an object: where its decoded key and its printed text stand.
struct Member {
  std::size_t key_at = 0;
  std::size_t key_size = 0;
  std::size_t text_at = 0;
  std::size_t text_size = 0;
};

/// RFC 8259, less what jsonb refuses (U+0000, lone surrogates). Prints while it reads.
class Canonicaliser {
 public:
  Canonicaliser(std::string_view text, BoundedBytes& out) : text_(text), printed_(out) {
    strings_.bytes().reserve(text.size());  // what is decoded is shorter: it never moves
  }

  Result<void> run() {
    BZ_CHECK(value(0));
    skip_space();
    return at_ == text_.size() ? Result<void>() : invalid();
  }

 private:
  static Result<void> invalid() { return invalid_input(ValueType::Jsonb); }

  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() noexcept {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) noexcept {
    skip_space();
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  Result<void> value(std::size_t depth) {
    if (depth > kMaxDepth) return unsupported_form(ValueType::Jsonb, "it is nested too deeply");
    if (printed_.overflowed()) return fail(Errc::TooLarge, "the value is longer than permitted");
    skip_space();
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return string_value();
      default: break;
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      if (at_ < text_.size() && (is_word(text_[at_]))) return invalid();
      printed_.append(word);
      return {};
    }
    return number();
  }
  static bool is_word(char c) noexcept {
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
  }

  Result<void> array(std::size_t depth) {
    ++at_;
    printed_.append('[');
    if (!take(']')) {
      do {
        BZ_CHECK(value(depth + 1));
        if (take(']')) break;
        if (!take(',')) return invalid();
        printed_.append(std::string_view(", "));
      } while (true);
    }
    printed_.append(']');
    return {};
  }

  Result<void> object(std::size_t depth) {
    ++at_;
    const auto strings_before = strings_.view().size();
    std::vector<Member> members;
    printed_.append('{');
    const auto start = printed_.size();
    if (!take('}')) {
      do {
        BZ_CHECK(member(depth, members));
        if (take('}')) break;
        if (!take(',')) return invalid();
      } while (true);
    }
    if (!printed_.overflowed()) arrange(start, members);
    strings_.shrink(strings_before);
    printed_.append('}');
    return {};
  }

  Result<void> member(std::size_t depth, std::vector<Member>& members) {
    Member made;
    made.key_at = strings_.view().size();
    skip_space();
    if (peek() != '"') return invalid();
    BZ_CHECK(string(strings_.bytes()));
    made.key_size = strings_.view().size() - made.key_at;
    made.text_at = printed_.size();
    print_string(strings_.view().subspan(made.key_at));
    if (!take(':')) return invalid();
    printed_.append(std::string_view(": "));
    BZ_CHECK(value(depth + 1));
    made.text_size = printed_.size() - made.text_at;
    members.push_back(made);
    return {};
  }

  [[nodiscard]] std::string_view key_of(const Member& member) const {
    return as_chars(strings_.view().subspan(member.key_at, member.key_size));
  }
  [[nodiscard]] bool key_less(const Member& a, const Member& b) const {
    if (a.key_size != b.key_size) return a.key_size < b.key_size;
    const auto order = key_of(a).compare(key_of(b));
    return order != 0 ? order < 0 : a.text_at < b.text_at;  // equal keys stay in their order
  }

  /// Prints the members again in their order, with commas; the last of equal keys stays.
  void arrange(std::size_t start, std::vector<Member>& members) {
    std::sort(members.begin(), members.end(), [&](const auto& a, const auto& b) { return key_less(a, b); });
    WipedScratch copy;
    const auto all = printed_.view().subspan(start);
    copy.bytes().assign(all.begin(), all.end());
    printed_.truncate(start);
    bool first = true;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i + 1 < members.size() && key_of(members[i]) == key_of(members[i + 1])) continue;
      if (!first) printed_.append(std::string_view(", "));
      first = false;
      printed_.append(copy.view().subspan(members[i].text_at - start, members[i].text_size));
    }
  }

  Result<void> string_value() {
    const auto before = strings_.view().size();
    BZ_CHECK(string(strings_.bytes()));
    print_string(strings_.view().subspan(before));
    strings_.shrink(before);
    return {};
  }

  /// Decodes the string at at_ to the end of out.
  Result<void> string(Bytes& out) {
    const auto start = out.size();
    const auto put = [&](char c) { out.push_back(static_cast<std::byte>(c)); };
    for (++at_;; ++at_) {
      if (at_ >= text_.size() || out.size() - start > kMaxString) return invalid();
      const char c = text_[at_];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) return invalid();
      if (c != '\\') {
        put(c);
        continue;
      }
      ++at_;
      constexpr std::string_view kShort = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
      if (peek() == 'u') {
        char encoded[4];
        const auto code_point = escaped_code_point();
        if (!code_point) return invalid();
        const auto size = encode_utf8(*code_point, encoded);
        for (std::size_t i = 0; i < size; ++i) put(encoded[i]);
      } else if (const auto which = kShort.find(peek()); at_ < text_.size() && which != std::string_view::npos) {
        put(kMeant[which]);
      } else {
        return invalid();
      }
    }
    ++at_;
    return {};
  }

  /// at_ is on the u, and left on the escape's last digit.
  std::optional<std::uint32_t> escaped_code_point() noexcept {
    const auto first = four_digits();
    if (!first || *first == 0 || (*first >= 0xDC00 && *first < 0xE000)) return std::nullopt;
    if (*first < 0xD800 || *first >= 0xE000) return first;
    if (!text_.substr(at_ + 1).starts_with("\\u")) return std::nullopt;
    at_ += 2;
    const auto second = four_digits();
    if (!second || *second < 0xDC00 || *second >= 0xE000) return std::nullopt;
    return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
  }
  std::optional<std::uint32_t> four_digits() noexcept {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      ++at_;
      const int digit = hex_value(peek());
      if (at_ >= text_.size() || digit < 0) return std::nullopt;
      value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return value;
  }

  /// escape_json of PostgreSQL.
  void print_string(ByteView decoded) {
    constexpr std::string_view kSpecial = "\b\f\n\r\t\"\\", kLetters = "bfnrt\"\\", kHex = "0123456789abcdef";
    printed_.append('"');
    for (const char c : as_chars(decoded)) {
      const auto special = kSpecial.find(c);
      if (special != std::string_view::npos) {
        printed_.append('\\');
        printed_.append(kLetters[special]);
      } else if (static_cast<unsigned char>(c) < 0x20) {
        printed_.append(std::string_view("\\u00"));
        printed_.append(kHex[static_cast<unsigned char>(c) >> 4]);
        printed_.append(kHex[static_cast<unsigned char>(c) & 15]);
      } else {
        printed_.append(c);
      }
    }
    printed_.append('"');
  }

  Result<void> number() {
    const auto start = at_;
    const auto digits = [&] {
      const auto before = at_;
      while (is_digit(peek())) ++at_;
      return at_ > before;
    };
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    const auto integer_at = at_;
    if (!digits() || (zero && at_ - integer_at > 1)) return invalid();
    if (peek() == '.') {
      ++at_;
      if (!digits()) return invalid();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return invalid();
    }
    if (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '.')) return invalid();
    const auto parsed = Numeric::parse(text_.substr(start, at_ - start));
    if (!parsed) return out_of_range(ValueType::Jsonb);
    parsed->write_text(printed_);
    return {};
  }

  /// A Bytes that is wiped at its end.
  class WipedScratch {
   public:
    WipedScratch() = default;
    WipedScratch(const WipedScratch&) = delete;
    WipedScratch& operator=(const WipedScratch&) = delete;
    ~WipedScratch() { shrink(0); }
    [[nodiscard]] Bytes& bytes() noexcept { return bytes_; }
    [[nodiscard]] ByteView view() const noexcept { return bytes_; }
    void shrink(std::size_t size) noexcept {
      secure_wipe(bytes_.data() + size, bytes_.size() - size);
      bytes_.resize(size);
    }

   private:
    Bytes bytes_;
  };

  std::string_view text_;
  std::size_t at_ = 0;
  BoundedBytes& printed_;
  WipedScratch strings_;  ///< decoded: the keys of open objects, then the string at hand
};

}  // namespace

Result<void> jsonb_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  if (how.format == WireFormat::Binary) {
    if (wire.empty() || wire[0] != kBinaryVersion) return malformed_binary(how.type);
    wire = wire.subspan(1);
  }
  if (!count_utf8(as_chars(wire))) return invalid_input(how.type);
  Canonicaliser canonicaliser(as_chars(wire), out);
  return canonicaliser.run();
}

Result<void> jsonb_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  if (how.format == WireFormat::Binary) out.append_u8(std::to_integer<unsigned>(kBinaryVersion));
  out.append(canonical);
  return {};
}

void jsonb_index_form(ByteView canonical, BoundedBytes& out) {
  const auto text = as_chars(canonical);
  bool in_string = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (in_string || c != '.') {
      if (in_string && c == '\\') {
        out.append(text.substr(at, 2));  // an escape is never half of it
        at += 2;
        continue;
      }
      if (c == '"') in_string = !in_string;
      out.append(c);
      ++at;
      continue;
    }
    // A number's point: canonical numbers have no exponent, so digits follow and nothing else.
    auto end = at + 1;
    while (end < text.size() && is_digit(text[end])) ++end;
    auto kept = end;
    while (text[kept - 1] == '0') --kept;
    if (text[kept - 1] == '.') --kept;
    out.append(text.substr(at, kept - at));
    at = end;
  }
}

}  // namespace bartizan::transform
