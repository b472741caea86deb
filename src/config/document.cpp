#include "document.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "in_quotes.hpp"

namespace bartizan::config {
namespace {

Origin origin_of(const toml::source_region& region, const std::string& file_name) {
  return {file_name, region.begin.line, region.begin.column};
}

OtherType other_type(toml::node_type type) {
  switch (type) {
    case toml::node_type::table: return {"a table"};
    case toml::node_type::floating_point: return {"a number with a fraction"};
    case toml::node_type::date: return {"a date"};
    case toml::node_type::time: return {"a time"};
    case toml::node_type::date_time: return {"a date and time"};
    case toml::node_type::none:
    case toml::node_type::array:
    case toml::node_type::string:
    case toml::node_type::integer:
    case toml::node_type::boolean: break;
  }
  return {"something else"};
}

RawValue raw(const toml::node& node, const std::string& file_name) {
  RawValue out{{}, origin_of(node.source(), file_name)};
  if (const auto* text = node.as_string()) {
    out.value = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.value = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.value = boolean->get();
  } else if (const auto* array = node.as_array()) {
    std::vector<RawValue> items;
    items.reserve(array->size());
    for (const toml::node& item : *array) {
      // No key takes a list of lists: what is deeper is named, not copied.
      items.push_back(item.is_array() ? RawValue{OtherType{"a list"}, origin_of(item.source(), file_name)} : raw(item, file_name));
    }
    out.value = std::move(items);
  } else {
    out.value = other_type(node.type());
  }
  return out;
}

}  // namespace

tl::expected<Document, Issue> read_document(std::string_view text, const std::string& file_name) {
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    // toml++ quotes the character it stumbled on, which may be anything.
    std::string message = in_quotes(result.error().description());
    message = "not TOML: " + message.substr(1, message.size() - 2);
    return tl::unexpected(origin_of(result.error().source(), file_name).issue(std::move(message)));
  }
  Document document;
  for (const auto& [top_key, top_node] : result.table()) {
    const Origin top_origin = origin_of(top_key.source(), file_name);
    const toml::table* section = top_node.as_table();
    if (section == nullptr) {
      document.keys.push_back({"", std::string(top_key.str()), top_origin, raw(top_node, file_name)});
      continue;
    }
    document.sections.push_back({std::string(top_key.str()), top_origin});
    for (const auto& [key, node] : *section) {
      document.keys.push_back(
          {std::string(top_key.str()), std::string(key.str()), origin_of(key.source(), file_name), raw(node, file_name)});
    }
  }
  return document;
}

}  // namespace bartizan::config
