#include "array_indexes.hpp"

#include <string>
#include <string_view>

namespace bartizan::cells {

namespace {

using Elements = std::vector<std::optional<SecretBytes>>;

tl::unexpected<Error> malformed() {
  return fail(Errc::InvalidArgument, "malformed array, or one of more than one dimension");
}
tl::unexpected<Error> too_many() { return fail(Errc::TooLarge, "the array has too many elements"); }

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_null(std::string_view word) noexcept {
  return word.size() == 4 && (word[0] | 32) == 'n' && (word[1] | 32) == 'u' && (word[2] | 32) == 'l' &&
         (word[3] | 32) == 'l';
}

Result<Elements> from_text(std::string_view text) {
  Elements out;
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return malformed();
  text = text.substr(1, text.size() - 2);
  if (trimmed(text).empty()) return out;
  std::size_t at = 0;
  for (;;) {
    if (out.size() >= kMaxElements) return too_many();
    while (at < text.size() && is_space(text[at])) ++at;
    std::string element;
    bool quoted = false;
    bool escaped = false;
    std::size_t kept = 0;  // up to the last that is no trailing space
    if (at < text.size() && text[at] == '"') {
      quoted = true;
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && ++at == text.size()) return malformed();
        element.push_back(text[at]);
      }
      if (at++ >= text.size()) return malformed();
      while (at < text.size() && is_space(text[at])) ++at;
      kept = element.size();
    } else {
      for (; at < text.size() && text[at] != ','; ++at) {
        if (text[at] == '"' || text[at] == '{' || text[at] == '}') return malformed();
        const bool escape = text[at] == '\\';
        if (escape && ++at == text.size()) return malformed();
        escaped = escaped || escape;
        element.push_back(text[at]);
        if (escape || !is_space(text[at])) kept = element.size();
      }
    }
    const auto word = std::string_view(element).substr(0, kept);
    if (!quoted && word.empty()) return malformed();
    if (!quoted && !escaped && is_null(word))
      out.emplace_back(std::nullopt);
    else
      out.emplace_back(SecretBytes(word));
    secure_wipe(element.data(), element.size());
    if (at == text.size()) return out;
    if (text[at++] != ',') return malformed();
  }
}

Result<Elements> from_binary(ByteView value) {
  ByteReaderView reader(value);
  const auto dimensions = reader.be32();
  const auto flags = reader.be32();
  const auto type = reader.be32();
  if (!dimensions || !flags || !type || *dimensions > 1 || *flags > 1) return malformed();
  Elements out;
  if (*dimensions == 0) return out;
  const auto count = reader.be32();
  const auto bound = reader.be32();
  if (!count || !bound) return malformed();
  if (*count > kMaxElements) return too_many();
  std::size_t at = 20;
  for (std::uint32_t i = 0; i < *count; ++i) {
    if (value.size() - at < 4) return malformed();
    const std::uint32_t length = load_be32(value.data() + at);
    at += 4;
    if (length == 0xffffffffU) {
      out.emplace_back(std::nullopt);
      continue;
    }
    if (length > value.size() - at) return malformed();
    out.emplace_back(SecretBytes(value.subspan(at, length)));
    at += length;
  }
  if (at != value.size()) return malformed();
  return out;
}

void append_be32(Bytes& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  store_be32(out.data() + out.size() - 4, value);
}

}  // namespace

Result<Elements> array_elements(transform::WireFormat format, ByteView value) {
  return format == transform::WireFormat::Binary ? from_binary(value) : from_text(as_chars(value));
}

void append_array(const std::vector<std::optional<Bytes>>& elements, std::uint32_t element_type, Bytes& out) {
  bool nulls = false;
  for (const auto& element : elements) nulls = nulls || !element;
  append_be32(out, elements.empty() ? 0 : 1);
  append_be32(out, nulls ? 1 : 0);
  append_be32(out, element_type);
  if (elements.empty()) return;
  append_be32(out, static_cast<std::uint32_t>(elements.size()));
  append_be32(out, 1);
  for (const auto& element : elements) {
    append_be32(out, element ? static_cast<std::uint32_t>(element->size()) : 0xffffffffU);
    if (element) out.insert(out.end(), element->begin(), element->end());
  }
}

std::string bytea_array_text(const std::vector<std::optional<Bytes>>& elements) {
  std::string out = "{";
  for (const auto& element : elements) {
    if (out.size() > 1) out.push_back(',');
    if (element)
      out.append("\"\\\\x").append(hex_encode(*element)).append("\"");
    else
      out.append("NULL");
  }
  return out.append("}");
}

std::string text_array_text(const std::vector<std::optional<Bytes>>& elements) {
  std::string out = "{";
  for (const auto& element : elements) {
    if (out.size() > 1) out.push_back(',');
    if (!element) {
      out.append("NULL");
      continue;
    }
    out.push_back('"');
    for (const char c : as_chars(*element)) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out.append("}");
}

}  // namespace bartizan::cells
