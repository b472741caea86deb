#include "render.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }
std::string_view view(json::string_view text) { return {text.data(), text.size()}; }

std::string cell(const json::value& value);

/// Inside a list, an object stands for itself by its first member, which is its name.
std::string list_cell(const json::array& items) {
  std::string out;
  for (const json::value& item : items) {
    if (!out.empty()) out += ", ";
    const json::object* object = item.if_object();
    out += object != nullptr && !object->empty() ? cell(object->begin()->value()) : cell(item);
  }
  return out.empty() ? "-" : out;
}

std::string cell(const json::value& value) {
  if (value.is_null()) return "-";
  if (const bool* flag = value.if_bool()) return *flag ? "yes" : "no";
  if (const json::string* text = value.if_string()) return text->empty() ? "-" : visible(view(*text));
  if (const json::array* items = value.if_array()) return list_cell(*items);
  if (const json::object* object = value.if_object()) {
    std::string out;
    for (const auto& [name, member] : *object) {
      if (!out.empty()) out += ", ";
      out.append(visible(view(name))).append("=").append(cell(member));
    }
    return out.empty() ? "-" : out;
  }
  return visible(view(json::serialize(value)));
}

bool is_list_of_objects(const json::value& value) {
  const json::array* items = value.if_array();
  return items != nullptr && !items->empty() &&
         std::all_of(items->begin(), items->end(), [](const json::value& item) { return item.is_object(); });
}

struct TableColumn {
  std::string key;
  std::string title;
};

std::string title_of(std::string_view key) {
  std::string title = visible(key);
  std::ranges::transform(title, title.begin(), [](char c) {
    if (c == '_') return ' ';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return title;
}

std::vector<TableColumn> columns_of(const json::array& rows, std::span<const Column> wanted) {
  std::vector<TableColumn> columns;
  for (const Column& column : wanted) {
    const bool there = std::any_of(rows.begin(), rows.end(),
                                   [&](const json::value& row) { return row.as_object().contains(column.key); });
    if (there) columns.push_back({std::string(column.key), std::string(column.title)});
  }
  if (!columns.empty()) return columns;
  for (const json::value& row : rows) {
    for (const auto& [name, member] : row.as_object()) {
      const auto known =
          std::ranges::find(columns, view(name), [](const TableColumn& c) { return std::string_view(c.key); });
      if (known == columns.end()) columns.push_back({std::string(view(name)), title_of(view(name))});
    }
  }
  return columns;
}

void append_table(std::string& out, const json::array& rows, std::span<const Column> wanted, std::size_t indent) {
  const std::vector<TableColumn> columns = columns_of(rows, wanted);
  std::vector<std::vector<std::string>> lines(1);
  for (const TableColumn& column : columns) lines.front().push_back(column.title);
  for (const json::value& row : rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const TableColumn& column : columns) {
      const json::value* member = row.as_object().if_contains(column.key);
      line.push_back(member == nullptr ? "-" : cell(*member));
    }
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
  }
  for (const auto& line : lines) {
    out.append(indent, ' ');
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size()) out.append(widths[i] - width(line[i]) + 2, ' ');
    }
    out.push_back('\n');
  }
}

void append_record(std::string& out, const json::object& object, std::size_t indent) {
  const auto is_nested = [](const json::value& value) {
    return (value.is_object() && !value.as_object().empty()) || is_list_of_objects(value);
  };
  std::size_t longest = 0;
  for (const auto& [name, member] : object) {
    if (!is_nested(member)) longest = std::max(longest, width(visible(view(name))));
  }
  for (const auto& [key, member] : object) {
    const std::string name = visible(view(key));
    out.append(indent, ' ').append(name);
    if (!is_nested(member)) {
      out.append(longest - width(name) + 2, ' ').append(cell(member)).append(1, '\n');
      continue;
    }
    out.push_back('\n');
    if (member.is_object()) {
      append_record(out, member.as_object(), indent + 2);
    } else {
      append_table(out, member.as_array(), {}, indent + 2);
    }
  }
}

}  // namespace

std::string render(const json::value& result, std::span<const Column> columns) {
  std::string out;
  if (result.is_null()) return "done\n";
  if (const json::object* object = result.if_object()) {
    append_record(out, *object, 0);
  } else if (is_list_of_objects(result)) {
    append_table(out, result.as_array(), columns, 0);
  } else if (const json::array* items = result.if_array()) {
    for (const json::value& item : *items) out.append(cell(item)).append(1, '\n');
    if (items->empty()) out = "none\n";
  } else {
    out.append(cell(result)).append(1, '\n');
  }
  return out;
}

}  // namespace bartizan::cli
