#include "bartizan/cells/encrypted_depot.hpp"

#include <algorithm>

#include "bartizan/sql/lexer.hpp"

namespace bartizan::cells {

namespace {

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out.append("\"");
}

std::string unquoted(std::string_view token) {
  std::string out;
  for (std::size_t i = 1; i + 1 < token.size(); ++i) {
    out.push_back(token[i]);
    if (token[i] == token.front() && token[i + 1] == token.front()) ++i;
  }
  return out;
}

std::string folded(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace

std::size_t most_indexes(const CellColumn& column) noexcept {
  std::size_t most = 0;
  for (const auto& [owner, keys] : column.keys)
    if (keys != nullptr) most = std::max(most, keys->index.size());
  return most;
}

const CellColumn* EncryptedDepot::find(std::uint32_t number) const noexcept {
  const auto found = std::ranges::lower_bound(cells, number, {}, &CellColumn::number);
  return found != cells.end() && found->number == number ? &*found : nullptr;
}

const std::vector<std::string>& EncryptedDepot::path_of(std::string_view login) const noexcept {
  const auto found = search_paths.find(login);
  return found == search_paths.end() ? default_path : found->second;
}

std::optional<std::vector<std::string>> read_path(std::string_view text, std::string_view login,
                                                  const sql::Catalog& catalog) {
  std::vector<std::string> path;
  sql::Lexer lexer(text, {});
  bool wants_name = true;
  for (auto token = lexer.next(); token.kind != sql::TokenKind::End; token = lexer.next()) {
    const auto word = token.in(text);
    if (!wants_name) {
      if (token.kind != sql::TokenKind::Punctuation || word != ",") return std::nullopt;
      wants_name = true;
      continue;
    }
    wants_name = false;
    const bool quotes = token.kind == sql::TokenKind::QuotedIdentifier || token.kind == sql::TokenKind::String;
    if (!quotes && token.kind != sql::TokenKind::Identifier) return std::nullopt;
    auto name = quotes ? unquoted(word) : folded(word);
    if (name == "pg_temp") return std::nullopt;
    if (name == "$user") {
      if (!catalog.has_schema(login)) continue;
      name = login;
    }
    if (!name.empty()) path.push_back(std::move(name));
  }
  if (wants_name && !path.empty()) return std::nullopt;
  return path;
}

std::string write_path(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& name : path) out.append(out.empty() ? "" : ", ").append(quoted(name));
  return out.empty() ? "\"\"" : out;
}

transform::ColumnKeySet clone(const transform::ColumnKeySet& keys) {
  transform::ColumnKeySet out;
  out.active = keys.active;
  for (const auto& one : keys.readable) out.readable.push_back({one.id, one.data.clone(), one.nonce.clone()});
  for (const auto& one : keys.index) out.index.push_back({one.id, one.key.clone()});
  out.subjects = keys.subjects;
  return out;
}

}  // namespace bartizan::cells
