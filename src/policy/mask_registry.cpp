#include "bartizan/policy/mask_registry.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace bartizan::policy {
namespace {

using enum TypeFamily;

constexpr std::array kHashed{Text, Bigint, Uuid, Bytea};
constexpr std::array kNumbers{Smallint, Integer, Bigint, Numeric, Float};
constexpr std::array kMoments{Date, Timestamp, Timestamptz};
constexpr std::array kTexts{Text};
constexpr std::array kJson{Jsonb};
constexpr std::array kLiterals{Text, Smallint,  Integer,     Bigint,  Numeric, Float,
                               Date, Timestamp, Timestamptz, Boolean, Uuid};

constexpr std::array kRegistry{
    MaskEntry{"hash", "algo: sha256", kHashed, Reveals::Equality, true,
              "a keyed token, equal for equal values within the class alone"},
    MaskEntry{"bucket_number", "buckets: [n, …]", kNumbers, Reveals::Range, false,
              "the greatest bound not above the value; NULL below the first"},
    MaskEntry{"bucket_date", "precision: minute|hour|day|week|month|quarter|year", kMoments, Reveals::Range, false,
              "the first moment of the unit that holds the value (UTC)"},
    MaskEntry{"redact", "replacement: text", kLiterals, Reveals::Presence, false, "the replacement"},
    MaskEntry{"rand_pattern", "pattern: text", kTexts, Reveals::Equality, true,
              "the pattern, each # a digit drawn from the value under the class's key"},
    MaskEntry{"regex_replace", "pattern: regex, replacement: text", kTexts, Reveals::Part, false,
              "every match replaced; what does not match stays"},
    MaskEntry{"pass_through", "", {}, Reveals::All, false, "the value itself"},
    MaskEntry{"partial", "first: n, last: n, fill: text", kTexts, Reveals::Part, false,
              "the first and last characters around the fill; the fill alone when the value is that short"},
    MaskEntry{"email", "first: n, keep_domain: bool", kTexts, Reveals::Part, false,
              "the local part but its first characters hidden, the domain kept or hidden"},
    MaskEntry{"null", "", {}, Reveals::Absence, false, "NULL"},
    MaskEntry{"constant", "value: text", {}, Reveals::Presence, false, "a literal of the column's type"},
    MaskEntry{"json_path", "edits: [{path, action, replacement}, …]", kJson, Reveals::Part, false,
              "members removed, nulled, redacted or hashed inside a document"},
};
static_assert(kRegistry.size() == std::variant_size_v<Mask>);

struct Family {
  std::string_view type;
  TypeFamily family;
};
constexpr std::array kFamilies{
    Family{"text", Text},       Family{"varchar", Text},        Family{"bpchar", Text},
    Family{"int2", Smallint},   Family{"int4", Integer},        Family{"int8", Bigint},
    Family{"numeric", Numeric}, Family{"float4", Float},        Family{"float8", Float},
    Family{"date", Date},       Family{"timestamp", Timestamp}, Family{"timestamptz", Timestamptz},
    Family{"bool", Boolean},    Family{"uuid", Uuid},           Family{"bytea", Bytea},
    Family{"jsonb", Jsonb},
};

constexpr int kDeepestDomain = 16;  // of domains over domains; a catalog may be wrong, not endless

}  // namespace

TypeFamily type_family(sql::Oid oid, const sql::Catalog& catalog) noexcept {
  const sql::CatalogType* type = catalog.type(oid);
  for (int depth = 0; type != nullptr && type->kind == sql::TypeKind::Domain && depth < kDeepestDomain; ++depth) {
    type = catalog.type(type->base);
  }
  if (type == nullptr || type->kind != sql::TypeKind::Base) return Other;
  if (type->schema == "pg_catalog") {
    for (const Family& family : kFamilies) {
      if (family.type == type->name) return family.family;
    }
  }
  return type->name == "citext" && type->from_extension ? Text : Other;
}

std::string_view to_string(TypeFamily family) noexcept {
  switch (family) {
    case Text: return "text";
    case Smallint: return "smallint";
    case Integer: return "integer";
    case Bigint: return "bigint";
    case Numeric: return "numeric";
    case Float: return "float";
    case Date: return "date";
    case Timestamp: return "timestamp";
    case Timestamptz: return "timestamptz";
    case Boolean: return "boolean";
    case Uuid: return "uuid";
    case Bytea: return "bytea";
    case Jsonb: return "jsonb";
    case Other: return "other";
  }
  return "?";
}

std::string_view to_string(Reveals reveals) noexcept {
  switch (reveals) {
    case Reveals::Absence: return "nothing";
    case Reveals::Presence: return "presence";
    case Reveals::Equality: return "equality";
    case Reveals::Range: return "range";
    case Reveals::Part: return "part";
    case Reveals::All: return "all";
  }
  return "?";
}

std::span<const MaskEntry> mask_registry() noexcept { return kRegistry; }

const MaskEntry& registry_entry(const Mask& mask) noexcept { return kRegistry.at(mask.index()); }

std::string registry_table() {
  std::string out =
      "| mask | arguments | takes | reveals | token | what is seen |\n| --- | --- | --- | --- | --- | --- |\n";
  for (const MaskEntry& entry : kRegistry) {
    std::string takes;
    for (const TypeFamily family : entry.takes) {
      if (!takes.empty()) takes += ", ";
      takes += to_string(family);
    }
    std::string arguments;
    for (const char c : entry.arguments) {
      if (c == '|') arguments += '\\';
      arguments += c;
    }
    out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", entry.name,
                       arguments.empty() ? "–" : "`" + arguments + "`", takes.empty() ? "every type" : takes,
                       to_string(entry.reveals), entry.deterministic ? "yes" : "no", entry.summary);
  }
  return out;
}

}  // namespace bartizan::policy
