// The policies as their authors wrote them: access policies (who may do which verbs on which
// objects), data policies (a mask on columns or a filter on rows), and what they lean on: tags on
// columns, groups, grants with purpose and time, declared attributes, how tenants are told apart.
// Read from YAML (manifest.hpp, docs/formats/policy-yaml.md) or stored by the control plane; plain
// values, total order by name within a kind. resolve.hpp evaluates them, publish_check.hpp judges
// them against a catalog.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/policy/glob.hpp"
#include "bartizan/policy/mask.hpp"
#include "bartizan/policy/outcome.hpp"
#include "bartizan/policy/verb.hpp"

namespace bartizan::policy {

/// Where in which file something was written; line and column from 1, 0 when it came otherwise.
struct SourcePosition {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

/// The head of every resource.
struct PolicyHead {
  std::string name;  ///< unique within its kind
  std::string description;
  std::string owner;   ///< the author
  std::string reason;  ///< why it was written or last changed
  std::vector<std::string> tags;
  std::vector<std::string> acknowledged;  ///< codes of findings its author has seen and accepts
  bool system_layer = false;  ///< DataOS's `layer: system`
  SourcePosition position;
  friend bool operator==(const PolicyHead&, const PolicyHead&) = default;
};

/// Outer list OR, inner list AND. Empty matches nothing.
struct TagExpression {
  std::vector<std::vector<Glob>> any_of;
  friend bool operator==(const TagExpression&, const TagExpression&) = default;
};

/// [from, until): until is the first moment at which it is over.
struct TimeSpan {
  std::optional<WallTime> from;
  std::optional<WallTime> until;
  [[nodiscard]] bool contains(WallTime moment) const noexcept {
    return (!from || *from <= moment) && (!until || moment < *until);
  }
  friend bool operator==(const TimeSpan&, const TimeSpan&) = default;
};

/// When a policy counts at all, beside whom it names. Our own; DataOS has no such part.
struct Condition {
  std::vector<std::string> purposes;  ///< one of them must be the subject's, under a live grant; empty: any
  TimeSpan time;
  /// Attribute `name` must be one of `values`; a missing attribute is a deny (docs/reference/policies.md).
  struct AttributeIn {
    std::string name;
    std::vector<std::string> values;
    friend bool operator==(const AttributeIn&, const AttributeIn&) = default;
  };
  std::vector<AttributeIn> attributes;
  friend bool operator==(const Condition&, const Condition&) = default;
};

/// Who may do what. `allow: false` denies, and a deny beats every allow.
struct AccessPolicy {
  PolicyHead head;
  TagExpression subjects;
  VerbSet verbs;
  std::vector<ObjectPattern> paths;  ///< either paths or tags
  TagExpression object_tags;         ///< column tags; a table counts by the columns that bear them
  bool allow = false;
  bool write_only = false;  ///< with insert and update alone, on named columns: these may not be read either
  Condition condition;
  friend bool operator==(const AccessPolicy&, const AccessPolicy&) = default;
};

enum class Match : std::uint8_t { Any, All };

struct UserSelector {
  Match match = Match::Any;
  std::vector<std::vector<Glob>> tags;  ///< each entry an AND of tags; `match` joins the entries
  friend bool operator==(const UserSelector&, const UserSelector&) = default;
};

/// Either names or tags. Names are globs too.
struct ColumnSelector {
  std::vector<Glob> names;
  std::vector<Glob> tags;
  friend bool operator==(const ColumnSelector&, const ColumnSelector&) = default;
};

struct MaskRule {
  ColumnSelector columns;
  Mask mask;
  bool writable = false;  ///< the masked column may be assigned where the table's verbs allow it
  friend bool operator==(const MaskRule&, const MaskRule&) = default;
};

/// A SQL expression as written, `subject.<attribute>` in it. DataOS's {column, operator, value}
/// triples are read into such a text.
struct FilterRule {
  std::vector<std::string> expressions;  ///< all must hold
  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

/// Rows of the table come only in aggregates over at least k distinct values of the column.
struct AggregateRule {
  std::uint32_t k = 0;
  std::string entity_column;
  friend bool operator==(const AggregateRule&, const AggregateRule&) = default;
};

inline constexpr std::uint8_t kShippedPriority = 99;

struct DataPolicy {
  PolicyHead head;
  std::uint8_t priority = kShippedPriority;  ///< 1 to 100; the lower number wins, for masks
  ObjectPattern dataset;
  UserSelector users;
  std::variant<MaskRule, FilterRule, AggregateRule> rule;
  Condition condition;
  friend bool operator==(const DataPolicy&, const DataPolicy&) = default;
};

/// What a column (or, with `column` empty, a table) has been classified as. A column that stands here with no tag at all has been
/// looked at and found plain; one that does not stand here is unclassified, and hidden on a
/// protected table.
struct ColumnClassification {
  std::string depot;
  std::string schema;
  std::string table;
  std::string column;
  std::vector<std::string> tags;  ///< `PII.Email`, `pci.pan`
  friend bool operator==(const ColumnClassification&, const ColumnClassification&) = default;
};

/// Members of a group bear `groups:id:<name>` and the group's roles.
struct Group {
  PolicyHead head;
  std::vector<std::string> roles;
  friend bool operator==(const Group&, const Group&) = default;
};

/// Gives its subjects a purpose they may act for, roles, or both, for a time.
struct PurposeGrant {
  PolicyHead head;
  TagExpression subjects;
  std::string purpose;  ///< empty: whatever the purpose
  std::vector<std::string> roles;  ///< held while the grant lives (and, if it names one, for its purpose)
  TimeSpan time;
  friend bool operator==(const PurposeGrant&, const PurposeGrant&) = default;
};

/// `subject.<name>` in filters; the value comes from the identity's attributes as text.
struct AttributeDeclaration {
  std::string name;
  AttributeType type = AttributeType::Text;
  friend bool operator==(const AttributeDeclaration&, const AttributeDeclaration&) = default;
};

/// Which tables carry whose rows they hold: on each table that matches and has the column, the
/// filter `column = subject.tenant` is added for everyone. A matching table without the column is
/// an error at publish unless it is named among the shared ones.
struct Tenancy {
  PolicyHead head;
  std::vector<ObjectPattern> tables;
  std::string column = "tenant_id";
  AttributeType type = AttributeType::Text;  ///< of subject.tenant on the whole depot
  std::vector<ObjectPattern> shared;  ///< reference tables without tenants
  friend bool operator==(const Tenancy&, const Tenancy&) = default;
};

/// Everything that decides about one depot. Order within the vectors does not matter.
struct PolicySet {
  std::vector<AccessPolicy> access;
  std::vector<DataPolicy> data;
  std::vector<ColumnClassification> classifications;
  std::vector<Group> groups;
  std::vector<PurposeGrant> grants;
  std::vector<AttributeDeclaration> attributes;
  std::vector<Tenancy> tenancies;
  std::vector<ObjectPattern> mapping_tables;  ///< tables that filters may read in sub-selects
  friend bool operator==(const PolicySet&, const PolicySet&) = default;
};

}  // namespace bartizan::policy
