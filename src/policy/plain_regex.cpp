#include "bartizan/policy/plain_regex.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

#include "regex_tree.hpp"

namespace bartizan::policy {

namespace {

using Kind = RegexNode::Kind;

constexpr std::size_t kMostSteps = 5000;       // of a program
constexpr std::size_t kMostWork = 50'000'000;  // of one text
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A state machine without memory of its own: one step stands for one place in the pattern.
struct Step {
  enum class Op : std::uint8_t { Take, Fork, Begin, End, Match };
  Op op = Op::Match;
  const RegexNode* set = nullptr;
  std::size_t next = 0;
  std::size_t other = 0;  ///< of Fork
};

class Program {
 public:
  /// False: it would be too large.
  bool compile(const std::vector<const RegexNode*>& nodes) {
    bool fits = true;
    for (const auto* node : nodes) fits = fits && add(*node);
    steps_.push_back({});
    return fits && steps_.size() <= kMostSteps;
  }

  /// Calls found with each place where a match that begins at `begin` ends, in ascending order, up to `limit`.
  /// False: too much work.
  template <class Found>
  bool ends(std::string_view text, std::size_t begin, std::size_t limit, std::size_t& work, Found&& found) const {
    now_.assign(steps_.size(), 0);
    then_.assign(steps_.size(), 0);
    here_.clear();
    visited_.clear();
    enter(0, text, begin, now_, here_);
    for (std::size_t at = begin;;) {
      work += here_.size() + 1;
      if (work > kMostWork) return false;
      for (const std::size_t step : here_)
        if (steps_[step].op == Step::Op::Match) found(at);
      if (at >= limit || here_.empty()) return true;
      const auto c = code_point_at(text, at);
      at += c.bytes;
      there_.clear();
      for (const std::size_t step : here_)
        if (steps_[step].op == Step::Op::Take && steps_[step].set->holds(c.value))
          enter(steps_[step].next, text, at, then_, there_);
      for (const std::size_t step : visited_) then_[step] = 0;
      visited_.clear();
      std::swap(here_, there_);
    }
  }

 private:
  bool add(const RegexNode& node) {
    if (steps_.size() > kMostSteps) return false;
    switch (node.kind) {
      case Kind::Set: steps_.push_back({Step::Op::Take, &node, steps_.size() + 1, 0}); return true;
      case Kind::Begin: steps_.push_back({Step::Op::Begin, nullptr, steps_.size() + 1, 0}); return true;
      case Kind::End: steps_.push_back({Step::Op::End, nullptr, steps_.size() + 1, 0}); return true;
      case Kind::Concat:
      case Kind::Group: return std::ranges::all_of(node.children, [&](const auto& child) { return add(child); });
      case Kind::Alternatives: return add_alternatives(node);
      case Kind::Repeat: return add_repeat(node);
    }
    return false;
  }
  bool add_alternatives(const RegexNode& node) {
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const bool last = i + 1 == node.children.size();
      const auto fork = steps_.size();
      if (!last) steps_.push_back({Step::Op::Fork, nullptr, fork + 1, 0});
      if (!add(node.children[i])) return false;
      if (last) break;
      ends.push_back(steps_.size());
      steps_.push_back({Step::Op::Fork, nullptr, 0, 0});
      steps_[fork].other = steps_.size();
    }
    for (const auto end : ends) steps_[end].next = steps_[end].other = steps_.size();
    return true;
  }
  bool add_repeat(const RegexNode& node) {
    const auto& child = node.children.front();
    for (int i = 0; i < node.least; ++i)
      if (!add(child)) return false;
    if (node.most == RegexNode::kNoLimit) {
      const auto fork = steps_.size();
      steps_.push_back({Step::Op::Fork, nullptr, fork + 1, 0});
      if (!add(child)) return false;
      steps_.push_back({Step::Op::Fork, nullptr, fork, fork});
      steps_[fork].other = steps_.size();
      return true;
    }
    std::vector<std::size_t> forks;
    for (int i = node.least; i < node.most; ++i) {
      forks.push_back(steps_.size());
      steps_.push_back({Step::Op::Fork, nullptr, steps_.size() + 1, 0});
      if (!add(child)) return false;
    }
    for (const auto fork : forks) steps_[fork].other = steps_.size();
    return true;
  }

  /// Puts a step, and all that can be reached from it without a character, into the list.
  void enter(std::size_t first, std::string_view text, std::size_t at, std::vector<char>& seen,
             std::vector<std::size_t>& list) const {
    stack_.assign(1, first);
    while (!stack_.empty()) {
      const auto step = stack_.back();
      stack_.pop_back();
      if (seen[step] != 0) continue;
      seen[step] = 1;
      visited_.push_back(step);
      const auto& what = steps_[step];
      switch (what.op) {
        case Step::Op::Fork:
          stack_.push_back(what.other);
          stack_.push_back(what.next);
          break;
        case Step::Op::Begin:
          if (at == 0) stack_.push_back(what.next);
          break;
        case Step::Op::End:
          if (at == text.size()) stack_.push_back(what.next);
          break;
        case Step::Op::Take:
        case Step::Op::Match: list.push_back(step); break;
      }
    }
  }

  std::vector<Step> steps_;
  // Used again and again; one thread at a time has them (see replace()).
  static thread_local std::vector<char> now_;
  static thread_local std::vector<char> then_;
  static thread_local std::vector<std::size_t> here_;
  static thread_local std::vector<std::size_t> there_;
  static thread_local std::vector<std::size_t> stack_;
  static thread_local std::vector<std::size_t> visited_;
};

thread_local std::vector<char> Program::now_;
thread_local std::vector<char> Program::then_;
thread_local std::vector<std::size_t> Program::here_;
thread_local std::vector<std::size_t> Program::there_;
thread_local std::vector<std::size_t> Program::stack_;
thread_local std::vector<std::size_t> Program::visited_;

/// Of a concatenation with groups that capture: one such item, or a run of those between that don't.
struct Piece {
  std::vector<const RegexNode*> nodes;
  Program own;
  Program rest;  ///< itself and all behind it
};

struct Part {
  std::string text;
  int reference = -1;  ///< 0: the match; 1 to 9: what a group has captured
};

struct Span {
  std::size_t begin = kNone;
  std::size_t end = kNone;
};
using Spans = std::array<Span, 10>;

/// As appendStringInfoRegexpSubstr reads it.
std::vector<Part> parts_of(std::string_view replacement) {
  std::vector<Part> out;
  const auto literal = [&](char c) {
    if (out.empty() || out.back().reference >= 0) out.push_back({});
    out.back().text.push_back(c);
  };
  for (std::size_t at = 0; at < replacement.size(); ++at) {
    const char c = replacement[at];
    const char next = at + 1 < replacement.size() ? replacement[at + 1] : '\0';
    if (c != '\\') {
      literal(c);
    } else if (next == '&' || (next >= '1' && next <= '9')) {
      out.push_back({{}, next == '&' ? 0 : next - '0'});
      ++at;
    } else {
      literal('\\');
      if (next == '\\') ++at;
    }
  }
  return out;
}

}  // namespace

struct PlainRegex::State {
  RegexTree tree;
  std::vector<Part> parts;
  bool captures = false;  ///< the replacement asks for what groups have captured
  Program whole;
  std::unordered_map<const RegexNode*, std::vector<Piece>> pieces;  ///< of concatenations
  std::unordered_map<const RegexNode*, Program> branches;           ///< of alternatives

  /// What dissect() will need. Unsupported: a group that is repeated would capture, or it is too large.
  [[nodiscard]] Result<void> prepare(const RegexNode& node) {
    if (!node.captures()) return {};
    if (node.kind == Kind::Repeat)
      return fail(Errc::Unsupported, "a reference beside a repeated group that captures, over an encrypted column");
    if (node.kind == Kind::Alternatives) {
      for (const auto& child : node.children)
        if (!branches[&child].compile({&child})) return too_large();
    }
    if (node.kind == Kind::Concat) {
      auto& list = pieces[&node];
      for (const auto& child : node.children) {
        if (list.empty() || child.captures() || list.back().nodes.front()->captures()) list.emplace_back();
        list.back().nodes.push_back(&child);
      }
      for (std::size_t i = 0; i < list.size(); ++i) {
        std::vector<const RegexNode*> rest;
        for (std::size_t k = i; k < list.size(); ++k)
          rest.insert(rest.end(), list[k].nodes.begin(), list[k].nodes.end());
        if (!list[i].own.compile(list[i].nodes) || !list[i].rest.compile(rest)) return too_large();
      }
    }
    for (const auto& child : node.children) BZ_CHECK(prepare(child));
    return {};
  }
  [[nodiscard]] static tl::unexpected<Error> too_large() {
    return fail(Errc::Unsupported, "so large a pattern over an encrypted column");
  }

  [[nodiscard]] static std::optional<bool> matches(const Program& program, std::string_view text, Span span,
                                                   std::size_t& work) {
    bool ends_there = false;
    const bool done = program.ends(text, span.begin, span.end, work,
                                   [&](std::size_t end) { ends_there = ends_there || end == span.end; });
    return done ? std::optional(ends_there) : std::nullopt;
  }

  /// Which parts of a match its groups have: what stands further left takes as much as it can. False: too much work.
  [[nodiscard]] bool dissect(const RegexNode& node, std::string_view text, Span span, Spans& found,
                             std::size_t& work) const {
    if (!node.captures()) return true;
    if (node.kind == Kind::Group) {
      if (node.capture > 0 && node.capture < static_cast<int>(found.size()))
        found[static_cast<std::size_t>(node.capture)] = span;
      return dissect(node.children.front(), text, span, found, work);
    }
    if (node.kind == Kind::Alternatives) {
      for (const auto& child : node.children) {
        const auto fits = matches(branches.at(&child), text, span, work);
        if (!fits) return false;
        if (*fits) return dissect(child, text, span, found, work);
      }
      return false;
    }
    const auto& list = pieces.at(&node);
    for (std::size_t i = 0; i < list.size(); ++i) {
      Span own = span;
      if (i + 1 < list.size()) {
        std::vector<std::size_t> ends;
        if (!list[i].own.ends(text, span.begin, span.end, work, [&](std::size_t end) { ends.push_back(end); }))
          return false;
        bool split = false;
        for (auto end = ends.rbegin(); end != ends.rend() && !split; ++end) {
          const auto fits = matches(list[i + 1].rest, text, {*end, span.end}, work);
          if (!fits) return false;
          split = *fits;
          own.end = *end;
        }
        if (!split) return false;
      }
      if (!dissect(*list[i].nodes.front(), text, own, found, work)) return false;
      span.begin = own.end;
    }
    return true;
  }
};

PlainRegex::PlainRegex(std::unique_ptr<const State> state) noexcept : state_(std::move(state)) {}
PlainRegex::PlainRegex(PlainRegex&&) noexcept = default;
PlainRegex& PlainRegex::operator=(PlainRegex&&) noexcept = default;
PlainRegex::~PlainRegex() = default;

Result<PlainRegex> PlainRegex::make(std::string_view pattern, std::string_view replacement) {
  auto state = std::make_unique<State>();
  BZ_TRY(state->tree, parse_regex(pattern));
  state->parts = parts_of(replacement);
  state->captures = std::ranges::any_of(state->parts, [](const Part& part) { return part.reference > 0; });
  if (!state->whole.compile({&state->tree.root})) return State::too_large();
  if (state->captures) BZ_CHECK(state->prepare(state->tree.root));
  return PlainRegex(std::unique_ptr<const State>(std::move(state)));
}

bool PlainRegex::replace(std::string_view text, const Append& append) const {
  std::size_t work = 0;
  std::size_t done = 0;    // of the text, given out
  std::size_t search = 0;  // where the next match may begin
  const auto next_character = [&](std::size_t at) {
    return at < text.size() ? at + code_point_at(text, at).bytes : text.size() + 1;
  };
  while (search <= text.size()) {
    Span match;
    for (std::size_t begin = search; begin <= text.size() && match.end == kNone; begin = next_character(begin)) {
      match.begin = begin;
      if (!state_->whole.ends(text, begin, text.size(), work, [&](std::size_t end) { match.end = end; })) return false;
    }
    if (match.end == kNone) break;
    Spans found;
    found[0] = match;
    if (state_->captures && !state_->dissect(state_->tree.root, text, match, found, work)) return false;
    append(text.substr(done, match.begin - done));
    for (const auto& part : state_->parts) {
      if (part.reference < 0) {
        append(part.text);
      } else if (const auto& span = found[static_cast<std::size_t>(part.reference)]; span.begin != kNone) {
        append(text.substr(span.begin, span.end - span.begin));
      }
    }
    done = search = match.end;
    if (match.begin == match.end) search = next_character(search);
  }
  append(text.substr(done));
  return true;
}

}  // namespace bartizan::policy
