"""Unknown, out-of-order and malformed messages after sign-in, FunctionCall."""
import struct

import wire_messages as m
from differential.script import Registry, q, read_to_end, ready

scenarios = Registry()
add = scenarios.add
S = m.sync()
INT4PL, UPPER, NEXTVAL = 177, 871, 1574


def i4(value: int) -> bytes:
    return struct.pack("!i", value)


add("function_call.binary", m.function_call(INT4PL, [i4(40), i4(2)], [1], 1), ready)
add("function_call.text", m.function_call(INT4PL, ["40", "2"], [], 0), ready)
add("function_call.null_to_strict", m.function_call(INT4PL, [i4(40), None], [1], 1), ready)
add("function_call.unknown", m.function_call(999999, [], [], 0), ready, q("select 1"))
add("function_call.wrong_argument_count", m.function_call(INT4PL, [i4(1)], [1], 1), ready, q("select 1"))
add("function_call.error", m.function_call(INT4PL, [i4(2147483647), i4(1)], [1], 1), ready, q("select 1"))
add("function_call.in_failed_block", q("begin", "bogus"), m.function_call(INT4PL, ["1", "2"], [], 0), ready, q("rollback"))
add("function_call.in_pipeline", m.parse("", "select 1") + m.bind() + m.execute() + m.function_call(UPPER, ["x"], [], 0),
    ready, S, ready)

# Answered with ERROR, the session goes on at the next Sync.
for stem, message in {
        "parse_without_terminators": m.raw("P", b"s"),
        "parse_cut_in_oids": m.raw("P", b"\0select 1\0\0\2\0\0\0\x17"),
        "parse_negative_oid_count": m.raw("P", b"\0select 1\0\xff\xff"),
        "parse_trailing_bytes": m.raw("P", b"\0select 1\0\0\0tail"),
        "parse_empty_body": m.raw("P", b""),
        "bind_empty_body": m.raw("B", b""),
        "bind_cut_in_value": m.parse("", "select $1::text") + m.raw("B", b"\0\0\0\0\0\1\0\0\0\x10short"),
        "bind_value_length_minus_two": m.parse("", "select $1::text") + m.raw("B", b"\0\0\0\0\0\1\xff\xff\xff\xfe\0\0"),
        "bind_value_length_huge": m.parse("", "select $1::text") + m.raw("B", b"\0\0\0\0\0\1\x7f\xff\xff\xff\0\0"),
        "bind_negative_value_count": m.parse("", "select 1") + m.raw("B", b"\0\0\0\0\xff\xff\0\0"),
        "bind_trailing_bytes": m.parse("", "select 1") + m.raw("B", b"\0\0\0\0\0\0\0\0tail"),
        "describe_bad_kind": m.raw("D", b"Zname\0"),
        "describe_empty_body": m.raw("D", b""),
        "close_bad_kind": m.raw("C", b"Zname\0"),
        "execute_cut": m.raw("E", b"\0\0\0"),
        "execute_trailing_bytes": m.parse("", "select 1") + m.bind() + m.raw("E", b"\0\0\0\0\0tail"),
        "sync_with_body_skipped_until": m.raw("P", b"") + m.raw("H", b"")}.items():
    add(f"malformed.{stem}", message + S, ready, q("select 'goes on'"), gateway_answers=True)
add("malformed.flush_with_body", m.raw("H", b"x") + S, ready, q("select 1"), gateway_answers=True)
add("malformed.sync_with_body", m.raw("S", b"x"), ready, q("select 1"), gateway_answers=True)
add("malformed.function_call_cut", m.raw("F", b"\0\0"), ready, q("select 1"), gateway_answers=True)
add("malformed.terminate_with_body", m.raw("X", b"bye"), read_to_end)

# Answered with FATAL, the session ends.
for stem, message in {
        "unknown_type_z": m.raw("z", b"x"), "unknown_type_zero": m.raw(b"\0", b""), "unknown_type_high": m.raw(b"\xff", b"x"),
        "backend_type_T": m.raw("T", b"\0\0"), "backend_type_R": m.raw("R", i4(0)), "backend_type_Z": m.raw("Z", b"I"),
        "password_after_sign_in": m.password(b"secret\0"), "second_startup": m.startup({"user": "app", "database": "app"}),
        "second_ssl_request": m.ssl_request(), "length_zero": m.raw("Q", b"", 0), "length_three": m.raw("Q", b"", 3),
        "length_negative": m.raw("Q", b"", -1), "length_minimum_signed": m.raw("Q", b"", -(1 << 31)),
        "length_over_limit_sync": m.raw("S", b"", 0x7FFFFFFF), "length_over_limit_query": m.raw("Q", b"", 0x7FFFFFFF),
        "length_1_gib": m.raw("Q", b"", 1 << 30), "length_bind_over_limit": m.raw("B", b"", 0x40000001),
        "length_terminate_huge": m.raw("X", b"", 0x7FFFFFFF),
        "length_short_type_too_long": m.raw("D", b"S" + b"x" * 20000 + b"\0")}.items():
    add(f"violation.{stem}", message, read_to_end, gateway_answers=True, silent_end=stem.startswith("length_"))
add("violation.in_transaction", q("begin", "create temp table t(a int)"), m.raw("z"), read_to_end, gateway_answers=True)
add("violation.after_replies_queued", m.query("select 1") + m.raw("z"), read_to_end, gateway_answers=True)
add("violation.unknown_type_in_pipeline", m.parse("", "select 1") + m.bind() + m.execute() + m.raw("z") + S, read_to_end,
    gateway_answers=True)
add("violation.unknown_type_during_copy_in", m.query("copy (select 1) to stdout; create temp table t(a int); copy t from stdin"),
    lambda run: run.read(lambda x: x.name == "CopyInResponse"), m.copy_data("1\n") + m.raw("z"), read_to_end,
    gateway_answers=True)
add("violation.unknown_type_while_skipping", m.parse("", "selec") + m.raw("z") + S, read_to_end, gateway_answers=True)
add("order.messages_after_terminate", q("select 1"), m.terminate() + m.query("select 'never'"), read_to_end)
add("order.terminate_in_transaction", q("begin"), m.terminate(), read_to_end)
add("order.terminate_inside_pipeline", m.parse("", "select 1") + m.bind() + m.terminate(), read_to_end)
add("order.describe_before_parse", m.describe("S") + m.describe("P") + S, ready)
add("order.execute_before_anything", m.execute() + m.execute() + S, ready, q("select 1"))
