// What would not work, or not hold, if Bartizan were put before a PostgreSQL that exists already.
// Changes nothing: every query runs in a READ ONLY transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

enum class Severity : std::uint8_t { Ok, Note, Warning, Blocker };
[[nodiscard]] std::string_view to_string(Severity severity) noexcept;

struct Finding {
  Severity severity = Severity::Ok;
  std::string id;          ///< fixed, for scripts: "tls.off"
  std::string what;        ///< what was found
  std::string why;         ///< why it matters; empty for Ok
  std::string what_to_do;  ///< empty for Ok
};

enum class Grade : std::uint8_t { Full, Managed, Insufficient };
[[nodiscard]] std::string_view to_string(Grade grade) noexcept;

struct PreflightReport {
  std::string server_version;
  Grade grade = Grade::Insufficient;
  std::vector<Finding> findings;
  [[nodiscard]] Severity worst() const noexcept;
};

/// conninfo: a libpq connection string or URI. It is never repeated in an error.
Result<PreflightReport> preflight(std::string_view conninfo, SteadyTime deadline);

}  // namespace bartizan::postgres
