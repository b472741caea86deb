#include "sequence_default.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace bartizan::wall {
namespace {

/// One identifier as quote_ident writes it; takes it away from the front of text.
std::optional<std::string> take_identifier(std::string_view& text) {
  std::string out;
  if (!text.starts_with('"')) {
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_$");
    out = text.substr(0, end);
    text.remove_prefix(out.size());
    return out.empty() ? std::nullopt : std::optional(out);
  }
  for (text.remove_prefix(1); !text.empty(); text.remove_prefix(1)) {
    if (text.front() == '"') {
      if (!text.starts_with("\"\"")) {
        text.remove_prefix(1);
        return out;
      }
      text.remove_prefix(1);
    }
    out += text.front();
  }
  return std::nullopt;
}

/// The text between the quotes of nextval('…'::regclass).
std::optional<std::string> nextval_argument(std::string_view expression) {
  constexpr std::string_view kHead = "nextval('";
  constexpr std::string_view kTail = "'::regclass)";
  if (!expression.starts_with(kHead) || !expression.ends_with(kTail)) return std::nullopt;
  expression.remove_prefix(kHead.size());
  expression.remove_suffix(kTail.size());
  std::string out;
  for (; !expression.empty(); expression.remove_prefix(1)) {
    if (expression.front() == '\'') {
      if (!expression.starts_with("''")) return std::nullopt;
      expression.remove_prefix(1);
    }
    if (expression.front() == '\\') return std::nullopt;
    out += expression.front();
  }
  return out;
}

}  // namespace

const sql::CatalogRelation* default_sequence(const sql::Catalog& catalog, const sql::CatalogColumn& column) {
  if (column.identity != sql::Identity::No || column.generated != sql::Generated::No) return nullptr;
  const auto argument = nextval_argument(column.default_expression);
  if (!argument) return nullptr;
  std::string_view text = *argument;
  const auto schema = take_identifier(text);
  if (!schema || !text.starts_with('.')) return nullptr;
  text.remove_prefix(1);
  const auto name = take_identifier(text);
  if (!name || !text.empty()) return nullptr;
  const auto* relation = catalog.relation(*schema, *name);
  return relation != nullptr && relation->kind == sql::RelKind::Sequence ? relation : nullptr;
}

}  // namespace bartizan::wall
