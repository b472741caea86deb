#include <doctest/doctest.h>

#include <string>

#include "fixed_rules.hpp"
#include "samples.hpp"

namespace bartizan::migrate {
namespace {

struct Row {
  const char* line;
  const char* key;
  Verdict verdict;
  const char* outcome;  ///< its beginning
};

constexpr auto kMapped = Verdict::Mapped;
constexpr auto kChanged = Verdict::Changed;
constexpr auto kUnneeded = Verdict::Unneeded;
constexpr auto kRefused = Verdict::Refused;

TEST_CASE("keys of [pgbouncer], one by one") {
  for (const Row& row : {
           Row{"listen_port = 5432", "listen_port", kMapped, "listen.port = 5432"},
           Row{"listen_port = 70000", "listen_port", kRefused, "listen.port: 70000"},
           Row{"listen_port = 010", "listen_port", kMapped, "listen.port = 8"},
           Row{"listen_port = all", "listen_port", kRefused, "this is no whole number"},
           Row{"listen_addr = *", "listen_addr", kMapped, "listen.addresses = 0.0.0.0,::"},
           Row{"listen_addr = localhost, 10.0.0.7", "listen_addr", kMapped,
               "listen.addresses = 127.0.0.1,::1,10.0.0.7"},
           Row{"listen_addr =", "listen_addr", kChanged, "listen.addresses stays"},
           Row{"listen_addr = db.internal", "listen_addr", kRefused, "listen.addresses:"},
           Row{"max_client_conn = 500", "max_client_conn", kMapped, "limits.clients = 500"},
           Row{"max_client_conn = -1", "max_client_conn", kRefused, "this is no whole number"},
           Row{"client_login_timeout = 60", "client_login_timeout", kMapped, "limits.sign_in_timeout = 1m"},
           Row{"client_login_timeout = 0", "client_login_timeout", kChanged, "limits.sign_in_timeout = 10m; it is"},
           Row{"client_login_timeout = 99999", "client_login_timeout", kRefused, "limits.sign_in_timeout:"},
           Row{"client_idle_timeout = 0.0", "client_idle_timeout", kMapped, "limits.idle_timeout = 0"},
           Row{"client_idle_timeout = 1.5", "client_idle_timeout", kMapped, "limits.idle_timeout = 1500ms"},
           Row{"client_idle_timeout = 1h", "client_idle_timeout", kRefused, "this is no number of seconds"},
           Row{"client_idle_timeout = nan", "client_idle_timeout", kRefused, "this is no number of seconds"},
           Row{"client_idle_timeout = -3", "client_idle_timeout", kRefused, "this is no number of seconds"},
           Row{"query_timeout = 20", "query_timeout", kChanged, "limits.statement_timeout = 20s; the statement"},
           Row{"query_timeout = 0", "query_timeout", kMapped, "limits.statement_timeout = 0"},
           Row{"scram_iterations = 8192", "scram_iterations", kMapped, "scram.iterations = 8192"},
           Row{"scram_iterations = 1", "scram_iterations", kRefused, "scram.iterations: 1"},
           Row{"max_packet_size = 2147483647", "max_packet_size", kUnneeded, "messages are streamed"},
           Row{"max_packet_size = 1048576", "max_packet_size", kChanged, "limits.statement_bytes = 1MiB;"},
           Row{"verbose = 0", "verbose", kUnneeded, "log.level stays"},
           Row{"verbose = 2", "verbose", kMapped, "log.level = debug"},
           Row{"auth_type = scram-sha-256", "auth_type", kMapped, "identities sign in"},
           Row{"auth_type = MD5", "auth_type", kChanged, "identities sign in"},
           Row{"auth_type = trust", "auth_type", kRefused, "nobody gets in"},
           Row{"auth_type = hba", "auth_type", kRefused, "identities sign in"},
           Row{"auth_type = gss", "auth_type", kRefused, "not a kind"},
           Row{"pool_mode = Transaction", "pool_mode", kMapped, "pool_mode of the depots"},
           Row{"pool_mode = statement", "pool_mode", kRefused, "depots get pool_mode transaction"},
           Row{"pool_mode = none", "pool_mode", kRefused, "this is no pool mode"},
           Row{"client_tls_sslmode = prefer", "client_tls_sslmode", kChanged, "plaintext is never spoken"},
           Row{"client_tls_sslmode = require", "client_tls_sslmode", kMapped, "TLS is always"},
           Row{"client_tls_sslmode = verify-full", "client_tls_sslmode", kRefused, "without client_tls_ca_file"},
           Row{"client_tls_sslmode = on", "client_tls_sslmode", kRefused, "not an sslmode"},
           Row{"client_tls_cert_file = c.pem", "client_tls_cert_file", kUnneeded, "not used by PgBouncer"},
           Row{"client_tls_sslmode=require\nclient_tls_cert_file=c.pem", "client_tls_cert_file", kRefused,
               "certificate and key"},
           Row{"client_tls_protocols = secure", "client_tls_protocols", kMapped, "tls.min_version = 1.2"},
           Row{"client_tls_protocols = tlsv1.1, tlsv1.3", "client_tls_protocols", kChanged, "tls.min_version = 1.2"},
           Row{"client_tls_protocols = sslv3", "client_tls_protocols", kRefused, "not a list"},
           Row{"client_tls_ciphers = fast", "client_tls_ciphers", kUnneeded, "the suites"},
           Row{"client_tls_ciphers = HIGH", "client_tls_ciphers", kChanged, "suites are not"},
           Row{"server_tls_sslmode = disable", "server_tls_sslmode", kChanged, "TCP servers are verified"},
           Row{"server_tls_sslmode = verify-full", "server_tls_sslmode", kMapped, "servers are always"},
           Row{"server_tls_key_file = k.pem", "server_tls_key_file", kRefused, "a client certificate"},
           Row{"server_reset_query = DISCARD ALL", "server_reset_query", kUnneeded, "a server connection is cleaned"},
           Row{"server_reset_query = RESET ALL", "server_reset_query", kChanged, "this query is not run"},
           Row{"disable_pqexec = 1", "disable_pqexec", kRefused, "simple queries cannot"},
           Row{"disable_pqexec = 0", "disable_pqexec", kUnneeded, "simple queries are on"},
           Row{"transaction_timeout = 0.0", "transaction_timeout", kUnneeded, "no limit"},
           Row{"transaction_timeout = 5", "transaction_timeout", kRefused, "a transaction has no limit"},
           Row{"admin_users =", "admin_users", kUnneeded, "nobody is named"},
           Row{"admin_users = root", "admin_users", kChanged, "there is no console"},
           Row{"future_key = 1", "future_key", kRefused, "not a key of PgBouncer"},
           Row{"server_lifetime = 0", "server_lifetime", kRefused, "0 makes PgBouncer use"},
           Row{"default_pool_size = 7", "default_pool_size", kMapped, "default of the databases"},
       }) {
    CAPTURE(row.line);
    const auto plan = test::plan_of_settings(row.line);
    REQUIRE(plan.has_value());
    const Finding* finding = test::find(*plan, row.key);
    REQUIRE(finding != nullptr);
    CHECK(to_string(finding->verdict) == to_string(row.verdict));
    CHECK_MESSAGE(finding->outcome.starts_with(row.outcome), finding->outcome);
  }
}

TEST_CASE("every key of PgBouncer 1.25 is known, and a neutral value of it is never refused") {
  for (const char* key : {"admin_users",
                          "application_name_add_host",
                          "auth_dbname",
                          "auth_file",
                          "auth_hba_file",
                          "auth_ident_file",
                          "auth_ldap_options",
                          "auth_query",
                          "auth_type",
                          "auth_user",
                          "autodb_idle_timeout",
                          "cancel_wait_timeout",
                          "client_idle_timeout",
                          "client_login_timeout",
                          "client_tls13_ciphers",
                          "client_tls_ca_file",
                          "client_tls_cert_file",
                          "client_tls_ciphers",
                          "client_tls_dheparams",
                          "client_tls_ecdhcurve",
                          "client_tls_key_file",
                          "client_tls_protocols",
                          "client_tls_sslmode",
                          "conffile",
                          "default_pool_size",
                          "disable_pqexec",
                          "dns_max_ttl",
                          "dns_nxdomain_ttl",
                          "dns_zone_check_period",
                          "idle_transaction_timeout",
                          "ignore_startup_parameters",
                          "job_name",
                          "listen_addr",
                          "listen_backlog",
                          "listen_port",
                          "log_connections",
                          "log_disconnections",
                          "log_pooler_errors",
                          "log_stats",
                          "logfile",
                          "max_client_conn",
                          "max_db_client_connections",
                          "max_db_connections",
                          "max_packet_size",
                          "max_prepared_statements",
                          "max_user_client_connections",
                          "max_user_connections",
                          "min_pool_size",
                          "peer_id",
                          "pidfile",
                          "pkt_buf",
                          "pool_mode",
                          "query_timeout",
                          "query_wait_notify",
                          "query_wait_timeout",
                          "reserve_pool_size",
                          "reserve_pool_timeout",
                          "resolv_conf",
                          "sbuf_loopcnt",
                          "scram_iterations",
                          "server_check_delay",
                          "server_check_query",
                          "server_connect_timeout",
                          "server_fast_close",
                          "server_idle_timeout",
                          "server_lifetime",
                          "server_login_retry",
                          "server_reset_query",
                          "server_reset_query_always",
                          "server_round_robin",
                          "server_tls13_ciphers",
                          "server_tls_ca_file",
                          "server_tls_cert_file",
                          "server_tls_ciphers",
                          "server_tls_key_file",
                          "server_tls_protocols",
                          "server_tls_sslmode",
                          "service_name",
                          "so_reuseport",
                          "stats_period",
                          "stats_users",
                          "suspend_timeout",
                          "syslog",
                          "syslog_facility",
                          "syslog_ident",
                          "tcp_defer_accept",
                          "tcp_keepalive",
                          "tcp_keepcnt",
                          "tcp_keepidle",
                          "tcp_keepintvl",
                          "tcp_socket_buffer",
                          "tcp_user_timeout",
                          "track_extra_parameters",
                          "transaction_timeout",
                          "unix_socket_dir",
                          "unix_socket_group",
                          "unix_socket_mode",
                          "user",
                          "verbose"}) {
    CAPTURE(key);
    const auto plan = test::plan_of_settings(std::string(key) + " =\n");
    REQUIRE(plan.has_value());
    const Finding* finding = test::find(*plan, key);
    REQUIRE(finding != nullptr);
    CHECK(finding->outcome != "not a key of PgBouncer that is known here");
    CHECK(!finding->outcome.empty());
    const FixedRule* rule = find_fixed_rule(key);
    if (rule == nullptr) continue;
    const std::string neutral(rule->neutral == "*" ? "1" : rule->neutral.substr(0, rule->neutral.find('|')));
    const auto calm = test::plan_of_settings(std::string(key) + " = " + neutral + "\n");
    REQUIRE(calm.has_value());
    CHECK(test::find(*calm, key)->verdict == Verdict::Unneeded);
  }
}

TEST_CASE("secrets and SQL are not shown") {
  const auto plan =
      test::plan_of_settings("auth_query = SELECT 'hunter2'\nconnect_query=hunter2\nauth_ldap_options=hunter2");
  REQUIRE(plan.has_value());
  for (const Finding& finding : plan->findings)
    CHECK((finding.value + finding.outcome).find("hunter2") == std::string::npos);
  CHECK(test::find(*plan, "auth_query")->value == "(not shown)");
}

TEST_CASE("the last of a key that is set twice counts, and the first is told") {
  const auto plan = test::plan_of_settings("listen_port = 1\nlisten_port = 2");
  REQUIRE(plan.has_value());
  REQUIRE(plan->settings.size() == 1);
  CHECK(plan->settings[0].text == "2");
  CHECK(plan->findings[0].verdict == Verdict::Unneeded);
  CHECK(plan->findings[0].outcome == "set again at /etc/p.ini:3");
}

}  // namespace
}  // namespace bartizan::migrate
