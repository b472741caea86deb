#include "regex_tree.hpp"

#include <algorithm>
#include <string>

namespace bartizan::policy {

namespace {

constexpr int kMostRepeats = 255;  // DUPMAX of PostgreSQL
constexpr int kMostDepth = 32;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<RegexTree> run() {
    if (text_.starts_with("***")) return refused("*** in front");
    if (text_.starts_with("(?") && !text_.starts_with("(?:")) return refused("options or look-around, (?…)");
    RegexTree tree;
    BZ_TRY(tree.root, alternatives(0));
    if (at_ != text_.size()) return refused("an unbalanced )");
    tree.groups = groups_;
    return tree;
  }

 private:
  static tl::unexpected<Error> refused(std::string_view what) {
    return fail(Errc::Unsupported, std::string(what) + " in a pattern over an encrypted column");
  }
  [[nodiscard]] bool more() const noexcept { return at_ < text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  static RegexNode set_of(char32_t from, char32_t to, bool negated = false) {
    RegexNode node;
    node.kind = RegexNode::Kind::Set;
    node.ranges.emplace_back(from, to);
    node.negated = negated;
    return node;
  }

  Result<RegexNode> alternatives(int depth) {
    if (depth > kMostDepth) return refused("so many groups in one another");
    RegexNode out;
    out.kind = RegexNode::Kind::Alternatives;
    for (;;) {
      RegexNode branch;
      while (more() && peek() != '|' && peek() != ')') {
        BZ_TRY(auto atom, quantified(depth));
        branch.children.push_back(std::move(atom));
      }
      if (branch.children.empty()) return refused("an empty branch or group");
      out.children.push_back(std::move(branch));
      if (peek() != '|' || !more()) break;
      ++at_;
    }
    if (out.children.size() == 1) return std::move(out.children.front());
    return out;
  }

  Result<RegexNode> quantified(int depth) {
    BZ_TRY(auto atom, this->atom(depth));
    if (!more()) return atom;
    int least = 1;
    int most = 1;
    switch (peek()) {
      case '*': least = 0, most = RegexNode::kNoLimit, ++at_; break;
      case '+': most = RegexNode::kNoLimit, ++at_; break;
      case '?': least = 0, ++at_; break;
      case '{': BZ_CHECK(bounds(least, most)); break;
      default: return atom;
    }
    if (atom.kind == RegexNode::Kind::Begin || atom.kind == RegexNode::Kind::End)
      return refused("a quantifier of ^ or $");
    if (peek() == '?') return refused("a quantifier that prefers fewer, as *?");
    if (more() && std::string_view("*+{").find(peek()) != std::string_view::npos)
      return refused("a quantifier of a quantifier");
    RegexNode out;
    out.kind = RegexNode::Kind::Repeat;
    out.least = least;
    out.most = most;
    out.children.push_back(std::move(atom));
    return out;
  }

  Result<void> bounds(int& least, int& most) {
    ++at_;
    const auto number = [&](int& out) {
      const auto start = at_;
      out = 0;
      while (is_digit(peek()) && at_ - start < 4) out = out * 10 + (text_[at_++] - '0');
      return at_ > start;
    };
    if (!number(least)) return refused("a { that begins no bound");
    most = least;
    if (peek() == ',') {
      ++at_;
      if (!number(most)) most = RegexNode::kNoLimit;
    }
    const bool ordered = most == RegexNode::kNoLimit || (most >= least && most > 0);
    if (peek() != '}' || !ordered || least > kMostRepeats || most > kMostRepeats) return refused("this {…}");
    ++at_;
    return {};
  }

  Result<RegexNode> atom(int depth) {
    const char c = peek();
    if (c == '(') return group(depth);
    if (c == '[') return bracket();
    if (c == '\\') return escape();
    if (std::string_view("*+?{").find(c) != std::string_view::npos) return refused("a quantifier of nothing");
    if (c == '^' || c == '$') {
      ++at_;
      RegexNode node;
      node.kind = c == '^' ? RegexNode::Kind::Begin : RegexNode::Kind::End;
      return node;
    }
    if (c == '.') {
      ++at_;
      return set_of(0, 0x10FFFF);
    }
    const auto literal = code_point_at(text_, at_);
    at_ += literal.bytes;
    return set_of(literal.value, literal.value);
  }

  Result<RegexNode> group(int depth) {
    ++at_;
    RegexNode out;
    out.kind = RegexNode::Kind::Group;
    if (peek() == '?') {
      if (peek(1) != ':') return refused("options or look-around, (?…)");
      at_ += 2;
    } else {
      out.capture = ++groups_;
    }
    BZ_TRY(auto inside, alternatives(depth + 1));
    if (peek() != ')' || !more()) return refused("an unbalanced (");
    ++at_;
    out.children.push_back(std::move(inside));
    return out;
  }

  Result<RegexNode> escape() {
    const char c = peek(1);
    if (at_ + 1 >= text_.size()) return refused("a \\ at the end");
    if (c == 'd' || c == 'D') {
      at_ += 2;
      return set_of('0', '9', c == 'D');
    }
    if (const char meant = control(c); meant != '\0') {
      at_ += 2;
      return set_of(static_cast<char32_t>(meant), static_cast<char32_t>(meant));
    }
    if (is_letter_or_digit(c)) return refused("the escape \\" + std::string(1, c));
    ++at_;
    const auto literal = code_point_at(text_, at_);
    if (literal.value > 0x7F) return refused("this escape");
    at_ += literal.bytes;
    return set_of(literal.value, literal.value);
  }
  static char control(char c) noexcept { return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : '\0'; }

  Result<RegexNode> bracket() {
    ++at_;
    RegexNode out;
    out.kind = RegexNode::Kind::Set;
    if (peek() == '^') {
      out.negated = true;
      ++at_;
    }
    bool first = true;
    for (;; first = false) {
      if (!more()) return refused("a [ without end");
      if (peek() == ']' && !first) break;
      if (text_.substr(at_).starts_with("[:digit:]")) {
        at_ += 9;
        out.ranges.emplace_back('0', '9');
        continue;
      }
      if (peek() == '[' && std::string_view(":.=").find(peek(1)) != std::string_view::npos && peek(1) != '\0')
        return refused("a class such as [:alpha:]");
      if (peek() == '\\' && peek(1) == 'd') {
        at_ += 2;
        out.ranges.emplace_back('0', '9');
        continue;
      }
      BZ_TRY(const auto from, member());
      auto to = from;
      if (peek() == '-' && peek(1) != ']') {
        ++at_;
        if (!more() || peek() == '[' || (peek() == '\\' && is_letter_or_digit(peek(1)))) return refused("this range");
        BZ_TRY(to, member());
        if (to < from || (peek() == '-' && peek(1) != ']')) return refused("this range");
      }
      out.ranges.emplace_back(from, to);
    }
    ++at_;
    return out;
  }

  Result<char32_t> member() {
    if (peek() == '\\') {
      const char c = peek(1);
      if (const char meant = control(c); meant != '\0') {
        at_ += 2;
        return static_cast<char32_t>(meant);
      }
      if (at_ + 1 >= text_.size() || is_letter_or_digit(c)) return refused("this escape in [ ]");
      ++at_;
    }
    const auto literal = code_point_at(text_, at_);
    at_ += literal.bytes;
    return literal.value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int groups_ = 0;
};

}  // namespace

bool RegexNode::holds(char32_t c) const noexcept {
  const bool in = std::ranges::any_of(ranges, [c](const auto& range) { return c >= range.first && c <= range.second; });
  return in != negated;
}

bool RegexNode::captures() const noexcept {
  return capture != 0 || std::ranges::any_of(children, [](const RegexNode& child) { return child.captures(); });
}

CodePoint code_point_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(at + i < text.size() ? text[at + i] : 0); };
  const unsigned lead = byte(0);
  const std::size_t bytes = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes == 1) return {lead, 1};
  char32_t value = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) value = (value << 6) | (byte(i) & 0x3FU);
  return {value, std::min(bytes, text.size() - at)};
}

Result<RegexTree> parse_regex(std::string_view pattern) { return Parser(pattern).run(); }

}  // namespace bartizan::policy
