"""timestamptz as text in sessions of any TimeZone: the same texts go into a plain column and an encrypted one, and the same
come out of both."""
from __future__ import annotations

import pytest

import wire

pytestmark = [pytest.mark.timeout(120), pytest.mark.gateway]

ZONES = ["UTC", "Europe/Berlin", "europe/dublin", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe",
         "Africa/Casablanca", "Pacific/Apia", "Etc/GMT+5", "CET", "+2", "-3.5"]
# With an offset, without one, skipped and doubled by a change of the clocks, before and behind all that files list.
TEXTS = ["2024-02-29 12:00:00.5+00", "2024-07-01 12:00:00-07:30", "2024-01-15 08:00", "2024-07-15 08:00:00.000001",
         "2024-03-31 02:30", "2024-10-27 02:30", "2024-03-10 02:30", "2024-11-03 01:30", "2024-04-07 01:45", "2024-10-06 02:15",
         "2011-12-30 12:00", "1883-11-18 12:00", "1800-01-01 00:00", "2050-07-01 12:00", "2050-01-01 12:00", "2050-03-27 02:30",
         "2050-10-30 02:30", "9999-06-30 23:59:59.999999", "infinity", "-infinity"]


@pytest.fixture(scope="module")
def world(encrypted_world):
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("create table moments (id int, plain timestamptz, sealed timestamptz)")
    encrypted_world.encrypt("public.moments.sealed", "--search", check=False)
    if not any(column["column"] == "public.moments.sealed" for column in encrypted_world.columns()):
        with encrypted_world.connect(autocommit=True) as connection:  # it needs a primary key
            connection.execute("alter table moments add primary key (id)")
        encrypted_world.encrypt("public.moments.sealed", "--search")
    return encrypted_world


@pytest.mark.parametrize("zone", ZONES)
def test_texts_are_those_of_a_plain_column(world, zone):
    with wire.sign_in(world.endpoint()) as connection:
        def answer(text: str) -> list[tuple]:
            replies = connection.query(text)
            errors = [reply.error_field("M") for reply in replies if reply.name == "ErrorResponse"]
            assert not errors, (text, errors)
            return [reply.fields for reply in replies if reply.name == "DataRow"]

        answer(f"set timezone = '{zone}'")
        answer("delete from moments")
        values = ", ".join(f"({n}, '{text}', '{text}')" for n, text in enumerate(TEXTS))
        answer(f"insert into moments values {values}")
        told = answer("select id, plain, sealed from moments order by id")
        assert len(told) == len(TEXTS)
        for number, plain, sealed in told:
            assert sealed == plain, (TEXTS[int(number)], plain, sealed)
        for number in (2, 4, 5):
            found = answer(f"select id from moments where sealed = '{TEXTS[number]}'")
            assert (str(number).encode(),) in found, (TEXTS[number], found)


def test_a_zone_that_is_not_known_says_so(world):
    with wire.sign_in(world.endpoint()) as connection:
        connection.query("set timezone = 'FOO-1:10BAR'")
        replies = connection.query("insert into moments values (99, now(), '2024-01-01 12:00')")
        assert [reply.error_field("C") for reply in replies if reply.name == "ErrorResponse"] == ["0A000"]
