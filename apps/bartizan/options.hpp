// Configuration to the options of each part: the one place where their words meet.
#pragma once

#include "bartizan/base/result.hpp"
#include "bartizan/config/configuration.hpp"
#include "bartizan/postgres/embedded_server.hpp"
#include "bartizan/proxy/gateway.hpp"

namespace bartizan::app {

[[nodiscard]] Result<proxy::GatewayOptions> gateway_options(const config::Configuration& configuration);
[[nodiscard]] postgres::EmbeddedOptions embedded_options(const config::EmbeddedOptions& embedded);
void apply_log_options(const config::LogOptions& log);

}  // namespace bartizan::app
