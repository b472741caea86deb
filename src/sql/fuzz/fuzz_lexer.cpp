// The lexer ends, never goes back, covers the text, and agrees with itself; splitter and digest too.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bartizan/sql/digest.hpp"
#include "bartizan/sql/splitter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan::sql;
  if (size == 0) return 0;
  const LexOptions options{(data[0] & 1) == 0, (data[0] & 2) == 0};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Lexer lexer(text, options);
  std::size_t end = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    if (token.offset < end || token.length == 0 || token.length > text.size() - token.offset) std::abort();
    end = token.offset + token.length;
    if ((token.kind == TokenKind::Error) != (lexer.error() != LexError::None)) std::abort();
  }
  const auto ranges = split(text, options);
  const auto result = digest(text, options, DigestKey{});
  if (result.statements != ranges.size() && result.statements <= kMaxStatements) std::abort();
  if (result.complete != (lexer.error() == LexError::None)) std::abort();
  // Each piece splits into itself.
  for (const auto& range : ranges) {
    const auto again = split(range.in(text), options);
    if (range.complete && (again.size() != 1 || again[0].length != range.length)) std::abort();
  }
  return 0;
}
