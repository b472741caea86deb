#include <doctest/doctest.h>

#include <string>

#include "bartizan/policy/decision.hpp"
#include "bartizan/sql/analyser.hpp"

namespace bartizan::policy {
namespace {

struct Case {
  std::string_view text;
  Barrier strict;
};

TEST_CASE("what takes effect waits before it is forwarded, what only reads before its first byte") {
  const Barrier effect = Barrier::BeforeForward;
  const Barrier read = Barrier::BeforeFirstByte;
  for (const Case& each : {
           Case{"select a from t", read},
           Case{"table t", read},
           Case{"show search_path", read},
           Case{"explain select 1", read},
           Case{"copy t to stdout", read},
           Case{"select count(*), lower('A') from t", read},
           Case{"begin", read},
           Case{"rollback", read},
           Case{"set timezone = 'UTC'", read},
           Case{"", read},
           Case{"insert into t values (1)", effect},
           Case{"with gone as (delete from t returning *) select * from gone", effect},
           Case{"select * into u from t", effect},
           Case{"commit", effect},
           Case{"end", effect},
           Case{"prepare transaction 'a'", effect},
           Case{"commit prepared 'a'", effect},
           Case{"rollback prepared 'a'", effect},
           Case{"create table t (a int)", effect},
           Case{"grant select on t to public", effect},
           Case{"copy t from stdin", effect},
           Case{"copy (select 1) to program 'x'", effect},
           Case{"truncate t", effect},
           Case{"explain analyze delete from t", effect},
           Case{"select nextval('s')", effect},
           Case{"select pg_terminate_backend(1)", effect},
           Case{"select lo_unlink(1)", effect},
           Case{"select app.anything()", effect},
           Case{"select anything()", effect},
           Case{"execute s", effect},
           Case{"fetch all from c", effect},
           Case{"do $$ begin end $$", effect},
           Case{"notify c", effect},
           Case{"select 'not ended", effect},
           Case{"select 1; delete from t", effect},
           Case{"select 1; select 2", read},
       }) {
    CAPTURE(each.text);
    const auto analysis = sql::analyse(each.text, {});
    CHECK(required_barrier(analysis, BarrierMode::Strict) == each.strict);
    CHECK(required_barrier(analysis, BarrierMode::EffectsAlone) == (each.strict == effect ? effect : Barrier::None));
    CHECK(required_barrier(analysis, BarrierMode::None) == Barrier::None);
  }
}

TEST_CASE("decide() says so in what it allows") {
  Subject subject;
  subject.barriers = BarrierMode::Strict;
  const auto of = [&](std::string_view text) {
    const auto decision = decide(subject, sql::analyse(text, {}), WallTime{});
    return std::get<Allow>(decision).barrier;
  };
  CHECK(of("select 1") == Barrier::BeforeFirstByte);
  CHECK(of("delete from t") == Barrier::BeforeForward);
}

}  // namespace
}  // namespace bartizan::policy
