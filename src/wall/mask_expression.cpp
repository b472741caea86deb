#include "mask_expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>
#include <variant>

#include "bartizan/policy/mask_registry.hpp"
#include "text.hpp"
#include "type_name.hpp"

namespace bartizan::wall {
namespace {

using policy::TypeFamily;

constexpr std::int32_t kLeastToken = 16;
// An InitPlan: evaluated once a statement, and only if the column is.
constexpr std::string_view kMaskKey = "(SELECT bartizan.mask_key())";

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  const auto point = text.find('.');
  if (point == std::string_view::npos) return digits(text);
  return digits(text.substr(0, point)) && digits(text.substr(point + 1));
}

/// Gives the expression before its cast to the column's type. NULL must stay NULL in each.
class Expression {
 public:
  Expression(const sql::Catalog& catalog, const sql::CatalogColumn& column, std::string type)
      : family_(policy::type_family(column.type, catalog)),
        limit_(character_limit(catalog, column.type, column.typmod)),
        type_(std::move(type)),
        name_(quoted_name(column.name)),
        text_("(" + name_ + ")::text") {}

  Result<std::string> operator()(const policy::HashMask&) const {
    const auto bytes = family_ == TypeFamily::Bytea ? name_ + "::bytea" : "convert_to(" + text_ + ", 'UTF8')";
    const auto token = fmt::format("bartizan.mask_hmac({}, {})", bytes, kMaskKey);
    if (family_ == TypeFamily::Bytea) return token;
    if (family_ == TypeFamily::Uuid) return "bartizan.mask_uuid(" + token + ")";
    if (family_ == TypeFamily::Bigint) return "bartizan.mask_bigint(" + token + ")";
    if (limit_ && *limit_ < kLeastToken) return fail(Errc::Unsupported, "a hash needs at least 16 characters of room");
    return "encode(" + token + ", 'hex')";
  }
  Result<std::string> operator()(const policy::BucketNumberMask& mask) const {
    if (mask.bounds.empty()) return fail(Errc::InvalidArgument, "bucket_number needs a bound");
    std::string out = "CASE";
    for (auto bound = mask.bounds.rbegin(); bound != mask.bounds.rend(); ++bound) {
      if (!is_decimal(*bound)) return fail(Errc::InvalidArgument, "a bound of bucket_number is no decimal number");
      out += fmt::format(" WHEN {} >= {}::numeric THEN {}::{}", name_, quoted_literal(*bound), quoted_literal(*bound),
                         type_);
    }
    return out + " END";
  }
  Result<std::string> operator()(const policy::BucketDateMask& mask) const {
    const auto unit = quoted_literal(policy::to_string(mask.unit));
    if (family_ == TypeFamily::Timestamptz) return fmt::format("date_trunc({}, {}, 'UTC')", unit, name_);
    return fmt::format("date_trunc({}, {}::timestamp)", unit, name_);
  }
  Result<std::string> operator()(const policy::RedactMask& mask) const { return unless_null(mask.replacement); }
  Result<std::string> operator()(const policy::RandPatternMask& mask) const {
    return fmt::format("bartizan.mask_pattern({}, {}, {})", text_, quoted_literal(mask.pattern), kMaskKey);
  }
  Result<std::string> operator()(const policy::RegexReplaceMask& mask) const {
    return fmt::format("regexp_replace({}, {}, {}, 'g')", text_, quoted_literal(mask.pattern),
                       quoted_literal(mask.replacement));
  }
  Result<std::string> operator()(const policy::PassThroughMask&) const { return name_; }
  Result<std::string> operator()(const policy::PartialMask& mask) const {
    const auto fill = quoted_literal(mask.fill);
    return fmt::format(
        "CASE WHEN char_length({0}) > {1} THEN left({0}, {2}) || {4}::text || right({0}, {3}) "
        "WHEN {0} IS NOT NULL THEN {4}::text END",
        text_, mask.first + mask.last, mask.first, mask.last, fill);
  }
  Result<std::string> operator()(const policy::EmailMask& mask) const {
    // Characters from the last '@' on, and so before it.
    const auto tail = "strpos(reverse(" + text_ + "), '@')";
    const auto local = "(char_length(" + text_ + ") - " + tail + ")";
    const auto domain = mask.keep_domain ? "right(" + text_ + ", " + tail + ")" : std::string("'@***'");
    return fmt::format(
        "CASE WHEN {0} = 0 THEN '***' WHEN {1} > {2} THEN left({3}, {2}) || '***' || {4} "
        "WHEN {3} IS NOT NULL THEN '***' || {4} END",
        tail, local, mask.first, text_, domain);
  }
  Result<std::string> operator()(const policy::NullMask&) const { return "NULL"; }
  Result<std::string> operator()(const policy::ConstantMask& mask) const { return unless_null(mask.value); }
  Result<std::string> operator()(const policy::JsonPathMask& mask) const {
    std::string out = name_ + "::jsonb";
    for (const auto& edit : mask.edits) {
      if (edit.path.empty()) return fail(Errc::InvalidArgument, "json_path needs a path");
      std::string path;
      for (const auto& step : edit.path) path += (path.empty() ? "" : ", ") + quoted_literal(step) + "::text";
      const bool redacts = edit.action == policy::JsonAction::Redact;
      const bool hashes = edit.action == policy::JsonAction::Hash;
      out = fmt::format("bartizan.mask_json({}, ARRAY[{}], {}, {}, {})", out, path,
                        quoted_literal(policy::to_string(edit.action)),
                        redacts ? quoted_literal(edit.replacement) : "NULL", hashes ? kMaskKey : "NULL");
    }
    return "CASE WHEN " + name_ + " IS NOT NULL THEN " + out + " END";
  }

 private:
  Result<std::string> unless_null(std::string_view value) const {
    return fmt::format("CASE WHEN {} IS NOT NULL THEN {}::{} END", name_, quoted_literal(value), type_);
  }

  TypeFamily family_;
  std::optional<std::int32_t> limit_;
  std::string type_;
  std::string name_;
  std::string text_;
};

}  // namespace

Result<std::string> mask_expression(const sql::Catalog& catalog, const sql::CatalogColumn& column,
                                    const policy::Mask& mask) {
  const auto& entry = policy::registry_entry(mask);
  const auto family = policy::type_family(column.type, catalog);
  if (!entry.takes.empty() && std::ranges::find(entry.takes, family) == entry.takes.end())
    return fail(Errc::Unsupported, fmt::format("mask {} does not take the type of column {}", entry.name, column.name));
  BZ_TRY(const auto type, type_name(catalog, column.type, column.typmod));
  BZ_TRY(const auto expression, std::visit(Expression(catalog, column, type), mask));
  return fmt::format("({})::{}", expression, type);
}

}  // namespace bartizan::wall
