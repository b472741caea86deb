// A control plane on a database of its own, with a feed and a runtime that only remembers.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>

#include "bartizan/control/verbs.hpp"
#include "bartizan/postgres/embedded_server.hpp"
#include "bartizan/store/change_feed.hpp"
#include "throwaway_postgres.hpp"

namespace bartizan::control::test {

using store::test::ThrowawayPostgres;

class FakeRuntime final : public Runtime {
 public:
  Document status() override { return Members{{"version", "0.1.0"}}; }
  Document list_sessions() override { return Items{Members{{"id", "7"}}}; }
  Result<void> kill_session(std::string_view id) override {
    if (id != "7") return fail(Errc::NotFound, "no such session");
    return {};
  }
  DepotActivity depot_activity(policy::DepotId, policy::Traffic) override {
    ++activity_asked;
    return activity;
  }
  Result<Reloaded> reload() override {
    ++reloads;
    return Reloaded{{"log.level"}, {"listen.port"}, {}};
  }
  void shutdown() override { ++shutdowns; }
  Result<postgres::ControlConnection> embedded_superuser(const std::string& database, SteadyTime deadline) override {
    if (embedded == nullptr) return Runtime::embedded_superuser(database, deadline);
    return postgres::ControlConnection::connect(embedded->endpoint(database), embedded->superuser_password(), deadline);
  }

  postgres::EmbeddedServer* embedded = nullptr;  ///< set by tests that have one
  DepotActivity activity{true, 0, 0, 0};
  std::atomic<int> activity_asked{0};
  std::atomic<int> reloads{0};
  std::atomic<int> shutdowns{0};
};

struct ControlFixture {
  std::string name = ThrowawayPostgres::instance().fresh_database();
  std::unique_ptr<store::Database> database = open();
  policy::SnapshotHolder snapshots;
  FakeRuntime runtime;
  ServiceContext context{*database, snapshots, runtime, system_clock(), system_random()};
  Verbs verbs{context};
  AdminPolicy policy{4321, 777};
  Peer root{0, {0}, 1};

  [[nodiscard]] std::unique_ptr<store::Database> open() const {
    store::DatabaseOptions options;
    options.conninfo = ThrowawayPostgres::instance().conninfo(name);
    auto key = store::RootKey::from_bytes(SecretBytes(std::string(32, 'k')));
    auto opened = store::Database::open(std::move(options), std::move(*key), system_random());
    REQUIRE(opened.has_value());
    REQUIRE((*opened)->migrate().has_value());
    return std::move(*opened);
  }

  /// The whole answer to a line.
  [[nodiscard]] Document answer(const std::string& line) const {
    const auto text = verbs.answer(policy, root, line);
    CHECK(text.find('\n') == std::string::npos);
    auto document = Document::parse(text);
    REQUIRE(document.has_value());
    return std::move(*document);
  }
  /// args as JSON. The result of a success; anything else ends the test.
  Document ok(const std::string& verb, const std::string& args = "{}") const {
    const auto document = answer(R"({"v":1,"verb":")" + verb + R"(","args":)" + args + "}");
    INFO(document.to_json());
    REQUIRE(*document.find("ok")->as<bool>());
    return *document.find("result");
  }
  /// The error's code; a success ends the test.
  [[nodiscard]] std::string code(const std::string& verb, const std::string& args = "{}") const {
    const auto document = answer(R"({"v":1,"verb":")" + verb + R"(","args":)" + args + "}");
    INFO(document.to_json());
    REQUIRE_FALSE(*document.find("ok")->as<bool>());
    return *document.find("error")->find("code")->as<std::string>();
  }
  std::string sql(const std::string& text) const { return ThrowawayPostgres::instance().sql(name, text); }
};

inline std::string text_of(const Document& document, std::string_view member) {
  const auto* found = document.find(member);
  REQUIRE(found != nullptr);
  REQUIRE(found->as<std::string>() != nullptr);
  return *found->as<std::string>();
}

}  // namespace bartizan::control::test
