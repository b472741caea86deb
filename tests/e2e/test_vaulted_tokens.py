"""Columns of random tokens: which value one stands for is in the depot's vault, sealed."""
from __future__ import annotations

import json
import threading

import psycopg
import pytest

from encrypted import DEPOT, Encrypted
from processes import wait_for
from token_shapes import rows, shape

pytestmark = pytest.mark.gateway

CARD = "4111 1111 1111 1111"
OTHER = "5500 0000 0000 0004"
LATER = "6011 0009 9013 9424"
SCHEMA = """
create table payments (id int primary key, card varchar(25), note text);
create unique index on payments (card);
insert into payments values (1, '4111 1111 1111 1111', 'first'), (2, '5500 0000 0000 0004', 'second'), (3, null, 'third');
create table visits (id int primary key, ward text);
insert into visits select n, lpad((n % 100)::text, 2, '0') from generate_series(1, 300) n;
create view cards as select id, card from payments;
"""
MAY = """
name: olga-detokenizes
version: v1
type: policy
policy:
  access:
    subjects: {tags: [["users:id:olga"]]}
    predicates: [detokenize]
    objects: {paths: ["crm:public.payments.card", "crm:public.visits.ward"]}
    allow: true
"""


class Vaulted(Encrypted):
    """olga may detokenize; ana@north uses the same login of the server, and may not."""

    def __init__(self) -> None:
        super().__init__("transaction", tenants=True)
        with self.connect(autocommit=True) as connection:
            connection.execute(SCHEMA)
            connection.execute("analyze payments")
        self.tokenize("public.payments.card", "--alphabet", "digits", "--separators", " ")
        self.tokenize("public.visits.ward", "--alphabet", "digits")
        self.gateway.publish({"tokens.yaml": MAY}, "")

    def tokenize(self, column: str, *options: str, check: bool = True):
        return self.command("column", "tokenize", DEPOT, column, "--kind", "vault", *options, check=check)

    def stored(self, number: int) -> str:
        with self.direct() as direct:
            return direct.execute("select card from payments where id = %s", (number,)).fetchone()[0]

    def entries(self) -> int:
        with self.direct() as direct:
            return direct.execute("select count(*) from bartizan_cells.vault").fetchone()[0]


@pytest.fixture(scope="module")
def vaulted():
    world = Vaulted()
    yield world
    world.stop()


@pytest.fixture(scope="module", params=["transaction", "session"])
def world(request, vaulted):
    vaulted.command("depot", "set", DEPOT, "--pool-mode", request.param)
    yield vaulted
    vaulted.command("depot", "set", DEPOT, "--pool-mode", "transaction")


@pytest.fixture
def connection(world):
    with world.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def clerk(world):
    with world.connect("ana@north", autocommit=True) as connection:
        yield connection


def test_the_database_holds_random_tokens_of_the_same_shape(world, connection):
    assert rows(connection, "select id, card from payments where id < 4 order by id") == [(1, CARD), (2, OTHER), (3, None)]
    assert rows(connection, "select * from payments where id = 1") == [(1, CARD, "first")]
    assert rows(connection, "select card from cards where id = 1") == [(CARD,)]
    token = world.stored(1)
    assert token != CARD and shape(token) == shape(CARD)
    assert [one["tokens"] for one in world.columns() if one["column"] == "public.payments.card"] == ["vault: digits"]


def test_a_value_has_one_token_and_another_one_each_time_it_is_tokenised_anew(vaulted):
    with vaulted.connect(autocommit=True) as connection:
        connection.execute("create table again (id int primary key, card text)")
        connection.execute("insert into again values (1, %s), (2, %s), (3, %s)", (CARD, CARD, OTHER))
    seen = []
    for _ in range(2):
        vaulted.tokenize("public.again.card", "--alphabet", "digits", "--separators", " ")
        with vaulted.direct() as direct:
            held = [card for _, card in rows(direct, "select id, card from again order by id")]
        assert held[0] == held[1] != held[2]
        seen.append(held)
        vaulted.command("column", "detokenize", DEPOT, "public.again.card")
        with vaulted.connect(autocommit=True) as connection:
            assert rows(connection, "select card from again order by id") == [(CARD,), (CARD,), (OTHER,)]
    # No key computes them: the same value, column name and key, and another token, also than payments has.
    assert seen[0][0] != seen[1][0] and vaulted.stored(1) not in (seen[0][0], seen[1][0])


def test_a_small_domain_is_used_up_and_not_beyond(connection, vaulted):
    found = rows(connection, "select ward, count(*) from visits group by ward")
    assert len(found) == 100 and {count for _, count in found} == {3}
    with vaulted.direct() as direct:
        assert len(rows(direct, "select distinct ward from visits where ward ~ '^[0-9]{2}$'")) == 100
    assert len(rows(connection, "select id from visits where ward = '07'")) == 3
    connection.execute("update visits set ward = '08' where id = 7")
    assert rows(connection, "select id from visits where ward = '08' and id < 100 order by id") == [(7,), (8,)]
    connection.execute("update visits set ward = '07' where id = 7")


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("prepare", [None, True])
def test_parameters_and_rows_in_both_formats(world, connection, binary, prepare):
    connection.execute("delete from payments where id = 10")
    with connection.cursor(binary=binary) as cursor:
        written = cursor.execute("insert into payments (id, card) values (10, %s) returning card", (LATER,), prepare=prepare)
        assert written.fetchall() == [(LATER,)]
        for text, value in (("select id, card from payments where card = %s", LATER),
                            ("select id, card from payments where card in ('no card', %s)", LATER),
                            ("select id, card from payments where card = any(%s) and id > 2", [CARD, LATER, "none"])):
            assert cursor.execute(text, (value,), prepare=prepare).fetchall() == [(10, LATER)]
        assert cursor.execute("select id from payments where card = %s", ("12",), prepare=prepare).fetchall() == []
        assert cursor.execute("update payments set card = %s where card = %s returning card", ("77", LATER),
                              prepare=prepare).fetchall() == [("77",)]
    assert shape(world.stored(10)) == "99"
    connection.execute("delete from payments where id = 10")


def test_constants_cursors_and_prepared_statements_of_sql(world):
    with world.connect() as connection:
        connection.execute("insert into payments (id, card) values (11, '30569309025904')")
        connection.execute("prepare find (text) as select id from payments where card = $1")
        assert rows(connection, "execute find('30569309025904')") == [(11,)]
        connection.execute("prepare put (text) as insert into payments (id, card) values (12, $1)")
        connection.execute("execute put('38520000023237')")
        connection.execute("declare c cursor for select card from payments where card in ('38520000023237', 'x')")
        assert rows(connection, "fetch all from c") == [("38520000023237",)]
        connection.rollback()


def test_joins_groups_unique_keys_and_conflicts_go_by_the_tokens(connection):
    assert rows(connection, "select a.id, b.card from payments a join payments b on a.card = b.card order by 1") == [
        (1, CARD), (2, OTHER)]
    assert rows(connection, "select distinct card from payments where id = 2") == [(OTHER,)]
    with pytest.raises(psycopg.errors.UniqueViolation) as raised:
        connection.execute("insert into payments (id, card) values (12, %s)", (CARD,))
    assert CARD not in str(raised.value)
    assert rows(connection, "insert into payments (id, card) values (12, %s) on conflict (card) do update set "
                            "card = excluded.card returning id, card", (CARD,)) == [(1, CARD)]
    with connection.cursor().copy("copy (select id, card from payments where id < 4 order by id) to stdout") as copy:
        assert b"".join(bytes(part) for part in copy).decode() == f"1\t{CARD}\n2\t{OTHER}\n3\t\\N\n"


@pytest.mark.parametrize("text", ["select id from payments order by card", "select max(card) from payments",
                                  "select card || '' from payments", "select id from payments where card > '4'",
                                  "copy payments to stdout", "copy payments from stdin", "update payments set note = card",
                                  "create table copied as select card from payments"])
def test_what_would_be_answered_of_tokens_is_refused(connection, text):
    with pytest.raises(psycopg.Error) as raised:
        connection.execute(text)
    assert raised.value.sqlstate == "0A000"


def test_without_the_right_there_are_tokens_and_nothing_is_written(world, connection, clerk):
    token = world.stored(1)
    assert rows(clerk, "select card from payments where id = 1") == [(token,)]
    assert rows(clerk, "select id from payments where card = %s", (token,)) == [(1,)]
    assert rows(clerk, "select id from payments where card = %s", (CARD,)) == []
    for text in ("update payments set card = '1234 5678' where id = 1", "insert into payments (id, card) values (9, '12')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            clerk.execute(text)
    assert rows(connection, "select card from payments where id = 1") == [(CARD,)]


def test_the_functions_of_the_vault_give_no_value_and_its_table_nothing(world, vaulted):
    token = world.stored(1)
    with vaulted.direct() as direct:
        column = str(rows(direct, "select column_id from bartizan_cells.vault v where v.token = %s", (token,))[0][0])
        before = rows(direct, "select * from bartizan_cells.vault order by 1, 2")
        direct.execute(f"set session authorization {DEPOT}_owner")  # whoever has the login's password, past the gateway
        for text in ("select * from bartizan_cells.vault", "delete from bartizan_cells.vault",
                     "update bartizan_cells.vault set token = '1'", "drop table bartizan_cells.vault",
                     "create or replace function bartizan_cells.token_of(of uuid, wanted text) returns text language sql "
                     "as $$ select '' $$", "create table bartizan_cells.mine ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                direct.execute(text)
        cell = rows(direct, "select bartizan_cells.sealed_for(%s, %s)", (column, token))[0][0]
        for value in (CARD, CARD.replace(" ", "")):
            assert value.encode() not in bytes.fromhex(cell)
        # The entry that a value has stands, whoever offers another token or another cell for it.
        forged = cell[:48] + "00" * 40
        assert rows(direct, "select bartizan_cells.token_for(%s, %s)", (column, forged + "\n9999")) == [(token,)]
        # A token that is taken is not given to another value.
        with pytest.raises(psycopg.Error) as raised:
            direct.execute("select bartizan_cells.token_for(%s, %s)", (column, "ab" * 64 + "\n" + token))
        assert raised.value.sqlstate == "54000"
        direct.execute("reset session authorization")
        assert rows(direct, "select * from bartizan_cells.vault order by 1, 2") == before


def test_a_token_that_is_in_no_vault_shows_nothing_and_ends_the_session(vaulted):
    with vaulted.direct() as direct, vaulted.connect(autocommit=True) as connection:
        direct.execute("insert into payments values (40, '1234 1234 1234 1234', 'put there')")
        with pytest.raises(psycopg.Error) as raised:
            connection.execute("select card from payments where id = 40")
        assert "1234" not in str(raised.value)
        direct.execute("delete from payments where id = 40")


def test_a_rollback_leaves_no_entry(world, connection):
    before = world.entries()
    with pytest.raises(ZeroDivisionError), connection.transaction():
        connection.execute("insert into payments (id, card) values (50, '9999 8888 7777')")
        assert rows(connection, "select card from payments where id = 50") == [("9999 8888 7777",)]
        raise ZeroDivisionError
    assert world.entries() == before


def test_two_sessions_that_write_one_new_value_have_one_token(world):
    with world.connect(autocommit=True) as connection:
        connection.execute("drop index if exists payments_card_idx")
        value = f"1212 {world.entries():04}"  # an entry outlives its rows
        with world.connect() as first, world.connect(autocommit=True) as second:
            first.execute("insert into payments (id, card) values (60, %s)", (value,))
            waits = threading.Thread(target=second.execute, args=("insert into payments (id, card) values (61, %s)", (value,)))
            waits.start()
            with world.direct() as direct:
                wait_for(lambda: rows(direct, "select 1 from pg_locks where not granted"), 10, "the second one waits")
            first.commit()
            waits.join(20)
            assert not waits.is_alive()
        assert world.stored(60) == world.stored(61)
        assert rows(connection, "select id from payments where card = %s order by id", (value,)) == [(60,), (61,)]
        connection.execute("delete from payments where id in (60, 61)")
        connection.execute("create unique index on payments (card)")


def test_no_file_of_the_database_holds_a_value_that_was_written_since(vaulted):
    canary = "8765 4321 8765 4321"
    with vaulted.connect(autocommit=True) as connection:
        connection.execute("insert into payments (id, card) values (70, %s)", (canary,))
        connection.execute(f"select id from payments where card = '{canary}'")
        connection.execute("analyze payments")
        connection.execute("delete from payments where id = 70")
    with vaulted.direct() as direct:
        direct.execute("checkpoint")
    files = [file for file in vaulted.data.rglob("*") if file.is_file() and not file.is_symlink()]
    assert any("pg_wal" in str(file) for file in files)
    assert not [file for file in files if canary.encode() in file.read_bytes()]


def test_keys_that_the_vault_is_sealed_under_are_not_rotated(vaulted):
    for options in ((), ("--index",)):
        refused = vaulted.command("key", "rotate", "--depot", DEPOT, *options, check=False)
        assert refused.returncode != 0 and "detokenize" in refused.stderr, refused.stderr


def test_they_are_not_rotated_by_age_either(vaulted):
    """Cells of the vault would not be sealed again, and their key destroyed."""
    def versions():
        return [key["key"] for key in json.loads(vaulted.command("key", "status", "--json").stdout) if key["purpose"] == "data"]
    before = versions()
    vaulted.command("setting", "set", "keys.rotate_after_seconds", "1")
    try:
        with pytest.raises(TimeoutError):
            wait_for(lambda: versions() != before, 8, "a rotation that there must not be")
    finally:
        vaulted.command("setting", "set", "keys.rotate_after_seconds", "0")
    assert versions() == before


READERS = MAY.replace("users:id:olga", "users:id:ana@north").replace("olga-", "north-") + """---
name: payments-readers
version: v1
type: policy
policy:
  access:
    subjects: {tags: [["users:id:ana@north"]]}
    predicates: [read, insert, update]
    objects: {paths: ["crm:public.payments"]}
    allow: true
---
name: payments-classes
version: v1
type: classification
classification:
  depot: crm
  table: payments
  columns: {id: [], card: [pci.pan], note: []}
"""


def test_identities_under_policies_see_tokens_also_with_the_right(vaulted):
    token = vaulted.stored(1)
    vaulted.gateway.publish({"tokens.yaml": MAY + "---" + READERS})
    try:
        def session():
            try:
                return vaulted.connect("ana@north", autocommit=True)
            except psycopg.OperationalError:
                return None
        with wait_for(session, 20, "the class", step=0.2) as consumer:
            wait_for(lambda: rows(consumer, "select * from payments where id = 1") == [(1, token, "first")], 10, "the token")
            assert rows(consumer, "select id from payments where card = %s", (token,)) == [(1,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                consumer.execute("update payments set card = '12' where id = 3")
            with pytest.raises(psycopg.Error):
                consumer.execute("select bartizan_cells.sealed_for(gen_random_uuid(), card) from payments")
    finally:
        vaulted.gateway.publish({"tokens.yaml": MAY}, "unprotects")


def test_killed_amid_it_all_is_as_before_or_done(vaulted):
    with vaulted.connect(autocommit=True) as connection:
        connection.execute("create table big (id int primary key, card text)")
        connection.execute("insert into big select n, lpad((n % 500)::text, 4, '0') from generate_series(1, 4000) n")
        before = rows(connection, "select * from big order by id")
    entries = vaulted.entries()
    holder = vaulted.direct()
    holder.execute("begin; lock table bartizan_cells.tokenised in share mode")  # its last step waits, with all rows written
    worker = threading.Thread(target=vaulted.tokenize, args=("public.big.card", "--alphabet", "digits"), kwargs={"check": False})
    worker.start()
    with vaulted.direct() as other:
        wait_for(lambda: rows(other, "select 1 from pg_locks where not granted and mode = 'RowExclusiveLock'"), 30, "it waits")
    vaulted.kill()
    worker.join(30)
    holder.close()
    vaulted.gateway.start()
    with vaulted.direct() as direct:
        assert rows(direct, "select * from big order by id") == before
    assert vaulted.entries() == entries
    vaulted.tokenize("public.big.card", "--alphabet", "digits")
    assert vaulted.entries() == entries + 500
    vaulted.kill()
    vaulted.gateway.start()
    vaulted.command("column", "detokenize", DEPOT, "public.big.card")
    with vaulted.connect(autocommit=True) as connection:
        assert rows(connection, "select * from big order by id") == before
    assert vaulted.entries() == entries
