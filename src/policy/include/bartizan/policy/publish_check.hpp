// What publishing looks at before policies take hold: errors that refuse them, warnings that
// their authors must acknowledge (`acknowledge: [code]` in the manifest), and notes. Pure; the
// same findings for the same policies and catalog. docs/reference/policies.md lists every code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy {

enum class Severity : std::uint8_t {
  Error,    ///< refuses publishing
  Warning,  ///< refuses publishing until acknowledged
  Note,
};
[[nodiscard]] std::string_view to_string(Severity severity) noexcept;

struct Finding {
  Severity severity = Severity::Note;
  std::string code;    ///< stable: "mask_type", "token_writable", …
  std::string policy;  ///< whose author may acknowledge it; empty: nobody's
  std::string schema;
  std::string table;
  std::string column;
  std::string message;  ///< what it would reveal or break, and what to do
  bool acknowledged = false;
  friend bool operator==(const Finding&, const Finding&) = default;
};

struct FindingCode {
  std::string_view code;
  Severity severity = Severity::Note;
  std::string_view meaning;
};
/// Every code there is, sorted.
[[nodiscard]] const std::vector<FindingCode>& finding_codes();

/// Sorted by severity, table, column, code, policy.
[[nodiscard]] std::vector<Finding> publish_check(const PolicySet& policies, std::string_view depot,
                                                 const sql::Catalog& catalog);

/// No error, and no warning that is not acknowledged.
[[nodiscard]] bool publishable(const std::vector<Finding>& findings) noexcept;

}  // namespace bartizan::policy
