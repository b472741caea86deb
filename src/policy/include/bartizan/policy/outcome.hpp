// A policy class: the whole outcome of all policies on one depot for one subject, as a value
// (DESIGN, "Words" and "The wall"). Equal outcomes are one class, whoever the person is: nothing
// here tells an identity, a tenant or an attribute's value; those travel in the signed context.
// `wall` compiles it to PostgreSQL objects, `sql` rewrites statements against it. Its name is the
// hash of its canonical serialisation (docs/adr/0041).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/crypto/hash.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/policy/mask.hpp"
#include "bartizan/policy/verb.hpp"

namespace bartizan::policy {

/// How a context attribute is typed in SQL: `subject.x` in a filter has this type.
enum class AttributeType : std::uint8_t { Text, Bigint, Numeric, Boolean, Uuid, Date, Timestamptz, TextArray };
/// PostgreSQL's name: "text", "bigint", "numeric", "boolean", "uuid", "date", "timestamptz", "text[]".
[[nodiscard]] std::string_view to_string(AttributeType type) noexcept;

/// An attribute whose value the signed context must carry for this class.
struct ContextAttribute {
  std::string name;  ///< [a-z_][a-z0-9_]*, at most 63
  AttributeType type = AttributeType::Text;
  friend auto operator<=>(const ContextAttribute&, const ContextAttribute&) = default;
};

/// Of every class, filtered or not; absent in a subject means the signed value "no tenant".
inline constexpr std::string_view kTenantAttribute = "tenant";

/// A place in a filter's text that stands for an attribute: text.substr(offset, length) is
/// `subject.<attribute>` as written.
struct FilterSlot {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string attribute;  ///< stands in ClassOutcome::context, with its type
  friend bool operator==(const FilterSlot&, const FilterSlot&) = default;
};

/// One boolean SQL expression over a table's columns, mapping tables (schema-qualified) and
/// `subject.<attribute>`; checked by publish_check. A row is visible, and may be written, only
/// where it is true. No value of any subject stands in it.
struct FilterTemplate {
  std::string text;
  std::vector<FilterSlot> slots;  ///< ascending, not overlapping

  /// The text with each slot replaced by what `slot_sql` gives for its attribute's name.
  [[nodiscard]] std::string render(const std::function<std::string(std::string_view attribute)>& slot_sql) const;
  friend bool operator==(const FilterTemplate&, const FilterTemplate&) = default;
};

/// Readable as it is.
struct Clear {
  friend bool operator==(const Clear&, const Clear&) = default;
};
/// Readable through the mask (never PassThroughMask: that is Clear).
struct Masked {
  Mask mask;
  friend bool operator==(const Masked&, const Masked&) = default;
};
/// Neither readable nor writable, and not to be seen in catalogs.
struct Hidden {
  friend bool operator==(const Hidden&, const Hidden&) = default;
};
/// May be assigned, never read: neither by SELECT nor RETURNING nor in any expression.
struct WriteOnly {
  friend bool operator==(const WriteOnly&, const WriteOnly&) = default;
};
using Visibility = std::variant<Clear, Masked, Hidden, WriteOnly>;

struct ColumnOutcome {
  std::string name;
  Visibility visibility = Hidden{};
  /// Which of Insert and Update may assign it. Empty for Hidden; a part of the table's verbs.
  /// Masked columns have none unless a policy says so.
  VerbSet writes;
  friend bool operator==(const ColumnOutcome&, const ColumnOutcome&) = default;
};

/// Rows may be read only in aggregates over groups of at least k distinct entities. Layer 1's duty.
struct AggregateOnly {
  std::uint32_t k = 0;
  std::string entity_column;
  friend bool operator==(const AggregateOnly&, const AggregateOnly&) = default;
};

/// Invariants: verbs is not empty; with Read at least one column is Clear or Masked; without Read
/// none is; every column of the catalog's relation stands here, in its order (attnum).
struct TableOutcome {
  std::string schema;
  std::string name;
  VerbSet verbs;
  std::vector<ColumnOutcome> columns;
  std::vector<FilterTemplate> filters;  ///< all must hold (AND); sorted by text, no two equal
  std::optional<AggregateOnly> aggregate_only;

  [[nodiscard]] const ColumnOutcome* find(std::string_view column) const noexcept;
  friend bool operator==(const TableOutcome&, const TableOutcome&) = default;
};

/// Tables that do not stand here do not exist for the class. Plain value; compare and copy freely.
struct ClassOutcome {
  std::string depot;
  std::vector<TableOutcome> tables;       ///< sorted by (schema, name) in byte order, unique
  std::vector<ContextAttribute> context;  ///< sorted by name, unique; `tenant` always

  [[nodiscard]] const TableOutcome* find(std::string_view schema, std::string_view table) const noexcept;
  [[nodiscard]] const ContextAttribute* find_attribute(std::string_view name) const noexcept;
  friend bool operator==(const ClassOutcome&, const ClassOutcome&) = default;
};

/// Equal outcomes and only they have equal bytes. REQUIRES: the invariants above (resolve keeps them).
[[nodiscard]] Bytes canonical_bytes(const ClassOutcome& outcome);
/// Of one table alone: what names a view that several classes share.
[[nodiscard]] Bytes canonical_bytes(const TableOutcome& table);
/// Of one filter alone: what names a view owner (one per filter template).
[[nodiscard]] Bytes canonical_bytes(const FilterTemplate& filter);

/// SHA-256 of the canonical bytes.
[[nodiscard]] crypto::Digest256 content_hash(const ClassOutcome& outcome);
[[nodiscard]] crypto::Digest256 content_hash(const TableOutcome& table);
[[nodiscard]] crypto::Digest256 content_hash(const FilterTemplate& filter);

/// The first 8 bytes of content_hash, big-endian; never 0, which is the pass-through class.
[[nodiscard]] ClassId class_id(const ClassOutcome& outcome);

}  // namespace bartizan::policy
