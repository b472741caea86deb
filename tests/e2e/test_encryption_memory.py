"""The gateway's memory, searched once its clients have gone: neither values nor refused texts are left in it."""
from __future__ import annotations

import re

import psycopg
import pytest

from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]


def memory(pid: int):
    """Every part of it that can be written, as a core image has it."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as image:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ \d+\s*(.*)", line)
            if not found or found[3] in ("[vvar]", "[vdso]"):
                continue
            begin, end = int(found[1], 16), int(found[2], 16)
            image.seek(begin)
            parts, left = [], end - begin
            while left:
                part = image.read(min(left, 1 << 24))
                if not part:
                    break
                parts.append(part)
                left -= len(part)
            yield found[3], b"".join(parts)


def found_in(pid: int, words: dict[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, data in memory(pid):
        for where, word in words.items():
            if count := data.count(word.encode()):
                found[where] = found.get(where, 0) + count
    return found


class Words:
    def __init__(self) -> None:
        self.words: dict[str, str] = {}

    def __call__(self, where: str) -> str:
        return self.words.setdefault(where, f"wort{len(self.words):03}blau")


REFUSED = {"like": "select id from remembered where secret like '%s'", "syntax": "insert into remembered (id, secret) valuse (1, '%s')",
           "concatenated": "update remembered set secret = '%s' || 'x'", "default": "alter table remembered alter secret set default '%s'",
           "long": "insert into remembered (id, pin) values (1, '%s and very much too long for it and more')",
           "unknown": "insert into nowhere values (1, '%s')", "do": "do $$ begin insert into remembered (id, secret) values (1, '%s'); end $$"}


def test_nothing_is_left_when_clients_have_gone(encrypted_world):
    world, word = encrypted_world, Words()
    pid = world.gateway.child.pid
    with world.connect(autocommit=True) as owner:
        owner.execute("create table remembered (id int primary key, secret text, pin varchar(30))")
    world.encrypt("public.remembered.secret", "--search")
    world.encrypt("public.remembered.pin")
    for number in range(1, 4):
        with world.connect(autocommit=True) as connection:
            connection.execute(f"insert into remembered values ({number}, '{word(f'literal {number}')}', '{word(f'pin {number}')}')")
            connection.execute("update remembered set secret = %s where id = %s", (word(f"bind {number}"), number))
            assert connection.execute("select secret, pin from remembered where id = %s", (number,)).fetchone()[0] == word(f"bind {number}")
            assert connection.execute("select id from remembered where secret = %s", (word(f"bind {number}"),)).fetchone() == (number,)
            for shape, text in REFUSED.items():
                with pytest.raises(psycopg.Error):
                    connection.execute(text % word(f"{shape} {number}"))
    for form in ("text", "csv", "binary"):
        with world.connect(autocommit=True) as connection:
            with connection.cursor().copy(f"copy remembered (id, secret, pin) from stdin (format {form})") as copy:
                for number in range(200):
                    key = 1000 * len(form) + (500 if form == "csv" else 0) + number
                    secret = word(f"copy {form}") + "y" * 300
                    if form == "csv":
                        copy.write(f"{key},{secret},{word(f'copied pin {form}')}\n")
                    else:
                        if form == "binary":
                            copy.set_types(["int4", "text", "varchar"])
                        copy.write_row((key, secret, word(f"copied pin {form}")))
            with connection.cursor().copy(f"copy remembered to stdout (format {form})") as copy:
                assert word(f"copy {form}").encode() in b"".join(bytes(part) for part in copy)
            rows = connection.execute("select secret, pin from remembered").fetchall()
            assert len(rows) > 100
    # The parser keeps a few kilobytes a thread for its next text: these take the place of the last ones.
    filler = "select " + ", ".join(f"'{'z' * size}'" for size in range(1, 150))
    for _ in range(12):
        with world.connect(autocommit=True) as connection:
            connection.execute(filler)
            for size in (40, 80, 160, 640):
                with pytest.raises(psycopg.Error):
                    connection.execute(f"do $$ {'z' * size} $$")
    last: dict[str, int] = {}

    def clean() -> bool:
        last.clear()
        last.update(found_in(pid, word.words))
        return not last

    try:
        wait_for(clean, 10, "nothing is left")
    except Exception as error:  # says what, which wait_for can't
        raise AssertionError(f"left in memory: {last}") from error


def test_the_search_finds_what_is_there(encrypted_world):
    marked = "wortSUCHEblau"
    with encrypted_world.connect() as connection:
        connection.execute("prepare kept as select 1 as " + marked)
        pid = encrypted_world.gateway.child.pid
        assert found_in(pid, {"x": marked})
