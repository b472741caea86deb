// What an import found, as a report for people and as JSON. Pure; nothing of it holds a secret, and
// what stood in the files is made safe for a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/migrate/plan.hpp"

namespace bartizan::cli {

/// How the requests of a plan fared. A failed one ends it.
struct Applied {
  std::size_t done = 0;
  std::size_t there_already = 0;
  std::string failed_request;  ///< described, as is `failure`; empty: none failed
  Error failure{};
};

struct ImportOutcome {
  std::string file;
  std::vector<std::string> written;
  std::optional<Applied> applied;  ///< absent: nothing was sent
  bool held_back = false;          ///< --apply was given, and refused keys stood in its way
};

[[nodiscard]] std::string render_import(const migrate::Plan& plan, const ImportOutcome& outcome);
[[nodiscard]] std::string render_import_json(const migrate::Plan& plan, const ImportOutcome& outcome);

/// "depot.login shop app": the verb and its names.
[[nodiscard]] std::string describe(const migrate::AdminRequest& request);

}  // namespace bartizan::cli
