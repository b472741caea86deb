#include "manual_markdown.hpp"

#include <fmt/format.h>

#include <vector>

#include "bartizan/config/reference.hpp"

namespace bartizan::cli {
namespace {

/// `word` bold and *word* italic; the rest escaped.
std::string inline_text(std::string_view text) {
  std::string out;
  bool code = false;
  bool emphasis = false;
  for (const char c : text) {
    if (c == '`') {
      code = !code;
      out += code ? "\\fB" : "\\fR";
    } else if (c == '*' && !code) {
      emphasis = !emphasis;
      out += emphasis ? "\\fI" : "\\fR";
    } else {
      out += roff({&c, 1});
    }
  }
  return out;
}

std::string guarded(std::string line) {
  if (line.starts_with('.') || line.starts_with('\'')) line.insert(0, "\\&");
  return line;
}

/// The cells of "| a | b |".
std::vector<std::string_view> cells_of(std::string_view row) {
  std::vector<std::string_view> cells;
  while (row.starts_with("| ")) {
    row.remove_prefix(2);
    const auto end = row.find(" |");
    cells.push_back(row.substr(0, end));
    row.remove_prefix(end == std::string_view::npos ? row.size() : end + 1);
  }
  return cells;
}

/// A key's row: key, takes, default, reload, what it is.
std::string key_row(const std::vector<std::string_view>& cells) {
  const std::string_view reload = cells[3] == "yes" ? "taken over by a reload" : "needs a restart";
  return fmt::format(".TP\n{}\n{}\n.br\nTakes {}; default {}; {}.\n", inline_text(cells[0]),
                     guarded(inline_text(cells[4])), inline_text(cells[1]), inline_text(cells[2]), reload);
}

}  // namespace

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string roff_line(std::string_view text) { return guarded(inline_text(text)); }

std::string configuration_body() {
  const std::string page = config::render_reference();
  std::string out = ".SH DESCRIPTION\n";
  for (std::string_view rest = page; !rest.empty();) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.starts_with("# ") || line.starts_with("<!--") || line.starts_with("| ---") || line.starts_with("| key |"))
      continue;
    if (line.empty()) {
      if (!out.ends_with(".PP\n") && !out.ends_with(".SH DESCRIPTION\n")) out += ".PP\n";
    } else if (line.starts_with("## ")) {
      if (out.ends_with(".PP\n")) out.resize(out.size() - 4);
      out += fmt::format(".SH {}\n", roff(line.substr(3)));
    } else if (line.starts_with("- ")) {
      out += fmt::format(".IP \\(bu 2\n{}\n", guarded(inline_text(line.substr(2))));
    } else if (const auto cells = cells_of(line); cells.size() == 5) {
      out += key_row(cells);
    } else {
      out += guarded(inline_text(line.substr(line.starts_with("  ") ? 2 : 0))) + "\n";
    }
  }
  if (out.ends_with(".PP\n")) out.resize(out.size() - 4);
  return out;
}

}  // namespace bartizan::cli
