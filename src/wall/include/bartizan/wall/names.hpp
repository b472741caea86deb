// What the wall's objects are called in PostgreSQL (docs/formats/wall-objects.md). Roles belong to
// the cluster, so their names begin with a hash of the depot; names of what a policy brings about
// are hashes of its content, so equal content is one object and a change is a new one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/outcome.hpp"
#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::wall {

/// Mask functions, keys, records: no class may use a name in it.
inline constexpr std::string_view kSchema = "bartizan";
/// The classes' views and `open_connection`.
inline constexpr std::string_view kViewSchema = "bartizan_views";

/// Immutable value. Every name has at most 63 bytes and needs no quotes.
class Names {
 public:
  /// depot: what tells it from every other depot of the cluster, for ever (its id, not its name).
  [[nodiscard]] static Names for_depot(std::string_view depot);

  [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }  ///< "bz_1a2b3c4d_"
  [[nodiscard]] std::string wall_owner() const { return prefix_ + "wall"; }
  /// Holds what hardening takes from PUBLIC; every role outside the wall is its member.
  [[nodiscard]] std::string everyone_else() const { return prefix_ + "everyone"; }
  [[nodiscard]] std::string class_role(policy::ClassId id) const;
  /// One for each set of filters (which may be empty) with its attributes' types.
  [[nodiscard]] std::string view_owner(const std::vector<policy::FilterTemplate>& filters,
                                       const std::vector<policy::ContextAttribute>& context) const;

  /// Of the outcome on a relation as it stands in the catalog: another column or type is another
  /// view. context: the class's.
  [[nodiscard]] sql::ViewName view(const policy::TableOutcome& table, const sql::CatalogRelation& relation,
                                   const std::vector<policy::ContextAttribute>& context) const;
  [[nodiscard]] sql::ViewName write_view(const policy::TableOutcome& table, const sql::CatalogRelation& relation,
                                         const std::vector<policy::ContextAttribute>& context) const;

 private:
  explicit Names(std::string prefix) : prefix_(std::move(prefix)) {}
  std::string prefix_;
};

}  // namespace bartizan::wall
