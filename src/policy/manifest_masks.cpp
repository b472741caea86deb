#include "manifest_masks.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "decimal.hpp"

namespace bartizan::policy {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxText = 1024;  // of any argument
constexpr std::size_t kMaxBuckets = 256;
constexpr std::size_t kMaxEdits = 64;
constexpr std::size_t kMaxPath = 16;

constexpr std::array kOperators{"hash"sv,         "bucket_number"sv, "bucket_date"sv,  "date_precision"sv, "redact"sv,
                                "rand_pattern"sv, "regex_replace"sv, "pass_through"sv, "partial"sv,        "email"sv,
                                "null"sv,         "constant"sv,      "json_path"sv};
constexpr std::array kUnits{"minute"sv, "hour"sv, "day"sv, "week"sv, "month"sv, "quarter"sv, "year"sv};

std::optional<std::string> bounded(Fields& fields, std::string_view key, std::optional<std::string> text) {
  if (!text) return std::nullopt;
  if (text->size() <= kMaxText && text->find('\0') == std::string::npos) return text;
  fields.error(fmt::format("{} has at most {} bytes and no NUL", key, kMaxText));
  return std::nullopt;
}

std::optional<Mask> hash(Fields& fields) {
  constexpr std::array kAlgorithms{"sha256"sv};
  (void)fields.word("algo", kAlgorithms);  // the one that there is; keyed, where DataOS's is not
  return HashMask{};
}

std::optional<Mask> bucket_number(Fields& fields) {
  const YamlNode* node = fields.required("buckets");
  if (node == nullptr) return std::nullopt;
  BucketNumberMask mask;
  std::optional<Decimal> last;
  for (const std::string& text : texts_of(*node, "buckets", fields.errors())) {
    const auto bound = Decimal::parse(text);
    if (!bound || (last && *bound <= *last)) {
      fields.errors().add(node->at, "buckets must be decimal numbers in ascending order, no two equal");
      return std::nullopt;
    }
    last = bound;
    mask.bounds.push_back(bound->text());
  }
  if (!mask.bounds.empty() && mask.bounds.size() <= kMaxBuckets) return mask;
  fields.errors().add(node->at, fmt::format("buckets holds 1 to {} numbers", kMaxBuckets));
  return std::nullopt;
}

std::optional<Mask> bucket_date(Fields& fields) {
  if (fields.required("precision") == nullptr) return std::nullopt;
  const auto unit = fields.word("precision", kUnits);
  if (!unit) return std::nullopt;
  for (const DateUnit candidate : {DateUnit::Minute, DateUnit::Hour, DateUnit::Day, DateUnit::Week, DateUnit::Month,
                                   DateUnit::Quarter, DateUnit::Year}) {
    if (to_string(candidate) == *unit) return BucketDateMask{candidate};
  }
  return std::nullopt;
}

std::optional<Mask> redact(Fields& fields) {
  if (!fields.has("replacement")) return RedactMask{"REDACTED"};
  auto text = bounded(fields, "replacement", fields.required_text("replacement"));
  if (!text) return std::nullopt;
  return RedactMask{std::move(*text)};
}

std::optional<Mask> rand_pattern(Fields& fields) {
  auto text = bounded(fields, "pattern", fields.required_text("pattern"));
  if (!text) return std::nullopt;
  if (text->find('#') == std::string::npos) {
    fields.error("the pattern has no # to put a digit at; use redact or constant for a fixed text");
    return std::nullopt;
  }
  return RandPatternMask{std::move(*text)};
}

std::optional<Mask> regex_replace(Fields& fields) {
  auto pattern = bounded(fields, "pattern", fields.required_text("pattern"));
  const auto replacement = bounded(fields, "replacement", fields.required_text("replacement"));
  if (!pattern || !replacement) return std::nullopt;
  if (pattern->empty()) {
    fields.error("the pattern is empty: it would match between all characters");
    return std::nullopt;
  }
  if (const auto foreign = foreign_regex(*pattern)) {
    fields.error(fmt::format("PostgreSQL's regular expressions have no {}", *foreign));
    return std::nullopt;
  }
  return RegexReplaceMask{std::move(*pattern), server_replacement(*replacement)};
}

std::optional<Mask> partial(Fields& fields) {
  PartialMask mask;
  mask.first = static_cast<std::uint16_t>(fields.number("first", 0, kMaxText).value_or(0));
  mask.last = static_cast<std::uint16_t>(fields.number("last", 0, kMaxText).value_or(0));
  if (fields.has("fill")) {
    auto fill = bounded(fields, "fill", fields.required_text("fill"));
    if (!fill) return std::nullopt;
    mask.fill = std::move(*fill);
  }
  if (mask.first != 0 || mask.last != 0) return mask;
  fields.error("partial shows nothing: say first or last, or use redact");
  return std::nullopt;
}

std::optional<Mask> email(Fields& fields) {
  EmailMask mask;
  mask.first = static_cast<std::uint16_t>(fields.number("first", 0, 64).value_or(0));
  mask.keep_domain = fields.boolean("keep_domain").value_or(true);
  return mask;
}

std::optional<Mask> constant(Fields& fields) {
  auto value = bounded(fields, "value", fields.required_text("value"));
  if (!value) return std::nullopt;
  return ConstantMask{std::move(*value)};
}

std::optional<JsonEdit> json_edit(const YamlNode& node, ManifestErrors& errors) {
  constexpr std::array kActions{"remove"sv, "null"sv, "redact"sv, "hash"sv};
  constexpr std::array kMeanings{JsonAction::Remove, JsonAction::Null, JsonAction::Redact, JsonAction::Hash};
  Fields fields(node, "an edit", errors);
  JsonEdit edit;
  const YamlNode* path = fields.required("path");
  if (path != nullptr) edit.path = texts_of(*path, "path", errors);
  const YamlNode* action = fields.raw("action");
  std::optional<JsonAction> meant;
  for (std::size_t i = 0; action != nullptr && i < kActions.size(); ++i) {
    if (action->text == kActions[i]) meant = kMeanings[i];
  }
  if (!meant) fields.error(fmt::format("an edit needs an action: one of {}", fmt::join(kActions, ", ")));
  if (meant == JsonAction::Redact) {
    edit.replacement = bounded(fields, "replacement", fields.text("replacement")).value_or("REDACTED");
  }
  fields.finish();
  const auto good_step = [](const std::string& step) {
    return !step.empty() && step.size() <= 256 && step.find('\0') == std::string::npos;
  };
  bool good_path = !edit.path.empty() && edit.path.size() <= kMaxPath;
  for (const std::string& step : edit.path) good_path = good_path && good_step(step);
  if (!good_path) fields.error(fmt::format("path holds 1 to {} keys, none empty", kMaxPath));
  if (!meant || !good_path) return std::nullopt;
  edit.action = *meant;
  return edit;
}

std::optional<Mask> json_path(Fields& fields) {
  const YamlNode* node = fields.required("edits");
  if (node == nullptr) return std::nullopt;
  JsonPathMask mask;
  if (node->kind == YamlNode::Kind::List && node->items.size() <= kMaxEdits) {
    for (const YamlNode& item : node->items) {
      auto edit = json_edit(item, fields.errors());
      if (!edit) return std::nullopt;
      mask.edits.push_back(std::move(*edit));
    }
  }
  if (!mask.edits.empty()) return mask;
  fields.errors().add(node->at, fmt::format("edits is a list of 1 to {}", kMaxEdits));
  return std::nullopt;
}

using Reader = std::optional<Mask> (*)(Fields&);
Reader reader_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Reader>, 11> kReaders{{{"hash", hash},
                                                                          {"bucket_number", bucket_number},
                                                                          {"bucket_date", bucket_date},
                                                                          {"date_precision", bucket_date},
                                                                          {"redact", redact},
                                                                          {"rand_pattern", rand_pattern},
                                                                          {"regex_replace", regex_replace},
                                                                          {"partial", partial},
                                                                          {"email", email},
                                                                          {"constant", constant},
                                                                          {"json_path", json_path}}};
  for (const auto& [known, reader] : kReaders) {
    if (known == name) return reader;
  }
  return nullptr;  // null and pass_through: no arguments
}

}  // namespace

std::string server_replacement(std::string_view written) {
  const auto group = [](char c) { return c >= '1' && c <= '9'; };
  std::string out;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const char c = written[i];
    const char next = i + 1 < written.size() ? written[i + 1] : '\0';
    if (c == '$' && group(next)) {
      out += {'\\', next};
      ++i;
    } else if (c == '\\' && i + 1 < written.size()) {
      const bool special = group(next) || next == '&' || next == '\\';
      out += special ? std::string{'\\', next} : std::string(1, next);
      ++i;
    } else {
      out += c == '\\' ? "\\\\" : std::string(1, c);
    }
  }
  return out;
}

std::optional<std::string_view> foreign_regex(std::string_view pattern) {
  if (pattern.starts_with("***")) return "*** directors here";
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view rest = pattern.substr(i);
    if (rest[0] == '\\') {
      if (rest.starts_with("\\p") || rest.starts_with("\\P")) return "\\p classes";
      if (rest.starts_with("\\Q") || rest.starts_with("\\E")) return "\\Q…\\E";
      if (rest.starts_with("\\k")) return "named groups";
      ++i;
    } else if (rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!")) {
      return "named groups";
    } else if (rest.starts_with("*+") || rest.starts_with("++") || rest.starts_with("?+") || rest.starts_with("}+")) {
      return "possessive quantifiers";
    } else if (rest.starts_with("(?>")) {
      return "atomic groups";
    }
  }
  return std::nullopt;
}

std::optional<MaskReading> read_mask(const YamlNode& node, ManifestErrors& errors) {
  Fields fields(node, "mask", errors);
  const YamlNode* named = fields.raw("operator");
  std::string_view name;
  for (const std::string_view known : kOperators) {
    if (named != nullptr && named->text == known) name = known;
  }
  MaskReading out;
  out.writable = fields.boolean("writable").value_or(false);
  if (name.empty()) {
    fields.error(fmt::format("mask needs an operator, one of {}{}", fmt::join(kOperators, ", "),
                             named == nullptr ? "" : did_you_mean(named->text, kOperators)));
    return std::nullopt;
  }
  const YamlNode* arguments = fields.raw(name);
  fields.finish();
  if (name == "pass_through" || name == "null") {
    if (arguments != nullptr && arguments->kind != YamlNode::Kind::Null && !arguments->members.empty()) {
      errors.add(arguments->at, fmt::format("{} takes no arguments", name));
      return std::nullopt;
    }
    out.mask = name == "null" ? Mask(NullMask{}) : Mask(PassThroughMask{});
    return out;
  }
  const bool given = arguments != nullptr && arguments->kind != YamlNode::Kind::Null;
  YamlNode empty;
  empty.kind = YamlNode::Kind::Map;
  empty.at = node.at;
  Fields inner(given ? *arguments : empty, std::string(name), errors);
  auto mask = reader_of(name)(inner);
  inner.finish();
  if (!mask) return std::nullopt;
  out.mask = std::move(*mask);
  return out;
}

}  // namespace bartizan::policy
