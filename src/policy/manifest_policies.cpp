#include "manifest_policies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bartizan/policy/detokenize.hpp"
#include "filter_expression.hpp"
#include "manifest_masks.hpp"
#include "names.hpp"
#include "quoting.hpp"

namespace bartizan::policy {
namespace {

using namespace std::string_view_literals;

struct PredicateMeaning {
  std::string_view word;
  VerbSet verbs;
};
// `options` asks what may be done and does nothing itself.
constexpr std::array kPredicates{
    PredicateMeaning{"create", {Verb::Insert}},
    PredicateMeaning{"read", {Verb::Read}},
    PredicateMeaning{"update", {Verb::Update}},
    PredicateMeaning{"write", {Verb::Insert, Verb::Update}},
    PredicateMeaning{"delete", {Verb::Delete}},
    PredicateMeaning{"get", {Verb::Read}},
    PredicateMeaning{"put", {Verb::Update}},
    PredicateMeaning{"post", {Verb::Insert}},
    PredicateMeaning{"options", {}},
    PredicateMeaning{"insert", {Verb::Insert}},
    PredicateMeaning{"detokenize", {kDetokenize}},
};

VerbSet read_predicates(const YamlNode& node, ManifestErrors& errors) {
  VerbSet verbs;
  std::array<std::string_view, kPredicates.size()> words{};
  std::ranges::transform(kPredicates, words.begin(), &PredicateMeaning::word);
  for (const std::string& text : texts_of(node, "predicates", errors)) {
    const auto found = std::ranges::find(kPredicates, text, &PredicateMeaning::word);
    if (found != kPredicates.end()) {
      verbs = verbs | found->verbs;
    } else {
      errors.add(node.at, fmt::format("{} is no predicate; they are {}{}", in_double_quotes(text),
                                      fmt::join(words, ", "), did_you_mean(text, words)));
    }
  }
  return verbs;
}

Condition read_condition(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "condition", errors);
  Condition out;
  out.purposes = fields.texts("purposes");
  out.time.from = fields.moment("from");
  out.time.until = fields.moment("until");
  if (const YamlNode* attributes = fields.optional("attributes")) {
    if (attributes->kind != YamlNode::Kind::Map)
      errors.add(attributes->at, "attributes must be a map of names and lists");
    for (const auto& [key, value] : attributes->members) {
      Condition::AttributeIn attribute{key.text, texts_of(value, key.text, errors)};
      if (!attribute_name(key.text)) errors.add(key.at, "an attribute's name is lower-case letters, digits and _");
      if (attribute.values.empty()) errors.add(value.at, "an attribute needs at least one value");
      out.attributes.push_back(std::move(attribute));
    }
  }
  fields.finish();
  return out;
}

void read_objects(const YamlNode& node, AccessPolicy& out, ManifestErrors& errors) {
  Fields fields(node, "objects", errors);
  const YamlNode* paths = fields.optional("paths");
  const YamlNode* tags = fields.optional("tags");
  fields.finish();
  if (paths != nullptr) out.paths = paths_of(*paths, "paths", errors);
  if (tags != nullptr) out.object_tags.any_of = tags_of(*tags, "tags", errors);
  if ((paths == nullptr) == (tags == nullptr)) fields.error("objects needs either paths or tags");
  if (paths != nullptr && paths->items.empty()) errors.add(paths->at, "paths must not be empty");
}

void check_write_only(const AccessPolicy& policy, Fields& fields) {
  const bool verbs = (policy.verbs - VerbSet{Verb::Insert, Verb::Update}).empty() && !policy.verbs.empty();
  const bool columns = !policy.paths.empty() && std::ranges::all_of(policy.paths, &ObjectPattern::names_columns);
  if (policy.allow && verbs && columns) return;
  fields.error("write_only goes with allow: true, the predicates insert and update, and paths that name columns");
}

void read_access(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "access", errors);
  AccessPolicy policy;
  policy.head = head;
  if (const YamlNode* subjects = fields.required("subjects")) policy.subjects = read_subjects(*subjects, errors);
  if (const YamlNode* predicates = fields.required("predicates")) policy.verbs = read_predicates(*predicates, errors);
  if (const YamlNode* objects = fields.required("objects")) read_objects(*objects, policy, errors);
  policy.allow = fields.boolean("allow").value_or(false);
  policy.write_only = fields.boolean("write_only").value_or(false);
  if (const YamlNode* condition = fields.optional("condition")) policy.condition = read_condition(*condition, errors);
  auto name = fields.text("name");
  auto description = fields.text("description");
  if (description && policy.head.description.empty()) policy.head.description = std::move(*description);
  if (policy.write_only) check_write_only(policy, fields);
  fields.finish();
  out.access.push_back(std::move(policy));
}

UserSelector read_users(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "user", errors);
  UserSelector out;
  constexpr std::array kMatches{"any"sv, "all"sv};
  out.match = fields.word("match", kMatches) == "all"sv ? Match::All : Match::Any;
  if (const YamlNode* tags = fields.required("tags")) out.tags = tags_of(*tags, "tags", errors);
  fields.finish();
  return out;
}

ColumnSelector read_columns(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "column", errors);
  ColumnSelector out;
  const YamlNode* names = fields.optional("names");
  const YamlNode* tags = fields.optional("tags");
  fields.finish();
  if (names != nullptr) out.names = globs_of(*names, "names", errors);
  if (tags != nullptr) out.tags = globs_of(*tags, "tags", errors);
  if ((names == nullptr) == (tags == nullptr)) fields.error("column needs either names or tags");
  if (names != nullptr && names->items.empty()) errors.add(names->at, "names must not be empty");
  if (tags != nullptr && tags->items.empty()) errors.add(tags->at, "tags must not be empty");
  return out;
}

/// A filter's entry: DataOS's {column, operator, value} or our {expression}.
std::optional<std::string> read_filter(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "a filter", errors);
  if (fields.has("expression")) {
    const YamlNode* written = fields.optional("expression");
    fields.finish();
    const auto text = written == nullptr ? std::nullopt : text_of(*written, "expression", errors);
    if (!text) return std::nullopt;
    if (const auto parsed = parse_filter(*text); !parsed) {
      errors.add(written->at, parsed.error().detail);
      return std::nullopt;
    }
    return text;
  }
  constexpr std::array kOperators{"equals"sv, "not_equals"sv};
  const auto column = fields.required_text("column");
  const YamlNode* named = fields.required("operator");
  const auto word = named == nullptr ? std::nullopt : fields.word("operator", kOperators);
  const auto value = fields.required_text("value");
  fields.finish();
  if (!column || !word || !value) return std::nullopt;
  const bool usable =
      !column->empty() && column->find('\0') == std::string::npos && value->find('\0') == std::string::npos;
  const std::string text = sql_identifier(*column) + (*word == "equals" ? " = " : " <> ") + sql_literal(*value);
  if (usable && parse_filter(text)) return text;
  fields.error("a filter's column or value is too long or holds what SQL can't");
  return std::nullopt;
}

std::optional<FilterRule> read_filters(const YamlNode& node, ManifestErrors& errors) {
  FilterRule rule;
  if (node.kind == YamlNode::Kind::List) {
    for (const YamlNode& item : node.items) {
      if (auto expression = read_filter(item, errors)) rule.expressions.push_back(std::move(*expression));
    }
    if (!rule.expressions.empty() && rule.expressions.size() == node.items.size() && node.items.size() <= 64)
      return rule;
  }
  errors.add(node.at, "filters must be a list of 1 to 64 filters");
  return std::nullopt;
}

std::optional<AggregateRule> read_aggregate(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "aggregate", errors);
  AggregateRule rule;
  rule.k = fields.number("k", 2, 1'000'000).value_or(0);
  rule.entity_column = fields.required_text("entity").value_or("");
  fields.finish();
  if (rule.k != 0 && !rule.entity_column.empty()) return rule;
  fields.error("aggregate needs k (at least 2) and entity, the column whose distinct values are counted");
  return std::nullopt;
}

/// The dataset: depot, collection and dataset globs, or the older dataset_id in one.
std::optional<ObjectPattern> read_dataset(Fields& fields) {
  const auto depot = fields.text("depot");
  const auto collection = fields.text("collection");
  const auto dataset = fields.text("dataset");
  const auto id = fields.text("dataset_id");
  if (id && (depot || collection || dataset)) {
    fields.error("dataset_id goes without depot, collection and dataset");
    return std::nullopt;
  }
  if (id && id->find(':') == std::string::npos) {
    fields.error("dataset_id is depot:collection.dataset");
    return std::nullopt;
  }
  auto pattern =
      id ? ObjectPattern::parse(id->find('/') != std::string::npos && !id->starts_with("dataos://") ? "dataos://" + *id
                                                                                                    : *id)
         : ObjectPattern::from_parts(depot.value_or("**"), collection.value_or("**"), dataset.value_or("**"));
  if (pattern && !pattern->names_columns()) return std::move(*pattern);
  fields.error(pattern ? "a dataset is a table, not a column" : "the dataset: " + pattern.error().detail);
  return std::nullopt;
}

std::optional<std::variant<MaskRule, FilterRule, AggregateRule>> read_rule(Fields& fields, const YamlNode* columns,
                                                                           ManifestErrors& errors) {
  constexpr std::array kTypes{"mask"sv, "filter"sv, "aggregate"sv};
  if (fields.required("type") == nullptr) return std::nullopt;
  const auto type = fields.word("type", kTypes);
  if (!type) return std::nullopt;
  if (*type != "mask" && columns != nullptr) errors.add(columns->at, "only a mask selects columns");
  if (*type == "mask") {
    const YamlNode* node = fields.required("mask");
    if (columns == nullptr) fields.error("a mask needs selector.column");
    if (node == nullptr || columns == nullptr) return std::nullopt;
    auto mask = read_mask(*node, errors);
    auto selector = read_columns(*columns, errors);
    if (!mask) return std::nullopt;
    return MaskRule{std::move(selector), std::move(mask->mask), mask->writable};
  }
  const YamlNode* node = fields.required(*type == "filter" ? "filters" : "aggregate");
  if (node == nullptr) return std::nullopt;
  if (*type == "filter") {
    auto rule = read_filters(*node, errors);
    if (rule) return std::move(*rule);
  } else {
    auto rule = read_aggregate(*node, errors);
    if (rule) return std::move(*rule);
  }
  return std::nullopt;
}

void read_data(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "data", errors);
  DataPolicy policy;
  policy.head = head;
  auto name = fields.text("name");
  auto description = fields.text("description");
  if (description && policy.head.description.empty()) policy.head.description = std::move(*description);
  policy.priority = static_cast<std::uint8_t>(fields.number("priority", 1, 100).value_or(kShippedPriority));
  const YamlNode* columns = nullptr;
  if (const YamlNode* selector = fields.required("selector")) {
    Fields parts(*selector, "selector", errors);
    if (const YamlNode* user = parts.required("user")) policy.users = read_users(*user, errors);
    columns = parts.optional("column");
    parts.finish();
  }
  auto dataset = read_dataset(fields);
  auto rule = read_rule(fields, columns, errors);
  if (const YamlNode* condition = fields.optional("condition")) policy.condition = read_condition(*condition, errors);
  fields.finish();
  if (!dataset || !rule) return;
  policy.dataset = std::move(*dataset);
  policy.rule = std::move(*rule);
  out.data.push_back(std::move(policy));
}

}  // namespace

TagExpression read_subjects(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "subjects", errors);
  TagExpression out;
  if (const YamlNode* tags = fields.required("tags")) out.any_of = tags_of(*tags, "tags", errors);
  fields.finish();
  return out;
}

void read_policy(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors) {
  Fields fields(node, "policy", errors);
  const YamlNode* access = fields.optional("access");
  const YamlNode* data = fields.optional("data");
  fields.finish();
  if ((access == nullptr) == (data == nullptr)) {
    fields.error("policy needs either access or data");
    return;
  }
  if (access != nullptr) {
    read_access(*access, head, out, errors);
  } else {
    read_data(*data, head, out, errors);
  }
}

}  // namespace bartizan::policy
