#include "counts_file.hpp"

#include <charconv>
#include <optional>

#include "crc32c.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::string_view kHead = "bartizan audit counts v1\n";

std::string crc_line(std::string_view text) { return std::to_string(crc32c(as_bytes(text))) + "\n"; }

/// Takes a decimal number and the character that ends it off the text.
template <class Number>
bool take(std::string_view& text, char end, Number& value) {
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || at == text.data() + text.size() || *at != end) return false;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()) + 1);
  return true;
}

bool take_tree(std::string_view line, SavedCounts::Tree& tree) {
  if (!take(line, ' ', tree.tally.intents)) return false;
  for (auto& ended : tree.tally.ended)
    if (!take(line, ' ', ended)) return false;
  tree.tenant = std::string(line);
  return true;
}

std::optional<SavedCounts> read_counts(std::string_view text) {
  const auto last = text.ends_with('\n') ? text.rfind('\n', text.size() - 2) : std::string_view::npos;
  if (last == std::string_view::npos || !text.starts_with(kHead)) return std::nullopt;
  const auto body = text.substr(0, last + 1);
  if (crc_line(body) != text.substr(last + 1)) return std::nullopt;
  SavedCounts out;
  std::string_view rest = body.substr(kHead.size());
  if (!take(rest, ' ', out.told) || !take(rest, ' ', out.through) || !take(rest, '\n', out.from_s) ||
      out.through < out.told)
    return std::nullopt;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    if (!take_tree(rest.substr(0, end), out.trees.emplace_back())) return std::nullopt;
    rest.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::string encode_counts(const SavedCounts& counts) {
  std::string out(kHead);
  out +=
      std::to_string(counts.told) + " " + std::to_string(counts.through) + " " + std::to_string(counts.from_s) + "\n";
  for (const auto& tree : counts.trees) {
    out += std::to_string(tree.tally.intents);
    for (const auto ended : tree.tally.ended) out += " " + std::to_string(ended);
    out += " " + tree.tenant + "\n";
  }
  return out + crc_line(out);
}

Result<SavedCounts> decode_counts(std::string_view text) {
  auto counts = read_counts(text);
  if (!counts) return fail(Errc::Malformed, "the audit log's file of counts is damaged");
  return std::move(*counts);
}

}  // namespace bartizan::auditlog
