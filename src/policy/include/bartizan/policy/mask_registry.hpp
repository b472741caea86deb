// What each mask takes, keeps and reveals: one table, from which the publish check, the tie rule
// and the reference page (docs/reference/policies.md, tested against it) are made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bartizan/policy/mask.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy {

/// Families of PostgreSQL's types as masks tell them apart; a domain is of its base's family.
enum class TypeFamily : std::uint8_t {
  Text,  ///< text, varchar, char(n), citext
  Smallint,
  Integer,
  Bigint,
  Numeric,
  Float,  ///< real, double precision
  Date,
  Timestamp,
  Timestamptz,
  Boolean,
  Uuid,
  Bytea,
  Jsonb,
  Other,  ///< everything else, json, arrays and enums too
};

/// Of the column's type in that catalog; Other for what the catalog does not know.
[[nodiscard]] TypeFamily type_family(sql::Oid type, const sql::Catalog& catalog) noexcept;
[[nodiscard]] std::string_view to_string(TypeFamily family) noexcept;

/// What a masked value still tells, from the strictest.
enum class Reveals : std::uint8_t {
  Absence,   ///< nothing, not even whether there was a value
  Presence,  ///< only whether it is NULL
  Equality,  ///< which values are equal: a token
  Range,     ///< between which bounds it lies
  Part,      ///< some of its characters or members
  All,
};
[[nodiscard]] std::string_view to_string(Reveals reveals) noexcept;

struct MaskEntry {
  std::string_view name;
  std::string_view arguments;         ///< as in a manifest
  std::span<const TypeFamily> takes;  ///< empty: every type. The type always stays what it was
  Reveals reveals = Reveals::Absence;
  bool deterministic = false;  ///< equal values have equal, telling outputs: a dictionary can be built
  std::string_view summary;
};

/// In the order of Mask's alternatives.
[[nodiscard]] std::span<const MaskEntry> mask_registry() noexcept;
[[nodiscard]] const MaskEntry& registry_entry(const Mask& mask) noexcept;
/// The reference page's table, Markdown.
[[nodiscard]] std::string registry_table();

}  // namespace bartizan::policy
