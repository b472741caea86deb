// Two hostile consumers of two tenants, on one server connection after the other or on one each, before
// a model of PostgreSQL's transactions: no statement over a view runs without its own sender's
// context, no text of theirs arrives, and nobody waits for ever.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "test/consumer_model.hpp"
#include "test/consumer_world.hpp"

namespace bartizan::session::test {
namespace {

std::string client_message(unsigned choice) {
  static const char* const kTexts[] = {"SELECT id FROM accounts",
                                       "INSERT INTO notes (id) VALUES (1)",
                                       "BEGIN",
                                       "COMMIT",
                                       "ROLLBACK",
                                       "SAVEPOINT s",
                                       "ROLLBACK TO SAVEPOINT s",
                                       "COMMIT AND CHAIN",
                                       "RESET ALL",
                                       "DISCARD ALL",
                                       "DEALLOCATE ALL",
                                       "PREPARE a AS SELECT id FROM accounts",
                                       "EXECUTE a",
                                       "SELECT 1 / 0",
                                       "SET search_path = other",
                                       "SELECT id FROM secrets"};
  static const char* const kNames[] = {"", "a", "bartizan_context"};
  const unsigned more = choice / 12;
  const std::string text = kTexts[more % 16] + std::string(ConsumerModel::kMark);
  const std::string name = kNames[more % 16 == 0 ? 2 : more % 2];
  switch (choice % 12) {
    case 0:
    case 1: return query(text);
    case 2: return query(text + "; SELECT id FROM accounts; " + kTexts[(more + 5) % 16] + "; SELECT id FROM accounts");
    case 3: return parse("", text);
    case 4: return parse(name, text);
    case 5: return bind_portal("", name);
    case 6: return execute("");
    case 7: return parse("", text) + bind_portal("", "") + execute("");
    case 8: return more % 2 == 0 ? close('S', name) : function_call(1);
    case 9: return more % 2 == 0 ? flush() : copy_data(ConsumerModel::kMark);
    default: return sync();
  }
}

/// One client and what it works on now.
struct Party {
  std::string_view tenant;
  std::unique_ptr<World> world;
  bool holds = false;
};

struct Server {
  ServerState state;
  ConsumerModel model;
  std::string under_way;
  bool taken = false;
};

void exchange(Party& party, Server& server, std::string_view key, bool pooled, std::size_t most) {
  World& world = *party.world;
  if (pooled && !party.holds) {
    if (world.client_verdict != Verdict::NeedServer || server.taken || world.over()) return;
    server.taken = party.holds = true;
    server.model.expected_context = context(party.tenant, key);
    world.attach(server.state);
    server.under_way += server.model.on_bytes(world.to_server);
    world.to_server.clear();
    world.client("");
  }
  server.under_way += server.model.on_bytes(world.to_server);
  world.to_server.clear();
  const auto some = std::min<std::size_t>(server.under_way.size(), most);
  world.server(std::string_view(server.under_way).substr(0, some));
  server.under_way.erase(0, some);
  if (!world.over() && world.client_verdict == Verdict::Stalled) {
    world.client("");
    server.under_way += server.model.on_bytes(world.to_server);
    world.to_server.clear();
  }
  if (pooled && !world.over() && world.relay.releasable()) {
    if (!server.under_way.empty()) std::abort();
    world.relay.detach();
    server.taken = party.holds = false;
  }
}

void hold(const Server& server) {
  if (!server.model.violations.empty()) std::abort();
  for (const auto& text : server.model.texts)
    if (text.find(ConsumerModel::kMark) != std::string::npos) std::abort();
}

}  // namespace
}  // namespace bartizan::session::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan::session;
  using namespace bartizan::session::test;
  if (size < 2 || size > 300) return 0;
  const bool pooled = data[0] % 2 == 0;
  constexpr std::string_view kTenants[] = {"north", "south"};
  Server servers[2];
  Party parties[2];
  for (std::size_t i = 0; i < 2; ++i) {
    parties[i].tenant = kTenants[i];
    parties[i].world = std::make_unique<World>(RelayLimits{}, std::nullopt, pooled, bartizan::policy::BarrierMode::None,
                                               consumer_of(std::string(kTenants[i])), i + 1);
    servers[i].state.context_key = connection_key("own");
    servers[i].model.expected_context = context(kTenants[i]);
  }
  const auto server_of = [&](std::size_t i) -> Server& { return servers[pooled ? 0 : i]; };
  for (std::size_t at = 1; at + 1 < size; at += 2) {
    const std::size_t who = data[at + 1] % 2;
    parties[who].world->client(client_message(data[at]));
    exchange(parties[who], server_of(who), "own", pooled, data[at + 1] / 2);
  }
  for (int round = 0; round < 400; ++round)
    for (std::size_t i = 0; i < 2; ++i) {
      if (round % 50 == 0) parties[i].world->client(test::sync() + query("ROLLBACK"));
      exchange(parties[i], server_of(i), "own", pooled, 100'000);
    }
  for (const auto& server : servers) hold(server);
  for (auto& party : parties) {
    World& world = *party.world;
    if (!world.over() && (!pooled || party.holds) && world.client_verdict == Verdict::Stalled) std::abort();
    world.relay.abandon();
    for (const auto& record : world.log.records)
      if (!record.outcome) std::abort();
    if (world.log.double_finishes != 0) std::abort();
  }
  return 0;
}
