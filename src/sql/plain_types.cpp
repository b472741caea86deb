#include "plain_types.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bartizan/sql/rewrite.hpp"

namespace bartizan::sql {

namespace {

constexpr std::array<std::string_view, 6> kNumbers = {"float4", "float8", "int2", "int4", "int8", "numeric"};
constexpr std::array<std::string_view, 3> kCalendar = {"date", "timestamp", "timestamptz"};
constexpr std::array<std::string_view, 6> kOthers = {"bool", "bpchar", "text", "time", "uuid", "varchar"};

/// pg_type.oid of each of them, and of their arrays; 0: left to the server, 705: unknown.
constexpr std::array<Oid, 32> kOids = {0,    16,   20,   21,   23,   25,   700,  701,  705,  1000, 1005,
                                       1007, 1009, 1014, 1015, 1016, 1021, 1022, 1042, 1043, 1082, 1083,
                                       1114, 1115, 1182, 1183, 1184, 1185, 1231, 1700, 2950, 2951};
static_assert(std::ranges::is_sorted(kOids));

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool is_number_type(std::string_view name) noexcept { return is_one_of(kNumbers, name); }
bool is_calendar_type(std::string_view name) noexcept { return is_one_of(kCalendar, name); }
bool is_plain_type(std::string_view name) noexcept {
  return is_number_type(name) || is_calendar_type(name) || is_one_of(kOthers, name);
}
bool is_plain_parameter_type(Oid type) noexcept { return std::ranges::binary_search(kOids, type); }

std::string_view plain_name(const Catalog& catalog, Oid type) noexcept {
  constexpr int kMaxDomains = 16;  // a domain over a domain over …
  const CatalogType* found = catalog.type(type);
  for (int i = 0; found != nullptr && found->kind == TypeKind::Domain && i < kMaxDomains; ++i)
    found = catalog.type(found->base);
  if (found == nullptr) return {};
  if (found->kind == TypeKind::Enum) return "enum";
  return found->kind == TypeKind::Base && found->schema == "pg_catalog" ? std::string_view(found->name)
                                                                        : std::string_view();
}

}  // namespace bartizan::sql
