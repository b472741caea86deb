// analyse() is total; as many statements as the splitter has ranges; and what an Analysis says
// does not hang on the constants that its digest folds: with others in their place it is the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bartizan/sql/analyser.hpp"
#include "bartizan/sql/digest.hpp"
#include "bartizan/sql/splitter.hpp"

namespace {

using namespace bartizan::sql;

std::string_view other_constant(TokenKind kind) {
  if (kind == TokenKind::Integer) return "7";
  if (kind == TokenKind::Numeric) return "7.5";
  if (kind == TokenKind::UnicodeString) return "U&'q'";
  if (kind == TokenKind::NationalString) return "N'q'";
  if (kind == TokenKind::BitString) return "B'1'";
  if (kind == TokenKind::HexString) return "X'1'";
  return "'q'";
}

std::string with_other_constants(std::string_view text, LexOptions options) {
  std::string result;
  Lexer lexer(text, options);
  std::size_t end = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    result += text.substr(end, token.offset - end);
    end = token.offset + token.length;
    result += is_literal(token.kind) ? other_constant(token.kind) : token.in(text);
  }
  result += text.substr(end);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const AnalyseOptions options{.lex = {(data[0] & 1) == 0, (data[0] & 2) == 0}};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Analysis analysis = analyse(text, options);
  const auto ranges = split(text, options.lex).size();
  if (analysis.statements.size() != (ranges == 0 ? 1 : ranges)) std::abort();
  const std::string other = with_other_constants(text, options.lex);
  if (digest(text, options.lex, DigestKey{}).digest == digest(other, options.lex, DigestKey{}).digest) {
    const Analysis again = analyse(other, options);
    if (analysis.parsed() && again.parsed() && !(analysis == again)) std::abort();
  }
  return 0;
}
