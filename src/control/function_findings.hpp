// What would come of letting classes, and sessions of depots with encrypted columns, call a function: what it would
// reveal or do, as far as its catalog row and its words tell (ADR 0200). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/postgres/function_facts.hpp"

namespace bartizan::control {

struct FunctionFinding {
  std::string code;
  std::string message;
  bool warning = false;  ///< has to be acknowledged
};

/// In a fixed order, each code once. relations, encrypted: schema.table of the owner's, and those of them that have
/// encrypted columns.
[[nodiscard]] std::vector<FunctionFinding> review(const postgres::FunctionFacts& function,
                                                  const std::vector<std::string>& relations,
                                                  const std::vector<std::string>& encrypted);

/// Every code that review() may give.
[[nodiscard]] const std::vector<std::string_view>& function_finding_codes();

}  // namespace bartizan::control
