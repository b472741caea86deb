#!/usr/bin/env python3
"""Asks a PostgreSQL what it makes of values, and writes the vectors of postgresql_values_test.cpp.

    postgresql_values.py CONNINFO OUTPUT_DIRECTORY

values.tsv: type, typmod, input text, "ok" or "error", output text, binary output (hexadecimal)
equal.tsv:  type, value, value, t or f (PostgreSQL's =)
Text fields have \\\\ for a backslash and \\xHH for bytes that are not printable ASCII.
"""
import random
import sys

import psycopg

TYPMODS = {  # as in pg_attribute.atttypmod
    "varchar(3)": ("character varying", 3 + 4),
    "numeric(5,2)": ("numeric", ((5 << 16) | 2) + 4),
    "numeric(3,0)": ("numeric", ((3 << 16) | 0) + 4),
    "numeric(2,4)": ("numeric", ((2 << 16) | 4) + 4),
    "numeric(4,-2)": ("numeric", ((4 << 16) | (-2 & 0x7FF)) + 4),
    "timestamp(0)": ("timestamp without time zone", 0),
    "timestamp(3)": ("timestamp without time zone", 3),
    "timestamptz(1)": ("timestamp with time zone", 1),
}
PLAIN = {
    "bool": "boolean", "bytea": "bytea", "int2": "smallint", "int4": "integer", "int8": "bigint", "text": "text",
    "varchar": "character varying", "date": "date", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "numeric": "numeric", "uuid": "uuid", "jsonb": "jsonb",
}
SEND = {
    "boolean": "boolsend", "bytea": "byteasend", "smallint": "int2send", "integer": "int4send", "bigint": "int8send",
    "text": "textsend", "character varying": "varcharsend", "date": "date_send",
    "timestamp without time zone": "timestamp_send", "timestamp with time zone": "timestamptz_send",
    "numeric": "numeric_send", "uuid": "uuid_send", "jsonb": "jsonb_send",
}
rnd = random.Random(20)


def integers(bits):
    edge = 1 << (bits - 1)
    values = ["0", "-0", "+1", " 7 ", "\t8\n", "", " ", "-", "+", "+-1", "1 2", "1.0", "0x10", "1e3", "--1", "007", "٣"]
    return values + [str(v) for v in (edge - 1, -edge, edge, -edge - 1, edge * 10)]


def numerics():
    values = ["0", "-0", "0.00", "-0.0", "1", "1.10", ".5", "5.", ".", "-.5", "+2", "1e3", "1E+3", "1e-3", "1e", "1e+", "1e+-2",
              "e5", "1.5e1", "12345.678900", "0.0001", "0.00010", "99999999999999999999.9999", "NaN", "nan", "Infinity",
              "-Infinity", "inf", "-inf", "+inf", "+nan", "-nan", " 1 ", "1 2", "1,5", "1_000", "0x1", "1e131071",
              "1e131072", "1e-16383", "1e-16384", "0e99999", "1e999999999999999999999", "1e-999999999999999999999",
              "0.00000000000000000001", "100000000", "10000", "9999", "-9999.9999", "123456789012345678901234567890",
              "0.5", "1.5", "2.5", "-0.5", "999.995", "999.994", "99.5", "999.5", "0.00005", "0.99995", "9950", "9949",
              "1234.5678", "-1234.5678", "00001", "0000.0000100", "infinityx", "in", "", "-"]
    for _ in range(120):
        digits = "".join(rnd.choice("0123456789") for _ in range(rnd.randint(1, 12)))
        fraction = "".join(rnd.choice("0059") for _ in range(rnd.randint(0, 9)))
        exponent = rnd.choice(["", "", f"e{rnd.randint(-12, 12)}"])
        values.append(rnd.choice(["", "-"]) + digits + ("." + fraction if fraction else "") + exponent)
    return values


def times():
    values = ["2024-01-05", "2024-1-5", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0001-01-01", "0000-01-01",
              "0044-03-15 BC", "0044-03-15 bc", "0001-12-31 BC", "4714-11-24 BC", "4714-11-23 BC", "5874897-12-31",
              "5874898-01-01", "294276-12-31", "294276-12-31 23:59:59.999999", "294277-01-01", "infinity", "-infinity",
              "Infinity", " 2024-01-05 ", "2024-13-01", "2024-00-10", "2024-04-31", "2024-01-00", "2024-01-05T10:11:12",
              "2024-01-05 10:11:12", "2024-01-05  10:11:12", "2024-01-05 10:11", "2024-01-05 1:02:03", "2024-01-05 24:00:00",
              "2024-01-05 24:00:01", "2024-01-05 25:00:00", "2024-01-05 23:59:60", "2024-01-05 23:59:60.5",
              "2024-01-05 23:60:00", "2024-01-05 10:11:12.5", "2024-01-05 10:11:12.123456", "2024-01-05 10:11:12.",
              "2024-01-05 10:11:12.1234567", "2024-01-05 10:11:12Z", "2024-01-05 10:11:12z", "2024-01-05 10:11:12 UTC",
              "2024-01-05 10:11:12+02", "2024-01-05 10:11:12 +02", "2024-01-05 10:11:12-0330", "2024-01-05 10:11:12+05:30",
              "2024-01-05 10:11:12+05:30:15", "2024-01-05 10:11:12+15:59", "2024-01-05 10:11:12+16", "2024-01-05 10:11+2",
              "0044-03-15 10:11:12 BC", "0044-03-15 10:11:12+00 BC", "0001-01-01 00:00:00+10 BC", "today", "epoch",
              "January 8, 1999", "20240105", "01/02/2024", "2024-01", "", "2024-01-05 ad", "2024-01-05x", "1999-12-31 23:59:59.5",
              "1999-12-31 23:59:59.4995", "2000-01-01 00:00:00.0005", "4714-11-24 00:00:00 BC", "4714-11-24 00:00:00+01 BC",
              "2024-01-05 10:11:12 America/New_York", "2024-01-05T10:11:12.000Z", "10000-01-01 00:00:00", "99999-12-31"]
    for _ in range(120):
        day = f"{rnd.randint(1, 9999):04}-{rnd.randint(1, 12):02}-{rnd.randint(1, 28):02}"
        clock = f" {rnd.randint(0, 23):02}:{rnd.randint(0, 59):02}:{rnd.randint(0, 59):02}"
        fraction = rnd.choice(["", "." + "".join(rnd.choice("0123459") for _ in range(rnd.randint(1, 6)))])
        zone = rnd.choice(["", "+00", f"{rnd.choice('+-')}{rnd.randint(0, 14):02}:{rnd.choice(['00', '30', '45'])}"])
        values.append(day + clock + fraction + zone + rnd.choice(["", "", " BC"]))
    return values


def documents():
    values = ['{}', '[]', 'null', 'true', 'false', '"a"', '1', '-0', '-0.00', '1.10', '1e2', '1E-2', '0.5', '.5', '5.', '01', '-',
              '+1', '1e', 'nul', 'nulll', 'true false', '', ' ', '[1,2', '[1,]', '[,1]', '{"a":1,}', '{"a"}', '{a:1}', "'a'",
              ' { "b" : 1 , "a" : [ true , null ] } ', '{"bb":1,"a":2,"ab":3}', '{"a":1,"a":2}', '{"a":{"c":1,"b":2},"a":3}',
              '{"a":1,"b":2,"a":{"z":1,"y":[1.0,{"q":1,"p":2}]}}', '["\\u00e9","é","\\ud83d\\ude00","😀"]', '"\\ud800"',
              '"\\udc00"', '"\\ud800\\ud800"', '"\\u0000"', '"\\u0001\\u001f\\u007f"', '"\\b\\f\\n\\r\\t\\/\\\\\\""', '"\\x"', '"\\',
              '"a\nb"', '"\t"', '{"\\u0061":1,"a":2}', '{"":0}', '[[[[[[[[1]]]]]]]]', '1e400', '1e-20', '123456789012345678901234567890',
              '{"a":1.50,"b":"1.50","c":[0.0,-1.230e1]}', 'NaN', 'Infinity', '[1 2]', '{"a":1 "b":2}', '{"a"::1}', '"unended',
              '{"é":1,"zz":2,"z":3}', '  7  ', '\v1', '1.2.3', '[true,false,null]', 'truefalse', '1a', '"a"b', '{"a":true}x']

    def make(depth):
        kind = rnd.randint(0, 6 if depth < 4 else 4)
        if kind == 0:
            return rnd.choice(["true", "false", "null"])
        if kind in (1, 2):
            return rnd.choice(["", "-"]) + str(rnd.randint(0, 1000)) + rnd.choice(["", ".5", ".50", ".00", "e1", "e-2", "E+1"])
        if kind in (3, 4):
            return '"' + "".join(rnd.choice(["a", "b", " ", "é", "\\n", "\\u00fc", "\\\"", ".", "0", "\\\\"]) for _ in range(rnd.randint(0, 5))) + '"'
        space = rnd.choice(["", " "])
        if kind == 5:
            return "[" + ("," + space).join(make(depth + 1) for _ in range(rnd.randint(0, 4))) + "]"
        key = lambda: '"' + "".join(rnd.choice(["a", "b", "\\u0061", "é"]) for _ in range(rnd.randint(0, 3))) + '"'
        return "{" + ("," + space).join(key() + ":" + space + make(depth + 1) for _ in range(rnd.randint(0, 5))) + "}"

    return values + [make(0) for _ in range(150)]


def texts():
    return ["", " ", "a", "abc", "abcd", "abc  ", "äöü", "äöüß", "äöü ", "\\x41", "tab\there", "日本語", "日本語 ", "日本語x"]


INPUTS = {
    "bool": ["t", "f", "true", "TRUE", "tr", "fal", "false", "y", "ye", "yes", "n", "no", "on", "of", "off", "o", "1", "0", "2", "",
             " t ", "truee", "yess", "01", "\tno\n"],
    "bytea": ["", "\\x", "\\x00ff", "\\xAbCd", "\\x0 0", "\\x00 ff", "\\x0", "\\xg0", "\\X00", "abc", "a\\\\b", "a\\000b", "\\377",
              "\\400", "\\08", "\\", "a\\", "\\\\", "é", "\\x41\n42", "\\1234"],
    "int2": integers(16), "int4": integers(32), "int8": integers(64),
    "text": texts(), "varchar": texts(), "varchar(3)": texts(),
    "date": times(), "timestamp": times(), "timestamptz": times(),
    "timestamp(0)": times()[-130:], "timestamp(3)": times()[-130:], "timestamptz(1)": times()[-130:],
    "numeric": numerics(), "numeric(5,2)": numerics(), "numeric(3,0)": numerics(), "numeric(2,4)": numerics(),
    "numeric(4,-2)": numerics(),
    "uuid": ["00112233-4455-6677-8899-aabbccddeeff", "00112233445566778899AABBCCDDEEFF", "{00112233-4455-6677-8899-aabbccddeeff}",
             "0011-2233-4455-6677-8899-aabb-ccdd-eeff", "00-112233-4455-6677-8899-aabbccddeeff", "{00112233-4455-6677-8899-aabbccddeeff",
             "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefff", "00112233-4455-6677-8899-aabbccddeefg", "",
             " 00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff-", "{}", "{"],
    "jsonb": documents(),
}


def field(value):
    out = []
    for byte in value.encode() if isinstance(value, str) else value:
        out.append("\\\\" if byte == 92 else chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")
    return "".join(out)


def main():
    conninfo, directory = sys.argv[1:]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET DateStyle = 'ISO'")
        connection.execute("SET client_encoding = 'UTF8'")
        version = connection.execute("SHOW server_version_num").fetchone()[0]
        values = [f"# Made by postgresql_values.py with PostgreSQL {int(version) // 10000}."]
        good = {}
        for name, inputs in INPUTS.items():
            kind, typmod = TYPMODS.get(name, (PLAIN.get(name), -1))
            # A column, so that a length is applied as an assignment does it.
            connection.execute(f"CREATE TEMPORARY TABLE v (v {name})")
            for text in inputs:
                row = [kind, str(typmod), field(text)]
                try:
                    with connection.transaction():
                        # The input function first (an unknown literal), then the assignment to the column.
                        connection.execute(f"INSERT INTO v VALUES (%s::text::{kind})", (text,))
                        shown, binary = connection.execute(f"SELECT v::text, encode({SEND[kind]}(v), 'hex') FROM v").fetchone()
                        connection.execute("DELETE FROM v")
                    if kind == "boolean":
                        shown = shown[0]
                    if len(shown) > 2000:
                        continue
                    values.append("\t".join(row + ["ok", field(shown), binary]))
                    if typmod == -1:
                        good.setdefault(kind, []).append(text)
                except psycopg.Error:
                    values.append("\t".join(row + ["error", "", ""]))
            connection.execute("DROP TABLE v")
        equal = [values[0]]
        for kind in ("numeric", "jsonb", "timestamp with time zone", "uuid", "bytea"):
            pairs = set()
            # Values that look alike once zeros are gone are the interesting ones.
            pool = good[kind] + ([t + "0" for t in good[kind] if "." in t and "e" not in t.lower()] if kind == "numeric" else [])
            if kind == "jsonb":
                pool += ['{"a": 1.0}', '{"a": 1}', '{"a": 1.00}', '"1.0"', '"1"', "[1.50]", "[1.5]", '{"x.0": 1}', '"\\".50"', '"\\".5"', "0.0", "0", "10", "1e1", "100.0"]
            if kind == "numeric":
                pool += ["1", "1.0", "1.00", "10", "1e1", "100.0", "1e2", "0", "-0.00", "0.0"]
            for _ in range(150):
                pairs.add((rnd.choice(pool), rnd.choice(pool)))
            for value in pool:
                try:
                    same = connection.execute(f"SELECT x FROM unnest(%s::text[]) x WHERE x::{kind} = %s::text::{kind} AND x <> %s", (pool, value, value)).fetchall()
                except psycopg.Error:
                    continue
                for (other,) in same[:4]:
                    pairs.add((value, other))
            for a, b in sorted(pairs):
                try:
                    result = connection.execute(f"SELECT %s::text::{kind} = %s::text::{kind}", (a, b)).fetchone()[0]
                except psycopg.Error:
                    continue
                if len(a) < 300 and len(b) < 300:
                    equal.append("\t".join([kind, field(a), field(b), "t" if result else "f"]))
        for name, lines in (("values.tsv", values), ("equal.tsv", equal)):
            with open(f"{directory}/{name}", "w", encoding="ascii") as out:
                out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
