// What of the wall stands in a depot: each object's state as the catalogs have it, beside the state
// that it had when the wall made it (bartizan.object). Where the two differ somebody changed it.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/sql/catalog.hpp"
#include "bartizan/wall/compile.hpp"
#include "bartizan/wall/names.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {

struct ObjectKey {
  wall::ObjectKind kind = wall::ObjectKind::View;
  std::string name;
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

struct Record {
  std::string specification;  ///< hash of what it was made from
  std::string state;
};

/// A value; true for the transaction in which it was loaded.
struct WallState {
  std::map<ObjectKey, std::string> actual;  ///< hash of the catalogs' rows
  std::map<ObjectKey, Record> recorded;

  [[nodiscard]] bool stands(const ObjectKey& key) const { return actual.contains(key); }
  /// Stands, from that specification, and as it was made.
  /// It was made, and is gone or another one: somebody's doing.
  [[nodiscard]] bool drifted(const ObjectKey& key) const;
  [[nodiscard]] bool stands_as_made(const ObjectKey& key, const std::string& specification) const;
};

/// REQUIRES: the base objects.
Result<WallState> load_state(WallTransaction& transaction, const wall::Names& names);

/// The class role's specification covers its verifier too.
[[nodiscard]] std::string specification_hash(const wall::Object& object, std::string_view verifier);

/// Notes how an object now stands. NotFound if it does not.
Result<void> record(WallTransaction& transaction, const WallState& now, const ObjectKey& key,
                    const std::string& specification);
Result<void> forget(WallTransaction& transaction, const ObjectKey& key);

/// Tables with row-level security that was not the wall's doing.
[[nodiscard]] std::set<sql::Oid> own_row_security(const sql::Catalog& catalog, const WallState& state);

}  // namespace bartizan::postgres
