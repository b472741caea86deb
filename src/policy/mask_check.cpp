#include "bartizan/policy/mask_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "bartizan/base/uuid.hpp"
#include "bartizan/policy/mask_registry.hpp"
#include "decimal.hpp"
#include "moment.hpp"
#include "quoting.hpp"

namespace bartizan::policy {
namespace {

constexpr std::size_t kShortestToken = 16;  // hexadecimal digits of a hash: 64 bits
constexpr std::int32_t kTypmodHeader = 4;   // PostgreSQL adds VARHDRSZ to lengths in typmods

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// The column's, or the innermost domain's.
std::int32_t typmod_of(const sql::CatalogColumn& column, const sql::Catalog& catalog) {
  std::int32_t typmod = column.typmod;
  const sql::CatalogType* type = catalog.type(column.type);
  for (int depth = 0; type != nullptr && type->kind == sql::TypeKind::Domain && depth < 16; ++depth) {
    if (type->base_typmod >= 0) typmod = type->base_typmod;
    type = catalog.type(type->base);
  }
  return typmod;
}

struct Check {
  const sql::CatalogColumn& column;
  TypeFamily family;
  std::int32_t typmod;

  [[nodiscard]] tl::unexpected<Error> misfit(std::string what) const {
    return fail(Errc::InvalidArgument, std::move(what));
  }

  /// n of varchar(n) and char(n).
  [[nodiscard]] std::optional<std::size_t> limit() const {
    if (family != TypeFamily::Text || typmod < kTypmodHeader) return std::nullopt;
    return static_cast<std::size_t>(typmod - kTypmodHeader);
  }
  [[nodiscard]] Result<void> fits_text(std::size_t length, std::string_view what) const {
    const auto most = limit();
    if (!most || length <= *most) return {};
    return misfit(fmt::format("{} is {} characters long, the column holds {}", what, length, *most));
  }
  [[nodiscard]] bool fits_number(const Decimal& number) const {
    if (family == TypeFamily::Smallint) return number.fits_integer(2);
    if (family == TypeFamily::Integer) return number.fits_integer(4);
    if (family == TypeFamily::Bigint) return number.fits_integer(8);
    if (family == TypeFamily::Float) return true;
    if (family != TypeFamily::Numeric) return false;
    if (typmod < kTypmodHeader) return true;
    const auto raw = static_cast<std::uint32_t>(typmod - kTypmodHeader);
    const int precision = static_cast<int>((raw >> 16) & 0xffff);
    const int scale = static_cast<int>((raw & 0x7ff) ^ 1024) - 1024;
    return scale >= 0 && static_cast<int>(number.fraction.size()) <= scale &&
           static_cast<int>(number.whole.size()) <= precision - scale;
  }
  [[nodiscard]] Result<void> literal(std::string_view text, std::string_view what) const {
    bool good = true;
    switch (family) {
      case TypeFamily::Text: return fits_text(characters(text), what);
      case TypeFamily::Smallint:
      case TypeFamily::Integer:
      case TypeFamily::Bigint:
      case TypeFamily::Numeric:
      case TypeFamily::Float: {
        const auto number = Decimal::parse(text);
        good = number && fits_number(*number);
        break;
      }
      case TypeFamily::Date: good = parse_date(text).has_value(); break;
      case TypeFamily::Timestamp:
      case TypeFamily::Timestamptz: good = parse_moment(text).has_value(); break;
      case TypeFamily::Boolean: good = text == "true" || text == "false"; break;
      case TypeFamily::Uuid: good = Uuid::parse(text).has_value(); break;
      case TypeFamily::Bytea:
      case TypeFamily::Jsonb:
      case TypeFamily::Other: break;  // the server's to read
    }
    if (good) return {};
    return misfit(
        fmt::format("{} {} is no value of the column's type ({})", what, in_double_quotes(text), to_string(family)));
  }

  Result<void> operator()(const HashMask&) const {
    const auto most = limit();
    if (!most || *most >= kShortestToken) return {};
    return misfit(fmt::format("a hash needs {} characters, the column holds {}", kShortestToken, *most));
  }
  Result<void> operator()(const BucketNumberMask& mask) const {
    for (const std::string& bound : mask.bounds) {
      const auto number = Decimal::parse(bound);
      if (!number || !fits_number(*number))
        return misfit(fmt::format("the bucket {} is no value of the column's type", bound));
    }
    return {};
  }
  Result<void> operator()(const BucketDateMask& mask) const {
    if (family != TypeFamily::Date || mask.unit >= DateUnit::Week) return {};
    return misfit(fmt::format("a date is not hidden by precision {}: use week or coarser", to_string(mask.unit)));
  }
  Result<void> operator()(const RedactMask& mask) const { return literal(mask.replacement, "the replacement"); }
  Result<void> operator()(const RandPatternMask& mask) const {
    return fits_text(characters(mask.pattern), "the pattern");
  }
  Result<void> operator()(const RegexReplaceMask&) const { return {}; }
  Result<void> operator()(const PassThroughMask&) const { return {}; }
  Result<void> operator()(const PartialMask& mask) const {
    return fits_text(mask.first + mask.last + characters(mask.fill), "first, fill and last");
  }
  Result<void> operator()(const EmailMask&) const { return fits_text(4, "the shortest masked address"); }
  Result<void> operator()(const NullMask&) const { return {}; }
  Result<void> operator()(const ConstantMask& mask) const { return literal(mask.value, "the value"); }
  Result<void> operator()(const JsonPathMask&) const { return {}; }
};

}  // namespace

bool is_domain(const sql::CatalogColumn& column, const sql::Catalog& catalog) noexcept {
  const sql::CatalogType* type = catalog.type(column.type);
  return type != nullptr && type->kind == sql::TypeKind::Domain;
}

Result<void> check_mask(const Mask& mask, const sql::CatalogColumn& column, const sql::Catalog& catalog) {
  const TypeFamily family = type_family(column.type, catalog);
  const MaskEntry& entry = registry_entry(mask);
  if (!entry.takes.empty() && std::ranges::find(entry.takes, family) == entry.takes.end()) {
    return fail(Errc::InvalidArgument,
                fmt::format("{} does not take the column's type ({})", entry.name, to_string(family)));
  }
  return std::visit(Check{column, family, typmod_of(column, catalog)}, mask);
}

}  // namespace bartizan::policy
