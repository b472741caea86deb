"""Simple query protocol, transactions and failed blocks, notices."""
import wire_messages as m
from differential.script import Registry, extended, q, ready

scenarios = Registry()
add = scenarios.add

add("simple.one_row", q("select 1 as a, 'x'::text as b, null::int as c"))
add("simple.no_columns", q("select"))
add("simple.no_rows", q("select 1 where false"))
add("simple.empty_string", q(""))
add("simple.only_spaces_and_comments", q("  /* nothing */ -- here\n"))
add("simple.only_semicolons", q(";", ";;;"))
add("simple.multi_statement", q("select 1; select 2, 3; select 'four'"))
add("simple.multi_with_empty_parts", q("select 1;; ;select 2;"))
add("simple.multi_error_in_middle", q("select 1; select 1/0; select 3", "select 'after'"))
add("simple.multi_syntax_error_runs_nothing", q("select 1; selec 2; select 3"))
add("simple.multi_is_one_transaction",
    q("create temp table t(a int)", "insert into t values (1); insert into t values (2); select 1/0",
      "select count(*) from t"))
add("simple.multi_begin_commit_inside",
    q("create temp table t(a int)",
      "begin; insert into t values (1); commit; insert into t values (2); select 1/0", "table t"))
add("simple.multi_begin_stays_open", q("select 1; begin; select 2", "commit"))
add("simple.syntax_error_position", q("select * frm t", "select 1 +", "select 'unterminated", "select $1"))
add("simple.syntax_error_position_counts_characters", q("select 'äöü€', * frm t"))
add("simple.undefined_names", q("select * from no_such_table", "select no_such_column", "select no_such_fn(1)",
                                "select 1::no_such_type"))
add("simple.error_with_all_fields",
    q("create temp table t(a int primary key, b int check (b > 0), c text not null)",
      "insert into t values (1, 1, 'x')", "insert into t values (1, 1, 'x')", "insert into t values (2, -1, 'x')",
      "insert into t values (3, 1, null)"))
add("simple.raise_everything",
    q("do $$ begin raise exception 'm' using errcode='ZZ123', detail='d', hint='h', column='c', "
      "constraint='k', datatype='t', table='r', schema='s'; end $$"))
add("simple.context_of_nested_error",
    q("create function pg_temp.f() returns int language plpgsql as $$ begin return 1/0; end $$",
      "select pg_temp.f()"))
add("simple.internal_query_position",
    q("do $$ begin execute 'select * frm x'; end $$"))
add("simple.types", q(
    "select true, 1::int2, 2::int4, 3::int8, 1.5::float4, 2.5::float8, 1.50::numeric, 'a'::char, 'b'::varchar(5), "
    "'c'::bpchar(3), '\\x00ff'::bytea, '2020-01-02'::date, '2020-01-02 03:04:05.678+00'::timestamptz, "
    "'1 day'::interval, '{1,2}'::int[], '(1,2)'::point, '{\"a\":1}'::jsonb, "
    "'00000000-0000-0000-0000-000000000001'::uuid, int4range(1,5), row(1,'x')"))
add("simple.command_tags",
    q("create temp table t(a int)", "insert into t select generate_series(1,5)", "update t set a=a+1 where a<3",
      "delete from t where a=5", "truncate t", "drop table t", "set application_name to 'x'", "show application_name",
      "explain (costs off) select 1", "vacuum", "checkpoint", "listen x", "unlisten x", "notify x",
      "discard temp", "analyze", "lock table pg_class", "values (1),(2)", "prepare p as select 1", "execute p",
      "deallocate p"))
add("simple.returning", q("create temp table t(a int, b text)", "insert into t values (1,'x'),(2,'y') returning b, a",
                          "update t set b='z' returning *", "delete from t returning a"))
add("simple.select_into_tag", q("select 1 as a into temp t", "create temp table u as select generate_series(1,3)"))
add("simple.transaction_states", q("begin", "select 1", "commit", "begin", "select 1/0", "select 1", "commit"))
add("simple.failed_block", q("begin", "bogus", "select 1", "", ";", "savepoint s", "rollback"))
add("simple.savepoints", q("begin", "savepoint a", "select 1/0", "rollback to a", "select 'alive'", "release a",
                           "rollback to a", "rollback"))
add("simple.commit_and_chain", q("begin isolation level serializable", "commit and chain",
                                 "show transaction_isolation", "rollback and chain", "rollback"))
add("simple.transaction_warnings", q("commit", "rollback", "begin", "begin", "commit", "abort"))
add("simple.commit_of_failed_is_rollback", q("begin", "select 1/0", "commit", "select 1"))
add("simple.read_only", q("begin read only", "create temp table t(a int)", "create table public.t(a int)", "rollback"))
add("simple.deferred_constraint_fails_at_commit",
    q("create temp table t(a int unique deferrable initially deferred)", "begin",
      "insert into t values (1),(1)", "commit", "select count(*) from t"))
add("simple.prepare_transaction",
    q("begin", "select 1", "prepare transaction 'differential'", "select 2", "rollback prepared 'differential'"))
add("simple.two_phase_unknown", q("commit prepared 'no_such'"))
add("simple.cursors", q("begin", "declare c cursor for select generate_series(1,5)", "fetch 2 from c", "move 1 in c",
                        "fetch all from c", "fetch 1 from c", "close c", "fetch c", "rollback"))
add("simple.cursor_with_hold", q("declare h cursor with hold for select generate_series(1,3)", "fetch 2 from h",
                                 "close h"))
add("simple.notices_of_every_level", q(
    "set client_min_messages to debug1",
    "do $$ begin raise debug 'd'; raise log 'l'; raise info 'i'; raise notice 'n'; raise warning 'w'; end $$",
    "set client_min_messages to error", "do $$ begin raise warning 'unseen'; raise info 'seen'; end $$"))
add("simple.notice_before_rows", q("create function pg_temp.f(a int) returns int language plpgsql as "
                                   "$$ begin raise notice 'row %', a; return a; end $$",
                                   "select pg_temp.f(x) from generate_series(1,3) x"))
add("simple.notice_drop_if_exists", q("drop table if exists no_such_table, no_such_other"))
add("simple.identifier_truncation", q("select 1 as " + "a" * 70))
add("simple.non_ascii_text", q("select 'Grüße, 世界 🏰' as \"ключ\""))
add("simple.invalid_utf8", m.query(b"select '\xff\xfe'"), ready, q("select 1"))
add("simple.nul_inside_query", m.raw("Q", b"select 1\0 garbage\0"), ready, q("select 1"))
add("simple.query_without_terminator", m.raw("Q", b"select 1"), ready, q("select 1"), gateway_answers=True)
add("simple.two_queries_in_one_write", m.query("select 1") + m.query("select 2"), ready, ready)
add("simple.many_queries_in_one_write", b"".join(m.query(f"select {i}") for i in range(50)), [ready] * 50)
add("simple.sync_between", m.sync(), ready, q("select 1"), m.sync() + m.sync(), ready, ready)
add("simple.long_error_message", q("select '" + "y" * 20000 + "'::int"))
add("simple.wide_row", q("select " + ",".join(str(i) for i in range(1600))))
add("simple.too_many_columns", q("select " + ",".join(str(i) for i in range(1700))))
add("simple.explain_analyze_without_timing", q("explain (analyze, costs off, timing off, summary off) select 1"))
add("simple.statement_timeout", q("set statement_timeout to '50ms'", "select pg_sleep(5)", "reset statement_timeout",
                                  "select 'alive'"))
add("simple.lock_timeout_nowait", q("select pg_try_advisory_lock(42)", "select pg_advisory_unlock(42)",
                                    "select pg_advisory_unlock(42)"))
add("simple.idle_in_transaction_timeout", q("set idle_in_transaction_session_timeout to '100ms'", "begin"),
    lambda run: run.read(lambda message: False))
add("simple.idle_session_timeout", q("set idle_session_timeout to '100ms'"), lambda run: run.read(lambda message: False))
add("simple.terminate_own_backend", q("select pg_terminate_backend(pg_backend_pid())"))
add("simple.permission_denied", q("select rolpassword from pg_authid", "set role postgres",
                                  "create role x", "alter system set work_mem='1MB'"))
add("simple.set_role_and_session", q("set role app", "select current_user", "reset role",
                                     "set session authorization app", "select session_user", "set role none"))
add("simple.large_object", q("begin", "select lo_from_bytea(777001, 'hello')", "select lo_get(777001)",
                             "select lo_unlink(777001)", "rollback"))
add("simple.plpgsql_commit", q("create procedure pg_temp.p() language plpgsql as $$ begin commit; rollback; end $$",
                               "call pg_temp.p()", "begin; call pg_temp.p(); commit", "rollback"))
add("simple.mixed_with_extended", q("begin"), extended("select 1"), q("select 2"), extended("select 1/0"),
    q("select 3", "rollback"))
