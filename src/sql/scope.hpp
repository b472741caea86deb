// What names mean at a place in a statement: PostgreSQL's namespace rules (parse_relation.c of the
// server is the reference) over the columns that a statement may see. Shared by layer 1's Binder
// and the CellBinder of column encryption, which say what a column is to them.
//
// Names are views into the parse tree's arena or into the catalog, both of which outlive a binding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/rewrite.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

using Sources = std::vector<ColumnId>;  // sorted and each once in finished columns only

/// Without it the sources of n || n, one query around another, would double with each.
inline void sort_unique(Sources& sources) {
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
}

struct Range;

/// A column of something in FROM, or of a query's output.
struct BoundColumn {
  std::string_view name;
  Sources sources;
  bool bare = false;             ///< is sources[0], unchanged
  const Range* origin = nullptr;  ///< the table in FROM it comes from unchanged; only within one query level
  std::size_t origin_index = 0;
  bool unreadable = false;  ///< a column of a write view that must not be read
  /// Equal numbers: of one row of a table, of which it is the column attnum, unchanged. 0: not known.
  unsigned row = 0;
  AttrNumber attnum = 0;
};

struct Columns {
  std::vector<BoundColumn> list;
  bool known = true;  ///< false: the server may see other columns (unnest of a composite array)
};

/// An item of FROM, or the target of INSERT, UPDATE and DELETE.
struct Range {
  std::string_view name;  ///< as which it may be qualified; empty: as none
  const CatalogRelation* relation = nullptr;
  const ClassView* view = nullptr;
  bool aliased = false;
  bool partly_readable = false;  ///< the server's row has columns that are not among these: it can't be taken whole
  Columns columns;
};

/// A Range as it is visible at one place (ParseNamespaceItem).
struct Visible {
  Range* range = nullptr;
  bool by_name = true;
  bool columns = true;
  bool lateral_only = false;
  bool lateral_ok = true;
};

struct WithQuery {
  enum class State : unsigned char { New, Underway, RecursiveTermKnown, Done };
  std::string_view name;
  PgQuery__CommonTableExpr* node = nullptr;
  Columns columns;
  State state = State::New;
};

/// A reference, after grouping, to a column of a table at this level.
struct GroupedReference {
  const Range* range;
  std::size_t column;
  const PgQuery__ColumnRef* node;  ///< as written; nullptr: by a star
};

/// One query level (ParseState).
struct Level {
  Level* parent = nullptr;
  std::vector<Visible> visible;
  std::deque<WithQuery> with;
  bool with_recursive = false;
  bool lateral_active = false;
  bool after_grouping = false;
  unsigned in_aggregate = 0;
  bool may_count = false;          ///< FROM is one name: a table of aggregates alone may stand there
  const Range* counted = nullptr;  ///< and does
  std::vector<GroupedReference> grouped;
};

enum class Lookup : unsigned char { Found, Absent, Ambiguous, NotHere };

struct ColumnLookup {
  Lookup status = Lookup::Absent;
  Level* level = nullptr;
  const Range* range = nullptr;
  std::size_t index = 0;
};

/// An unqualified column, from the level outwards.
[[nodiscard]] ColumnLookup find_column(Level* level, std::string_view name);
/// A column of one Range.
[[nodiscard]] ColumnLookup find_column_in(const Range& range, std::string_view name);

struct RangeLookup {
  Lookup status = Lookup::Absent;
  Level* level = nullptr;
  const Range* range = nullptr;
};

/// A Range by its name; of several levels the innermost.
[[nodiscard]] RangeLookup find_range(Level* level, std::string_view name);
/// A table without alias, by what it is.
[[nodiscard]] RangeLookup find_range(Level* level, const CatalogRelation& relation);

struct WithLookup {
  Level* level = nullptr;
  WithQuery* query = nullptr;
};
[[nodiscard]] WithLookup find_with(Level* level, std::string_view name);

/// The queries WITH RECURSIVE whose first term stands left in this set operation: once that is bound,
/// the second one may see its columns.
[[nodiscard]] std::vector<WithQuery*> awaiting_first_term(Level& level, const PgQuery__SelectStmt& operation);

/// While the right side of a JOIN is bound: LATERAL there sees the left, but not where the left may be
/// filled with nulls.
class LeftOfJoin {
 public:
  LeftOfJoin(Level& level, const PgQuery__JoinExpr& join, const std::vector<Visible>& left);
  LeftOfJoin(const LeftOfJoin&) = delete;
  LeftOfJoin& operator=(const LeftOfJoin&) = delete;
  ~LeftOfJoin() { level_.visible.resize(outside_); }

 private:
  Level& level_;
  std::size_t outside_;
};

/// The join's columns: those merged by USING, then the others of the left and of the right.
void append_join_columns(Columns& result, const Columns& merged, const std::vector<std::string_view>& names,
                         const Range& left, const Range& right);

/// What a JOIN leaves visible: inside are its sides' items, merged what USING's alias names.
void show_join(const PgQuery__JoinExpr& join, std::vector<Visible> inside, Range& merged, Range& result,
               std::vector<Visible>& out);

}  // namespace bartizan::sql
