// sql::Catalog: what PostgreSQL's catalogs say of one database, as plain values: the seam between
// reading it (from PostgreSQL), deciding over it (policies) and binding statements to it (layer 1
// of the wall). DESIGN.md, "Seams", CatalogSnapshot.
//
// Immutable once made and shared as shared_ptr<const Catalog>. Objects are keyed by oid; look-ups
// by name are exact (already folded and unquoted, as pg_class holds them). It holds everything that
// was read, visible to an identity or not: what an identity may see is the ViewMap's matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::sql {

/// PostgreSQL's object identifier; 0 is InvalidOid.
using Oid = std::uint32_t;
/// pg_attribute.attnum: user columns from 1, gaps where columns were dropped.
using AttrNumber = std::int16_t;

struct CatalogSchema {
  Oid oid = 0;
  std::string name;
};

enum class Generated : std::uint8_t { No, Stored, Virtual };
enum class Identity : std::uint8_t { No, Always, ByDefault };

struct CatalogColumn {
  std::string name;
  AttrNumber attnum = 0;
  Oid type = 0;
  std::int32_t typmod = -1;
  Oid collation = 0;
  bool not_null = false;
  bool has_default = false;  ///< pg_attribute.atthasdef, generation expressions too
  Generated generated = Generated::No;
  Identity identity = Identity::No;
  /// pg_get_expr of the default or generation expression; empty if there is none.
  std::string default_expression;
  /// The sequence it owns (serial, identity); 0 if none.
  Oid owned_sequence = 0;
  friend bool operator==(const CatalogColumn&, const CatalogColumn&) = default;
};

/// A primary key or unique *constraint*, or a unique index without one.
struct CatalogKey {
  std::string name;
  std::vector<AttrNumber> columns;  ///< in the key's order; empty for keys over expressions
  bool primary = false;
  bool constraint = true;  ///< false: only a unique index, not nameable by ON CONFLICT ON CONSTRAINT
  bool deferrable = false;
  bool partial = false;  ///< has a predicate or an expression
  friend bool operator==(const CatalogKey&, const CatalogKey&) = default;
};

struct CatalogForeignKey {
  std::string name;
  std::vector<AttrNumber> columns;
  Oid referenced = 0;
  std::vector<AttrNumber> referenced_columns;
  friend bool operator==(const CatalogForeignKey&, const CatalogForeignKey&) = default;
};

/// pg_class.relkind, without indexes and TOAST tables.
enum class RelKind : char {
  Table = 'r',
  PartitionedTable = 'p',
  View = 'v',
  MaterializedView = 'm',
  ForeignTable = 'f',
  Sequence = 'S',
  CompositeType = 'c',
};

struct CatalogRelation {
  Oid oid = 0;
  std::string schema;
  std::string name;
  RelKind kind = RelKind::Table;
  Oid owner = 0;
  Oid row_type = 0;                    ///< pg_class.reltype
  std::vector<CatalogColumn> columns;  ///< by attnum, dropped ones absent
  std::vector<CatalogKey> keys;
  std::vector<CatalogForeignKey> foreign_keys;
  std::vector<Oid> parents;  ///< inheritance parents, or the one partitioned table it is a partition of
  bool is_partition = false;
  bool has_children = false;        ///< has partitions or inheritance children
  bool row_security = false;        ///< ALTER TABLE … ENABLE ROW LEVEL SECURITY
  bool force_row_security = false;  ///< … FORCE
  bool has_user_triggers = false;   ///< triggers that are not a constraint's
  bool has_rules = false;           ///< rules other than a view's _RETURN
  std::string view_definition;      ///< pg_get_viewdef of views and materialised views

  [[nodiscard]] const CatalogColumn* column(std::string_view column_name) const noexcept;
  [[nodiscard]] const CatalogColumn* column(AttrNumber number) const noexcept;
  [[nodiscard]] const CatalogKey* primary_key() const noexcept;
  friend bool operator==(const CatalogRelation&, const CatalogRelation&) = default;
};

/// pg_type.typtype.
enum class TypeKind : char {
  Base = 'b',
  Composite = 'c',
  Domain = 'd',
  Enum = 'e',
  Pseudo = 'p',
  Range = 'r',
  Multirange = 'm',
};

struct CatalogType {
  Oid oid = 0;
  std::string schema;
  std::string name;
  TypeKind kind = TypeKind::Base;
  char category = 'U';          ///< pg_type.typcategory
  std::int16_t length = -1;     ///< pg_type.typlen
  Oid element = 0;              ///< of true arrays; 0 otherwise
  Oid base = 0;                 ///< of domains
  std::int32_t base_typmod = -1;
  Oid relation = 0;             ///< of composite types
  Oid collation = 0;
  bool from_extension = false;
  friend bool operator==(const CatalogType&, const CatalogType&) = default;
};

/// pg_proc.provolatile.
enum class Volatility : char { Immutable = 'i', Stable = 's', Volatile = 'v' };
/// pg_proc.prokind.
enum class FunctionKind : char { Function = 'f', Procedure = 'p', Aggregate = 'a', Window = 'w' };

struct CatalogFunction {
  Oid oid = 0;
  std::string schema;
  std::string name;
  std::vector<Oid> argument_types;  ///< input arguments; of a variadic one the array type is last
  std::uint16_t defaults = 0;       ///< how many of the last arguments may be left out
  bool variadic = false;
  bool returns_set = false;
  Oid return_type = 0;
  FunctionKind kind = FunctionKind::Function;
  Volatility volatility = Volatility::Volatile;
  bool leakproof = false;
  bool security_definer = false;
  std::string language;
  bool from_extension = false;
  friend bool operator==(const CatalogFunction&, const CatalogFunction&) = default;
};

/// An operator outside pg_catalog: an extension's or a user's.
struct CatalogOperator {
  std::string schema;
  std::string name;
  Oid left = 0;      ///< type of the left argument; 0: a prefix operator
  Oid right = 0;
  Oid function = 0;  ///< whose right to EXECUTE is the right to it
  bool from_extension = false;
  friend auto operator<=>(const CatalogOperator&, const CatalogOperator&) = default;
};

/// A view of the wall's that classes are given for a relation of the system catalogs.
struct CatalogViewColumns {
  std::string shows;  ///< "pg_catalog.pg_class", "information_schema.tables"
  std::string view;   ///< its name in the wall's schema of views
  std::vector<std::string> columns;
  friend bool operator==(const CatalogViewColumns&, const CatalogViewColumns&) = default;
};

/// What a reader fills. pg_catalog's own functions, operators and relations need not be in it; of
/// pg_catalog's types those that columns and functions use are wanted.
struct CatalogContents {
  std::uint64_t epoch = 0;
  std::uint32_t server_version = 0;  ///< server_version_num: 150004
  std::string database;              ///< pg_database.datname, for names written with all three parts
  std::vector<CatalogSchema> schemas;
  std::vector<CatalogRelation> relations;
  std::vector<CatalogType> types;
  std::vector<CatalogFunction> functions;
  std::vector<CatalogOperator> operators;
  std::vector<CatalogViewColumns> catalog_views;  ///< empty: the wall has not been there
};

/// Thread-safe, since immutable. Pointers that it gives live as long as it does.
class Catalog {
 public:
  /// Malformed: an oid of 0 or twice, a (schema, name) twice, columns not in order of attnum, or an
  /// attnum in a key that is no column.
  [[nodiscard]] static Result<std::shared_ptr<const Catalog>> make(CatalogContents contents);

  [[nodiscard]] std::uint64_t epoch() const noexcept { return contents_.epoch; }
  [[nodiscard]] std::uint32_t server_version() const noexcept { return contents_.server_version; }
  [[nodiscard]] const CatalogContents& contents() const noexcept { return contents_; }

  [[nodiscard]] bool has_schema(std::string_view name) const noexcept;
  [[nodiscard]] const CatalogRelation* relation(Oid oid) const noexcept;
  [[nodiscard]] const CatalogRelation* relation(std::string_view schema, std::string_view name) const noexcept;
  [[nodiscard]] const CatalogType* type(Oid oid) const noexcept;
  [[nodiscard]] const CatalogType* type(std::string_view schema, std::string_view name) const noexcept;
  [[nodiscard]] const CatalogFunction* function(Oid oid) const noexcept;
  /// All overloads.
  [[nodiscard]] std::vector<const CatalogFunction*> functions(std::string_view schema, std::string_view name) const;

 private:
  explicit Catalog(CatalogContents contents) : contents_(std::move(contents)) {}
  Result<void> index();
  Result<void> index_types_and_functions();

  struct QualifiedName {
    std::string_view schema;
    std::string_view name;
    friend bool operator==(const QualifiedName&, const QualifiedName&) = default;
  };
  struct QualifiedNameHash {
    std::size_t operator()(const QualifiedName& name) const noexcept {
      return std::hash<std::string_view>{}(name.schema) * 31 + std::hash<std::string_view>{}(name.name);
    }
  };

  CatalogContents contents_;  // the indexes point into it; it never changes once they are made
  std::unordered_map<Oid, const CatalogRelation*> relations_;
  std::unordered_map<QualifiedName, const CatalogRelation*, QualifiedNameHash> relations_by_name_;
  std::unordered_map<Oid, const CatalogType*> types_;
  std::unordered_map<QualifiedName, const CatalogType*, QualifiedNameHash> types_by_name_;
  std::unordered_map<Oid, const CatalogFunction*> functions_;
  std::unordered_multimap<QualifiedName, const CatalogFunction*, QualifiedNameHash> functions_by_name_;
  std::unordered_map<std::string_view, const CatalogSchema*> schemas_;
};

}  // namespace bartizan::sql
