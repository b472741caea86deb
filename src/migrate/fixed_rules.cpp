#include "fixed_rules.hpp"

#include <algorithm>
#include <array>

namespace bartizan::migrate {
namespace {

constexpr std::string_view kNothing = "nothing is named";
constexpr std::string_view kLog = "logs go to stderr, which systemd's journal keeps; see [log]";
constexpr std::string_view kAudited = "sign-ins, refusals and ends stand in the audit log, always";
constexpr std::string_view kMetrics = "/metrics holds the counters; who reads them chooses the period";
constexpr std::string_view kNoSocket = "there is no unix socket for clients";
constexpr std::string_view kResolved = "a server's name is resolved whenever a connection to it is made";
constexpr std::string_view kKernel = "the kernel's settings hold (net.ipv4.tcp_*)";
constexpr std::string_view kStartup = "every startup parameter is passed on and becomes the session's default";
constexpr std::string_view kBuffers = "limits.session_buffer_bytes bounds what a session holds in memory";
constexpr std::string_view kCleaned =
    "a server connection is cleaned before another client gets it; one that cannot be is closed";
constexpr std::string_view kNoClientCertificate =
    "a client certificate toward servers is not offered; logins sign in by SCRAM-SHA-256";
constexpr std::string_view kSuites = "the suites of TLS 1.3 and the forward-secret AEAD ones of TLS 1.2";
constexpr std::string_view kServerConnect =
    "a connection to a server is given up after a time that is not configurable";
constexpr std::string_view kHba =
    "rules by address, database and user are not offered: identities have grants on depots, and all sign in by SCRAM";
constexpr std::string_view kPerUserLimit = "server connections are limited by depot (pool_size), not by user";
constexpr std::string_view kClientLimit =
    "clients are limited as a whole (limits.clients) and by address (limits.clients_per_address)";

constexpr std::array kRules = {
    FixedRule{"application_name_add_host", "0", "application_name is passed on as it is", Verdict::Changed,
              "application_name is passed on as it is; the client's address stands in session list and the audit log"},
    FixedRule{"auth_hba_file", "", kHba, Verdict::Refused, kHba},
    FixedRule{"auth_ident_file", "", kHba, Verdict::Refused, kHba},
    FixedRule{"auth_ldap_options", "", kNothing, Verdict::Refused, "LDAP is not offered: identities sign in by SCRAM"},
    FixedRule{"autodb_idle_timeout", "*", "there are no databases made by *"},
    FixedRule{"cancel_wait_timeout", "*", "a cancel request waits for no server connection of the pool"},
    FixedRule{"client_tls13_ciphers", "*", kSuites},
    FixedRule{"client_tls_dheparams", "*", "ephemeral ECDH alone is used"},
    FixedRule{"client_tls_ecdhcurve", "*", "X25519, P-256 and P-384"},
    FixedRule{"conffile", "*", "serve --config names the file"},
    FixedRule{"disable_pqexec", "0", "simple queries are on", Verdict::Refused,
              "simple queries cannot be switched off; each statement of one is decided on by itself"},
    FixedRule{"dns_max_ttl", "*", kResolved},
    FixedRule{"dns_nxdomain_ttl", "*", kResolved},
    FixedRule{"dns_zone_check_period", "*", kResolved},
    FixedRule{"ignore_startup_parameters", "*", kStartup},
    FixedRule{"job_name", "*", "the systemd unit names the service"},
    FixedRule{"log_connections", "*", kAudited},
    FixedRule{"log_disconnections", "*", kAudited},
    FixedRule{"log_pooler_errors", "*", kAudited},
    FixedRule{"log_stats", "*", kMetrics},
    FixedRule{"logfile", "*", kLog},
    FixedRule{"max_db_client_connections", "0", "no limit", Verdict::Refused, kClientLimit},
    FixedRule{"max_prepared_statements", "*", "prepared statements of the protocol work in both pool modes"},
    FixedRule{"max_user_client_connections", "0", "no limit", Verdict::Refused, kClientLimit},
    FixedRule{"max_user_connections", "0", "no limit", Verdict::Refused, kPerUserLimit},
    FixedRule{"peer_id", "0", "one process", Verdict::Refused,
              "a cancel request is known only to the gateway that gave its key: let the balancer keep a client's "
              "address at one gateway. On one machine one gateway serves on all cores"},
    FixedRule{"pidfile", "*", "systemd knows the process, and bartizan status tells it"},
    FixedRule{"pkt_buf", "*", kBuffers},
    FixedRule{"query_wait_notify", "*", "a client that waits for a server connection gets no notice"},
    FixedRule{"reserve_pool_timeout", "*", "the reserve is counted into pool_size"},
    FixedRule{"resolv_conf", "", kResolved, Verdict::Refused, "the system's resolver is used"},
    FixedRule{"sbuf_loopcnt", "*", kBuffers},
    FixedRule{"server_check_delay", "*", kCleaned},
    FixedRule{"server_check_query", "*", kCleaned},
    FixedRule{"server_connect_timeout", "15", kServerConnect, Verdict::Changed, kServerConnect},
    FixedRule{"server_fast_close", "0", "a session keeps its server connection", Verdict::Changed,
              "not offered: a session keeps its server connection until it ends"},
    FixedRule{"server_login_retry", "*", "each sign-in tries the server; there is no wait after a failure"},
    FixedRule{"server_reset_query", "|DISCARD ALL", kCleaned, Verdict::Changed,
              "this query is not run: a server connection is cleaned in full before another client gets it"},
    FixedRule{"server_reset_query_always", "*", "a session that keeps state keeps its server connection too"},
    FixedRule{"server_round_robin", "0", "server connections are used last in, first out", Verdict::Changed,
              "server connections are used last in, first out; a depot has one server"},
    FixedRule{"server_tls13_ciphers", "*", kSuites},
    FixedRule{"server_tls_cert_file", "", kNothing, Verdict::Refused, kNoClientCertificate},
    FixedRule{"server_tls_key_file", "", kNothing, Verdict::Refused, kNoClientCertificate},
    FixedRule{"service_name", "*", "the systemd unit names the service"},
    FixedRule{"so_reuseport", "*", "one process serves on all cores; see [workers]"},
    FixedRule{"stats_period", "*", kMetrics},
    FixedRule{"suspend_timeout", "*", "there is no SUSPEND; limits.drain_timeout bounds an orderly end"},
    FixedRule{"syslog", "0", kLog, Verdict::Changed, "logs go to stderr; systemd's journal passes them on to syslog"},
    FixedRule{"syslog_facility", "*", kLog},
    FixedRule{"syslog_ident", "*", kLog},
    FixedRule{"tcp_defer_accept", "*", "limits.half_open and limits.sign_in_timeout bound silent connections"},
    FixedRule{"tcp_keepalive", "*", kKernel},
    FixedRule{"tcp_keepcnt", "0", kKernel, Verdict::Changed, kKernel},
    FixedRule{"tcp_keepidle", "0", kKernel, Verdict::Changed, kKernel},
    FixedRule{"tcp_keepintvl", "0", kKernel, Verdict::Changed, kKernel},
    FixedRule{"tcp_socket_buffer", "*", kKernel},
    FixedRule{"tcp_user_timeout", "0", kKernel, Verdict::Changed, kKernel},
    FixedRule{"track_extra_parameters", "*", kStartup},
    FixedRule{"transaction_timeout", "0", "no limit", Verdict::Refused,
              "a transaction has no limit here: from PostgreSQL 17 on, ALTER ROLE … SET transaction_timeout has the "
              "same effect"},
    FixedRule{"unix_socket_group", "*", kNoSocket},
    FixedRule{"unix_socket_mode", "*", kNoSocket},
    FixedRule{"user", "*", "the systemd unit runs Bartizan as users of its own"},
};

}  // namespace

bool FixedRule::is_neutral(std::string_view value) const {
  if (neutral == "*") return true;
  for (std::string_view rest = neutral;;) {
    const auto bar = rest.find('|');
    const auto one = rest.substr(0, bar);
    const bool zero = one == "0" && !value.empty() && value.find_first_not_of("0.") == std::string_view::npos;
    if (value == one || zero) return true;
    if (bar == std::string_view::npos) return false;
    rest.remove_prefix(bar + 1);
  }
}

const FixedRule* find_fixed_rule(std::string_view key) {
  const auto found = std::ranges::find(kRules, key, &FixedRule::key);
  return found == kRules.end() ? nullptr : &*found;
}

}  // namespace bartizan::migrate
