"""Masks that need the value: the gateway makes of an encrypted column what PostgreSQL makes of a plain one, to the byte, in text and
binary, through cursors and COPY. Each mask stands over a pair of columns of the same values, one plain and one encrypted."""
from __future__ import annotations

import csv
import io
import struct

import psycopg
import pytest
from psycopg.adapt import Loader
from psycopg.pq import Format

from encrypted import DEPOT, PASSWORD, Encrypted

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
csv.field_size_limit(1 << 24)

TEXTS = ["", " ", "a", "ab", "abc", "ada@example.org", "@", "@@", "a@b@c", "ann.smith@x.example", "no address", "ä@ö", "😀😀😀@€.org",
         "e\u0301e\u0301e\u0301", "tab\tnew\nline\\back\r", "'quoted'", '"quoted"', "\\N", "NULL", "x" * 20, "y" * 100_000, "€" * 5000 + "@z",
         "0123456789", "\u200b", "‮rtl", "\x7f\x01", "{}", ",;|"]
SHORTS = [text for text in TEXTS if len(text) <= 20]
INTEGERS = [0, 1, -1, 9, 10, 11, 99, 100, 1000, 2147483647, -2147483648, -10, -11]
BIGINTS = INTEGERS + [9223372036854775807, -9223372036854775808, 98765432100]
NUMERICS = ["0", "-0.0", "0.0000", "1", "0.001", "0.00099999", "-0.5", "-1.5", "-1.50001", "10", "10.000", "99999.999999", "100000", "1e40", "-1e40",
            "1e-40", "NaN", "Infinity", "-Infinity", "12345678901234567890.123456789", "9999", "10000", "10000.0001"]
FIXED = ["0", "-0.01", "0.01", "9.99", "10", "10.004", "999999.99", "-999999.99", "NaN"]
DATES = ["2000-01-01", "1999-12-31", "2024-02-29", "2024-12-30", "2023-01-01", "0001-01-01", "0001-12-31 BC", "0044-03-15 BC", "4713-01-01 BC",
         "infinity", "-infinity", "9999-12-31", "294276-12-31", "1582-10-10", "1900-02-28", "2000-02-29"]
MOMENTS = ["2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2024-02-29 12:34:56.789", "0001-01-01 00:00:00", "0001-12-31 23:59:59.5 BC",
           "0044-03-15 06:00 BC", "4713-06-01 01:02:03 BC", "infinity", "-infinity", "294276-12-31 23:59:59.999999", "2024-12-30 00:00:00.000001"]
UUIDS = ["00000000-0000-0000-0000-000000000000", "FFFFFFFF-ffff-4fff-bfff-ffffffffffff", "0f0e0d0c-0b0a-0908-0706-050403020100"]
BYTES = [b"", b"\x00", b"\xc7\x11" + bytes(70), b"\\x00", bytes(range(256)), b"z" * 50_000]
DOCUMENTS = ["null", "1", '"ssn"', "true", "[]", "{}", '{"ssn": null}', '{"ssn": 1.50, "a": {"ssn": "12-3", "x": "}"}, "l": [1, {"ssn": 5}, []]}',
             '{"": 1, "ssn ": 2, "s\\"sn": 3, "\\u0001": "\\u0002\\b\\f\\n\\r\\t\\\\/"}', '{"l": {"b": 1, "a": 2}, "ssn": [1, {"a": 2}]}',
             '{"l": [[], {}, "x", 1e3, -0.10, null], "ssn": "a\\n€😀"}', '[{"ssn": 1}, {"l": [1]}]', '{"a": "ssn", "ssn": {"ssn": {}}, "l": "x"}',
             '{"ssn": "' + "w" * 20_000 + '", "l": []}', '{"ssn": "\\"", "a": []}', '{"a": {"ssn": [], "y": 0}, "l": [true]}']
JSON_EDITS = ("{operator: json_path, json_path: {edits: [{path: [a, ssn], action: remove}, {path: [l, '*'], action: redact, replacement: "
              "\"it's \\\\ \\\"hid\\\"\"}, {path: [ssn], action: hash}]}}")
JSON_STARS = ("{operator: json_path, json_path: {edits: [{path: ['*', '*'], action: 'null'}, {path: ['s\"sn'], action: hash}, "
              "{path: [l, '*'], action: remove}]}}")

# column: (type, search, mask, values)
COLUMNS = {
    "part": ("text", True, "{operator: partial, partial: {first: 1, last: 2}}", TEXTS),
    "filled": ("varchar(20)", True, "{operator: partial, partial: {first: 3, last: 3, fill: '€€'}}", SHORTS),
    "nothing": ("text", False, "{operator: partial, partial: {first: 0, last: 1, fill: '-'}}", TEXTS),
    "mail": ("text", True, "{operator: email, email: {first: 1, keep_domain: true}}", TEXTS),
    "hidden": ("varchar(20)", False, "{operator: email, email: {first: 0, keep_domain: false}}", SHORTS),
    "token": ("text", True, "{operator: hash}", TEXTS),
    "cut": ("varchar(20)", True, "{operator: hash}", SHORTS),
    "number": ("bigint", True, "{operator: hash}", BIGINTS),
    "name": ("uuid", True, "{operator: hash}", UUIDS),
    "raw": ("bytea", True, "{operator: hash}", BYTES),
    "digits": ("text", True, "{operator: rand_pattern, rand_pattern: {pattern: '+4# (##) " + "#" * 40 + "'}}", TEXTS),
    "r_digits": ("text", True, "{operator: regex_replace, regex_replace: {pattern: '[0-9]', replacement: '#'}}", TEXTS),
    "r_groups": ("text", False, "{operator: regex_replace, regex_replace: {pattern: '^([^@])([^@]*)@(.*)$', replacement: '$3 <$1> $2'}}", TEXTS),
    "r_empty": ("text", True, "{operator: regex_replace, regex_replace: {pattern: 'x*', replacement: '-'}}", TEXTS),
    "r_wide": ("varchar(20)", True, "{operator: regex_replace, regex_replace: {pattern: '[ä-ü€]|😀|(ab|a)(b?c|c)', replacement: '[$2$1]'}}", SHORTS),
    "small": ("smallint", True, "{operator: bucket_number, bucket_number: {buckets: [-10, 0, 10, 100]}}", [n for n in INTEGERS if abs(n) < 30000]),
    "whole": ("int", True, "{operator: bucket_number, bucket_number: {buckets: [-10, 0, 10, 1000]}}", INTEGERS),
    "big": ("bigint", False, "{operator: bucket_number, bucket_number: {buckets: [0, 4000000000]}}", BIGINTS),
    "exact": ("numeric", True, "{operator: bucket_number, bucket_number: {buckets: [-1.5, 0, 0.001, 10, 100000]}}", NUMERICS),
    "money": ("numeric(10,2)", True, "{operator: bucket_number, bucket_number: {buckets: [-0.01, 0, 10]}}", FIXED),
    **{f"d_{unit}": ("date", unit == "week", f"{{operator: bucket_date, bucket_date: {{precision: {unit}}}}}", DATES)
       for unit in ("week", "month", "quarter", "year")},
    **{f"t_{unit}": ("timestamp", unit == "day", f"{{operator: bucket_date, bucket_date: {{precision: {unit}}}}}", MOMENTS)
       for unit in ("minute", "hour", "day", "week", "month", "quarter", "year")},
    "zoned": ("timestamptz", True, "{operator: bucket_date, bucket_date: {precision: day}}", [f"{m}" if "inf" in m else (m[:-3] + "+03 BC" if
              m.endswith("BC") else m + "+03") for m in MOMENTS]),
    "doc": ("jsonb", True, JSON_EDITS, DOCUMENTS),
    "stars": ("jsonb", False, JSON_STARS, DOCUMENTS),
}
POLICY = """
name: read
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:analyst"]}
    predicates: [read]
    objects: {paths: ["crm:public.samples"]}
    allow: true
---
name: samples
version: v1
type: classification
classification:
  depot: crm
  schema: public
  table: samples
  columns: {id: [], %s}
"""
MASK = """---
name: mask-{name}
version: v1
type: policy
policy:
  data:
    type: mask
    depot: crm
    selector: {{user: {{tags: ["roles:id:analyst"]}}, column: {{tags: [Of.{tag}]}}}}
    mask: {mask}
"""


def tag(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def policy() -> str:
    columns = ", ".join(f"p_{name}: [Of.{tag(name)}], e_{name}: [Of.{tag(name)}]" for name in COLUMNS)
    return POLICY % columns + "".join(MASK.format(name=name.replace("_", "-"), tag=tag(name), mask=mask)
                                      for name, (_, _, mask, _) in COLUMNS.items())


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = Encrypted("transaction")
    run = started.command
    run("role", "create", "analyst")
    with started.connect(autocommit=True) as owner:
        owner.execute("create table samples (id int primary key, "
                      + ", ".join(f"p_{name} {kind}, e_{name} {kind}" for name, (kind, _, _, _) in COLUMNS.items()) + ")")
    for name, (_, search, _, _) in COLUMNS.items():
        started.encrypt(f"public.samples.e_{name}", *(["--search"] if search else []))
    run("identity", "create", "ana", "--password-stdin", input=PASSWORD + "\n")
    run("grant", "add", "--depot", DEPOT, "--identity", "ana", "--login", f"{DEPOT}_owner")
    run("role", "assign", "analyst", "ana")
    run("identity", "create", "otto", "--password-stdin", input=PASSWORD + "\n")
    run("grant", "add", "--depot", DEPOT, "--identity", "otto", "--login", f"{DEPOT}_owner", "--past-wall")
    names = list(COLUMNS)
    with started.connect() as owner:
        for row in range(max(len(values) for _, _, _, values in COLUMNS.values()) + 1):  # the last one has NULL everywhere
            filled = [name for name in names if row < len(COLUMNS[name][3])]
            listed = "".join(f", p_{name}, e_{name}" for name in filled)
            values = [COLUMNS[name][3][row] for name in filled for _ in range(2)]
            casts = "".join(f", %s::{COLUMNS[name][0]}, %s" for name in filled)
            owner.execute(f"insert into samples (id{listed}) values ({row}{casts})", values)
    started.gateway.publish({"crm.yaml": policy()})
    yield started
    started.stop()


class AsSent(Loader):
    def load(self, data):
        return bytes(data)


class AsSentBinary(AsSent):
    format = Format.BINARY


def as_sent(connection: psycopg.Connection) -> psycopg.Connection:
    for kind in ("text", "varchar", "int2", "int4", "int8", "numeric", "date", "timestamp", "timestamptz", "uuid", "bytea", "jsonb"):
        for loader in (AsSent, AsSentBinary):
            connection.adapters.register_loader(kind, loader)
    return connection


def pairs_equal(rows, name: str) -> int:
    values = COLUMNS[name][3]
    assert len(rows) > len(values)
    for row in rows:
        assert row[1] == row[2], (name, row)
    return sum(row[2] is not None for row in rows)


@pytest.mark.parametrize("binary", [False, True])
def test_a_mask_over_cells_is_the_mask_over_values(world, binary):
    with as_sent(world.connect("ana", autocommit=True)) as connection, connection.cursor(binary=binary) as cursor:
        for name in COLUMNS:
            for prepare in (None, True):
                cursor.execute(f"select id, p_{name}, e_{name} from samples order by id", prepare=prepare)
                one, other = cursor.description[1:]
                assert (one.type_code, one.internal_size) == (other.type_code, other.internal_size), name
                assert pairs_equal(cursor.fetchall(), name) > 0, name


def test_what_is_seen_is_masked_at_all(world):
    """Against a mask that is not applied to either of the two."""
    with as_sent(world.connect("ana", autocommit=True)) as connection:
        with as_sent(world.connect("otto", autocommit=True)) as owner:
            for name in COLUMNS:
                seen = connection.execute(f"select e_{name} from samples order by id").fetchall()
                stored = owner.execute(f"select e_{name} from samples order by id").fetchall()
                assert seen != stored, name


def test_cursors_and_functions_of_other_columns(world):
    with as_sent(world.connect("ana")) as connection:
        everything = connection.execute("select id, p_mail, e_mail from samples order by id").fetchall()
        connection.execute("declare c cursor for select id, p_mail, e_mail from samples order by id")
        assert connection.execute("fetch 5 from c").fetchall() == everything[:5]
        connection.execute("declare b binary cursor for select id, p_exact, e_exact from samples order by id")
        assert pairs_equal(connection.execute("fetch all from b").fetchall(), "exact") > 5
        with connection.cursor("named") as named:
            named.itersize = 3
            named.execute("select id, p_doc, e_doc from samples order by id")
            assert pairs_equal(named.fetchall(), "doc") > 5
        inner = "select x.* from (select id, p_part, e_part from samples) x order by id"
        assert pairs_equal(connection.execute(inner).fetchall(), "part") > 5
        both = "select e_part from samples where id < 3 union all select e_part from samples where id < 3"
        assert len(connection.execute(both).fetchall()) == 6
        connection.execute("prepare p (int) as select id, p_token, e_token from samples where id <= $1 order by id")
        rows = connection.execute("execute p (1000)").fetchall()
        assert pairs_equal(rows, "token") > 5


def copied(connection: psycopg.Connection, text: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(text) as copy:
        return b"".join(bytes(part) for part in copy)


def binary_rows(data: bytes):
    at = 19
    while (count := struct.unpack_from("!h", data, at)[0]) != -1:
        at += 2
        row = []
        for _ in range(count):
            length = struct.unpack_from("!i", data, at)[0]
            at += 4
            row.append(None if length < 0 else data[at:at + length])
            at += max(length, 0)
        yield row


def test_copy_out(world):
    with world.connect("ana", autocommit=True) as connection:
        for name in COLUMNS:
            query = f"(select id, p_{name}, e_{name} from samples order by id)"
            text = copied(connection, f"copy {query} to stdout").decode()
            assert pairs_equal([line.split("\t") for line in text.split("\n")[:-1]], name) > 0
            marked = copied(connection, f"copy {query} to stdout (format csv, null 'NIL', quote '''')").decode()
            for row in csv.reader(io.StringIO(marked, newline=""), quotechar="'"):
                assert row[1] == row[2], (name, row)
            assert pairs_equal(list(binary_rows(copied(connection, f"copy {query} to stdout (format binary)"))), name) > 0


REFUSED = ["where e_{0} is null", "where e_{0} = p_{0}", "where e_{0} is not distinct from e_{0}", "where e_{0} in (select e_{0} from samples)",
           "group by e_{0}", "order by e_{0}", "order by 1"]


@pytest.mark.parametrize("clause", REFUSED)
def test_it_can_be_asked_for_nothing(world, clause):
    with world.connect("ana", autocommit=True) as connection:
        for name in ("part", "nothing", "token", "whole", "d_week", "doc"):
            with pytest.raises(psycopg.Error) as raised:
                connection.execute(f"select e_{name} from samples " + clause.format(name))
            assert raised.value.sqlstate == "0A000", raised.value
            assert "bz_" not in str(raised.value) and "bartizan" not in str(raised.value)
        for target in ("distinct e_{0}", "count(e_{0})", "count(distinct e_{0})", "max(e_{0})", "e_{0}::bytea", "row(e_{0})", "coalesce(e_{0}, null)",
                       "octet_length(e_{0})", "pg_column_size(e_{0})", "row_number() over (order by e_{0})"):
            with pytest.raises(psycopg.Error) as raised:
                connection.execute(f"select {target.format('part')} from samples")
            assert raised.value.sqlstate in ("0A000", "42501", "42883"), (target, raised.value)


def test_views_give_cells_without_their_index(world):
    """Whoever gets past the gateway as the class's role: equal values have no equal bytes in what its view gives."""
    with world.direct() as direct:
        view = direct.execute("select c.oid, pg_get_viewdef(c.oid) from pg_class c join pg_attribute a on a.attrelid = c.oid where "
                              "c.relnamespace = 'bartizan_views'::regnamespace and a.attname = 'e_token'").fetchone()
        lines = view[1].split("\n")
        end = next(at for at, line in enumerate(lines) if line.strip().rstrip(",") == "END AS e_token")
        begin = max(at for at in range(end) if lines[at].strip().startswith("CASE"))
        expression = "\n".join(lines[begin:end]) + "\nEND"
        with world.connect("otto", autocommit=True) as owner:
            owner.execute("insert into samples (id, e_token) values (900, %s)", (TEXTS[5],))
        try:
            cells = [bytes(row[0]) for row in direct.execute(f"select {expression} from samples where id in (5, 900)").fetchall()]
            whole = [bytes(row[0]) for row in direct.execute("select e_token from samples where id in (5, 900)").fetchall()]
        finally:
            with world.connect("otto", autocommit=True) as owner:
                owner.execute("delete from samples where id = 900")
        assert whole[0][8:24] == whole[1][8:24]  # the index of equal values
        assert [len(cell) for cell in cells] == [len(cell) - 16 for cell in whole]
        assert all(whole[0][8:24] not in cell for cell in cells)
        assert cells[0][8:] != cells[1][8:]
