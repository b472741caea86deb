// Which texts are rewritten, which are made from another's template, and that both say the same.
#include "bartizan/session/rewrite_cache.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "consumer_world.hpp"

namespace bartizan::session::test {
namespace {

struct Cache {
  std::shared_ptr<const ConsumerText> get(std::string_view text) { return cache.get(text, reading()); }
  ConsumerReading reading() { return {wall_class.get(), &search_path, {}}; }

  std::shared_ptr<const policy::WallClass> wall_class = bank_class();
  std::vector<std::string> search_path{"public"};
  RewriteCache cache{sql::DigestKey{}, std::size_t{1} << 20};
};

}  // namespace

TEST_CASE("from the third text of a digest on a statement is filled in") {
  Cache world;
  for (int i = 0; i < 10; ++i) {
    const auto text = "select email from accounts where id = " + std::to_string(i) + " and tenant = 'it''s " +
                      std::to_string(i) + "'";
    CAPTURE(text);
    const auto got = world.get(text);
    const auto fresh = make_consumer_text(text, world.reading());
    CHECK(got->server_text == fresh.server_text);
    CHECK(got->statements.front().server_text == fresh.statements.front().server_text);
    CHECK(got->statements.front().audit == fresh.statements.front().audit);
    CHECK(got->needs_context);
    CHECK(got->analysis.statements.front().relations.size() == 1);
    CHECK(got->digest == world.get("select email from accounts where id = 99 and tenant = 'x'")->digest);
  }
  CHECK(world.cache.counters().misses <= 3);
  CHECK(world.cache.counters().filled >= 8);
}

TEST_CASE("what a text means beside its constants keeps templates apart") {
  Cache world;
  const auto ask = [&](int i) { return world.get("select id from accounts where id = " + std::to_string(i)); };
  for (int i = 0; i < 4; ++i) CHECK(ask(i)->server_text.find("bz_v.accounts_1") != std::string::npos);
  world.search_path = {"other"};
  for (int i = 4; i < 8; ++i) CHECK(ask(i)->server_text.find("bz_v.other_1") != std::string::npos);
  world.wall_class = bank_class(4);
  const auto before = world.cache.counters().misses;
  ask(8);
  CHECK(world.cache.counters().misses == before + 1);
}

TEST_CASE("two classes share no text, whatever their versions are") {
  Cache world;
  for (int i = 0; i < 4; ++i) world.get("select id from accounts where id = " + std::to_string(i));
  world.wall_class = bank_class(3, 0xdef);
  for (int i = 3; i < 8; ++i) {
    const auto got = world.get("select id from accounts where id = " + std::to_string(i));
    CHECK(got->server_text.find("bz_v.accounts_2") != std::string::npos);
  }
}

TEST_CASE("a constant by which a statement is judged is judged each time") {
  Cache world;
  for (const std::string_view setting : {"timezone", "datestyle", "timezone", "datestyle"})
    CHECK_FALSE(world.get("select current_setting('" + std::string(setting) + "')")->refusal);
  CHECK(world.get("select current_setting('bartizan.ctx')")->refusal);
  CHECK(world.cache.counters().filled == 0);
  // One that fills, and the cast of which the rewriting makes a constant of its own.
  for (const std::string_view value : {"x", "y", "z"}) world.get("select '" + std::string(value) + "'::bool");
  CHECK(world.get("select 't'::bool")->server_text == "SELECT true::boolean");
}

TEST_CASE("no template stands for a refused text, and none refuses") {
  Cache world;
  for (int i = 0; i < 4; ++i) CHECK(world.get("select secret from accounts where id = " + std::to_string(i))->refusal);
  CHECK(world.cache.counters().filled == 0);
}

TEST_CASE("comments alone make no statement another one") {
  Cache world;
  for (int i = 0; i < 6; ++i)
    CHECK(world.get("/* trace " + std::to_string(i) + " */ select id from accounts")->server_text ==
          "SELECT id FROM bz_v.accounts_1 accounts");
  CHECK(world.cache.counters().misses == 2);
}

TEST_CASE("templates count in the cache's bytes") {
  Cache world;
  for (int i = 0; i < 20'000; ++i)
    world.get("select id as c" + std::to_string(i / 2) + " from accounts where id = " + std::to_string(i));
  CHECK(world.cache.bytes() <= std::size_t{1} << 20);
}

}  // namespace bartizan::session::test
