#include "bartizan/sql/analyser.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bartizan::sql {
namespace {

using enum Kind;
using enum Effect;
using P = PinReason;

struct Case {
  std::string_view text;
  Kind kind;
  Effect effect;
  P pin = P::None;
  std::string_view tag = "";        ///< not compared when empty
  std::string_view relations = "";  ///< "s.a:r b:w", sorted by schema, then name
};

std::string to_text(const std::vector<Relation>& relations) {
  std::string text;
  for (const auto& relation : relations) {
    if (!text.empty()) text += ' ';
    if (!relation.schema.empty()) text += relation.schema + ".";
    text += relation.name + (relation.access == Access::Write ? ":w" : ":r");
  }
  return text;
}

void check(const std::vector<Case>& cases) {
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const Analysis analysis = analyse(c.text, {});
    REQUIRE(analysis.statements.size() == 1);
    const Statement& s = analysis.statements[0];
    CHECK(s.parsed);
    CHECK(to_string(s.kind) == to_string(c.kind));
    CHECK(to_string(s.effect) == to_string(c.effect));
    CHECK(to_string(s.pin) == to_string(c.pin));
    if (!c.tag.empty()) CHECK(s.command_tag == c.tag);
    CHECK(to_text(s.relations) == c.relations);
  }
}

TEST_CASE("queries: what they read, and when a SELECT writes") {
  check({
      {"select 1", Select, Read, P::None, "SELECT"},
      {"SELECT abalance FROM pgbench_accounts WHERE aid = 1", Select, Read, P::None, "SELECT", "pgbench_accounts:r"},
      {"select * from a, s.b join \"C\" c on true", Select, Read, P::None, "SELECT", "C:r a:r s.b:r"},
      {"select * from a x, a y", Select, Read, P::None, "", "a:r"},
      {"table t", Select, Read, P::None, "SELECT", "t:r"},
      {"values (1), (2)", Select, Read, P::None, "SELECT"},
      {"(select 1 from a) union all select 2 from b", Select, Read, P::None, "SELECT", "a:r b:r"},
      {"select (select x from a where exists (select 1 from b)) from c where d in (select e from f)", Select, Read,
       P::None, "", "a:r b:r c:r f:r"},
      {"select * from a tablesample system (1), lateral (select * from b) z", Select, Read, P::None, "", "a:r b:r"},
      {"select array(select 1 from a), case when (select true from b) then 1 end, row((select 1 from c))", Select, Read,
       P::None, "", "a:r b:r c:r"},
      {"select sum(x) filter (where exists (select 1 from a)) over (partition by (select 1 from b)) from c", Select,
       Read, P::None, "", "a:r b:r c:r"},
      {"select x from a order by (select 1 from b) limit (select 1 from c)", Select, Read, P::None, "", "a:r b:r c:r"},
      {"with w as (select * from a) select * from w, b", Select, Read, P::None, "", "a:r b:r"},
      {"with w as (select * from w) select * from w", Select, Read, P::None, "", "w:r"},
      {"with recursive w as (select * from w) select * from w", Select, Read, P::None, "", ""},
      {"with v as (select * from w), w as (select * from v) select * from w", Select, Read, P::None, "", "w:r"},
      {"with w as (select 1) select * from s.w", Select, Read, P::None, "", "s.w:r"},
      {"select * from (with w as (select 1) select * from w) x, w", Select, Read, P::None, "", "w:r"},
      {"with a as (with b as (select * from c) select * from b) select * from a, b", Select, Read, P::None, "",
       "b:r c:r"},
      {"select count(*), lower(a), now(), coalesce(b, 1), pg_catalog.upper(c), extract(year from d) from t", Select,
       Read, P::None, "", "t:r"},
      {"select current_user, current_date, a::text, cast(b as int), a || b, a is null, a between 1 and 2 from t",
       Select, Read, P::None, "", "t:r"},
      {"select * from generate_series(1, 10), unnest(array[1]) with ordinality", Select, Read},
      {"select pg_table_is_visible(c.oid), format_type(1, 2) from pg_catalog.pg_class c", Select, Read, P::None, "",
       "pg_catalog.pg_class:r"},
      {"select random(), clock_timestamp(), gen_random_uuid()", Select, Read},
      {"select trim(a), substring(a from 1 for 2), position('x' in a), overlay(a placing 'b' from 1), a at time zone 'UTC' from t",
       Select, Read, P::None, "", "t:r"},
      {"select a like 'x%' escape 'y', a similar to 'b', a ilike 'c' from t", Select, Read, P::None, "", "t:r"},
      {"select xmlelement(name a), json_build_object('a', 1), to_jsonb(t) from t", Select, Read, P::None, "", "t:r"},
      {"select my_function(1)", Select, Write},
      {"select app.lower(a) from t", Select, Write, P::None, "", "t:r"},
      {"select * from my_set_function()", Select, Write},
      {"select 1 where exists (select f(1))", Select, Write},
      {"select pg_terminate_backend(1)", Select, Write},
      {"select pg_cancel_backend(1)", Select, Write},
      {"select pg_sleep(1)", Select, Write},
      {"select pg_notify('a', 'b')", Select, Write},
      {"select lo_import('/etc/passwd')", Select, Write},
      {"select pg_read_file('/etc/passwd')", Select, Write},
      {"select query_to_xml('delete from t', true, true, '')", Select, Write},
      {"select txid_current()", Select, Write},
      {"select * from a for update", Select, Write, P::None, "SELECT", "a:r"},
      {"select * from a, b for no key update of a skip locked", Select, Write, P::None, "", "a:r b:r"},
      {"select * from a for share", Select, Write, P::None, "", "a:r"},
      {"select * from (select * from a for key share) x", Select, Write, P::None, "", "a:r"},
      {"select * into b from a", Select, Write, P::None, "SELECT INTO", "a:r b:w"},
      {"select 1 as x into b union select 2", Select, Write, P::None, "SELECT INTO", "b:w"},
      {"select * into temp b from a", Select, Write, P::TempTable, "SELECT INTO", "a:r b:w"},
      {"with w as (insert into a values (1) returning *) select * from w", Select, Write, P::None, "SELECT", "a:w"},
      {"with w as (delete from a using b returning *) select * from w", Select, Write, P::None, "SELECT", "a:w b:r"},
      {"with w as (update a set x = 1 from b returning *) select * from w join c on true", Select, Write, P::None, "",
       "a:w b:r c:r"},
  });
}

TEST_CASE("data changes") {
  check({
      {"insert into a values (1)", Insert, Write, P::None, "INSERT", "a:w"},
      {"insert into s.a (x) select y from b on conflict (x) do update set x = (select 1 from c) returning x", Insert,
       Write, P::None, "INSERT", "b:r c:r s.a:w"},
      {"with a as (select * from b) insert into a select * from a", Insert, Write, P::None, "", "a:w b:r"},
      {"insert into a default values", Insert, Write, P::None, "", "a:w"},
      {"insert into a select * from a", Insert, Write, P::None, "", "a:r a:w"},
      {"update a set x = 1 from b where c in (select d from e)", Update, Write, P::None, "UPDATE", "a:w b:r e:r"},
      {"with w as (select 1) update a set x = (select 1 from w)", Update, Write, P::None, "", "a:w"},
      {"delete from only a using b where exists (select 1 from c)", Delete, Write, P::None, "DELETE", "a:w b:r c:r"},
      {"merge into a using b on a.x = b.x when matched then update set y = 1 when not matched then insert values (1)",
       Merge, Write, P::None, "MERGE", "a:w b:r"},
      {"merge into a using (select * from b) z on true when matched then delete", Merge, Write, P::None, "MERGE",
       "a:w b:r"},
      {"insert into a values (nextval('s'))", Insert, Write, P::None, "", "a:w"},
      {"insert into a values (currval('s'))", Insert, Write, P::SequenceValue, "", "a:w"},
      {"insert into pg_temp.a values (1)", Insert, Write, P::TempTable, "", "pg_temp.a:w"},
      {"truncate a, s.b restart identity cascade", Ddl, Write, P::None, "TRUNCATE TABLE", "a:w s.b:w"},
      {"lock table a in exclusive mode", Lock, Write, P::None, "LOCK TABLE", "a:w"},
  });
}

TEST_CASE("COPY: whose side the bytes are on") {
  check({
      {"copy a from stdin", CopyIn, Write, P::None, "COPY", "a:w"},
      {"copy s.a (x, y) from stdin with (format csv, header)", CopyIn, Write, P::None, "COPY", "s.a:w"},
      {"copy a to stdout", CopyOut, Read, P::None, "COPY", "a:r"},
      {"copy (select * from a) to stdout (format binary)", CopyOut, Read, P::None, "COPY", "a:r"},
      {"copy (select f() from a) to stdout", CopyOut, Write, P::None, "COPY", "a:r"},
      {"copy (delete from a returning *) to stdout", CopyOut, Write, P::None, "COPY", "a:w"},
      {"copy a from '/srv/x'", CopyServer, Write, P::None, "COPY", "a:w"},
      {"copy a to '/srv/x'", CopyServer, Write, P::None, "COPY", "a:r"},
      {"copy a from program 'rm x'", CopyServer, Write, P::None, "COPY", "a:w"},
      {"copy (select 1) to program 'cat'", CopyServer, Write, P::None, "COPY"},
  });
}

TEST_CASE("transactions") {
  struct Transaction {
    std::string_view text;
    Kind kind;
    Effect effect;
    std::string_view tag, name;
    bool chain = false;
  };
  for (const auto& c : std::vector<Transaction>{
           {"begin", Begin, Session, "BEGIN", ""},
           {"BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE", Begin, Session, "BEGIN", ""},
           {"start transaction read only", Begin, Session, "START TRANSACTION", ""},
           {"commit", Commit, Write, "COMMIT", ""},
           {"end work", Commit, Write, "COMMIT", ""},
           {"commit and chain", Commit, Write, "COMMIT", "", true},
           {"commit and no chain", Commit, Write, "COMMIT", ""},
           {"rollback", Rollback, Session, "ROLLBACK", ""},
           {"abort", Rollback, Session, "ROLLBACK", ""},
           {"rollback and chain", Rollback, Session, "ROLLBACK", "", true},
           {"savepoint A", Savepoint, Session, "SAVEPOINT", "a"},
           {"release savepoint \"A\"", Release, Session, "RELEASE", "A"},
           {"rollback to a", RollbackTo, Session, "ROLLBACK", "a"},
           {"rollback work to savepoint a", RollbackTo, Session, "ROLLBACK", "a"},
           {"prepare transaction 'x'", PrepareTransaction, Write, "PREPARE TRANSACTION", ""},
           {"commit prepared 'x'", CommitPrepared, Write, "COMMIT PREPARED", ""},
           {"rollback prepared 'x'", RollbackPrepared, Write, "ROLLBACK PREPARED", ""},
       }) {
    CAPTURE(c.text);
    const auto analysis = analyse(c.text, {});
    REQUIRE(analysis.statements.size() == 1);
    const auto& s = analysis.statements[0];
    CHECK(to_string(s.kind) == to_string(c.kind));
    CHECK(to_string(s.effect) == to_string(c.effect));
    CHECK(s.command_tag == c.tag);
    CHECK(s.name == c.name);
    CHECK(s.chain == c.chain);
    CHECK(s.transaction_control);
    CHECK(s.parsed);
    CHECK(s.pin == P::None);
    CHECK(analysis.transaction_control());
  }
  CHECK_FALSE(analyse("select 1", {}).transaction_control());
}

TEST_CASE("session state: names, and what pins") {
  struct Session {
    std::string_view text;
    Kind kind;
    P pin;
    std::string_view name;
  };
  for (const auto& c : std::vector<Session>{
           {"set application_name = 'x'", Set, P::None, "application_name"},
           {"set DateStyle to iso", Set, P::None, "datestyle"},
           {"set \"TimeZone\" = 'UTC'", Set, P::None, "timezone"},
           {"set time zone 'UTC'", Set, P::None, "timezone"},
           {"set names 'utf8'", Set, P::None, "client_encoding"},
           {"set standard_conforming_strings = off", Set, P::None, "standard_conforming_strings"},
           {"set session search_path to a, b", Set, P::SetUntracked, "search_path"},
           {"set schema 'a'", Set, P::SetUntracked, "search_path"},
           {"set statement_timeout = 5", Set, P::SetUntracked, "statement_timeout"},
           {"set app.tenant = 'x'", Set, P::SetUntracked, "app.tenant"},
           {"set role a", Set, P::SetUntracked, "role"},
           {"set role none", Set, P::SetUntracked, "role"},
           {"set session authorization a", Set, P::SetUntracked, "session_authorization"},
           {"set session characteristics as transaction read only", Set, P::SetUntracked, "session characteristics"},
           {"set search_path to default", Reset, P::None, "search_path"},
           {"set local search_path to a", SetLocal, P::None, "search_path"},
           {"set local role a", SetLocal, P::None, "role"},
           {"set transaction isolation level serializable", SetLocal, P::None, "transaction"},
           {"set transaction snapshot 'x'", SetLocal, P::None, "transaction snapshot"},
           {"set constraints all deferred", SetLocal, P::None, "constraints"},
           {"reset search_path", Reset, P::None, "search_path"},
           {"reset all", Reset, P::None, ""},
           {"reset session authorization", Reset, P::None, "session_authorization"},
           {"show Search_Path", Show, P::None, "search_path"},
           {"show all", Show, P::None, ""},
           {"show transaction isolation level", Show, P::None, "transaction_isolation"},
           {"discard all", Discard, P::None, ""},
           {"discard temp", Discard, P::None, "temp"},
           {"discard plans", Discard, P::None, "plans"},
           {"prepare p as select f(1) from a", Prepare, P::SqlPrepare, "p"},
           {"prepare p (int) as insert into a values ($1)", Prepare, P::SqlPrepare, "p"},
           {"deallocate p", Deallocate, P::None, "p"},
           {"deallocate all", Deallocate, P::None, ""},
           {"declare c cursor for select * from a", Declare, P::None, "c"},
           {"declare c binary no scroll cursor without hold for select 1", Declare, P::None, "c"},
           {"declare c cursor with hold for select 1", Declare, P::WithHoldCursor, "c"},
           {"declare c scroll cursor with hold for select 1", Declare, P::WithHoldCursor, "c"},
           {"close c", Close, P::None, "c"},
           {"close all", Close, P::None, ""},
           {"listen \"Chan\"", Listen, P::Listen, "Chan"},
           {"unlisten a", Unlisten, P::None, "a"},
           {"unlisten *", Unlisten, P::None, ""},
       }) {
    CAPTURE(c.text);
    const auto analysis = analyse(c.text, {});
    REQUIRE(analysis.statements.size() == 1);
    const auto& s = analysis.statements[0];
    CHECK(to_string(s.kind) == to_string(c.kind));
    CHECK(to_string(s.pin) == to_string(c.pin));
    CHECK(s.name == c.name);
    CHECK(to_string(s.effect) == to_string(c.kind == Show ? Read : Effect::Session));
    CHECK(s.parsed);
    CHECK_FALSE(s.transaction_control);
  }
}

TEST_CASE("functions that pin, and those that look like it") {
  check({
      {"select pg_advisory_lock(1)", Select, Session, P::AdvisoryLock},
      {"select pg_try_advisory_lock_shared(1, 2) from a", Select, Session, P::AdvisoryLock, "", "a:r"},
      {"select 1 where pg_catalog.pg_try_advisory_lock(1)", Select, Session, P::AdvisoryLock},
      {"select \"pg_advisory_lock\"(1)", Select, Session, P::AdvisoryLock},
      {"select U&\"pg_\\0061dvisory_lock\"(1)", Select, Session, P::AdvisoryLock},
      {"select other.pg_advisory_lock(1)", Select, Write, P::AdvisoryLock},
      {"select pg_advisory_xact_lock(1)", Select, Session},
      {"select pg_advisory_unlock(1)", Select, Session},
      {"select set_config('a.b', 'c', false)", Select, Session, P::SetUntracked},
      {"select set_config('a.b', 'c', true)", Select, Session},
      {"select set_config('a.b', 'c', $1)", Select, Session, P::SetUntracked},
      {"select set_config('a.b', 'c', 't')", Select, Session, P::SetUntracked},
      {"select set_config('a', 'c', true), set_config('b', 'c', false)", Select, Session, P::SetUntracked},
      {"select currval('s')", Select, Read, P::SequenceValue},
      {"select nextval('s')", Select, Write, P::None},
      {"select setval('s', 1)", Select, Write, P::SequenceValue},
      {"update pg_settings set setting = 'x'", Update, Write, P::SetUntracked, "", "pg_settings:w"},
      {"select lastval()", Select, Read, P::SequenceValue},
      {"select setseed(0.5)", Select, Session, P::SessionFunction},
      {"select (7::bigint).pg_advisory_lock", Select, Session, P::AdvisoryLock},
      {"select g.pg_advisory_lock from generate_series(1, 2) g", Select, Session, P::AdvisoryLock},
      {"select ('s'::regclass).currval", Select, Read, P::SequenceValue},
      {"select t.a, (t.b).c[1] from t", Select, Read, P::None, "", "t:r"},
      {"select 1 as id into pg_temp.users", Select, Write, P::TempTable, "", "pg_temp.users:w"},
      {"explain analyze create table pg_temp.t as select 1", Explain, Write, P::TempTable, "", "pg_temp.t:w"},
      {"create table pg_temp_3.users (a int)", Ddl, Write, P::TempTable, "", "pg_temp_3.users:w"},
      {"select dblink_connect('a', 'b')", Select, Write, P::SessionFunction},
      {"select public.dblink_connect('a', 'b')", Select, Write, P::SessionFunction},
      {"update a set x = 1 where pg_advisory_lock(1) is not null", Update, Write, P::AdvisoryLock, "", "a:w"},
      {"explain select pg_advisory_lock(1)", Explain, Read},
      {"explain analyze select pg_advisory_lock(1)", Explain, Session, P::AdvisoryLock},
      {"call p(pg_advisory_lock(1))", Call, Write, P::AdvisoryLock},
      {"load 'auto_explain'", Utility, Write, P::Load, "LOAD"},
      {"do $$ begin end $$", Do, Write, P::Unknown, "DO"},
  });
}

TEST_CASE("EXPLAIN runs what it explains only with ANALYZE") {
  check({
      {"explain delete from a", Explain, Read, P::None, "EXPLAIN", "a:w"},
      {"explain (verbose, costs off) update a set x = 1", Explain, Read, P::None, "", "a:w"},
      {"explain analyze delete from a", Explain, Write, P::None, "EXPLAIN", "a:w"},
      {"explain (analyze, buffers) insert into a values (1)", Explain, Write, P::None, "", "a:w"},
      {"explain (ANALYZE off) delete from a", Explain, Write, P::None, "", "a:w"},
      {"explain analyze select 1 from a", Explain, Read, P::None, "", "a:r"},
      {"explain analyze create table b as select 1", Explain, Write, P::None, "", "b:w"},
      {"explain analyze execute p", Explain, Write},
      {"explain execute p", Explain, Read},
  });
}

TEST_CASE("cursors, prepared statements, notices, procedures") {
  check({
      {"execute p(1, 'x')", Execute, Write, P::None, "EXECUTE"},
      {"fetch forward 10 from c", Fetch, Write, P::None, "FETCH"},
      {"move all in c", Fetch, Write, P::None, "MOVE"},
      {"declare c cursor for select f() from a", Declare, Write, P::None, "DECLARE CURSOR", "a:r"},
      {"declare c cursor for select * from a for update", Declare, Write, P::None, "DECLARE CURSOR", "a:r"},
      {"prepare p as delete from a where x = $1", Prepare, Session, P::SqlPrepare, "PREPARE", "a:w"},
      {"notify a, 'b'", Notify, Write, P::None, "NOTIFY"},
      {"call p(1)", Call, Write, P::None, "CALL"},
  });
}

TEST_CASE("definitions") {
  check({
      {"create table a (x int primary key, y text references b (z) default f())", Ddl, Write, P::None, "CREATE TABLE",
       "a:w b:r"},
      {"create table if not exists s.a (like b including all) partition by range (x)", Ddl, Write, P::None,
       "CREATE TABLE", "b:r s.a:w"},
      {"create temp table a (x int)", Ddl, Write, P::TempTable, "CREATE TABLE", "a:w"},
      {"create local temporary table a (x int) on commit delete rows", Ddl, Write, P::TempTable, "CREATE TABLE", "a:w"},
      {"create temp table a (x int) on commit drop", Ddl, Write, P::None, "CREATE TABLE", "a:w"},
      {"create table pg_temp.a (x int)", Ddl, Write, P::TempTable, "CREATE TABLE", "pg_temp.a:w"},
      {"create temp table a as select * from b", Ddl, Write, P::TempTable, "CREATE TABLE AS", "a:w b:r"},
      {"create temp table a on commit drop as select * from b", Ddl, Write, P::None, "CREATE TABLE AS", "a:w b:r"},
      {"create table a as select * from b with no data", Ddl, Write, P::None, "CREATE TABLE AS", "a:w b:r"},
      {"create unlogged table a (x int)", Ddl, Write, P::None, "CREATE TABLE", "a:w"},
      {"create temp view a as select 1", Ddl, Write, P::TempTable, "CREATE VIEW", "a:w"},
      {"create temp sequence a", Ddl, Write, P::TempTable, "CREATE SEQUENCE", "a:w"},
      {"create function pg_temp.f() returns int language sql as 'select 1'", Ddl, Write, P::TempTable,
       "CREATE FUNCTION"},
      {"create type pg_temp.t as enum ('a')", Ddl, Write, P::TempTable, "CREATE TYPE"},
      {"create or replace view s.v as select * from a", Ddl, Write, P::None, "CREATE VIEW", "a:r s.v:w"},
      {"create materialized view m as select * from a", Ddl, Write, P::None, "CREATE MATERIALIZED VIEW", "a:r m:w"},
      {"refresh materialized view concurrently m", Utility, Write, P::None, "REFRESH MATERIALIZED VIEW", "m:w"},
      {"create unique index concurrently i on a (lower(x)) where y > 1", Ddl, Write, P::None, "CREATE INDEX", "a:w"},
      {"create sequence s", Ddl, Write, P::None, "CREATE SEQUENCE", "s:w"},
      {"alter sequence s restart", Ddl, Write, P::None, "ALTER SEQUENCE", "s:w"},
      {"alter table a add column x int, drop column y", Ddl, Write, P::None, "ALTER TABLE", "a:w"},
      {"alter table a rename x to y", Ddl, Write, P::None, "ALTER TABLE", "a:w"},
      {"alter table a rename to b", Ddl, Write, P::None, "ALTER TABLE", "a:w"},
      {"alter index i set (fillfactor = 50)", Ddl, Write, P::None, "ALTER INDEX", "i:w"},
      {"alter view v owner to x", Ddl, Write, P::None, "ALTER VIEW", "v:w"},
      {"alter function f(int) owner to x", Ddl, Write, P::None, "ALTER FUNCTION"},
      {"alter table a set schema b", Ddl, Write, P::None, "ALTER TABLE", "a:w"},
      {"drop table if exists a, s.b cascade", Ddl, Write, P::None, "DROP TABLE", "a:w s.b:w"},
      {"drop view v", Ddl, Write, P::None, "DROP VIEW", "v:w"},
      {"drop index concurrently i", Ddl, Write, P::None, "DROP INDEX", "i:w"},
      {"drop function f(int)", Ddl, Write, P::None, "DROP FUNCTION"},
      {"drop schema s cascade", Ddl, Write, P::None, "DROP SCHEMA"},
      {"drop trigger t on a", Ddl, Write, P::None, "DROP TRIGGER"},
      {"create function f(a int) returns int language plpgsql as $$ begin return 1; end $$", Ddl, Write, P::None,
       "CREATE FUNCTION"},
      {"create procedure p() language sql begin atomic insert into a values (1); select 2; end", Ddl, Write, P::None,
       "CREATE PROCEDURE", "a:w"},
      {"create trigger t before insert on a for each row execute function f()", Ddl, Write, P::None, "CREATE TRIGGER",
       "a:w"},
      {"create rule r as on insert to a do instead (insert into b values (1); delete from c)", Ddl, Write, P::None,
       "CREATE RULE", "a:w b:w c:w"},
      {"create policy p on a using (x = 1)", Ddl, Write, P::None, "CREATE POLICY", "a:w"},
      {"create schema s create table a (x int)", Ddl, Write, P::None, "CREATE SCHEMA", "a:w"},
      {"create type t as (x int)", Ddl, Write, P::None, "CREATE TYPE", "t:w"},
      {"create aggregate g (int) (sfunc = f, stype = int)", Ddl, Write, P::None, "CREATE AGGREGATE"},
      {"create operator + (leftarg = a, rightarg = b, function = f)", Ddl, Write, P::None, "CREATE OPERATOR"},
      {"create extension e", Ddl, Write, P::None, "CREATE EXTENSION"},
      {"create role r login password 'x'", Ddl, Write, P::None, "CREATE ROLE"},
      {"alter role r set search_path = a", Ddl, Write, P::None, "ALTER ROLE"},
      {"drop role r", Ddl, Write, P::None, "DROP ROLE"},
      {"create database d", Ddl, Write, P::None, "CREATE DATABASE"},
      {"alter system set a = b", Ddl, Write, P::None, "ALTER SYSTEM"},
      {"comment on table a is 'x'", Ddl, Write, P::None, "COMMENT"},
      {"grant select on a, s.b to r", Grant, Write, P::None, "GRANT", "a:w s.b:w"},
      {"revoke all on schema s from r", Grant, Write, P::None, "REVOKE"},
      {"grant r to x", Grant, Write, P::None, "GRANT ROLE"},
      {"alter default privileges grant select on tables to r", Grant, Write, P::None, "ALTER DEFAULT PRIVILEGES"},
      {"vacuum (analyze) a", Utility, Write, P::None, "VACUUM", "a:w"},
      {"analyze a", Utility, Write, P::None, "ANALYZE", "a:w"},
      {"reindex table a", Utility, Write, P::None, "REINDEX", "a:w"},
      {"cluster a using i", Utility, Write, P::None, "CLUSTER", "a:w"},
      {"checkpoint", Utility, Write, P::None, "CHECKPOINT"},
  });
}

TEST_CASE("which statements may return rows") {
  const auto rows = [](std::string_view text) { return analyse(text, {}).statements.at(0).may_return_rows; };
  for (const auto* text :
       {"select 1", "values (1)", "insert into a values (1) returning x", "update a set x = 1 returning x",
        "delete from a returning *", "show all", "explain select 1", "fetch c", "execute p", "call p()"}) {
    CAPTURE(text);
    CHECK(rows(text));
  }
  for (const auto* text :
       {"insert into a values (1)", "update a set x = 1", "delete from a", "select 1 into b", "begin", "set a = b",
        "create table a (x int)", "copy a to stdout", "move c", "declare c cursor for select 1", ""}) {
    CAPTURE(text);
    CHECK_FALSE(rows(text));
  }
}

TEST_CASE("several statements, and none") {
  const auto analysis = analyse("begin; insert into a values (1); select pg_advisory_lock(1); commit;", {});
  REQUIRE(analysis.statements.size() == 4);
  CHECK(analysis.statements[0].kind == Begin);
  CHECK(analysis.statements[1].kind == Insert);
  CHECK(analysis.statements[2].kind == Select);
  CHECK(analysis.statements[3].kind == Commit);
  CHECK(analysis.effect() == Write);
  CHECK(analysis.pin() == P::AdvisoryLock);
  CHECK(analysis.parsed());
  CHECK(analysis.transaction_control());

  for (const auto* text : {"", " ", ";", "; ;", "-- x", "/* x */ ;"}) {
    CAPTURE(text);
    const auto empty = analyse(text, {});
    REQUIRE(empty.statements.size() == 1);
    CHECK(empty.statements[0].kind == Empty);
    CHECK(empty.effect() == Read);
    CHECK(empty.pin() == P::None);
    CHECK(empty.parsed());
  }
}

TEST_CASE("libpg_query's memory of a statement does not hold its constants") {
  const auto analysis = analyse(
      "insert into a values ('s3cret'); set a.b = 's3cret'; prepare transaction 's3cret'; notify c, 's3cret'; "
      "create role r password 's3cret'; do 's3cret'; comment on table a is 's3cret'; select * from a where b = 's3cret'",
      {});
  CHECK(analysis.parsed());
  for (const auto& s : analysis.statements) {
    CHECK(s.name.find("s3cret") == std::string::npos);
    for (const auto& relation : s.relations)
      CHECK((relation.schema + relation.name).find("s3cret") == std::string::npos);
  }
}

TEST_CASE("threads analyse side by side, and may end") {
  const std::string_view good = "with w as (select lower(a) from t) select * from w for update";
  const Analysis expected = analyse(good, {});
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) {
        if (!(analyse(good, {}) == expected)) ++wrong;
        if (analyse("select from where", {}).parsed()) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("sizes count what is held") {
  const auto small = analyse("select 1", {});
  const auto large = analyse("select * from a_rather_long_name_of_a_table, another_rather_long_name_of_a_table", {});
  CHECK(small.bytes() >= sizeof(Analysis) + sizeof(Statement));
  CHECK(large.bytes() >= small.bytes() + 2 * sizeof(Relation) + 60);
}

}  // namespace
}  // namespace bartizan::sql
