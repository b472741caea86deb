// Who listens on a TCP port, for the error that says it is taken.
#pragma once

#include <cstdint>
#include <string>

namespace bartizan::app {

/// " by nginx (pid 17)", or empty where /proc does not tell.
[[nodiscard]] std::string port_holder(std::uint16_t port);

}  // namespace bartizan::app
