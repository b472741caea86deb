#include "bartizan/policy/mask.hpp"

#include <fmt/format.h>

#include <utility>

#include "quoting.hpp"

namespace bartizan::policy {
namespace {

struct Describe {
  std::string operator()(const HashMask&) const { return "hash"; }
  std::string operator()(const BucketNumberMask& m) const {
    std::string list;
    for (const auto& bound : m.bounds) list += (list.empty() ? "" : ", ") + bound;
    return fmt::format("bucket_number {{buckets: [{}]}}", list);
  }
  std::string operator()(const BucketDateMask& m) const {
    return fmt::format("bucket_date {{precision: {}}}", to_string(m.unit));
  }
  std::string operator()(const RedactMask& m) const {
    return fmt::format("redact {{replacement: {}}}", in_double_quotes(m.replacement));
  }
  std::string operator()(const RandPatternMask& m) const {
    return fmt::format("rand_pattern {{pattern: {}}}", in_double_quotes(m.pattern));
  }
  std::string operator()(const RegexReplaceMask& m) const {
    return fmt::format("regex_replace {{pattern: {}, replacement: {}}}", in_double_quotes(m.pattern),
                       in_double_quotes(m.replacement));
  }
  std::string operator()(const PassThroughMask&) const { return "pass_through"; }
  std::string operator()(const PartialMask& m) const {
    return fmt::format("partial {{first: {}, last: {}, fill: {}}}", m.first, m.last, in_double_quotes(m.fill));
  }
  std::string operator()(const EmailMask& m) const {
    return fmt::format("email {{first: {}, keep_domain: {}}}", m.first, m.keep_domain);
  }
  std::string operator()(const NullMask&) const { return "null"; }
  std::string operator()(const ConstantMask& m) const {
    return fmt::format("constant {{value: {}}}", in_double_quotes(m.value));
  }
  std::string operator()(const JsonPathMask& m) const {
    std::string list;
    for (const auto& edit : m.edits) {
      std::string path;
      for (const auto& step : edit.path) path += (path.empty() ? "" : ", ") + in_double_quotes(step);
      list += fmt::format("{}{} [{}]", list.empty() ? "" : ", ", to_string(edit.action), path);
    }
    return fmt::format("json_path {{{}}}", list);
  }
};

struct Name {
  std::string_view operator()(const HashMask&) const { return "hash"; }
  std::string_view operator()(const BucketNumberMask&) const { return "bucket_number"; }
  std::string_view operator()(const BucketDateMask&) const { return "bucket_date"; }
  std::string_view operator()(const RedactMask&) const { return "redact"; }
  std::string_view operator()(const RandPatternMask&) const { return "rand_pattern"; }
  std::string_view operator()(const RegexReplaceMask&) const { return "regex_replace"; }
  std::string_view operator()(const PassThroughMask&) const { return "pass_through"; }
  std::string_view operator()(const PartialMask&) const { return "partial"; }
  std::string_view operator()(const EmailMask&) const { return "email"; }
  std::string_view operator()(const NullMask&) const { return "null"; }
  std::string_view operator()(const ConstantMask&) const { return "constant"; }
  std::string_view operator()(const JsonPathMask&) const { return "json_path"; }
};

}  // namespace

std::string_view to_string(DateUnit unit) noexcept {
  switch (unit) {
    case DateUnit::Minute: return "minute";
    case DateUnit::Hour: return "hour";
    case DateUnit::Day: return "day";
    case DateUnit::Week: return "week";
    case DateUnit::Month: return "month";
    case DateUnit::Quarter: return "quarter";
    case DateUnit::Year: return "year";
  }
  return "?";
}

std::string_view to_string(JsonAction action) noexcept {
  switch (action) {
    case JsonAction::Remove: return "remove";
    case JsonAction::Null: return "null";
    case JsonAction::Redact: return "redact";
    case JsonAction::Hash: return "hash";
  }
  return "?";
}

std::string_view mask_name(const Mask& mask) noexcept { return std::visit(Name{}, mask); }

std::string describe(const Mask& mask) { return std::visit(Describe{}, mask); }

}  // namespace bartizan::policy
