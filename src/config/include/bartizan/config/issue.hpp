// What is wrong with a configuration, and where: a file's line and column, or the name of the
// environment variable. Messages hold no value of a secret key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bartizan::config {

struct Issue {
  std::string source;        ///< file name, environment variable, or "command line"
  std::uint32_t line = 0;    ///< from 1; 0 when the source has no lines or the key is absent
  std::uint32_t column = 0;  ///< from 1, in code points
  std::string message;

  /// `file:line:column: message`, or `source: message`.
  [[nodiscard]] std::string to_string() const;
};

using Issues = std::vector<Issue>;

}  // namespace bartizan::config
