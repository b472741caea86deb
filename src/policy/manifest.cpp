#include "bartizan/policy/manifest.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "manifest_policies.hpp"
#include "manifest_resources.hpp"
#include "names.hpp"
#include "quoting.hpp"

namespace bartizan::policy {
namespace {

using namespace std::string_view_literals;

constexpr std::array kTypes{"policy"sv,     "classification"sv, "group"sv,   "grant"sv,
                            "attributes"sv, "tenancy"sv,        "mapping"sv, "test"sv};

PolicyHead read_head(Fields& fields, std::string_view file) {
  PolicyHead head;
  head.position = {std::string(file), fields.at().line, fields.at().column};
  head.name = fields.required_text("name").value_or("");
  if (!head.name.empty() && !resource_name(head.name)) fields.error("name is a printable text of 1 to 128 bytes");
  constexpr std::array kVersions{"v1"sv};
  if (fields.required("version") != nullptr) (void)fields.word("version", kVersions);
  constexpr std::array kLayers{"user"sv, "system"sv};
  head.system_layer = fields.word("layer", kLayers) == "system"sv;
  head.tags = fields.texts("tags");
  head.description = fields.text("description").value_or("");
  head.owner = fields.text("owner").value_or("");
  head.reason = fields.text("reason").value_or("");
  head.acknowledged = fields.texts("acknowledge");
  return head;
}

void read_document(const YamlNode& document, std::string_view file, Manifest& out, ManifestErrors& errors) {
  Fields fields(document, "the manifest", errors);
  if (document.kind != YamlNode::Kind::Map) return;
  const PolicyHead head = read_head(fields, file);
  if (fields.required("type") == nullptr) return;
  const auto type = fields.word("type", kTypes);
  if (!type) return;
  const YamlNode* body = fields.required(*type);
  fields.finish();
  if (body == nullptr) return;
  if (*type == "policy") read_policy(*body, head, out.policies, errors);
  if (*type == "classification") read_classification(*body, head, out.policies, errors);
  if (*type == "group") read_group(*body, head, out.policies, errors);
  if (*type == "grant") read_grant(*body, head, out.policies, errors);
  if (*type == "attributes") read_attributes(*body, head, out.policies, errors);
  if (*type == "tenancy") read_tenancy(*body, head, out.policies, errors);
  if (*type == "mapping") read_mapping(*body, head, out.policies, errors);
  if (*type == "test") read_test(*body, head, out.tests, errors);
}

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// The key of the first that stands twice, in words.
template <class List, class Key>
Result<void> unique(const List& list, std::string_view kind, Key key) {
  std::set<std::string> seen;
  for (const auto& item : list) {
    const std::string name = key(item);
    if (!seen.insert(name).second)
      return fail(Errc::AlreadyExists, fmt::format("{} {} stands twice", kind, in_double_quotes(name)));
  }
  return {};
}

Result<void> check_names(const PolicySet& set) {
  const auto head_name = [](const auto& item) { return item.head.name; };
  std::vector<std::string> policies;
  for (const AccessPolicy& policy : set.access) policies.push_back(policy.head.name);
  for (const DataPolicy& policy : set.data) policies.push_back(policy.head.name);
  BZ_CHECK(unique(policies, "policy", [](const std::string& name) { return name; }));
  BZ_CHECK(unique(set.groups, "group", head_name));
  BZ_CHECK(unique(set.grants, "grant", head_name));
  BZ_CHECK(unique(set.tenancies, "tenancy", head_name));
  BZ_CHECK(unique(set.attributes, "attribute", [](const AttributeDeclaration& a) { return a.name; }));
  return unique(set.classifications, "classification of", [](const ColumnClassification& c) {
    return fmt::format("{}:{}.{}.{}", c.depot, sql_identifier(c.schema), sql_identifier(c.table),
                       sql_identifier(c.column));
  });
}

}  // namespace

Manifest read_manifest(std::string_view text, std::string_view file) {
  Manifest out;
  YamlParse parsed = parse_yaml(text);
  out.errors = std::move(parsed.errors);
  ManifestErrors errors(out.errors);
  for (const YamlNode& document : parsed.documents) read_document(document, file, out, errors);
  if (out.errors.empty() && parsed.documents.empty()) errors.add({}, "holds no manifest");
  if (!out.errors.empty()) {
    out.policies = {};
    out.tests.clear();
  }
  return out;
}

Result<PolicySet> merge(std::vector<PolicySet> parts) {
  PolicySet out;
  for (PolicySet& part : parts) {
    append(out.access, part.access);
    append(out.data, part.data);
    append(out.classifications, part.classifications);
    append(out.groups, part.groups);
    append(out.grants, part.grants);
    append(out.attributes, part.attributes);
    append(out.tenancies, part.tenancies);
    append(out.mapping_tables, part.mapping_tables);
  }
  BZ_CHECK(check_names(out));
  return out;
}

}  // namespace bartizan::policy
