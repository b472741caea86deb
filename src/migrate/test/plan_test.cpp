#include "bartizan/migrate/plan.hpp"

#include <doctest/doctest.h>

#include "bartizan/config/parse.hpp"

namespace bartizan::migrate {
namespace {

TEST_CASE("a TOML of every kind of value, with what must be escaped") {
  Plan plan;
  plan.settings.push_back({"listen.port", SettingKind::Number, "7000"});
  plan.settings.push_back({"tls.session_tickets", SettingKind::Boolean, "false"});
  plan.settings.push_back({"listen.addresses", SettingKind::List, "10.0.0.1,::1"});
  plan.settings.push_back({"admin.socket_file", SettingKind::Text, "/run/\"a\\b\".sock"});
  plan.settings.push_back({"log.unknown", SettingKind::Text, "\x01\x7f"});
  const std::string toml = render_toml(plan);
  CHECK(toml.find("socket_file = \"/run/\\\"a\\\\b\\\".sock\"\n") != std::string::npos);
  CHECK(toml.find("unknown = \"\\u0001\\u007F\"\n") != std::string::npos);
  config::Input input;
  plan.settings.pop_back();
  const std::string known = render_toml(plan);
  input.text = known;
  const auto parsed = config::parse(input, {});
  REQUIRE(parsed.has_value());
  CHECK(parsed->listen.port == 7000);
  CHECK(parsed->listen.addresses.size() == 2);
  CHECK(!parsed->tls.session_tickets);
  CHECK(parsed->admin.socket_file == "/run/\"a\\b\".sock");
}

TEST_CASE("a request is one line, whatever stands in it") {
  AdminRequest request{"depot.login", {}};
  request.arguments.emplace_back("name", "a\n\"b\"");
  request.arguments.emplace_back("port", std::int64_t{5432});
  request.arguments.emplace_back("password", SecretBytes(std::string_view("p\"w\n")));
  CHECK(render_request(request).reveal_chars() ==
        R"({"v":1,"verb":"depot.login","args":{"name":"a\n\"b\"","port":5432,"password":"p\"w\n"}})");
  CHECK(render_request({"status", {}}).reveal_chars() == R"({"v":1,"verb":"status","args":{}})");
}

}  // namespace
}  // namespace bartizan::migrate
