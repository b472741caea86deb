#include "type_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "text.hpp"

namespace bartizan::wall {
namespace {

constexpr std::int32_t kHeader = 4;  // VARHDRSZ stands in the modifiers of varchar, bpchar and numeric
constexpr std::array<std::string_view, 4> kCharacters{"varchar", "bpchar", "_varchar", "_bpchar"};
constexpr std::array<std::string_view, 2> kNumerics{"numeric", "_numeric"};
constexpr std::array<std::string_view, 12> kPlain{"timestamp",  "timestamptz",  "time",  "timetz",  "bit",  "varbit",
                                                  "_timestamp", "_timestamptz", "_time", "_timetz", "_bit", "_varbit"};

bool among(std::span<const std::string_view> list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

/// numeric.c: the scale has 11 bits and may be negative.
std::string numeric_modifier(std::int32_t typmod) {
  const std::int32_t bits = typmod - kHeader;
  const std::int32_t scale = ((bits & 0x7ff) ^ 1024) - 1024;
  return fmt::format("({},{})", (bits >> 16) & 0xffff, scale);
}

}  // namespace

Result<std::string> type_name(const sql::Catalog& catalog, sql::Oid oid, std::int32_t typmod) {
  const auto* type = catalog.type(oid);
  if (type == nullptr) return fail(Errc::NotFound, fmt::format("the type {} is not in the catalog", oid));
  const auto name = quoted_name(type->schema, type->name);
  if (typmod < 0) return name;
  if (type->schema == "pg_catalog") {
    if (among(kCharacters, type->name)) return fmt::format("{}({})", name, typmod - kHeader);
    if (among(kNumerics, type->name)) return name + numeric_modifier(typmod);
    if (among(kPlain, type->name)) return fmt::format("{}({})", name, typmod);
  }
  return fail(Errc::Unsupported, "the modifier of type " + type->schema + "." + type->name + " is not understood");
}

std::optional<std::int32_t> character_limit(const sql::Catalog& catalog, sql::Oid oid, std::int32_t typmod) {
  const auto* type = catalog.type(oid);
  if (type == nullptr) return std::nullopt;
  if (type->kind == sql::TypeKind::Domain && type->base != oid) {
    const auto limit = type->base_typmod;
    return limit < 0 ? std::nullopt : character_limit(catalog, type->base, limit);
  }
  const bool characters = type->schema == "pg_catalog" && (type->name == "varchar" || type->name == "bpchar");
  if (!characters || typmod < kHeader) return std::nullopt;
  return typmod - kHeader;
}

}  // namespace bartizan::wall
