// What a search of the audit log asks for: whether a record is that, which terms the index has it under, and a
// record as the row of an answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "args.hpp"
#include "bartizan/auditlog/index_query.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/control/document.hpp"

namespace bartizan::control {

/// What is empty does not count.
struct AuditFilter {
  std::string identity;
  std::string table;        ///< "name" or "schema.name"
  std::string column;       ///< "table.column" or "schema.table.column"
  std::string action;       ///< a command tag ("SELECT"), an event ("sign_in") or an effect ("read")
  std::string outcome;      ///< "ok", "refused", …
  std::string address;      ///< without a port
  std::string depot;
  std::string fingerprint;
  std::optional<WallTime> from;
  std::optional<WallTime> to;

  /// A cheap look at the record's text: false when it can't be one that matches.
  [[nodiscard]] bool may_match(std::string_view entry) const;
  [[nodiscard]] bool matches(const Document& record) const;
  /// Finds every record that matches, and hardly another.
  [[nodiscard]] auditlog::IndexQuery query() const;
};

/// From a verb's arguments: identity, table, column, action, outcome, address, depot, fingerprint, from, to.
[[nodiscard]] Result<AuditFilter> take_filter(Args& args);
/// What is looked for, as the record of the reading says it.
[[nodiscard]] std::string about(const AuditFilter& filter, const std::optional<std::string>& tenant);

enum class SummaryBy : std::uint8_t {
  Identity,
  Tenant,
  Table,
  Column,
  Action,
  Event,
  Outcome,
  Depot,
  Address,
  Fingerprint,
};
/// What the record has of that, each once; of columns that it does not know "SCHEMA.TABLE.?", and "?" where members were
/// left out. Never empty: "" where there is none.
[[nodiscard]] std::vector<std::string> keys_of(SummaryBy by, const Document& record);

/// When it began.
[[nodiscard]] WallTime begun_at(const Document& record);
/// "tree:index" and what a person looks for first.
[[nodiscard]] Members audit_row(const std::string& tree, std::uint64_t index, const Document& record);

}  // namespace bartizan::control
