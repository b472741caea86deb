#include "classification_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <map>
#include <vector>

namespace bartizan::cli {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(json::string_view(name.data(), name.size()));
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

/// YAML reads a JSON string as it is.
std::string scalar(const std::string& text) {
  const bool plain =
      !text.empty() && text != "true" && text != "false" && text != "null" && text != "yes" && text != "no" &&
      text != "on" && text != "off" && text != "y" && text != "n" && !(text[0] >= '0' && text[0] <= '9') &&
      std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  return plain ? text : json::serialize(json::string(text));
}

/// Of a line's end, where it can't begin another line.
std::string comment(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 32; }, ' ');
  return text;
}

struct Column {
  std::string name;
  std::string tag;
  std::string confidence;
  std::string evidence;
};

struct Table {
  std::string depot;
  std::string schema;
  std::string name;
  std::vector<Column> columns;
};

/// As a manifest may be named.
std::string manifest_name(const Table& table) {
  std::string out = "classify-" + table.schema + "-" + table.name;
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) c = '-';
  }
  return out;
}

std::string render(const Table& table) {
  std::string out = fmt::format(
      "---\nname: {}\nversion: v1\ntype: classification\nclassification:\n  depot: {}\n  schema: {}\n  table: {}\n  columns:\n",
      scalar(manifest_name(table)), scalar(table.depot), scalar(table.schema), scalar(table.name));
  for (const auto& column : table.columns) {
    if (column.tag.empty())
      out += fmt::format("    # {}: []{}\n", comment(scalar(column.name)),
                         column.evidence.empty() ? "" : "  # " + comment(column.evidence));
    else
      out += fmt::format("    {}: [{}]  # {}: {}\n", scalar(column.name), column.tag, column.confidence,
                         comment(column.evidence));
  }
  return out;
}

}  // namespace

Result<ClassificationFile> classification_file(std::string_view answer) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(answer.data(), answer.size()), error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* result = object == nullptr ? nullptr : object->if_contains("result");
  const json::array* columns = result == nullptr ? nullptr : result->if_array();
  if (columns == nullptr) return fail(Errc::Malformed, "the answer of the admin socket is not understood");
  std::vector<Table> tables;
  for (const json::value& one : *columns) {
    const json::object* column = one.if_object();
    if (column == nullptr) return fail(Errc::Malformed, "the answer of the admin socket is not understood");
    const auto schema = text_of(*column, "schema");
    const auto name = text_of(*column, "table");
    if (tables.empty() || tables.back().schema != schema || tables.back().name != name)
      tables.push_back({text_of(*column, "depot"), schema, name, {}});
    tables.back().columns.push_back({text_of(*column, "column"), text_of(*column, "tag"),
                                     text_of(*column, "confidence"), text_of(*column, "evidence")});
  }
  ClassificationFile out;
  for (const auto& table : tables) {
    const auto tagged = std::ranges::count_if(table.columns, [](const Column& column) { return !column.tag.empty(); });
    if (tagged == 0) continue;
    ++out.tables;
    out.columns += static_cast<std::size_t>(tagged);
    out.text += render(table);
  }
  if (out.tables == 0) return fail(Errc::FailedPrecondition, "nothing speaks for a tag on any column");
  out.text =
      "# Proposed by `bartizan catalog classify`, from names and a sample: read each line before it is published.\n"
      "# A column that is commented out stays hidden from everybody under a policy, until it is classified or allowed.\n" +
      out.text;
  return out;
}

Result<void> write_new_file(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0 && errno == EEXIST) return fail(Errc::AlreadyExists, path + " is there already");
  if (file < 0) return fail(Errc::Io, path + " can't be written");
  bool written = true;
  while (written && !text.empty()) {
    const auto count = ::write(file, text.data(), text.size());
    written = count > 0 || (count < 0 && errno == EINTR);
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  written = ::close(file) == 0 && written;
  if (!written) return fail(Errc::Io, path + " can't be written");
  return {};
}

}  // namespace bartizan::cli
