#include "options.hpp"

#include <unistd.h>

#include <algorithm>

#include "bartizan/base/log.hpp"

namespace bartizan::app {

Result<proxy::GatewayOptions> gateway_options(const config::Configuration& configuration) {
  proxy::GatewayOptions options;
  const auto& listen = configuration.listen;
  for (const auto& address : listen.addresses) {
    const bool optional = listen.addresses_defaulted && address.is_v6;
    options.listen.addresses.push_back({address.to_string(), !optional});
  }
  options.listen.port = listen.port;
  options.listen.backlog = static_cast<int>(listen.backlog);
  for (const auto& network : listen.proxy_protocol_from) {
    BZ_TRY(auto parsed, net::Network::parse(network.to_string()));
    options.limits.proxy_protocol_from.push_back(std::move(parsed));
  }
  const auto& limits = configuration.limits;
  options.limits.clients = limits.clients;
  options.limits.clients_per_address = limits.clients_per_address;
  options.limits.half_open = limits.half_open;
  options.limits.sign_in_timeout = limits.sign_in_timeout;
  options.limits.idle_timeout = limits.idle_timeout;
  options.limits.idle_in_transaction_timeout = limits.idle_in_transaction_timeout;
  options.limits.statement_timeout = limits.statement_timeout;
  options.limits.server_check_interval = limits.server_check_interval;
  options.limits.statement_bytes = static_cast<std::uint32_t>(limits.statement_bytes.bytes);
  options.limits.buffer_bytes = static_cast<std::uint32_t>(limits.session_buffer_bytes.bytes);
  options.throttle.pair.free_failures = configuration.lockout.attempts;
  options.throttle.pair.first_delay = configuration.lockout.base_delay;
  options.throttle.pair.max_delay = configuration.lockout.max_delay;
  // Forgotten sooner, the longest delay would be an early release.
  options.throttle.pair.memory =
      std::max<std::chrono::milliseconds>(options.throttle.pair.memory, configuration.lockout.max_delay);
  // Many people share an address, and many addresses guess at one account.
  options.throttle.address.free_failures = 4 * configuration.lockout.attempts;
  options.throttle.account.free_failures = 10 * configuration.lockout.attempts;
  options.scram_iterations = configuration.scram.iterations;
  options.max_stale = configuration.control.max_stale;
  options.workers = configuration.workers.threads;
  options.always_reset = configuration.pool.always_reset;
  const auto& audit = configuration.audit;
  if (audit.mode == config::AuditMode::Tree)
    options.barriers =
        audit.reads == config::AuditReads::Async ? policy::BarrierMode::EffectsAlone : policy::BarrierMode::Strict;
  options.longest_durable_wait = audit.max_wait;
  return options;
}

postgres::EmbeddedOptions embedded_options(const config::EmbeddedOptions& embedded) {
  postgres::EmbeddedOptions options;
  options.data_directory = (embedded.data_directory / "postgres").string();
  if (!embedded.postgres_bin_directory.empty()) options.binaries_directory = embedded.postgres_bin_directory.string();
  options.system_user = embedded.user;
  postgres::AtRestOptions at_rest;
  switch (embedded.at_rest) {
    case config::AtRest::Auto: at_rest.wanted = atrest::Wanted::Auto; break;
    case config::AtRest::Require: at_rest.wanted = atrest::Wanted::Require; break;
    case config::AtRest::Off: at_rest.wanted = atrest::Wanted::Off; break;
  }
  if (embedded.at_rest_image) at_rest.image_bytes = embedded.at_rest_image->bytes;
  options.at_rest = std::move(at_rest);
  if (embedded.shared_buffers)
    options.settings.emplace_back("shared_buffers", std::to_string(embedded.shared_buffers->bytes / 1024) + "kB");
  return options;
}

void apply_log_options(const config::LogOptions& log) {
  switch (log.level) {
    case config::LogLevel::Debug: log::set_level(log::Level::Debug); break;
    case config::LogLevel::Info: log::set_level(log::Level::Info); break;
    case config::LogLevel::Warn: log::set_level(log::Level::Warn); break;
    case config::LogLevel::Error: log::set_level(log::Level::Error); break;
  }
  const bool text =
      log.format == config::LogFormat::Text || (log.format == config::LogFormat::Auto && ::isatty(STDERR_FILENO) == 1);
  log::set_format(text ? log::Format::Text : log::Format::Json);
}

}  // namespace bartizan::app
