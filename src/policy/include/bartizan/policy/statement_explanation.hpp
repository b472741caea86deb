// What the policies make of one statement: which tables and columns it uses, by which rules and
// masks, what goes to the server in its place, or why it is refused. The one answer behind
// EXPLAIN POLICY on the wire and `bartizan policy explain` of a statement. Runs nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bartizan/policy/resolve.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::policy {

/// One line of an explanation: a table, or a column of it.
struct ExplainedUse {
  std::string object;  ///< schema.table or schema.table.column, as the owner calls them
  std::string use;     ///< "read", "insert", …; of a column "read", "write"
  std::string shown;   ///< which rows; "clear" or the mask
  std::string why;     ///< "policy: sentence", several with "; "
  friend bool operator==(const ExplainedUse&, const ExplainedUse&) = default;
};

struct ExplainedStatement {
  std::string command;             ///< "SELECT"
  std::string server_text;         ///< what the server would get; empty: nothing
  std::vector<ExplainedUse> uses;  ///< each table, its columns behind it
};

/// Plain value. No value of a row or of an attribute stands in it; the server's texts hold the
/// constants of the statement that was asked about.
struct StatementExplanation {
  std::optional<sql::Refused> refusal;  ///< then there are no statements
  std::vector<ExplainedStatement> statements;
};

/// The resolution is of the class whose catalog and views the request names, with its reasons.
/// REQUIRES: what sql::rewrite does, 4 MiB of stack among it.
[[nodiscard]] StatementExplanation explain_statement(const sql::RewriteRequest& request, const Resolution& resolution);

/// "policy: text" of a table (column empty) or a column, in one line.
[[nodiscard]] std::string reasons_in_line(const std::vector<Reason>& reasons, std::string_view schema,
                                          std::string_view table, std::string_view column);
/// "all rows", "rows where (…) AND (…)", with the threshold where rows are for aggregates alone.
[[nodiscard]] std::string describe_rows(const TableOutcome& table);

}  // namespace bartizan::policy
