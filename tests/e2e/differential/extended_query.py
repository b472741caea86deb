"""Extended query protocol: statements, portals, formats, pipelines, skipping to Sync."""
import struct

import wire_messages as m
from differential.script import Registry, extended, on, q, ready, until

scenarios = Registry()
add = scenarios.add
S, H = m.sync(), m.flush()
INT4, TEXT, INT8, BYTEA = 23, 25, 20, 17


def i4(value: int) -> bytes:
    return struct.pack("!i", value)


add("extended.unnamed", extended("select $1::int + 1", ["41"]))
add("extended.no_parameters", extended("select 1, 'x'"))
add("extended.null_and_empty_parameters", extended("select $1::text is null, $2::text = ''", [None, ""]))
add("extended.empty_statement", extended(""), extended("  ; "), extended("-- c"))
add("extended.command_without_rows", extended("set application_name to 'x'"), extended("begin"), extended("commit"))
add("extended.multi_statement_refused", extended("select 1; select 2"), q("select 1"))
add("extended.syntax_error", extended("selec 1"), extended("select 1 frm x where"), q("select 1"))
add("extended.error_in_execute", extended("select 1/$1::int", ["0"]), q("select 1"))
add("extended.error_in_the_middle_of_rows",
    extended("select 10/(3-x) from generate_series(1,5) x"))
add("extended.named_statement",
    m.parse("s", "select $1::int", [INT4]) + S, ready, m.bind("", "s", ["1"]) + m.execute() + S, ready,
    m.bind("", "s", ["2"]) + m.execute() + S, ready, m.close("S", "s") + S, ready,
    m.bind("", "s", ["3"]) + m.execute() + S, ready)
add("extended.named_statement_already_exists", m.parse("s", "select 1") + m.parse("s", "select 2") + S, ready,
    m.bind("", "s") + m.execute() + S, ready)
add("extended.named_statement_survives_error", m.parse("s", "select 1") + S, ready, q("select 1/0"),
    m.bind("", "s") + m.execute() + S, ready)
add("extended.named_statement_survives_rollback", q("begin"), m.parse("s", "select 7") + S, ready, q("rollback"),
    m.bind("", "s") + m.execute() + S, ready)
add("extended.unnamed_replaced", m.parse("", "select 1") + m.parse("", "select 2") + m.bind() + m.execute() + S, ready)
add("extended.unnamed_ends_with_simple_query", m.parse("", "select 1") + S, ready, q("select 2"),
    m.bind() + m.execute() + S, ready)
add("extended.sql_prepare_and_protocol_share_names", q("prepare s(int) as select $1 + 1"),
    m.describe("S", "s") + m.bind("", "s", ["1"]) + m.execute() + S, ready, m.close("S", "s") + S, ready,
    q("execute s(1)"))
add("extended.protocol_statement_from_sql", m.parse("s", "select $1::int * 2", [INT4]) + S, ready, q("execute s(21)"),
    q("deallocate s"), m.describe("S", "s") + S, ready)
add("extended.deallocate_all", m.parse("s", "select 1") + m.parse("t", "select 2") + S, ready, q("deallocate all"),
    m.bind("", "s") + S, ready, m.parse("s", "select 3") + m.bind("", "s") + m.execute() + S, ready)
add("extended.discard_all", m.parse("s", "select 1") + S, ready, q("discard all"), m.describe("S", "s") + S, ready)
add("extended.describe_statement", m.parse("s", "select $1::int, $2::text, now()") + m.describe("S", "s") + S, ready)
add("extended.describe_statement_without_rows", m.parse("s", "set application_name to 'x'") + m.describe("S", "s")
    + m.parse("e", "") + m.describe("S", "e") + S, ready)
add("extended.describe_portal", m.parse("", "select 1 as a") + m.bind("p", "", results=[1]) + m.describe("P", "p") + S,
    ready)
add("extended.describe_unknown", m.describe("S", "nope") + S, ready, m.describe("P", "nope") + S, ready)
add("extended.describe_insert_returning", q("create temp table t(a int, b text)"),
    m.parse("", "insert into t values ($1,$2) returning b") + m.describe("S") + m.bind("", "", ["1", "x"])
    + m.describe("P") + m.execute() + S, ready)
add("extended.inferred_parameter_types", m.parse("", "select $1 + 1, $2 || 'x', $3::int[]") + m.describe("S") + S, ready)
add("extended.undetermined_parameter_type", m.parse("", "select $1") + m.describe("S") + S, ready,
    m.parse("", "select $1 is null") + S, ready, m.parse("", "select $2::int") + S, ready)
add("extended.declared_types_some_zero", m.parse("", "select $1, $2::int", [TEXT, 0]) + m.describe("S") + S, ready)
add("extended.unknown_type_oid", m.parse("", "select $1", [999999]) + S, ready)
add("extended.more_declared_than_used", m.parse("", "select $1::int", [INT4, TEXT, INT8]) + m.describe("S")
    + m.bind("", "", ["1", "2", "3"]) + m.execute() + S, ready)
add("extended.row_limit", m.parse("", "select generate_series(1,5)") + m.bind() + m.execute("", 2) + m.execute("", 2)
    + m.execute("", 2) + m.execute("", 2) + S, ready)
add("extended.row_limit_exact", m.parse("", "select generate_series(1,2)") + m.bind() + m.execute("", 2)
    + m.execute("", 2) + S, ready)
add("extended.row_limit_with_flush", q("begin"), m.parse("", "select generate_series(1,3)") + m.bind("p")
    + m.execute("p", 1) + H, until("PortalSuspended"), m.execute("p", 1) + H, until("PortalSuspended"),
    m.execute("p", 0) + S, ready, m.execute("p") + S, ready, q("commit"))
add("extended.row_limit_negative", m.parse("", "select generate_series(1,3)") + m.bind() + m.execute("", -1) + S, ready)
add("extended.row_limit_on_insert", q("create temp table t(a int)"),
    m.parse("", "insert into t select generate_series(1,5) returning a") + m.bind() + m.execute("", 2)
    + m.execute("", 0) + S, ready, q("select count(*) from t"))
add("extended.suspended_portals_interleaved", m.parse("s", "select generate_series($1::int, $1::int + 3)")
    + m.bind("p", "s", ["1"]) + m.bind("r", "s", ["10"]) + m.execute("p", 2) + m.execute("r", 1) + m.execute("p", 1)
    + m.execute("r") + m.execute("p") + S, ready)
add("extended.portal_ends_with_sync", m.parse("", "select generate_series(1,5)") + m.bind("p") + m.execute("p", 1) + S,
    ready, m.execute("p") + S, ready)
add("extended.portal_lives_in_transaction", q("begin"), m.parse("", "select generate_series(1,5)") + m.bind("p")
    + m.execute("p", 1) + S, ready, m.execute("p", 2) + S, ready, m.close("P", "p") + m.execute("p") + S, ready,
    q("rollback"))
add("extended.portal_is_a_cursor", q("begin"), m.parse("", "select generate_series(1,5)") + m.bind("c")
    + m.execute("c", 1) + S, ready, q("fetch 2 from c", "close c"), m.execute("c") + S, ready, q("rollback"))
add("extended.portal_already_exists", m.parse("", "select 1") + m.bind("p") + m.bind("p") + m.execute("p") + S, ready)
add("extended.execute_twice", m.parse("", "select 1") + m.bind() + m.execute() + m.execute() + S, ready,
    m.parse("", "create temp table t(a int)") + m.bind() + m.execute() + m.execute() + S, ready)
add("extended.close_unknown", m.close("S", "nope") + m.close("P", "nope") + S, ready)
add("extended.close_unnamed", m.parse("", "select 1") + m.close("S", "") + m.bind() + S, ready)
add("extended.execute_without_bind", m.execute() + S, ready, m.execute("nope") + S, ready)
add("extended.bind_without_parse", m.bind("", "nope") + S, ready, m.bind() + S, ready)
add("extended.bind_too_few", extended("select $1::int, $2::int", ["1"]))
add("extended.bind_too_many", extended("select $1::int", ["1", "2"]))
add("extended.bind_bad_text", extended("select $1::int", ["x"]), extended("select $1::date", ["2020-13-01"]))
add("extended.bind_bad_binary", extended("select $1::int", [b"\0\0\1"], formats=[1]),
    extended("select $1::int8", [b"\0"], formats=[1]), extended("select $1::numeric", [b"\0\1\0"], formats=[1]))
add("extended.bind_bad_format_code", extended("select $1::int", ["1"], formats=[2]),
    extended("select 1", results=[7]))
add("extended.bind_wrong_format_counts", extended("select $1::int, $2::int", ["1", "2"], formats=[0, 0, 0]),
    extended("select 1, 2", results=[0, 0, 0]))
add("extended.bind_mixed_formats", extended("select $1::int, $2::text", [i4(7), "t"], formats=[1, 0], results=[0, 1]))
add("extended.binary_parameters_and_results", extended(
    "select $1::int, $2::int8, $3::bytea, $4::bool, $5::text",
    [i4(-5), struct.pack("!q", 1 << 40), b"\0\xff", b"\1", "ü"], formats=[1], results=[1]))
add("extended.binary_results_of_many_types", extended(
    "select 1::int2, 1.5::float8, 12345.678::numeric, '2020-01-02'::date, '2020-01-02 03:04:05+00'::timestamptz, "
    "'1 mon 2 days 3 sec'::interval, '{1,null,3}'::int[], '00000000-0000-0000-0000-000000000001'::uuid, "
    "'{\"a\": 1}'::jsonb, row(1, 'x'::text), '10.0.0.0/8'::cidr, b'101'::varbit", results=[1]))
add("extended.binary_not_available", extended("select '(1,2)'::aclitem[]", results=[1]),
    extended("select 'app=r/app'::aclitem", results=[1]), q("select 1"))
add("extended.invalid_utf8_parameter", extended("select $1::text", [b"\xff\xfe"]), q("select 1"))
add("extended.nul_in_text_parameter", extended("select $1::text", [b"a\0b"]), q("select 1"))
add("extended.flush_without_sync", m.parse("s", "select 5") + H, until("ParseComplete"), m.bind("", "s") + H,
    until("BindComplete"), m.describe("P") + H, until("RowDescription"), m.execute() + H, until("CommandComplete"),
    S, ready)
add("extended.flush_after_error", m.parse("s", "selec") + H, until("ErrorResponse"), m.bind("", "s") + H, S, ready)
add("extended.flush_alone", H + H, q("select 1"))
add("extended.skips_to_sync", m.parse("", "selec") + m.bind() + m.execute() + m.describe("P") + m.close("S", "x")
    + m.parse("good", "select 1") + S, ready, m.bind("", "good") + S, ready)
add("extended.skips_simple_query_too", m.parse("", "selec") + m.query("select 'skipped'") + S, ready, q("select 1"))
add("extended.skips_flush_and_copy_data", m.parse("", "selec") + H + m.copy_data("x") + m.copy_done() + S, ready)
add("extended.simple_query_inside_pipeline", m.parse("", "select 1") + m.bind() + m.execute()
    + m.query("select 2"), ready, S, ready)
add("extended.two_syncs_after_error", m.parse("", "selec") + S + S, ready, ready)
add("pipeline.many", b"".join(m.parse("", f"select {i}") + m.bind() + m.execute() for i in range(100)) + S, ready)
add("pipeline.many_syncs", b"".join(m.parse("", f"select {i}") + m.bind() + m.execute() + S for i in range(60)),
    [ready] * 60)
add("pipeline.error_between_syncs",
    b"".join(m.parse("", sql) + m.bind() + m.execute() + S for sql in
             ("select 1", "select 1/0", "select 2", "selec", "select 3")), [ready] * 5)
add("pipeline.error_rolls_back_whole_group", q("create temp table t(a int)"),
    m.parse("i", "insert into t values ($1)", [INT4]) + m.bind("", "i", ["1"]) + m.execute() + m.bind("", "i", ["2"])
    + m.execute() + m.parse("", "select 1/0") + m.bind() + m.execute() + m.bind("", "i", ["3"]) + m.execute() + S, ready,
    q("select count(*) from t"))
add("pipeline.groups_are_transactions", q("create temp table t(a int)"),
    m.parse("i", "insert into t values ($1)", [INT4]) + m.bind("", "i", ["1"]) + m.execute() + S
    + m.bind("", "i", ["2"]) + m.execute() + m.bind("", "i", ["x"]) + m.execute() + S
    + m.bind("", "i", ["3"]) + m.execute() + S, ready, ready, ready, q("table t"))
add("pipeline.explicit_transaction", b"".join(m.parse("", s) + m.bind() + m.execute() for s in
                                              ("begin", "select 1", "commit", "select 2")) + S, ready)
add("pipeline.begin_error_commit", b"".join(m.parse("", s) + m.bind() + m.execute() + S for s in
                                            ("begin", "select 1/0", "commit", "select 2")), [ready] * 4)
add("pipeline.vacuum_in_group", m.parse("", "select 1") + m.bind() + m.execute() + m.parse("", "vacuum") + m.bind()
    + m.execute() + S, ready)
add("pipeline.vacuum_alone", extended("vacuum"))
add("pipeline.set_local_in_group", m.parse("", "set local work_mem to '1MB'") + m.bind() + m.execute()
    + m.parse("", "show work_mem") + m.bind() + m.execute() + S, ready, q("show work_mem"))
add("pipeline.without_describe_gets_no_description", m.parse("", "select 1") + m.bind() + m.execute() + S, ready)
add("pipeline.close_between", m.parse("s", "select 1") + m.bind("p", "s") + m.close("S", "s") + m.execute("p") + S, ready)
add("pipeline.statement_replaced_after_close", m.parse("s", "select 1") + m.close("S", "s") + m.parse("s", "select 'two'")
    + m.bind("", "s") + m.describe("P") + m.execute() + S, ready)
add("pipeline.messages_cut_into_bytes", *[bytes([b]) for b in m.parse("", "select 1") + m.bind() + m.execute() + S], ready)
add("pipeline.cached_plan_changed", q("create temp table t(a int)", "insert into t values (1)"),
    m.parse("s", "select * from t") + m.bind("", "s") + m.execute() + S, ready, q("alter table t add b text"),
    m.bind("", "s") + m.execute() + S, ready)
add("pipeline.search_path_changes_plan", q("create temp table t as select 1 as a"),
    m.parse("s", "select count(*) from pg_class where oid = 't'::regclass") + m.bind("", "s") + m.execute() + S, ready,
    q("set search_path to pg_catalog"), m.bind("", "s") + m.execute() + S, ready)
add("failed.parse_and_describe_of_empty", q("begin", "bogus"), m.parse("", "") + m.describe("S") + S, ready,
    m.bind() + m.execute() + S, ready, q("rollback"))  # pitfall 20
add("failed.psql_gdesc_script", q("begin;", "bogus;", ";"), m.parse("", ";") + S, ready, m.describe("S", "") + S, ready,
    q("rollback"))  # pitfall 20
add("failed.parse_rollback_allowed", q("begin", "bogus"), m.parse("r", "rollback") + S, ready, m.bind("", "r")
    + m.execute() + S, ready)
add("failed.bind_refused", m.parse("s", "select 1") + S, ready, q("begin", "bogus"), m.bind("", "s") + S, ready,
    m.describe("S", "s") + S, ready, m.close("S", "s") + S, ready, q("rollback"))
add("failed.execute_of_open_portal", q("begin"), m.parse("", "select generate_series(1,9)") + m.bind("p")
    + m.execute("p", 1) + S, ready, q("bogus"), m.execute("p", 1) + S, ready, q("rollback"))
add("failed.implicit_block_then_next", extended("select 1/0"), extended("select 'fine'"))
add("extended.statements_are_per_session", m.parse("s", "select 1") + S, ready, on("b"),
    m.bind("", "s") + m.execute() + S, ready, m.parse("s", "select 'b'") + m.bind("", "s") + m.execute() + S, ready,
    on("a"), m.bind("", "s") + m.execute() + S, ready)
add("extended.long_names", m.parse("n" * 200, "select 1") + m.bind("p" * 300, "n" * 200) + m.execute("p" * 300) + S, ready)
add("extended.many_statements", b"".join(m.parse(f"s{i}", f"select {i}") for i in range(300)) + S, ready,
    b"".join(m.bind("", f"s{i}") + m.execute() for i in range(0, 300, 7)) + S, ready)
add("extended.many_parameters", extended("select array[" + ",".join(f"${i}::int" for i in range(1, 1001)) + "]",
                                         [str(i) for i in range(1000)]))
add("extended.max_parameters", m.parse("", "select 1 where $65535::int = 1") + m.describe("S") + S, ready)
add("extended.set_and_show", extended("set work_mem to '3MB'"), extended("show work_mem"))
add("extended.copy_out", extended("copy (select generate_series(1,3)) to stdout"))
add("extended.notify_listen", extended("listen x"), extended("notify x, 'p'"))
