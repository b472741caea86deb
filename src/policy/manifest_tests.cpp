#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "manifest_resources.hpp"
#include "quoting.hpp"

namespace bartizan::policy {
namespace {

using namespace std::string_view_literals;

SubjectFacts read_subject(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "as", errors);
  SubjectFacts out;
  out.identity = fields.required_text("identity").value_or("");
  out.roles = fields.texts("roles");
  out.groups = fields.texts("groups");
  out.tags = fields.texts("tags");
  out.tenant = fields.text("tenant");
  out.purpose = fields.text("purpose");
  out.moment = fields.moment("at").value_or(WallTime{});
  if (const YamlNode* attributes = fields.optional("attributes")) {
    if (attributes->kind != YamlNode::Kind::Map)
      errors.add(attributes->at, "attributes must be a map of names and values");
    for (const auto& [key, value] : attributes->members) {
      if (auto text = text_of(value, key.text, errors)) out.attributes.emplace(key.text, std::move(*text));
    }
  }
  fields.finish();
  return out;
}

std::optional<VerbSet> read_verbs(const YamlNode& node, ManifestErrors& errors) {
  VerbSet out;
  for (const std::string& text : texts_of(node, "verbs", errors)) {
    const auto* const found = std::ranges::find_if(kAllVerbs, [&](Verb verb) { return to_string(verb) == text; });
    if (found == kAllVerbs.end()) {
      errors.add(node.at, fmt::format("{} is no verb; they are read, insert, update, delete", in_double_quotes(text)));
    } else {
      out.insert(*found);
    }
  }
  return out;
}

TableExpectation read_expectation(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "an expectation", errors);
  TableExpectation out;
  out.schema = fields.text("schema").value_or("public");
  out.table = fields.required_text("table").value_or("");
  out.position.line = node.at.line;
  out.position.column = node.at.column;
  out.visible = fields.boolean("visible");
  if (const YamlNode* verbs = fields.optional("verbs")) out.verbs = read_verbs(*verbs, errors);
  if (const YamlNode* filters = fields.optional("filters")) out.filters = texts_of(*filters, "filters", errors);
  if (const YamlNode* columns = fields.optional("columns")) {
    if (columns->kind != YamlNode::Kind::Map)
      errors.add(columns->at, "columns must be a map of names and what is seen");
    for (const auto& [key, value] : columns->members) {
      // `null` is a mask's name here, so a null node counts by its word.
      const bool word =
          value.kind == YamlNode::Kind::Scalar || (value.kind == YamlNode::Kind::Null && !value.text.empty());
      if (!word) errors.add(value.at, "what is seen is clear, hidden, write_only or a mask");
      out.columns.emplace(key.text, value.text);
    }
  }
  fields.finish();
  const bool something = out.visible || out.verbs || out.filters || !out.columns.empty();
  if (!something) fields.error("an expectation without visible, verbs, columns or filters would always hold");
  return out;
}

}  // namespace

void read_test(const YamlNode& node, const PolicyHead& head, std::vector<PolicyTest>& out, ManifestErrors& errors) {
  Fields fields(node, "test", errors);
  PolicyTest test;
  test.head = head;
  test.depot = fields.required_text("depot").value_or("");
  if (const YamlNode* subject = fields.required("as")) test.subject = read_subject(*subject, errors);
  if (const YamlNode* expect = fields.required("expect")) {
    if (expect->kind != YamlNode::Kind::List || expect->items.empty()) {
      errors.add(expect->at, "expect must be a list of at least one expectation");
    }
    for (const YamlNode& item : expect->items) {
      test.expect.push_back(read_expectation(item, errors));
      test.expect.back().position.file = head.position.file;
    }
  }
  fields.finish();
  out.push_back(std::move(test));
}

}  // namespace bartizan::policy
