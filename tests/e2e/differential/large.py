"""Large values and many rows in both directions."""
import struct

import wire_messages as m
from differential.script import Registry, drop_connection, extended, on, open_session, q, ready

scenarios = Registry()
add = scenarios.add
MIB = 1 << 20

add("large.receive_64_mib_value", q("select repeat('x', 67108864)"), seconds=60)
add("large.receive_64_mib_value_extended", extended("select repeat('y', 67108864)"), seconds=60)
add("large.send_64_mib_parameter", extended("select length($1), md5($1)", [b"p" * (64 * MIB)], [25]), q("select 1"), seconds=60)
add("large.send_64_mib_query", q("select length('" + "q" * (64 * MIB) + "')"), q("select 1"), seconds=60)
add("large.echo_16_mib_binary", extended("select $1::bytea", [bytes(range(256)) * (16 * 4096)], [17], [1], [1]), seconds=60)
add("large.wide_rows", q("select x, repeat('w', 100000) from generate_series(1,300) x"), seconds=60)
add("large.300000_small_rows", q("select generate_series(1,300000)"), seconds=60)
add("large.300000_small_rows_limited", m.parse("", "select generate_series(1,300000)") + m.bind()
    + m.execute("", 1000) * 301 + m.sync(), ready, seconds=60)
add("large.20000_statements_in_one_query", q("select 1;" * 20000), seconds=60)
add("large.pipeline_of_5000",
    m.parse("s", "select $1::int, repeat('r', 200)", [23]) + b"".join(
        m.bind("", "s", [struct.pack("!i", i)], [1]) + m.execute() for i in range(5000)) + m.sync(), ready, seconds=60)
add("large.error_message", q("do $$ begin raise exception '%', repeat('e', 5000000); end $$"), q("select 1"), seconds=60)
add("large.notice_flood", q("do $$ begin for i in 1..20000 loop raise notice 'n %', i; end loop; end $$"), seconds=60)
add("large.message_boundaries", *[q(f"select repeat('b', {size})") for size in
                                  (8170, 8191, 8192, 16373, 16383, 16384, 16385, 32767, 65535, 65536, 262143, 262144)])
add("large.parameter_boundaries", *[extended("select md5($1)", [b"b" * size], [25]) for size in
                                    (8170, 8191, 8192, 16373, 16383, 16384, 16385, 32767, 65535, 65536, 262143, 262144)])
add("large.out_of_memory_request", q("select repeat('x', 1073741820)", "select 1"), seconds=60)
add("large.abandoned_result", m.query("select repeat('x', 1000) from generate_series(1,100000)"), drop_connection,
    on("b"), open_session, q("select 'unharmed'"))
