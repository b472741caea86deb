// The startup parameter "options": command-line switches for the session (PGOPTIONS). Split and
// read as PostgreSQL's pg_split_opts and process_postgres_switches do for a client, then
// resolved into (name, value) settings, so that a policy sees every setting by name however it
// was spelt: -c work_mem=1MB, -cwork_mem=1MB, --work-mem=1MB and -S 1MB are one thing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::pgwire {

/// One setting made by a switch. Owned: escapes make the text differ from the packet's.
struct OptionSetting {
  std::string name;  ///< dashes made underscores; never empty
  std::string value;
  friend bool operator==(const OptionSetting&, const OptionSetting&) = default;
};

/// White space separates, a backslash takes the next character literally.
[[nodiscard]] std::vector<std::string> split_options(std::string_view options);

/// The settings in the order given (of equal names the last one holds). Switches that PostgreSQL
/// ignores when a client sends them yield nothing. InvalidArgument (SQLSTATE 42601, syntax_error,
/// in PostgreSQL) for an unknown switch, a missing value or an empty name; TooLarge when there are
/// more than kMaxStartupParameters.
[[nodiscard]] Result<std::vector<OptionSetting>> parse_options(std::string_view options);

}  // namespace bartizan::pgwire
