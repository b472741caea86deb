#include "bartizan/sql/splitter.hpp"

#include <doctest/doctest.h>
#include <pg_query.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace bartizan::sql {
namespace {

std::vector<std::string_view> pieces(std::string_view text) {
  std::vector<std::string_view> result;
  for (const auto& range : split(text, {})) result.push_back(range.in(text));
  return result;
}

TEST_CASE("statements end at the semicolons that end statements") {
  struct Case {
    std::string_view text;
    std::vector<std::string_view> expected;
  };
  const std::vector<Case> cases = {
      {"", {}},
      {" ; ;; -- x\n /* ; */", {}},
      {"select 1", {"select 1"}},
      {" select 1 ; ", {"select 1"}},
      {"-- a\nselect 1 /* b */; -- c\n select 2 -- d", {"select 1", "select 2"}},
      {"a;b;;c", {"a", "b", "c"}},
      {"select ';', \";\", $$;$$, E'\\';', /* ; */ 1; x", {"select ';', \";\", $$;$$, E'\\';', /* ; */ 1", "x"}},
      {"create rule r as on insert to t do (select 1; select 2); x",
       {"create rule r as on insert to t do (select 1; select 2)", "x"}},
      {"create function f() returns int begin atomic select 1; select case when a then 1 end; end; x",
       {"create function f() returns int begin atomic select 1; select case when a then 1 end; end", "x"}},
      {"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 1; END; x",
       {"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 1; END", "x"}},
      {"begin; select 1; end; x", {"begin", "select 1", "end", "x"}},
      {"begin atomic; x", {"begin atomic", "x"}},
      {"create table t (a int); begin; end", {"create table t (a int)", "begin", "end"}},
      {"create function f() returns int as 'begin' language begin; x",
       {"create function f() returns int as 'begin' language begin", "x"}},
      {"select (1; x", {"select (1; x"}},
      {"select 1); x", {"select 1)", "x"}},
      {"select 1; select 'x", {"select 1", "select 'x"}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    CHECK(pieces(c.text) == c.expected);
  }
}

TEST_CASE("an unreadable rest belongs to the last statement, which says so") {
  const auto ranges = split("select 1; select 'x; select 2", {});
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[0].complete);
  CHECK_FALSE(ranges[1].complete);
  CHECK(ranges[1].offset + ranges[1].length == 29);
}

void check_against(const std::string& text, const PgQuerySplitResult& theirs) {
  CAPTURE(text);
  CHECK(theirs.error == nullptr);
  const auto ours = split(text, {});
  const auto count = static_cast<std::size_t>(theirs.n_stmts);
  CHECK(ours.size() == count);
  for (std::size_t i = 0; i < std::min(ours.size(), count); ++i) {
    const auto begin = static_cast<std::size_t>(theirs.stmts[i]->stmt_location);
    const auto length = static_cast<std::size_t>(theirs.stmts[i]->stmt_len);
    CHECK(ours[i].offset >= begin);
    CHECK(ours[i].offset + ours[i].length <= begin + length);
    CHECK(pieces(std::string_view(text).substr(begin, length)) == std::vector{ours[i].in(text)});
  }
  pg_query_free_split_result(theirs);
}

// Both of libpg_query's splitters, by scanner and by grammar, keep comments and space in their
// pieces; nothing else may differ. Its scanner knows no BEGIN ATOMIC.
TEST_CASE("the splits are libpg_query's") {
  const std::vector<std::string> corpus = {
      "select 1; select 2",
      "select 1;; ; select 2;",
      "begin; insert into t values (1, ';'); savepoint a; rollback to a; commit;",
      "select $a$ ; $b$ ; $a$; select E'\\';'; select \";\"; select U&'\\0061;'",
      "create rule r as on update to t do instead (delete from a; delete from b); select 1",
      "create function f(a int) returns int language sql begin atomic select a; select a + 1; end; select 2",
      "create or replace function f() returns int begin atomic select case when true then 1 else 2 end; end; select 3",
      "create procedure p() language sql as $$ select 1; select 2 $$; call p()",
      "do $$ begin perform 1; end $$; select 1",
      "select /* ; */ 1; -- ;\nselect 2; /* /* ; */ ; */ select 3",
      "with a as (select 1), b as (select 2) select * from a, b; values (1),(2); table t",
      "copy t from stdin; copy (select 1) to stdout; explain (analyze) select 1",
      "create table t (a int check (a > 0), b text default ';'); create index on t (a); drop table t",
      "alter table t add column c int, drop column d; grant select on t to x; revoke all on t from x",
      "select 'a'\n'b;'; select 1",
      "prepare p as select $1; execute p(1); deallocate p",
      "set a.b = 'x'; set local c to d; reset all; show x; discard all",
      "select a->>'b', c #> '{d,e}', f <-> g; select -1 - -1",
  };
  for (const auto& text : corpus) {
    check_against(text, pg_query_split_with_parser(text.c_str()));
    if (text.find("atomic") == std::string::npos) check_against(text, pg_query_split_with_scanner(text.c_str()));
  }
}

}  // namespace
}  // namespace bartizan::sql
