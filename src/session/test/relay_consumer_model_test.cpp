// Random consumers before a model of PostgreSQL: a statement over a view never runs without the
// context of who has sent it, whatever transactions, failures and pipelines do; nothing that a
// client wrote reaches the server; and the client gets what PostgreSQL would tell it.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>

#include "consumer_model.hpp"
#include "consumer_world.hpp"
#include "script.hpp"

namespace bartizan::session::test {
namespace {

constexpr std::string_view kMark = ConsumerModel::kMark;

std::string random_statement(std::mt19937& random) {
  static const std::array<std::string, 24> kStatements = {"SELECT id FROM accounts",
                                                          "SELECT email FROM accounts",
                                                          "SELECT id FROM accounts",
                                                          "INSERT INTO notes (id) VALUES (1)",
                                                          "SELECT 1",
                                                          "SELECT 1 / 0",
                                                          "SELECT 1 / 0 FROM accounts",
                                                          "BEGIN",
                                                          "COMMIT",
                                                          "ROLLBACK",
                                                          "BEGIN",
                                                          "COMMIT AND CHAIN",
                                                          "ROLLBACK AND CHAIN",
                                                          "SAVEPOINT s",
                                                          "ROLLBACK TO SAVEPOINT s",
                                                          "RELEASE SAVEPOINT s",
                                                          "RESET ALL",
                                                          "DISCARD ALL",
                                                          "DEALLOCATE ALL",
                                                          "PREPARE a AS SELECT id FROM accounts",
                                                          "EXECUTE a",
                                                          "FETCH c",
                                                          "",
                                                          "SELECT id FROM secrets"};
  return kStatements[random() % kStatements.size()] + std::string(kMark);
}

/// Of which a text may hold several: what sets search_path must stand alone.
std::string random_part(std::mt19937& random) {
  auto text = random_statement(random);
  while (text.starts_with("RESET") || text.starts_with("DISCARD")) text = random_statement(random);
  return text;
}

std::string random_message(std::mt19937& random) {
  static const std::array<std::string, 3> kNames = {"", "a", "b"};
  static const std::array<std::string, 2> kPortals = {"", "p"};
  const auto& name = kNames[random() % kNames.size()];
  const auto& portal = kPortals[random() % kPortals.size()];
  switch (random() % 14) {
    case 0:
    case 1: return query(random_statement(random));
    case 2: return query(random_part(random) + "; " + random_part(random));
    case 3: return query(random_part(random) + "; " + random_part(random) + ";" + random_part(random));
    case 4: return parse(name, random_statement(random));
    case 5: return bind_portal(portal, name);
    case 6: return execute(portal);
    case 7: return close(random() % 2 == 0 ? 'S' : 'P', random() % 2 == 0 ? name : portal);
    case 8: return query("BEGIN" + std::string(kMark) + "; DECLARE c CURSOR FOR SELECT id FROM accounts");
    case 9:
    case 10:
    case 11: return parse("", random_statement(random)) + bind_portal("", "") + execute("");
    default: return sync();
  }
}

std::string random_client(std::mt19937& random, unsigned most) {
  std::string bytes;
  for (unsigned i = 0, count = 1 + static_cast<unsigned>(random() % most); i < count; ++i)
    bytes += random_message(random);
  return bytes + sync() + sync();
}

/// In a failed transaction the context fails before it is seen that there is no such portal or statement.
std::string alike(std::string_view sqlstate) {
  return std::string(sqlstate == "34000" || sqlstate == "26000" ? "25P02" : sqlstate);
}

/// One line a message; of an error its SQLSTATE, as the rest is scrubbed or of the gateway's own.
std::vector<std::string> told(std::string_view bytes) {
  std::vector<std::string> lines;
  pgwire::FrameHeader header;
  while (pgwire::peek_frame(as_bytes(bytes), header) == pgwire::FrameStatus::Ok &&
         bytes.size() >= header.total_bytes()) {
    const auto payload = bytes.substr(5, header.payload_bytes());
    std::string line(1, header.type);
    if (header.type == 'E')
      line += alike(payload.substr(payload.find(std::string("\0C", 2)) + 2, 5));
    else
      line += shown(payload);
    lines.push_back(std::move(line));
    bytes.remove_prefix(header.total_bytes());
  }
  return lines;
}

void hold(const ConsumerModel& model) {
  REQUIRE(as_text(model.violations) == "");
  for (const auto& text : model.texts) REQUIRE(text.find("mark") == std::string::npos);
}

TEST_CASE("a consumer on its own server connection") {
  std::size_t checked = 0;
  for (unsigned seed = 1; seed <= 4'000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto bytes = random_client(random, 20);
    CAPTURE(shown(bytes));
    World world({}, {}, false, policy::BarrierMode::None, consumer_of("north"));
    ConsumerModel model;
    model.expected_context = context("north");
    std::string_view left = bytes;
    std::string under_way;
    std::string to_client;
    for (std::size_t rounds = 0; rounds < 100'000; ++rounds) {
      if (!left.empty() && random() % 3 != 0) {
        const auto count = std::min<std::size_t>(left.size(), 1 + random() % 200);
        world.client(left.substr(0, count));
        left.remove_prefix(count);
      } else if (world.client_verdict == Verdict::Stalled) {
        world.client("");
      }
      under_way += model.on_bytes(world.to_server);
      world.to_server.clear();
      if (!under_way.empty() && random() % 3 != 0) {
        const auto count = std::min<std::size_t>(under_way.size(), 1 + random() % 200);
        world.server(under_way.substr(0, count));
        under_way.erase(0, count);
      }
      if (world.over() || (left.empty() && under_way.empty() && world.from_client.empty())) break;
      REQUIRE(rounds < 99'999);
    }
    ConsumerModel direct;
    REQUIRE(as_text(told(world.to_client)) == as_text(told(direct.on_bytes(bytes))));
    REQUIRE_FALSE(world.over());
    REQUIRE_FALSE(world.relay.awaiting_reply());
    hold(model);
    checked += model.checked;
  }
  CHECK(checked > 6'000);
}

struct Connection {
  ServerState state;
  ConsumerModel model;
  std::string key;
  std::string under_way;
  int used_by = -1;
};

TEST_CASE("three tenants' consumers on two server connections") {
  static const std::array<std::string, 3> kTenants = {"north", "south", "east"};
  std::size_t checked = 0;
  for (unsigned seed = 1; seed <= 3'000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::array<Connection, 2> connections;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      connections[i].key = "connection " + std::to_string(i);
      connections[i].state.context_key = connection_key(connections[i].key);
    }
    std::vector<std::unique_ptr<World>> worlds;
    std::vector<std::string> left;
    std::vector<Connection*> held(kTenants.size());
    for (std::size_t i = 0; i < kTenants.size(); ++i) {
      worlds.push_back(std::make_unique<World>(RelayLimits{}, std::nullopt, true, policy::BarrierMode::None,
                                               consumer_of(kTenants[i]), i + 1));
      left.push_back(random_client(random, 12) + query("ROLLBACK"));
    }
    bool busy = true;
    for (std::size_t rounds = 0; busy && rounds < 100'000; ++rounds) {
      const std::size_t i = random() % worlds.size();
      World& world = *worlds[i];
      const auto count = std::min<std::size_t>(left[i].size(), random() % 100);
      world.client(left[i].substr(0, count));
      left[i].erase(0, count);
      if (world.client_verdict == Verdict::NeedServer && held[i] == nullptr) {
        Connection& connection = connections[random() % connections.size()];
        if (connection.used_by < 0) {
          held[i] = &connection;
          connection.used_by = static_cast<int>(i);
          connection.model.expected_context = context(kTenants[i], connection.key);
          world.attach(connection.state);
          connection.under_way += connection.model.on_bytes(world.to_server);
          world.to_server.clear();
          world.client("");
        }
      }
      if (held[i] != nullptr) {
        Connection& connection = *held[i];
        connection.under_way += connection.model.on_bytes(world.to_server);
        world.to_server.clear();
        const auto some = std::min<std::size_t>(connection.under_way.size(), random() % 200);
        world.server(connection.under_way.substr(0, some));
        connection.under_way.erase(0, some);
        if (world.relay.releasable()) {
          REQUIRE(connection.under_way.empty());
          world.relay.detach();
          connection.used_by = -1;
          held[i] = nullptr;
        }
      }
      REQUIRE(world.to_server.empty());
      busy = false;
      for (std::size_t k = 0; k < worlds.size(); ++k)
        busy = busy || (!worlds[k]->over() && !worlds[k]->relay.pinned() &&
                        (!left[k].empty() || !worlds[k]->from_client.empty()));
      // A pinned session keeps its connection: two of them leave none for the third.
      if (connections[0].used_by >= 0 && connections[1].used_by >= 0 && rounds > 20'000) break;
      REQUIRE(rounds < 99'999);
    }
    for (const auto& connection : connections) {
      CAPTURE(as_text(connection.model.texts));
      hold(connection.model);
      checked += connection.model.checked;
    }
    for (const auto& world : worlds) REQUIRE_FALSE(world->over());
  }
  CHECK(checked > 5'000);
}

}  // namespace
}  // namespace bartizan::session::test
