#include "connection_string.hpp"

#include <optional>

namespace bartizan::migrate {
namespace {

constexpr std::string_view kBlanks = " \t";

void skip_blanks(std::string_view& text) {
  const auto at = text.find_first_not_of(kBlanks);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at);
}

std::string_view take_while_not(std::string_view& text, std::string_view ends) {
  const auto taken = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(taken.size());
  return taken;
}

std::optional<std::string> take_quoted(std::string_view& text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '\'') {
      out.push_back(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '\'') {
      out.push_back(text[++i]);
    } else {
      text.remove_prefix(i + 1);
      return out;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Pairs> read_connection_string(std::string_view text) {
  Pairs pairs;
  for (skip_blanks(text); !text.empty(); skip_blanks(text)) {
    std::string key(take_while_not(text, "= \t"));
    skip_blanks(text);
    if (key.empty() || text.empty() || text.front() != '=') return fail(Errc::Malformed, "not a list of name=value");
    text.remove_prefix(1);
    skip_blanks(text);
    if (!text.empty() && text.front() == '\'') {
      auto quoted = take_quoted(text);
      if (!quoted) return fail(Errc::Malformed, "a quote has no end");
      pairs.emplace_back(std::move(key), std::move(*quoted));
      continue;
    }
    const auto value = take_while_not(text, kBlanks);
    if (value.empty()) return fail(Errc::Malformed, "a value is missing");
    pairs.emplace_back(std::move(key), std::string(value));
  }
  return pairs;
}

}  // namespace bartizan::migrate
