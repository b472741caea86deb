// The first look at a statement in a database with encrypted columns: does it name a relation with
// one, and does it call what can't be seen into? Most statements end here, untouched.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "bartizan/sql/encryption_plan.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

/// What a relation's name means in a session.
class RelationNames {
 public:
  RelationNames(const Catalog& catalog, const std::vector<std::string>& search_path,
                const std::unordered_set<std::string>& temporary, const NewTables& new_tables)
      : catalog_(catalog), search_path_(search_path), temporary_(temporary), new_tables_(new_tables) {}

  enum class Meaning : std::uint8_t {
    Known,
    System,     ///< of pg_catalog, information_schema, a temporary schema, or just made: no cells there
    Elsewhere,  ///< in another database
    Ambiguous,  ///< a temporary table's name, and another's
    Unknown,
  };
  struct Found {
    Meaning meaning = Meaning::Unknown;
    const CatalogRelation* relation = nullptr;
  };
  [[nodiscard]] Found find(const PgQuery__RangeVar& variable) const;
  /// A type's relation, if it is a row type.
  [[nodiscard]] const CatalogRelation* row_of(const PgQuery__TypeName& type) const;
  [[nodiscard]] const std::vector<std::string>& search_path() const noexcept { return search_path_; }
  [[nodiscard]] const Catalog& catalog() const noexcept { return catalog_; }

 private:
  const Catalog& catalog_;
  const std::vector<std::string>& search_path_;
  const std::unordered_set<std::string>& temporary_;
  const NewTables& new_tables_;
};

/// It changes how names or constants are read, which must be seen.
[[nodiscard]] bool is_watched_setting(std::string_view name);

struct ScanResult {
  bool guarded = false;  ///< names a relation with an encrypted column
  std::string sqlstate;  ///< empty: go on
  std::string message;
  std::string hint;
};

/// `queries`: the statement reads or writes rows, so that each relation must be known.
[[nodiscard]] ScanResult scan(const PgQuery__Node& statement, const EncryptedColumns& columns,
                              const RelationNames& names, bool queries);

}  // namespace bartizan::sql
