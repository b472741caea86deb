// Environment variables, the command line's overrides, and systemd credentials.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bartizan/config/parse.hpp"
#include "bind.hpp"
#include "schema.hpp"

namespace bartizan::config {
namespace {

std::vector<std::string> issues_of(const Environment& environment) {
  const auto parsed = parse(Input{}, environment);
  std::vector<std::string> lines;
  if (!parsed) {
    for (const Issue& issue : parsed.error()) lines.push_back(issue.to_string());
  }
  return lines;
}

TEST_CASE("later wins: file, environment, command line") {
  Input input;
  input.text = "[limits]\nclients = 10\nhalf_open = 10\nclients_per_address = 10\n";
  input.overrides = {{"limits.clients_per_address", "30"}};
  const auto c = parse(input, {{"BARTIZAN_LIMITS_HALF_OPEN", "20"}, {"BARTIZAN_LIMITS_CLIENTS_PER_ADDRESS", "20"}});
  REQUIRE(c.has_value());
  CHECK(c->limits.clients == 10);
  CHECK(c->limits.half_open == 20);
  CHECK(c->limits.clients_per_address == 30);
}

TEST_CASE("every type can be written in a variable") {
  const auto c = parse(Input{}, {{"BARTIZAN_LISTEN_ADDRESSES", "127.0.0.2, ::1"},
                                 {"BARTIZAN_LISTEN_PORT", "7000"},
                                 {"BARTIZAN_LISTEN_PROXY_PROTOCOL_FROM", ""},
                                 {"BARTIZAN_EMBEDDED_DEMO", "false"},
                                 {"BARTIZAN_EMBEDDED_SHARED_BUFFERS", "64MiB"},
                                 {"BARTIZAN_EMBEDDED_DATA_DIRECTORY", "/srv/b"},
                                 {"BARTIZAN_LIMITS_IDLE_TIMEOUT", "0"},
                                 {"BARTIZAN_LOG_FORMAT", "text"}});
  REQUIRE(c.has_value());
  REQUIRE(c->listen.addresses.size() == 2);
  CHECK(c->listen.addresses[0].to_string() == "127.0.0.2");
  CHECK_FALSE(c->listen.addresses_defaulted);
  CHECK(c->listen.port == 7000);
  CHECK(c->listen.proxy_protocol_from.empty());
  CHECK_FALSE(c->embedded.demo);
  CHECK(c->embedded.shared_buffers == ByteSize{64u << 20});
  CHECK(c->audit.directory == "/srv/b/audit");
  CHECK(c->log.format == LogFormat::Text);
}

TEST_CASE("a faulty variable is told by its name") {
  struct Row {
    const char* variable;
    const char* value;
    const char* issue;
  };
  for (const Row& row : {
           Row{"BARTIZAN_LISTEN_PORT", "6432 ",
               "BARTIZAN_LISTEN_PORT: listen.port: expected a whole number from 0 to 65535, found \"6432 \""},
           Row{"BARTIZAN_LISTEN_PORT", "70000",
               "BARTIZAN_LISTEN_PORT: listen.port: 70000 is out of range: from 0 to 65535"},
           Row{"BARTIZAN_EMBEDDED_DEMO", "no",
               "BARTIZAN_EMBEDDED_DEMO: embedded.demo: expected true or false, found \"no\""},
           Row{"BARTIZAN_LIMITS_CLIENT", "1",
               "BARTIZAN_LIMITS_CLIENT: no such key; did you mean BARTIZAN_LIMITS_CLIENTS?"},
           Row{"BARTIZAN_LIMIT_CLIENTS", "1",
               "BARTIZAN_LIMIT_CLIENTS: no such key; did you mean BARTIZAN_LIMITS_CLIENTS?"},
           Row{"BARTIZAN_LISTEN_SOMETHING_ELSE_ALTOGETHER", "1",
               "BARTIZAN_LISTEN_SOMETHING_ELSE_ALTOGETHER: no such key"},
       }) {
    CAPTURE(row.variable);
    const auto issues = issues_of({{row.variable, row.value}});
    REQUIRE(issues.size() == 1);
    CHECK(issues[0] == row.issue);
  }
}

TEST_CASE("variables that are not ours are passed over") {
  // The last three are what Kubernetes makes of a service named bartizan.
  CHECK(issues_of({{"BARTIZAN_SOCKET", "/x"},
                   {"BARTIZAN_DATA", "/x"},
                   {"BARTIZAN", "1"},
                   {"LISTEN_PORT", "1"},
                   {"BARTIZANLISTEN_PORT", "1"},
                   {"BARTIZAN_PORT", "tcp://10.0.0.1:6432"},
                   {"BARTIZAN_SERVICE_HOST", "10.0.0.1"},
                   {"BARTIZAN_PORT_6432_TCP_ADDR", "10.0.0.1"}})
            .empty());
}

TEST_CASE("an override must name a key") {
  Input input;
  input.overrides = {{"limits.cleints", "1"}, {"port", "1"}};
  const auto parsed = parse(input, {});
  REQUIRE_FALSE(parsed.has_value());
  REQUIRE(parsed.error().size() == 2);
  CHECK(parsed.error()[0].to_string() == "command line: no such key: \"limits.cleints\"");
}

TEST_CASE("the variables of all keys differ") {
  Environment all;
  for (const Key& key : keys()) CHECK(all.emplace(variable_of(key), "").second);
}

TEST_CASE("bare file names are looked for among the credentials first") {
  Input input;
  input.directory = "/etc/bartizan";
  input.credentials_directory = "/run/credentials/b";
  input.credentials = {"server.key", "control.dsn"};
  input.text =
      "[tls]\ncertificate_file = \"server.pem\"\nprivate_key_file = \"server.key\"\n[embedded]\nenabled = false\n";
  const auto c = parse(input, {});
  REQUIRE(c.has_value());
  CHECK(c->tls.certificate_file == "/etc/bartizan/server.pem");
  CHECK(c->tls.private_key_file == "/run/credentials/b/server.key");
  CHECK(c->control.dsn_file == "/run/credentials/b/control.dsn");
}

TEST_CASE("the dsn credential gives way to a configured dsn and to the embedded server") {
  Input input;
  input.credentials_directory = "/run/credentials/b";
  input.credentials = {"control.dsn"};
  CHECK(parse(input, {}).value().control.dsn_file.empty());
  CHECK(parse(input, {{"BARTIZAN_EMBEDDED_ENABLED", "false"}, {"BARTIZAN_CONTROL_DSN", "host=x"}})
            .value()
            .control.dsn_file.empty());
}

}  // namespace
}  // namespace bartizan::config
