#include "bartizan/sql/text_template.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "bartizan/sql/lexer.hpp"
#include "bartizan/sql/rewrite.hpp"
#include "utf8.hpp"

namespace bartizan::sql {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// '…' on one line, without a backslash, its quotes doubled: the deparser writes it as it stands.
bool is_plain_string(std::string_view token) noexcept {
  if (token.size() < 2 || token.front() != '\'' || token.back() != '\'') return false;
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (inside == "t" || inside == "f") return false;  // of which a cast to bool makes a constant of its own
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '\\') return false;
    if (inside[i] != '\'') continue;
    if (i + 1 == inside.size() || inside[i + 1] != '\'') return false;  // continued on another line
    ++i;
  }
  return true;
}

/// A number of its own for each marker, of the length that an integer has at most.
constexpr std::uint32_t kFirstMarker = 1'900'000'000;

std::optional<std::string> marker(TokenKind kind, std::size_t number) {
  const std::string digits = std::to_string(kFirstMarker + number);
  if (kind == TokenKind::Integer) return digits;
  if (kind == TokenKind::Numeric) return digits + ".5";
  if (kind == TokenKind::String || kind == TokenKind::EscapeString || kind == TokenKind::DollarString)
    return "'bartizan literal " + digits + "'";
  return std::nullopt;
}

}  // namespace

bool may_have_template(std::string_view text) noexcept {
  return text.size() <= RewriteRequest{}.max_bytes && is_utf8(text);
}

bool write_literal(std::string_view text, const FoldedLiteral& literal, std::string& out) {
  const std::string_view token = literal.token.in(text);
  if (literal.token.kind == TokenKind::Integer) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
    if (error != std::errc{} || end != token.data() + token.size()) return false;
    if (value == 0 && literal.negated) return false;  // -0 is 0
    out += std::to_string(value);
    return true;
  }
  if (literal.token.kind == TokenKind::Numeric) {
    const bool plain = is_digit(token.front()) && is_digit(token.back()) &&
                       std::ranges::all_of(token, [](char c) { return is_digit(c) || c == '.'; });
    if (plain) out += token;
    return plain;
  }
  if (literal.token.kind != TokenKind::String || !is_plain_string(token)) return false;
  out += token;
  return true;
}

std::optional<MarkedText> mark_literals(std::string_view text, std::span<const FoldedLiteral> literals) {
  if (literals.size() > kMaxTemplateLiterals) return std::nullopt;
  MarkedText marked;
  std::size_t done = 0;
  for (const FoldedLiteral& literal : literals) {
    auto mark = marker(literal.token.kind, marked.markers.size());
    if (!mark) return std::nullopt;
    marked.text.append(text.substr(done, literal.token.offset - done)).append(*mark);
    done = literal.token.offset + literal.token.length;
    marked.markers.push_back(std::move(*mark));
  }
  marked.text.append(text.substr(done));
  return marked;
}

TextTemplate TextTemplate::make(std::string_view server_text, std::span<const std::string> markers,
                                std::vector<std::uint32_t>& seen) {
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  for (const std::string& one : markers) numbers.emplace(one, static_cast<std::uint32_t>(numbers.size()));
  seen.resize(markers.size());
  TextTemplate made;
  std::size_t done = 0;
  Lexer lexer(server_text, LexOptions{});
  for (Token token = lexer.next(); token.kind != TokenKind::End && token.kind != TokenKind::Error;
       token = lexer.next()) {
    const auto found = is_literal(token.kind) ? numbers.find(token.in(server_text)) : numbers.end();
    if (found == numbers.end()) continue;
    ++seen[found->second];
    made.text_.append(server_text.substr(done, token.offset - done));
    made.slots_.push_back({static_cast<std::uint32_t>(made.text_.size()), found->second});
    done = token.offset + token.length;
  }
  made.text_.append(server_text.substr(done));
  return made;
}

std::string TextTemplate::fill(std::span<const std::string_view> values) const {
  std::size_t size = text_.size();
  for (const Slot& slot : slots_) size += values[slot.literal].size();
  std::string out;
  out.reserve(size);
  std::size_t done = 0;
  for (const Slot& slot : slots_) {
    out.append(text_, done, slot.offset - done).append(values[slot.literal]);
    done = slot.offset;
  }
  return out.append(text_, done, std::string::npos);
}

}  // namespace bartizan::sql
