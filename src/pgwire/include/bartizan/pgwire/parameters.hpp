// Names of settings (GUCs): compared without regard to ASCII case, as PostgreSQL does, and the
// ones whose value a server announces by ParameterStatus (PostgreSQL manual, "Asynchronous
// Operations"), by server version.
#pragma once

#include <span>
#include <string_view>

namespace bartizan::pgwire {

[[nodiscard]] bool same_parameter_name(std::string_view a, std::string_view b) noexcept;

/// A transparent order for maps keyed by a setting's name.
struct ParameterNameLess {
  using is_transparent = void;
  [[nodiscard]] bool operator()(std::string_view a, std::string_view b) const noexcept;
};

struct ReportedParameter {
  std::string_view name;  ///< spelt as the server spells it
  int since_major = 0;    ///< the first PostgreSQL release (14 or later) that reports it; 14: at least since then
};

/// Every parameter that PostgreSQL 14 to 18 reports, sorted without regard to case.
[[nodiscard]] std::span<const ReportedParameter> reported_parameters() noexcept;

[[nodiscard]] bool is_reported_parameter(std::string_view name, int server_major) noexcept;

}  // namespace bartizan::pgwire
