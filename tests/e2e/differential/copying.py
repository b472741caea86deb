"""COPY in and out: text, csv, binary, failures, pipelines."""
import wire_messages as m
from differential.script import Registry, extended, q, ready, until

scenarios = Registry()
add = scenarios.add
S, H = m.sync(), m.flush()
TABLE = "create temp table t(a int, b text)"
TEXT_ROWS = "1\tone\n2\t\\N\n3\ttab\\there\n"
BINARY = (b"PGCOPY\n\xff\r\n\0" + b"\0" * 8 + b"\0\2\0\0\0\4\0\0\0\7\0\0\0\2hi" + b"\0\2\0\0\0\4\0\0\0\x08\xff\xff\xff\xff"
          + b"\xff\xff")


def into(command: str, *data, end=m.copy_done()):
    return (m.query(command), until("CopyInResponse"), b"".join(m.copy_data(d) for d in data) + end, ready)


add("copy.out_text", q("copy (values (1,'a'),(2,null),(3,E'x\\ty\\n')) to stdout"))
add("copy.out_csv", q("copy (values (1,'a,b'),(2,null),(3,'q\"q')) to stdout (format csv, header)"))
add("copy.out_binary", q("copy (select 1, 'x'::text, null::int) to stdout (format binary)"))
add("copy.out_empty", q("copy (select 1 where false) to stdout", "copy (select) to stdout"))
add("copy.out_error_in_middle", q("copy (select 10/(3-x) from generate_series(1,5) x) to stdout", "select 1"))
add("copy.out_multi_statement", q("select 1; copy (select 2) to stdout; select 3; copy (select 4) to stdout"))
add("copy.out_many_rows", q("copy (select x, repeat('y', 40) from generate_series(1,20000) x) to stdout"))
add("copy.in_text", q(TABLE), into("copy t from stdin", TEXT_ROWS), q("select * from t order by a"))
add("copy.in_text_cut_anywhere", q(TABLE), into("copy t from stdin", *TEXT_ROWS), q("select * from t order by a"))
add("copy.in_end_marker", q(TABLE), into("copy t from stdin", "1\ta\n\\.\n", "2\tb\n"), q("select count(*) from t"))
add("copy.in_no_rows", q(TABLE), into("copy t from stdin"), into("copy t from stdin", ""), q("select count(*) from t"))
add("copy.in_no_final_newline", q(TABLE), into("copy t from stdin", "1\ta\n2\tb"), q("select * from t"))
add("copy.in_csv", q(TABLE), into("copy t from stdin (format csv, header)", 'a,b\n1,"x,""y"\n2,\n'), q("select * from t"))
add("copy.in_binary", q(TABLE), into("copy t from stdin (format binary)", BINARY), q("select * from t"))
add("copy.in_binary_truncated", q(TABLE), into("copy t from stdin (format binary)", BINARY[:-6]), q("select * from t"))
add("copy.in_binary_bad_signature", q(TABLE), into("copy t from stdin (format binary)", b"nonsense nonsense nonsense"),
    q("select 1"))
add("copy.in_columns_and_tag", q(TABLE), into("copy t(b) from stdin", "x\ny\n"), q("select * from t"))
add("copy.in_fail", q(TABLE), into("copy t from stdin", "1\ta\n", end=m.copy_fail("client says no")),
    q("select count(*) from t"))
add("copy.in_fail_empty_reason", q(TABLE), into("copy t from stdin", end=m.copy_fail("")), q("select 1"))
add("copy.in_bad_row", q(TABLE), into("copy t from stdin", "1\ta\nx\tb\n"), q("select count(*) from t"))
add("copy.in_bad_row_then_leftover_data", q(TABLE),
    (m.query("copy t from stdin"), until("CopyInResponse"), m.copy_data("x\tb\n"), until("ErrorResponse"),
     m.copy_data("1\ta\n") * 20 + m.copy_done(), ready), q("select count(*) from t"))
add("copy.in_leftover_then_copy_fail", q(TABLE),
    (m.query("copy t from stdin"), until("CopyInResponse"), m.copy_data("x\tb\n"), until("ErrorResponse"),
     m.copy_data("1\ta\n") + m.copy_fail("late"), ready), q("select 1"))
add("copy.in_refused_before_it_starts", m.query("copy no_such from stdin"), ready,
    m.copy_data("1\n") + m.copy_done(), q("select 1"))
add("copy.in_data_sent_without_waiting", q(TABLE),
    m.query("copy t from stdin") + m.copy_data("1\ta\n") + m.copy_done() + m.query("select count(*) from t"), ready, ready)
add("copy.in_refused_data_sent_without_waiting",
    m.query("copy no_such from stdin") + m.copy_data("1\ta\n") * 5 + m.copy_done() + m.query("select 'next'"), ready, ready)
add("copy.in_multi_statement", q(TABLE),
    (m.query("select 1; copy t from stdin; select count(*) from t; copy t from stdin; select count(*) from t"),
     until("CopyInResponse"), m.copy_data("1\ta\n") + m.copy_done(), until("CopyInResponse"),
     m.copy_data("2\tb\n3\tc\n") + m.copy_done(), ready))
add("copy.in_multi_statement_fails", q(TABLE),
    (m.query("insert into t values (9,'z'); copy t from stdin; select 'not reached'"), until("CopyInResponse"),
     m.copy_fail("no"), ready), q("select count(*) from t"))
add("copy.in_inside_transaction", q(TABLE, "begin"), into("copy t from stdin", "1\ta\n"), q("select count(*) from t"),
    into("copy t from stdin", "x\n"), q("select 1", "rollback"))
add("copy.in_flush_and_sync_ignored", q(TABLE), (m.query("copy t from stdin"), until("CopyInResponse"),
                                                 m.copy_data("1\ta\n") + H + S + m.copy_data("2\tb\n") + m.copy_done(),
                                                 ready), q("select count(*) from t"))
add("copy.in_query_during_copy", q(TABLE), (m.query("copy t from stdin"), until("CopyInResponse"),
                                            m.copy_data("1\ta\n") + m.query("select 1")),
    until("ErrorResponse"), lambda run: run.read(lambda message: message.name == "ReadyForQuery"), q("select 2"))
add("copy.in_extended", q(TABLE),
    (m.parse("", "copy t from stdin") + m.bind() + m.describe("P") + m.execute() + H, until("CopyInResponse"),
     m.copy_data("1\ta\n") + m.copy_done() + S, ready), q("table t"))
add("copy.in_extended_sync_before_copy_done", q(TABLE),
    (m.parse("", "copy t from stdin") + m.bind() + m.execute() + S, until("CopyInResponse"),
     m.copy_data("1\ta\n") + m.copy_done() + S, ready), q("table t"))
add("copy.in_extended_pipelined_whole", q(TABLE),
    m.parse("", "copy t from stdin") + m.bind() + m.execute() + m.copy_data("1\ta\n") + m.copy_done()
    + m.parse("", "select count(*) from t") + m.bind() + m.execute() + S, ready, q("table t"))
add("copy.in_extended_bad_row_skips_to_sync", q(TABLE),
    (m.parse("", "copy t from stdin") + m.bind() + m.execute() + H, until("CopyInResponse"),
     m.copy_data("x\n"), until("ErrorResponse"), m.copy_data("1\ta\n") * 3 + m.copy_done() + m.query("select 'skipped'") + S,
     ready), q("select 1"))
add("copy.in_extended_copy_fail", q(TABLE),
    (m.parse("", "copy t from stdin") + m.bind() + m.execute() + H, until("CopyInResponse"),
     m.copy_fail("no") + S, ready), q("select 1"))
add("copy.in_extended_in_group_rolls_back", q(TABLE),
    (m.parse("", "insert into t values (1,'a')") + m.bind() + m.execute() + m.parse("", "copy t from stdin") + m.bind()
     + m.execute() + H, until("CopyInResponse"), m.copy_data("bad\n") + m.copy_done() + S, ready), q("table t"))
add("copy.out_extended_limited_rows", m.parse("", "copy (select generate_series(1,4)) to stdout") + m.bind()
    + m.execute("", 2) + S, ready)
add("copy.out_between_queries", extended("select 1"), q("copy (select 2) to stdout"), extended("select 3"))
add("copy.data_outside_copy", m.copy_data("stray") + m.copy_done() + m.copy_fail("stray"), q("select 1"))
add("copy.in_large_message", q(TABLE), into("copy t from stdin", "1\t" + "z" * (8 << 20) + "\n"),
    q("select a, length(b), md5(b) from t"), seconds=60)
add("copy.in_many_messages", q(TABLE), into("copy t from stdin", *[f"{i}\trow {i}\n" for i in range(30000)]),
    q("select count(*), sum(a) from t"), seconds=60)
add("copy.in_unique_violation", q("create temp table t(a int primary key)"), into("copy t from stdin", "1\n1\n"), q("select 1"))
add("copy.in_invalid_utf8", q(TABLE), into("copy t from stdin", b"1\t\xff\xfe\n"), q("select 1"))
add("copy.to_file_refused", q("copy (select 1) to '/no/such/file'", "copy (select 1) to program 'true'"))
add("copy.in_notices_meanwhile", q(
    TABLE, "create function pg_temp.n() returns trigger language plpgsql as $$ begin raise notice 'row %', new.a; "
    "return new; end $$", "create trigger n before insert on t for each row execute function pg_temp.n()"),
    into("copy t from stdin", "1\ta\n2\tb\n"))
