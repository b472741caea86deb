// What of a statement's tree the planner of encrypted columns has to look at.
#pragma once

#include "tree_messages.hpp"

namespace bartizan::sql {

/// What of a statement runs a query: the query, an EXECUTE, or a COPY.
struct StatementParts {
  PgQuery__Node* query = nullptr;
  PgQuery__CopyStmt* copy = nullptr;
  PgQuery__ExecuteStmt* execute = nullptr;
  PgQuery__PrepareStmt* prepare = nullptr;
  bool explains = false;
  bool makes_table = false;
  bool makes_view = false;
};

[[nodiscard]] StatementParts parts_of(PgQuery__Node& statement);
/// A view keeps the catalogs that it names: what it gives out is not known then.
[[nodiscard]] bool reads_rows(PgQuery__Node& statement);
/// After it, names may mean something else than search_path says: in the same text that isn't known.
[[nodiscard]] bool may_change_names(const PgQuery__Node& statement);

}  // namespace bartizan::sql
