#include "bartizan/config/parse.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace bartizan::config {
namespace {

using namespace std::chrono_literals;

Input input_of(std::string_view text) {
  Input input;
  input.text = text;
  input.file_name = "b.toml";
  input.directory = "/etc/bartizan";
  return input;
}

std::vector<std::string> issues_of(std::string_view text) {
  const auto parsed = parse(input_of(text), {});
  std::vector<std::string> lines;
  if (!parsed) {
    for (const Issue& issue : parsed.error()) lines.push_back(issue.to_string());
  }
  return lines;
}

TEST_CASE("an empty file is the defaults, with derived paths filled in") {
  const auto c = parse(input_of(""), {});
  REQUIRE(c.has_value());
  REQUIRE(c->listen.addresses.size() == 2);
  CHECK(c->listen.addresses[0].to_string() == "127.0.0.1");
  CHECK(c->listen.addresses[1].to_string() == "::1");
  CHECK(c->listen.addresses_defaulted);
  CHECK(c->listen.port == 6432);
  CHECK(c->tls.min_version == TlsVersion::Tls13);
  CHECK(c->limits.clients == 10'000);
  CHECK(c->limits.sign_in_timeout == 15s);
  CHECK(c->limits.statement_bytes.bytes == 16u << 20);
  CHECK(c->scram.iterations == 4096);
  CHECK(c->control.max_stale == 60s);
  CHECK(c->embedded.enabled);
  CHECK(c->audit.directory == "/var/lib/bartizan/audit");
  CHECK(c->control.root_key_file == "/var/lib/bartizan/keys/root.key");
  CHECK(c->metrics.port == 9632);
}

TEST_CASE("every kind of value reaches its field") {
  const auto c = parse(input_of(R"(
[listen]
addresses = ["0.0.0.0"]
port = 5433
proxy_protocol_from = ["10.0.0.0/8", "fd00::/8"]
[tls]
certificate_file = "certs/server.pem"
private_key_file = "/keys/server.key"
client_ca_file = "ca.pem"
min_version = "1.2"
require_client_certificate = true
[limits]
idle_timeout = "2h"
session_buffer_bytes = "128KiB"
clients_per_address = 0
[control]
dsn = "host=db.internal dbname=bartizan"
[embedded]
enabled = false
shared_buffers = "256MiB"
user = "pg"
[metrics]
address = ""
[log]
level = "debug"
format = "json"
)"),
                       {});
  REQUIRE(c.has_value());
  CHECK(c->listen.addresses.size() == 1);
  CHECK_FALSE(c->listen.addresses_defaulted);
  CHECK(c->listen.port == 5433);
  REQUIRE(c->listen.proxy_protocol_from.size() == 2);
  CHECK(c->listen.proxy_protocol_from[1].to_string() == "fd00::/8");
  CHECK(c->tls.certificate_file == "/etc/bartizan/certs/server.pem");
  CHECK(c->tls.private_key_file == "/keys/server.key");
  CHECK(c->tls.min_version == TlsVersion::Tls12);
  CHECK(c->tls.require_client_certificate);
  CHECK(c->limits.idle_timeout == 2h);
  CHECK(c->limits.session_buffer_bytes.bytes == 131072);
  CHECK(c->control.dsn.reveal_chars() == "host=db.internal dbname=bartizan");
  CHECK_FALSE(c->embedded.enabled);
  CHECK(c->embedded.shared_buffers == ByteSize{256u << 20});
  CHECK_FALSE(c->metrics.address.has_value());
  CHECK(c->log.level == LogLevel::Debug);
  CHECK(c->log.format == LogFormat::Json);
}

TEST_CASE("each fault by itself: file, line, column and words") {
  struct Row {
    const char* text;
    const char* issue;
  };
  const Row rows[] = {
      {"[listen]\nport = = 1\n", "b.toml:2:8: not TOML: "},
      {"[listen]\n[:\n", "b.toml:2:2: not TOML: "},
      {"[listen]\nport = \xc3\xa9\n", "b.toml:2:8: not TOML: "},
      {"[$x]\n", "b.toml:1:2: not TOML: "},
      {"[listen]\nport = 1\n[listen]\n", "b.toml:3:1: not TOML: "},
      {"[listen]\nport = 1\nport = 2\n", "b.toml:3:8: not TOML: "},
      {"[lisen]\nport = 1\n", "b.toml:1:2: unknown section [lisen]; did you mean [listen]?"},
      {"[listen]\n  prot = 1\n", "b.toml:2:3: unknown key prot in [listen]; did you mean port?"},
      {"[limits]\niterations = 1\n",
       "b.toml:2:1: unknown key iterations in [limits]; did you mean iterations of [scram]?"},
      {"[limits]\n\"a\\u001bb\" = 1\n", "b.toml:2:1: unknown key \"a\\x1bb\" in [limits]"},
      {"port = 1\n", "b.toml:1:1: port stands outside of any section; did you mean port of [listen]?"},
      {"listen = 5\n", "b.toml:1:10: listen is a section: write [listen] and its keys below"},
      {"[[listen]]\nport = 1\n", "b.toml:1:1: listen is a section: write [listen] and its keys below"},
      {"[limits]\nclients = \"10\"\n",
       "b.toml:2:11: limits.clients: expected a whole number from 1 to 1000000, found \"10\""},
      {"[limits]\nclients = 1.5\n",
       "b.toml:2:11: limits.clients: expected a whole number from 1 to 1000000, found a number with a fraction"},
      {"[limits]\nclients = 0\n", "b.toml:2:11: limits.clients: 0 is out of range: from 1 to 1000000"},
      {"[listen]\nport = -1\n", "b.toml:2:8: listen.port: -1 is out of range: from 0 to 65535"},
      {"[listen]\nport = 65536\n", "b.toml:2:8: listen.port: 65536 is out of range: from 0 to 65535"},
      {"[tls]\nsession_tickets = 1\n", "b.toml:2:19: tls.session_tickets: expected true or false, found 1"},
      {"[limits]\nidle_timeout = 0\n",
       "b.toml:2:16: limits.idle_timeout: expected a duration from 1s to 30d, or 0, found 0"},
      {"[limits]\nidle_timeout = \"5 min\"\n",
       "b.toml:2:16: limits.idle_timeout: \"5 min\" is not a duration: write a whole number and ms, s, m, h or d, such as \"60s\""},
      {"[limits]\nidle_timeout = \"5ms\"\n",
       "b.toml:2:16: limits.idle_timeout: \"5ms\" is out of range: from 1s to 30d, or 0"},
      {"[limits]\nstatement_bytes = \"16MB\"\n",
       "b.toml:2:19: limits.statement_bytes: \"16MB\" is not a size: write a whole number and B, KiB, MiB, GiB or TiB, such as "
       "\"64KiB\""},
      {"[limits]\nsession_buffer_bytes = \"1KiB\"\n",
       "b.toml:2:24: limits.session_buffer_bytes: \"1KiB\" is out of range: from 16KiB to 16MiB"},
      {"[embedded]\nshared_buffers = \"Auto\"\n", "b.toml:2:18: embedded.shared_buffers: \"Auto\" is not a size: "},
      {"[embedded]\nuser = \"\"\n", "b.toml:2:8: embedded.user: must not be empty"},
      {"[embedded]\nuser = \"a\\nb\"\n", "b.toml:2:8: embedded.user: must not hold control characters"},
      {"[embedded]\ndata_directory = 1979-05-27\n",
       "b.toml:2:18: embedded.data_directory: expected a path, found a date"},
      {"[listen]\naddresses = \"::1\"\n",
       "b.toml:2:13: listen.addresses: expected a list of IP addresses, found \"::1\""},
      {"[listen]\naddresses = []\n", "b.toml:2:13: listen.addresses: must not be empty"},
      {"[listen]\naddresses = [\"::1\",\n \"*\"]\n",
       "b.toml:3:2: listen.addresses: \"*\" is not an IP address: for every interface write \"0.0.0.0\" and \"::\""},
      {"[listen]\naddresses = [\"::1\", \"0::1\"]\n", "b.toml:2:21: listen.addresses: ::1 stands in the list twice"},
      {"[listen]\naddresses = [\"::1\", [\"::2\"]]\n",
       "b.toml:2:21: listen.addresses: expected text in the list, found a list"},
      {"[listen]\nproxy_protocol_from = [\"10.0.0.1/8\"]\n",
       "b.toml:2:24: listen.proxy_protocol_from: \"10.0.0.1/8\" has bits set behind its length; the network would be 10.0.0.0/8"},
      {"[tls]\nmin_version = \"1.1\"\n",
       "b.toml:2:15: tls.min_version: \"1.1\" is not \"1.2\" or \"1.3\"; did you mean \"1.2\"?"},
      {"[tls]\nmin_version = 1.3\n",
       "b.toml:2:15: tls.min_version: expected \"1.2\" or \"1.3\", found a number with a fraction"},
      {"[audit]\non_failure = \"continue\"\n", "b.toml:2:14: audit.on_failure: \"continue\" is not \"refuse\""},
      {"[tls]\ncertificate_file = \"a\"\n",
       "b.toml:2:20: tls.certificate_file is set, and tls.private_key_file is not"},
      {"[tls]\nprivate_key_file = \"a\"\n",
       "b.toml:2:20: tls.private_key_file is set, and tls.certificate_file is not"},
      {"[tls]\nrequire_client_certificate = true\n",
       "b.toml:2:30: tls.require_client_certificate needs tls.client_ca_file, the CAs to check them against"},
      {"[tls]\nmatch_client_certificate = true\n",
       "b.toml:2:28: tls.match_client_certificate needs tls.client_ca_file, the CAs to check them against"},
      {"[lockout]\nmax_delay = \"1s\"\nbase_delay = \"2s\"\n",
       "b.toml:3:14: lockout.base_delay (2s) is longer than lockout.max_delay (1s)"},
      {"[control]\ndsn = \"x\"\n",
       "b.toml:2:7: control.dsn is set, but the embedded server holds the control database: unset it, or set embedded.enabled = false"},
      {"[embedded]\nenabled = false\n", "b.toml:2:11: embedded.enabled = false needs control.dsn or control.dsn_file"},
      {"[embedded]\nenabled = false\n[control]\ndsn = \"x\"\ndsn_file = \"y\"\n",
       "b.toml:4:7: control.dsn and control.dsn_file are both set: keep one"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto issues = issues_of(row.text);
    REQUIRE(issues.size() == 1);
    const std::string_view expected(row.issue);
    if (expected.ends_with(' ')) {
      CHECK_MESSAGE(issues[0].starts_with(expected), issues[0]);
    } else {
      CHECK(issues[0] == expected);
    }
  }
}

TEST_CASE("all faults are told, in the order of the file, and nothing about keys that are faulty themselves") {
  const auto issues = issues_of(R"([tls]
certificate_file = 5
private_key_file = "k"
[zebra]
[listen]
addresses = ["x", 1]
port = true
[limits]
clients = 0
)");
  REQUIRE(issues.size() == 6);
  CHECK(issues[0] == "b.toml:2:20: tls.certificate_file: expected a path, found 5");
  CHECK(issues[1] == "b.toml:4:2: unknown section [zebra]");
  CHECK(issues[2] == "b.toml:6:14: listen.addresses: \"x\" is not an IP address");
  CHECK(issues[3] == "b.toml:6:19: listen.addresses: expected text in the list, found 1");
  CHECK(issues[4] == "b.toml:7:8: listen.port: expected a whole number from 0 to 65535, found true");
  CHECK(issues[5] == "b.toml:9:11: limits.clients: 0 is out of range: from 1 to 1000000");
}

TEST_CASE("a secret's value stands in no issue") {
  for (const char* text : {"[embedded]\nenabled = false\n[control]\ndsn = \"password=hunter2\\u0001\"\n",
                           "[control]\ndsn = \"password=hunter2\"\n",
                           "[embedded]\nenabled = false\n[control]\ndsn = [\"password=hunter2\"]\n"}) {
    const auto issues = issues_of(text);
    REQUIRE_FALSE(issues.empty());
    for (const std::string& issue : issues) CHECK(issue.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("text beyond the limit is not looked at") {
  const std::string text(kMaxTextBytes + 1, '\n');
  const auto issues = issues_of(text);
  REQUIRE(issues.size() == 1);
  CHECK(issues[0] == "b.toml: longer than 1048576 bytes");
  CHECK(issues_of(std::string_view(text).substr(1)).empty());
}

}  // namespace
}  // namespace bartizan::config
