#!/usr/bin/env python3
"""Asks a PostgreSQL (up to 16) how it reads COPY data, and writes the vectors of copy_vectors_test.cpp.

    postgresql_copy.py CONNINFO OUTPUT_DIRECTORY

copy.tsv: format, delimiter, null text, escape, input, "ok" or "error", what COPY TO then writes.
The table has two columns of type text. Fields have \\\\ for a backslash and \\xHH for bytes that
are not printable ASCII.
"""
import random
import sys

import psycopg

rnd = random.Random(7)
FORMATS = [("text", "\t", "\\N", '"'), ("text", "|", "", '"'), ("csv", ",", "", '"'), ("csv", ";", "NULL", "\\")]
BY_HAND = {
    "text": ["1\t2\n", "\\N\t2\n", "\\n\\t\t\\\\N\n", "a\\\nb\t2\n", "\\x41\\101\t\\x4\\7\\08\n", "\t\n", "1\t2", "1\n", "1\t2\t3\n",
             "\\.\n1\t2\n", "1\t\\.\n", "1\t2\r\n3\t4\r\n", "1\t2\\r\n", "\\xg\\q\t\\\t\n", "\\x00\t1\n", "1\t2\\"],
    "csv": ['1,2\n', ',""\n', '"a,b",c\n', '"a""b","c\nd"\n', 'a"b"c,"d"e"f"\n', '"unended,1\n', '1,2\r\n3,4\r\n', '1\n', '1,2,3\n',
            '\\.\n1,2\n', '1,\\.\n', '"\\"",2\n', '"\\\\",2\n', '"a\\b",2\n', '1,"\r\n"\n', '1,2', '"NULL",NULL\n', 'a\\"b,"c"\n', '"a"""\n'],
}


def field(value):
    return "".join("\\\\" if b == 92 else chr(b) if 32 <= b < 127 else f"\\x{b:02x}" for b in value.encode())


def inputs(kind, delimiter):
    for text in BY_HAND[kind]:
        yield text.replace("\t" if kind == "text" else ",", delimiter)
    alphabet = ["a", "b", delimiter, "\\", "\\N", "x", "4", "7", "n", "é"] + (['"', '"', '""', "\n"] if kind == "csv" else ["\\\n", "\\t"])
    for _ in range(250):
        lines = []
        for _ in range(rnd.randint(1, 3)):
            fields = ["".join(rnd.choice(alphabet[:2] + alphabet[3:] * 2) for _ in range(rnd.randint(0, 5))) for _ in range(2)]
            if kind == "csv" and rnd.random() < 0.7:
                fields = ['"' + f.replace("\\", "").replace('"', '""') + '"' if rnd.random() < 0.6 else f.replace('"', "").replace("\n", "") for f in fields]
            lines.append(delimiter.join(fields))
        yield "\n".join(lines) + rnd.choice(["\n", "\n", ""])


def main():
    conninfo, directory = sys.argv[1:]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        version = connection.execute("SHOW server_version_num").fetchone()[0]
        lines = [f"# Made by postgresql_copy.py with PostgreSQL {int(version) // 10000}."]
        connection.execute("CREATE TEMPORARY TABLE c (a text, b text)")
        for kind, delimiter, null, escape in FORMATS:
            options = f"FORMAT {kind}, DELIMITER E'{chr(92) + 't' if delimiter == chr(9) else delimiter}', NULL '{null}'"
            if kind == "csv":
                options += f", ESCAPE '{escape}'"
            for text in inputs(kind, delimiter):
                row = [kind, field(delimiter), field(null), field(escape), field(text)]
                try:
                    with connection.transaction(), connection.cursor() as cursor:
                        with cursor.copy(f"COPY c FROM STDIN ({options})") as copy:
                            copy.write(text.encode())
                        with cursor.copy(f"COPY c TO STDOUT ({options})") as copy:
                            written = b"".join(bytes(part) for part in copy).decode()
                        cursor.execute("DELETE FROM c")
                    lines.append("\t".join(row + ["ok", field(written)]))
                except psycopg.Error:
                    lines.append("\t".join(row + ["error", ""]))
    with open(f"{directory}/copy.tsv", "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
