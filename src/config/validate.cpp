#include "validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace bartizan::config {
namespace {

class Checks {
 public:
  explicit Checks(Draft& draft) : draft_(draft) {}

  /// Speaks at the first of the keys that was set; says nothing when one of them is faulty anyhow.
  void require(bool good, std::initializer_list<std::string_view> names, std::string message) {
    if (good || std::ranges::any_of(names, [&](std::string_view name) { return draft_.faulty.contains(name); })) return;
    const auto set = std::ranges::find_if(names, [&](std::string_view name) { return draft_.is_set(name); });
    draft_.issues.push_back(draft_.origin_of(set == names.end() ? *names.begin() : *set).issue(std::move(message)));
  }

 private:
  Draft& draft_;
};

void check_tls(const TlsOptions& tls, Checks& checks) {
  const bool certificate = !tls.certificate_file.empty();
  const bool key = !tls.private_key_file.empty();
  checks.require(certificate || !key, {"tls.private_key_file", "tls.certificate_file"},
                 "tls.private_key_file is set, and tls.certificate_file is not");
  checks.require(key || !certificate, {"tls.certificate_file", "tls.private_key_file"},
                 "tls.certificate_file is set, and tls.private_key_file is not");
  checks.require(!tls.require_client_certificate || !tls.client_ca_file.empty(),
                 {"tls.require_client_certificate", "tls.client_ca_file"},
                 "tls.require_client_certificate needs tls.client_ca_file, the CAs to check them against");
  checks.require(!tls.match_client_certificate || !tls.client_ca_file.empty(),
                 {"tls.match_client_certificate", "tls.client_ca_file"},
                 "tls.match_client_certificate needs tls.client_ca_file, the CAs to check them against");
}

void check_databases(const Configuration& configuration, Checks& checks) {
  const bool dsn = !configuration.control.dsn.empty();
  const bool dsn_file = !configuration.control.dsn_file.empty();
  checks.require(!dsn || !dsn_file, {"control.dsn", "control.dsn_file"},
                 "control.dsn and control.dsn_file are both set: keep one");
  if (configuration.embedded.enabled) {
    checks.require(!dsn && !dsn_file, {dsn ? "control.dsn" : "control.dsn_file", "embedded.enabled"},
                   fmt::format("control.{} is set, but the embedded server holds the control database: "
                               "unset it, or set embedded.enabled = false",
                               dsn ? "dsn" : "dsn_file"));
  } else {
    checks.require(dsn || dsn_file, {"embedded.enabled", "control.dsn", "control.dsn_file"},
                   "embedded.enabled = false needs control.dsn or control.dsn_file");
  }
}

void check_shipping(const Configuration& configuration, Checks& checks) {
  const auto& shipping = configuration.shipping;
  const bool any = !shipping.syslog.address.empty() || !shipping.relp.address.empty() ||
                   !shipping.webhook.url.empty() || !shipping.otlp.url.empty();
  checks.require(!any || configuration.audit.mode == AuditMode::Tree,
                 {"audit.mode", "ship_syslog.address", "ship_relp.address", "ship_webhook.url", "ship_otlp.url"},
                 "records are shipped from the provable log alone: audit.mode must be \"tree\"");
  const auto pair = [&](const MessageSinkOptions& sink, std::string_view certificate, std::string_view key) {
    checks.require(sink.certificate_file.empty() == sink.private_key_file.empty(), {certificate, key},
                   fmt::format("{} and {} are set together or not at all", certificate, key));
  };
  pair(shipping.syslog, "ship_syslog.certificate_file", "ship_syslog.private_key_file");
  pair(shipping.relp, "ship_relp.certificate_file", "ship_relp.private_key_file");
  const auto& relp = shipping.relp;
  const auto colon = relp.address.rfind(':');
  const auto host = relp.address.substr(0, colon);
  checks.require(relp.tls || relp.address.empty() || host == "127.0.0.1" || host == "[::1]" || host == "localhost",
                 {"ship_relp.tls", "ship_relp.address"},
                 "ship_relp.tls = false is for a receiver on this machine alone: records hold personal data");
  checks.require(shipping.webhook.url.empty() || !shipping.webhook.secret_file.empty(),
                 {"ship_webhook.url", "ship_webhook.secret_file"},
                 "ship_webhook.url needs ship_webhook.secret_file, the key that its receiver checks");
}

}  // namespace

void validate(Draft& draft) {
  const Configuration& c = draft.configuration;
  Checks checks(draft);
  check_tls(c.tls, checks);
  check_databases(c, checks);
  checks.require(c.audit.witness.empty() == c.audit.witness_key.empty(), {"audit.witness", "audit.witness_key"},
                 "audit.witness and audit.witness_key go together");
  checks.require(!c.audit.seal_values || c.audit.seal, {"audit.seal_values", "audit.seal"},
                 "audit.seal_values needs audit.seal = true: bind values are recorded sealed or not at all");
  check_shipping(c, checks);
  checks.require(c.lockout.base_delay <= c.lockout.max_delay, {"lockout.base_delay", "lockout.max_delay"},
                 fmt::format("lockout.base_delay ({}) is longer than lockout.max_delay ({})",
                             format(c.lockout.base_delay), format(c.lockout.max_delay)));
}

void derive_paths(Configuration& configuration) {
  const auto& data = configuration.embedded.data_directory;
  if (configuration.audit.directory.empty()) configuration.audit.directory = data / "audit";
  if (configuration.audit.key_file.empty()) configuration.audit.key_file = data / "keys" / "audit.key";
  if (configuration.audit.seal_key_file.empty()) configuration.audit.seal_key_file = data / "keys" / "audit-seal.key";
  if (configuration.control.root_key_file.empty()) configuration.control.root_key_file = data / "keys" / "root.key";
}

}  // namespace bartizan::config
