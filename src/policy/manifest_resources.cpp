#include "manifest_resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "manifest_policies.hpp"
#include "names.hpp"
#include "quoting.hpp"

namespace bartizan::policy {
namespace {

using namespace std::string_view_literals;

constexpr std::array kTypeNames{"text"sv, "bigint"sv, "numeric"sv,     "boolean"sv,
                                "uuid"sv, "date"sv,   "timestamptz"sv, "text[]"sv};
constexpr std::array kTypes{AttributeType::Text,        AttributeType::Bigint,   AttributeType::Numeric,
                            AttributeType::Boolean,     AttributeType::Uuid,     AttributeType::Date,
                            AttributeType::Timestamptz, AttributeType::TextArray};
static_assert(kTypeNames.size() == kTypes.size());

std::optional<AttributeType> type_named(std::string_view name) {
  for (std::size_t i = 0; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return kTypes[i];
  }
  return std::nullopt;
}

/// Tags of a column: a list of plain texts, no globs.
std::vector<std::string> tags_of_object(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  if (node.kind == YamlNode::Kind::Null) return {};
  auto tags = texts_of(node, what, errors);
  const bool good = std::ranges::all_of(tags, [](const std::string& tag) { return resource_name(tag); });
  if (!good) errors.add(node.at, fmt::format("{}: a tag is a printable text of 1 to 128 bytes", what));
  return tags;
}

}  // namespace

void read_classification(const YamlNode& node, const PolicyHead& /*head*/, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "classification", errors);
  const auto depot = fields.required_text("depot");
  const auto schema = fields.text("schema").value_or("public");
  const auto table = fields.required_text("table");
  const YamlNode* own = fields.optional("tags");
  const YamlNode* columns = fields.required("columns");
  fields.finish();
  if (columns != nullptr && columns->kind != YamlNode::Kind::Map) {
    errors.add(columns->at, "columns must be a map of column names and lists of tags");
    return;
  }
  if (!depot || !table || columns == nullptr) return;
  if (own != nullptr) out.classifications.push_back({*depot, schema, *table, "", tags_of_object(*own, "tags", errors)});
  for (const auto& [key, value] : columns->members) {
    if (key.text.empty()) errors.add(key.at, "a column's name is empty");
    out.classifications.push_back({*depot, schema, *table, key.text, tags_of_object(value, key.text, errors)});
  }
}

void read_group(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "group", errors);
  out.groups.push_back({head, fields.texts("roles")});
  fields.finish();
}

void read_grant(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "grant", errors);
  PurposeGrant grant;
  grant.head = head;
  if (const YamlNode* subjects = fields.required("subjects")) grant.subjects = read_subjects(*subjects, errors);
  grant.purpose = fields.text("purpose").value_or("");
  grant.roles = fields.texts("roles");
  grant.time.from = fields.moment("from");
  grant.time.until = fields.moment("until");
  fields.finish();
  if (grant.purpose.empty() && grant.roles.empty()) fields.error("grant needs a purpose, roles or both");
  if (grant.time.from && grant.time.until && *grant.time.until <= *grant.time.from)
    fields.error("until is not after from");
  out.grants.push_back(std::move(grant));
}

void read_attributes(const YamlNode& node, const PolicyHead& /*head*/, PolicySet& out, ManifestErrors& errors) {
  if (node.kind != YamlNode::Kind::Map) errors.add(node.at, "attributes must be a map of names and types");
  for (const auto& [key, value] : node.members) {
    const auto type = value.kind == YamlNode::Kind::Scalar ? type_named(value.text) : std::nullopt;
    if (!attribute_name(key.text)) errors.add(key.at, "an attribute's name is lower-case letters, digits and _");
    if (key.text == "tenant" || key.text == "identity" || key.text == "purpose") {
      errors.add(key.at, fmt::format("{} is there by itself", key.text));
    }
    if (!type)
      errors.add(value.at, fmt::format("a type is one of {}{}", fmt::join(kTypeNames, ", "),
                                       did_you_mean(value.text, kTypeNames)));
    out.attributes.push_back({key.text, type.value_or(AttributeType::Text)});
  }
}

void read_tenancy(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "tenancy", errors);
  Tenancy tenancy;
  tenancy.head = head;
  if (const YamlNode* tables = fields.required("tables")) tenancy.tables = paths_of(*tables, "tables", errors);
  if (const YamlNode* shared = fields.optional("shared")) tenancy.shared = paths_of(*shared, "shared", errors);
  tenancy.column = fields.text("column").value_or("tenant_id");
  const auto type = fields.word("type", kTypeNames);
  tenancy.type = type ? type_named(*type).value_or(AttributeType::Text) : AttributeType::Text;
  fields.finish();
  const auto whole_tables = [](const std::vector<ObjectPattern>& list) {
    return std::ranges::none_of(list, &ObjectPattern::names_columns);
  };
  if (!whole_tables(tenancy.tables) || !whole_tables(tenancy.shared)) fields.error("tenancy names tables, not columns");
  if (tenancy.column.empty() || tenancy.column.size() > 63 || tenancy.column.find('\0') != std::string::npos) {
    fields.error("column must be a column's name");
  }
  out.tenancies.push_back(std::move(tenancy));
}

void read_mapping(const YamlNode& node, const PolicyHead& /*head*/, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "mapping", errors);
  if (const YamlNode* tables = fields.required("tables")) {
    for (ObjectPattern& pattern : paths_of(*tables, "tables", errors)) {
      if (pattern.names_columns()) errors.add(tables->at, "mapping names tables, not columns");
      out.mapping_tables.push_back(std::move(pattern));
    }
  }
  fields.finish();
}

}  // namespace bartizan::policy
