// What a search of the audit log asks for, and whether a record is that; a record as the row of an answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/clock.hpp"
#include "bartizan/control/document.hpp"

namespace bartizan::control {

/// What is empty does not count.
struct AuditFilter {
  std::string identity;
  std::string table;    ///< "name" or "schema.name"
  std::string action;   ///< a command tag ("SELECT") or an event ("sign_in")
  std::string outcome;  ///< "ok", "refused", …
  std::optional<WallTime> from;
  std::optional<WallTime> to;

  /// A cheap look at the record's text: false when it can't be one that matches.
  [[nodiscard]] bool may_match(std::string_view entry) const;
  [[nodiscard]] bool matches(const Document& record) const;
};

/// When it began.
[[nodiscard]] WallTime begun_at(const Document& record);
/// "tree:index" and what a person looks for first.
[[nodiscard]] Members audit_row(const std::string& tree, std::uint64_t index, const Document& record);

}  // namespace bartizan::control
