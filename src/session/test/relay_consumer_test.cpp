#include <doctest/doctest.h>

#include "consumer_world.hpp"

namespace bartizan::session::test {
namespace {

constexpr std::string_view kAsked = "select id, email from accounts where id = 7 -- mine";
constexpr std::string_view kSent = "SELECT id, email FROM bz_v.accounts_1 accounts WHERE id = 7";

Script consumer_script(bool pooled = false) {
  Script script;
  script.consumer = [] { return consumer_of("north"); };
  script.pooled = pooled;
  return script;
}

TEST_CASE("a consumer's Query is rewritten, with its context before it and that one's result dropped") {
  consumer_script()
      .client(query(kAsked), query(context_sql("north") + std::string(kSent)))
      .server(context_result() + row_description() + data_row("1") + complete("SELECT 1") + ready(),
              row_description() + data_row("1") + complete("SELECT 1") + ready())
      .audit({"statement SELECT ok 1"})
      .run();
}

TEST_CASE("a consumer's extended query is rewritten, with its context in the same Sync group") {
  consumer_script()
      .client(parse("", kAsked) + bind_portal("", "") + describe('P', "") + execute("") + sync(),
              parse("", kSent) + prepare_setter() + put_context(context("north")) + bind_portal("", "") +
                  describe('P', "") + execute("") + sync())
      .server(parse_complete() + setter_prepared() + context_put() + bind_complete() + row_description() +
                  data_row("1") + complete("SELECT 1") + ready(),
              parse_complete() + bind_complete() + row_description() + data_row("1") + complete("SELECT 1") + ready())
      .audit({"execute SELECT ok 1"})
      .run();
}

}  // namespace
}  // namespace bartizan::session::test
