// From policy outcomes and a catalog to PostgreSQL objects (DESIGN, "The wall", points 1 to 4):
// masks as expressions in plain views, filters as row-level security for the views' owners, one
// role without rights for each class. Pure and deterministic: equal input, equal text, in equal order.
//
// What can't be compiled is an error of its class, never left out: such a class is not served.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/policy/outcome.hpp"
#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/logical_types.hpp"
#include "bartizan/sql/rewrite.hpp"
#include "bartizan/wall/installer.hpp"
#include "bartizan/wall/names.hpp"

namespace bartizan::wall {

/// In the order in which objects are made; they are dropped in the reverse one.
enum class ObjectKind : std::uint8_t {
  ViewOwner,         ///< NOLOGIN role; name: the role
  BaseGrant,         ///< name: "<relation oid>/<verb>/<view owner>"
  OpenPolicy,        ///< PERMISSIVE USING (true); name: "<relation oid>/<policy>"
  FilterPolicy,      ///< RESTRICTIVE; name: "<relation oid>/<policy>"
  RowSecurity,       ///< ENABLE ROW LEVEL SECURITY; name: "<relation oid>"
  SequenceFunction,  ///< nextval of one sequence; name: the sequence's oid
  View,              ///< name: the view
  ClassRole,         ///< LOGIN role; name: the role
  ViewGrant,         ///< name: "<view>/<class role>"
  CatalogEntry,      ///< what the catalog views show of a relation; name: "<relation oid>/<class role>"
  SchemaGrant,       ///< USAGE, for a reviewed function; name: "<schema oid>/<class role>"
  FunctionGrant,     ///< EXECUTE of a reviewed function; name: "<function oid>/<class role>"
};
/// "view_owner", "base_grant", …: as in bartizan.object.
[[nodiscard]] std::string_view to_string(ObjectKind kind) noexcept;

/// One object and how to make it where it is not. Its name says enough to take it away again.
struct Object {
  ObjectKind kind = ObjectKind::View;
  std::string name;
  std::string create;  ///< one or several statements; ClassRole's leaves the password out
  friend auto operator<=>(const Object&, const Object&) = default;
};

struct CompileInput {
  const Names* names = nullptr;
  const sql::Catalog* catalog = nullptr;
  /// Relations whose row-level security the owner had enabled himself, before the wall.
  std::set<sql::Oid> own_row_security;
  /// Of this catalog: which columns hold cells. Null: none.
  const sql::LogicalCatalog* logical = nullptr;
  /// Reviewed functions that every class of the depot may call. Those that the catalog has not are left out.
  std::set<sql::Oid> functions{};
  Installer installer{};
};

struct CompiledClass {
  policy::ClassId id;
  std::string role;
  std::vector<Object> objects;  ///< sorted by kind, then name; each once
};

/// NotFound: a table or column of the outcome isn't in the catalog, or the other way round;
/// Unsupported: an outcome or type that the wall can't express (the detail names it).
[[nodiscard]] Result<CompiledClass> compile_class(const CompileInput& input, const policy::ClassOutcome& outcome);

/// The same outcome for layer 1's rewriting. functions: as in CompileInput; types are those of their signatures.
/// Catalog views are there when the catalog has the wall's. Errors as above.
[[nodiscard]] Result<sql::ViewMap> view_map(const Names& names, const sql::Catalog& catalog,
                                            const policy::ClassOutcome& outcome,
                                            const std::set<sql::Oid>& functions = {});

/// Of several classes: each object once, in the order of kinds.
[[nodiscard]] std::vector<Object> merge(const std::vector<CompiledClass>& classes);

}  // namespace bartizan::wall
