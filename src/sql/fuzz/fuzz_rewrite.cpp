// rewrite() is total; whatever it gives out passes the second check, which shares nothing with the
// binder; and no refusal repeats a constant of the text.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "../test/rewrite_fixture.hpp"
#include "bartizan/sql/lexer.hpp"

namespace {

using namespace bartizan::sql;

// In mixed case, so that no unquoted name folds to it.
constexpr std::string_view kMark = "zqMarkerQz";
constexpr std::string_view kNumber = "31415926";

std::string_view marked(TokenKind kind) {
  if (kind == TokenKind::Integer || kind == TokenKind::Numeric) return kNumber;
  if (kind == TokenKind::EscapeString) return "E'zqMarkerQz'";
  if (kind == TokenKind::UnicodeString) return "U&'zqMarkerQz'";
  if (kind == TokenKind::NationalString) return "N'zqMarkerQz'";
  if (kind == TokenKind::BitString) return "B'1'";
  if (kind == TokenKind::HexString) return "X'1'";
  return "'zqMarkerQz'";
}

std::string with_marks(std::string_view text, LexOptions options) {
  std::string result;
  Lexer lexer(text, options);
  std::size_t end = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    if (token.kind == TokenKind::Error) return {};
    result += text.substr(end, token.offset - end);
    end = token.offset + token.length;
    if (token.in(text).find(kMark) != std::string_view::npos ||
        token.in(text).find(kNumber) != std::string_view::npos) {
      return {};
    }
    if (is_literal(token.kind)) {
      (result += ' ').append(marked(token.kind)) += ' ';  // must not grow together with a name
    } else {
      result += token.in(text);
    }
  }
  return result;
}

void check(const testing::Shop& shop, const RewriteRequest& request) {
  const RewriteOutcome outcome = rewrite(request);
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    if (refused->sqlstate.size() != 5 || refused->message.empty()) std::abort();
    if (refused->position > request.text.size() + 1) std::abort();
    return;
  }
  for (const RewrittenStatement& statement : std::get<Rewritten>(outcome).statements) {
    if (statement.server_text.empty()) {
      if (!statement.virtual_setting && statement.kind != Kind::Empty) std::abort();
    } else if (!mentions_only(shop.views, *shop.catalog, statement.server_text)) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const testing::Shop shop;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  RewriteRequest request = shop.request(text);
  request.standard_conforming_strings = (data[0] & 1) == 0;
  if ((data[0] & 2) != 0) request.search_path = {"app", "pg_catalog", "public"};
  check(shop, request);

  const std::string other = with_marks(text, {request.standard_conforming_strings, true});
  request.text = other;
  const RewriteOutcome outcome = rewrite(request);
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    const std::string said = refused->message + refused->hint;
    if (said.find(kMark) != std::string::npos || said.find(kNumber) != std::string::npos) std::abort();
  }
  return 0;
}
