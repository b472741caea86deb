#include "bartizan/policy/glob.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bartizan::policy {
namespace {

constexpr char32_t kNotUtf8 = 0x110000;  // + the byte: such bytes are themselves and no character

/// Code points; a byte that begins no well-formed sequence stands for itself alone.
std::u32string code_points(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xf0 && lead < 0xf8 ? 4
                               : lead >= 0xe0                ? 3
                               : lead >= 0xc2                ? 2
                                                             : 0;
    char32_t c = length == 1 ? lead : lead & (0xffu >> (length + 1));
    bool whole = length != 0 && lead < 0xf8 && i + length <= text.size();
    for (std::size_t j = 1; whole && j < length; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      whole = (next & 0xc0) == 0x80;
      c = (c << 6) | (next & 0x3fu);
    }
    out.push_back(whole ? c : kNotUtf8 + lead);
    i += whole ? length : 1;
  }
  return out;
}

/// One past the bracket expression that begins at `open`, or npos. A `]` right after `[` or `[!`
/// does not close.
std::size_t after_bracket(std::u32string_view text, std::size_t open) {
  std::size_t i = open + 1;
  if (i < text.size() && text[i] == U'!') ++i;
  for (std::size_t first = i; i < text.size(); ++i) {
    if (text[i] == U'\\') {
      ++i;
    } else if (text[i] == U']' && i != first) {
      return i + 1;
    }
  }
  return std::u32string_view::npos;
}

struct Braces {
  std::size_t open = 0;
  std::size_t close = 0;
  std::vector<std::size_t> commas;
};

/// The first top-level {a,b}; nullopt if there is none; an error if it does not close.
Result<std::optional<Braces>> first_braces(std::u32string_view text) {
  std::optional<Braces> found;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c == U'\\') {
      ++i;
    } else if (c == U'[') {
      const std::size_t end = after_bracket(text, i);
      if (end == std::u32string_view::npos) return fail(Errc::Malformed, fmt::format("'[' at {} is not closed", i));
      i = end - 1;
    } else if (c == U'{') {
      if (depth++ == 0) found = Braces{i, 0, {}};
    } else if (c == U',' && depth == 1) {
      found->commas.push_back(i);
    } else if (c == U'}') {
      if (depth == 0) return fail(Errc::Malformed, fmt::format("'}}' at {} closes nothing", i));
      if (--depth == 0) {
        found->close = i;
        return found;
      }
    }
  }
  if (depth != 0) return fail(Errc::Malformed, fmt::format("'{{' at {} is not closed", found->open));
  return std::optional<Braces>{};
}

/// Multiplies braces out, one pair at a time, the number of results bounded.
Result<std::vector<std::u32string>> multiplied_out(std::u32string pattern) {
  std::vector<std::u32string> done;
  std::vector<std::u32string> open{std::move(pattern)};
  while (!open.empty()) {
    const std::u32string text = std::move(open.back());
    open.pop_back();
    BZ_TRY(const auto braces, first_braces(text));
    if (!braces) {
      done.push_back(text);
    } else {
      std::size_t from = braces->open + 1;
      auto ends = braces->commas;
      ends.push_back(braces->close);
      for (const std::size_t end : ends) {
        open.push_back(text.substr(0, braces->open) + text.substr(from, end - from) + text.substr(braces->close + 1));
        from = end + 1;
      }
    }
    if (done.size() + open.size() > Glob::kMaxAlternatives) {
      return fail(Errc::TooLarge, fmt::format("more than {} alternatives in braces", Glob::kMaxAlternatives));
    }
  }
  return done;
}

}  // namespace

Result<Glob::Steps> Glob::compile(std::u32string_view pattern) {
  Steps steps;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    Step step;
    switch (pattern[i]) {
      case U'\\':
        if (++i == pattern.size()) return fail(Errc::Malformed, "a backslash ends the pattern");
        step.literal = pattern[i];
        break;
      case U'?': step.kind = Step::Kind::AnyOne; break;
      case U'*':
        step.kind = Step::Kind::AnyRun;
        if (i + 1 < pattern.size() && pattern[i + 1] == U'*') step.kind = Step::Kind::AnyDeep;
        while (i + 1 < pattern.size() && pattern[i + 1] == U'*') ++i;
        break;
      case U'[': {
        const std::size_t end = after_bracket(pattern, i);
        if (end == std::u32string_view::npos) return fail(Errc::Malformed, fmt::format("'[' at {} is not closed", i));
        step.kind = Step::Kind::Set;
        std::size_t j = i + 1;
        if (pattern[j] == U'!') {
          step.negated = true;
          ++j;
        }
        while (j < end - 1) {
          if (pattern[j] == U'\\') ++j;
          const char32_t low = pattern[j++];
          char32_t high = low;
          if (j + 1 < end - 1 && pattern[j] == U'-') {
            j += pattern[j + 1] == U'\\' ? 2 : 1;
            high = pattern[j++];
          }
          if (high < low) return fail(Errc::Malformed, fmt::format("a range in '[' at {} runs backwards", i));
          step.set += {low, high};
        }
        i = end - 1;
        break;
      }
      default: step.literal = pattern[i]; break;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<Glob> Glob::parse(std::string_view pattern, std::string_view separators) {
  if (pattern.size() > kMaxPattern)
    return fail(Errc::TooLarge, fmt::format("a pattern has at most {} bytes", kMaxPattern));
  if (pattern.find('\0') != std::string_view::npos) return fail(Errc::Malformed, "a NUL in a pattern");
  Glob glob;
  glob.text_ = pattern;
  glob.separators_ = separators;
  BZ_TRY(const auto alternatives, multiplied_out(code_points(pattern)));
  for (const auto& alternative : alternatives) {
    BZ_TRY(Steps steps, compile(alternative));
    glob.alternatives_.push_back(std::move(steps));
  }
  glob.literal_ = glob.alternatives_.size() == 1 && std::ranges::all_of(glob.alternatives_[0], [](const Step& s) {
                    return s.kind == Step::Kind::Literal;
                  });
  const Steps& first = glob.alternatives_.front();
  glob.everything_ = first.size() == 1 && (first[0].kind == Step::Kind::AnyDeep ||
                                           (first[0].kind == Step::Kind::AnyRun && separators.empty()));
  return glob;
}

bool Glob::step_takes(const Step& step, char32_t c) const noexcept {
  const bool separator = c < 0x80 && separators_.find(static_cast<char>(c)) != std::string::npos;
  switch (step.kind) {
    case Step::Kind::Literal: return c == step.literal;
    case Step::Kind::AnyOne:
    case Step::Kind::AnyRun: return !separator;
    case Step::Kind::AnyDeep: return true;
    case Step::Kind::Set: {
      if (separator) return false;
      bool in = false;
      for (std::size_t i = 0; i + 1 < step.set.size(); i += 2) in = in || (step.set[i] <= c && c <= step.set[i + 1]);
      return in != step.negated;
    }
  }
  return false;
}

/// One pass over the text; reached[i]: the text so far can be matched by the first i steps.
bool Glob::matches(const Steps& steps, std::u32string_view text) const {
  const auto run = [&](std::size_t i) {
    return steps[i].kind == Step::Kind::AnyRun || steps[i].kind == Step::Kind::AnyDeep;
  };
  std::vector<char> reached(steps.size() + 1, 0);
  reached[0] = 1;
  for (std::size_t i = 0; i < steps.size() && run(i); ++i) reached[i + 1] = 1;
  for (const char32_t c : text) {
    char diagonal = reached[0];  // of the step before, before this character
    reached[0] = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const char before = reached[i + 1];
      if (run(i)) {
        reached[i + 1] = reached[i] != 0 || (before != 0 && step_takes(steps[i], c)) ? 1 : 0;
      } else {
        reached[i + 1] = diagonal != 0 && step_takes(steps[i], c) ? 1 : 0;
      }
      diagonal = before;
    }
  }
  return reached[steps.size()] != 0;
}

bool Glob::matches(std::string_view text) const {
  if (everything_) return true;
  if (literal_ && text_.find('\\') == std::string::npos) return text == text_;
  // What stands before the first wildcard is common to all alternatives; most texts fail there.
  const std::string_view fixed = std::string_view(text_).substr(0, text_.find_first_of("?*[{\\"));
  if (!text.starts_with(fixed)) return false;
  const std::u32string points = code_points(text);
  return std::ranges::any_of(alternatives_, [&](const Steps& steps) { return matches(steps, points); });
}

}  // namespace bartizan::policy
