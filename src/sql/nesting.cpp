#include "nesting.hpp"

#include <algorithm>
#include <vector>

#include "word.hpp"

namespace bartizan::sql {

namespace {

constexpr std::size_t kBracketNodes = 3;

/// One open bracket.
struct Level {
  bool is_case = false;
  std::size_t above = 0;    ///< links of the enclosing brackets that it stands under
  std::size_t lasting = 0;  ///< links that a sibling does not end
  std::size_t links = 0;    ///< of the element that runs now
  std::size_t inner = 0;    ///< the deepest bracket within that element
  std::size_t deepest = 0;  ///< of the elements before

  void end_element() noexcept {
    deepest = std::max(deepest, links + inner);
    links = 0;
    inner = 0;
  }
  [[nodiscard]] std::size_t depth() const noexcept { return lasting + std::max(deepest, links + inner); }
};

class NestingMeter {
 public:
  NestingMeter() { levels_.emplace_back(); }

  void feed(const Token& token, Word word, std::string_view text) {
    const char c = token.kind == TokenKind::Punctuation ? text[token.offset] : '\0';
    if (after_dot_) word = Word{};  // a.end and a.case are names
    after_dot_ = c == '.';
    Level& level = levels_.back();
    if (c == '(' || c == '[' || word == "case"_w) {
      const std::size_t above = level.above + level.lasting + level.links + kBracketNodes;
      levels_.push_back({.is_case = c == '\0', .above = above});
    } else if (((c == ')' || c == ']') && !level.is_case) || (word == "end"_w && level.is_case)) {
      close();
    } else if (c == ',' || word == "and"_w || word == "or"_w) {
      level.end_element();
    } else if (any_of(word, {"union"_w, "intersect"_w, "except"_w, "join"_w})) {
      ++level.lasting;
    } else if (word == "not"_w) {
      level.lasting += level.links + kBracketNodes;
      level.links = 0;
    } else if (!is_literal(token.kind)) {
      ++level.links;
    }
  }
  [[nodiscard]] std::size_t depth() const noexcept { return levels_.back().above + levels_.back().depth(); }

 private:
  void close() {
    const std::size_t inner = levels_.back().depth() + kBracketNodes;
    levels_.pop_back();
    if (levels_.empty()) levels_.emplace_back();  // one too many: the grammar will refuse it
    levels_.back().inner = std::max(levels_.back().inner, inner);
  }

  std::vector<Level> levels_;
  bool after_dot_ = false;
};

}  // namespace

bool nests_deeply(std::string_view text, LexOptions options, std::size_t limit) {
  Lexer lexer(text, options);
  NestingMeter meter;
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    meter.feed(token, word_of(token, text), text);
    if (meter.depth() >= limit) return true;
  }
  return false;
}

}  // namespace bartizan::sql
