// The request target (RFC 9112 section 3.2), split and decoded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/http/request.hpp"

namespace bartizan::http {

struct Target {
  std::string path;
  std::string host;  ///< of the absolute form, else empty
  std::vector<Parameter> query;
};

/// Malformed on anything that two readers could take for different resources. The authority
/// form (CONNECT) is refused, the asterisk form is for OPTIONS alone.
[[nodiscard]] Result<Target> parse_target(Method method, std::string_view text, std::size_t max_parameters);

/// Whether text can be a Host field's value: a name or address, perhaps with a port.
[[nodiscard]] bool is_host(std::string_view text) noexcept;

}  // namespace bartizan::http
