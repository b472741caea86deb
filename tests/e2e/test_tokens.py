"""Columns of format-preserving tokens: values for who may detokenize, tokens for everybody else and in the database."""
from __future__ import annotations

import json
import subprocess
import threading

import psycopg
import psycopg2
import pytest

import wire
import wire_messages as m
from encrypted import DEPOT, Encrypted
from processes import wait_for
from token_shapes import rows, shape

pytestmark = pytest.mark.gateway

CARD = "4111 1111 1111 1111"
OTHER = "5500 0000 0000 0004"
SCHEMA = """
create table payments (id int primary key, card varchar(25), amount numeric, note text);
create unique index on payments (card);
insert into payments values (1, '4111 1111 1111 1111', 10, 'first'), (2, '5500 0000 0000 0004', 20, 'second'), (3, null, 30, 'third');
create table orders (id int primary key, card text);
create view cards as select id, card from payments where amount > 0;
"""
MAY = """
name: olga-detokenizes
version: v1
type: policy
policy:
  access:
    subjects: {{tags: [["users:id:{who}"]]}}
    predicates: [detokenize]
    objects: {{paths: ["crm:public.payments.card"]}}
    allow: {allow}
"""


class Tokens(Encrypted):
    """olga may detokenize payments.card; ana@north uses the same login of the server, and may not."""

    def __init__(self) -> None:
        super().__init__("transaction", tenants=True)
        with self.connect(autocommit=True) as connection:
            connection.execute(SCHEMA)
            connection.execute("analyze payments")  # statistics hold values
        self.tokenize("public.payments.card", "--alphabet", "digits", "--separators", " ")
        self.let("olga")

    def tokenize(self, column: str, *options: str, depot: str = DEPOT, check: bool = True):
        return self.command("column", "tokenize", depot, column, *options, check=check)

    def let(self, who: str, more: str = "", acknowledge: str = "") -> None:
        self.gateway.publish({"tokens.yaml": MAY.format(who=who, allow="true") + more}, acknowledge)

    def stored(self, number: int, table: str = "payments") -> str:
        with self.direct() as direct:
            return direct.execute(f"select card from {table} where id = %s", (number,)).fetchone()[0]


@pytest.fixture(scope="module")
def tokens():
    world = Tokens()
    yield world
    world.stop()


@pytest.fixture(scope="module", params=["transaction", "session"])
def world(request, tokens):
    tokens.command("depot", "set", DEPOT, "--pool-mode", request.param)
    yield tokens
    tokens.command("depot", "set", DEPOT, "--pool-mode", "transaction")


@pytest.fixture
def connection(world):
    with world.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def clerk(world):
    with world.connect("ana@north", autocommit=True) as connection:
        yield connection


def test_the_database_holds_tokens_of_the_same_shape(world, connection):
    assert rows(connection, "select id, card from payments where id < 4 order by id") == [(1, CARD), (2, OTHER), (3, None)]
    token = world.stored(1)
    assert token != CARD and shape(token) == shape(CARD)
    assert rows(connection, "select card from cards where id = 1") == [(CARD,)]
    assert [one["tokens"] for one in world.columns() if one["column"] == "public.payments.card"] == ["digits"]


def test_what_the_column_held_before_is_in_no_file_of_the_database(tokens):
    files = [file for file in (tokens.data / "postgres" / "pgdata" / "base").rglob("*") if file.is_file()]
    contents = [file.read_bytes() for file in files]
    assert any(tokens.stored(1).encode() in content for content in contents)
    assert not [file for file, content in zip(files, contents) if CARD.encode() in content or OTHER.encode() in content]


def test_without_the_right_there_is_the_token_and_equality_of_it(world, connection, clerk):
    token = world.stored(1)
    assert rows(clerk, "select card from payments where id = 1") == [(token,)]
    assert rows(clerk, "select id from payments where card = %s", (token,)) == [(1,)]
    assert rows(clerk, "select id from payments where card = %s", (CARD,)) == []
    for text in ("update payments set card = '1234 5678' where id = 1", "insert into payments (id, card) values (9, '12345678')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
            clerk.execute(text)
        assert "card" in raised.value.diag.message_primary and "detokenize" in raised.value.diag.message_hint
    with pytest.raises(psycopg.errors.InsufficientPrivilege), clerk.cursor().copy("copy payments from stdin") as copy:
        copy.write_row((9, "12345678", 1, None))
    assert rows(connection, "select card from payments where id = 1") == [(CARD,)]


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("prepare", [None, True])
def test_parameters_and_rows_in_both_formats(world, connection, binary, prepare):
    connection.execute("delete from payments where id = 10")
    with connection.cursor(binary=binary) as cursor:
        written = cursor.execute("insert into payments (id, card) values (10, %s) returning card", ("6011 0009 9013 9424",),
                                 prepare=prepare).fetchall()
        assert written == [("6011 0009 9013 9424",)]
        found = cursor.execute("select id, card from payments where card = %s", ("6011 0009 9013 9424",),
                               prepare=prepare).fetchall()
        assert found == [(10, "6011 0009 9013 9424")]
        assert cursor.execute("select id from payments where card = any(%s)", ([CARD, "6011 0009 9013 9424", "no card"],),
                              prepare=prepare).fetchall() == [(1,), (10,)]
        assert cursor.execute("select id from payments where card = %s", ("12",), prepare=prepare).fetchall() == []
    assert world.stored(10) != "6011 0009 9013 9424"
    connection.execute("delete from payments where id = 10")


def test_constants_cursors_and_prepared_statements_of_sql(world):
    connection = psycopg2.connect(**world.endpoint().libpq())
    cursor = connection.cursor()
    cursor.execute("insert into payments (id, card) values (11, '30569309025904')")
    cursor.execute("update payments set card = '38520000023237' where card = '30569309025904' returning card")
    assert cursor.fetchall() == [("38520000023237",)]
    cursor.execute("prepare find (text) as select id from payments where card = $1")
    cursor.execute("execute find('38520000023237')")
    assert cursor.fetchall() == [(11,)]
    cursor.execute("declare c cursor for select card from payments where card in ('38520000023237', 'x')")
    cursor.execute("fetch all from c")
    assert cursor.fetchall() == [("38520000023237",)]
    connection.rollback()
    connection.close()


def test_joins_groups_unique_keys_and_conflicts_go_by_the_tokens(connection):
    assert rows(connection, "select a.id, b.id from payments a join payments b on a.card = b.card order by 1") == [(1, 1), (2, 2)]
    assert rows(connection, "select card, count(*) from payments where id = 1 group by card") == [(CARD, 1)]
    assert rows(connection, "select distinct card from payments where id = 2") == [(OTHER,)]
    assert rows(connection, "select count(distinct card) from payments where id < 4") == [(2,)]
    with pytest.raises(psycopg.errors.UniqueViolation) as raised:
        connection.execute("insert into payments (id, card) values (12, %s)", (CARD,))
    assert CARD not in str(raised.value)
    assert rows(connection, "insert into payments (id, card) values (12, %s) on conflict (card) do update set "
                            "card = excluded.card returning id, card", (CARD,)) == [(1, CARD)]


@pytest.mark.parametrize("options", ["", "(format csv, header)", "(format binary)"])
def test_copy_in_and_out(world, connection, clerk, options):
    connection.execute("delete from payments where id in (20, 21)")
    with connection.cursor() as cursor:
        if "csv" in options:
            with cursor.copy(f"copy payments (id, card) from stdin {options}") as copy:
                copy.write("id,card\n20,3714 496353 98431\n21,\n")
        else:
            with cursor.copy(f"copy payments (id, card) from stdin {options}") as copy:
                if "binary" in options:
                    copy.set_types(["int4", "varchar"])
                copy.write_row((20, "3714 496353 98431"))
                copy.write_row((21, None))
    assert rows(connection, "select card from payments where id in (20, 21) order by id") == [("3714 496353 98431",), (None,)]
    token = world.stored(20)
    for who, expected in ((connection, "3714 496353 98431"), (clerk, token)):
        for what in ("payments (id, card)", "(select id, card from payments where id = 20)"):
            with who.cursor().copy(f"copy {what} to stdout {options}") as copy:
                data = b"".join(bytes(part) for part in copy)
            assert expected.encode() in data
            assert ("3714 496353 98431".encode() in data) == (who is connection)
    connection.execute("delete from payments where id in (20, 21)")


def test_what_can_have_no_token_is_refused_and_says_why(connection):
    for value, word in (("12345", "less than a million"), ("4111-1111-1111-1111", "alphabet digits")):
        for attempt in (lambda: connection.execute("insert into payments (id, card) values (30, %s)", (value,)),
                        lambda: connection.execute(f"insert into payments (id, card) values (30, '{value}')")):
            with pytest.raises(psycopg.Error) as raised:
                attempt()
            assert raised.value.sqlstate == "22023" and word in str(raised.value)
            assert "public.payments.card" in str(raised.value) and "encrypt" in raised.value.diag.message_hint
            assert value not in str(raised.value)
    with pytest.raises(psycopg.Error) as raised, connection.cursor().copy("copy payments (id, card) from stdin") as copy:
        copy.write_row((30, "12345"))
    assert "public.payments.card" in str(raised.value) and "million" in str(raised.value)
    assert rows(connection, "select count(*) from payments where id = 30") == [(0,)]


REFUSED = ["select id from payments where card like '4111%%'", "select id from payments where card > '4'",
           "select id from payments order by card", "select max(card) from payments", "select right(card, 4) from payments",
           "select card || '' from payments", "insert into orders select id, card from payments",
           "insert into payments (id, card) select id, card from orders", "update payments set note = card",
           "select 1 from payments p join orders o on o.card = p.card", "create table copied as select card from payments",
           "create index on payments (card) where card = '4111 1111 1111 1111'", "alter table payments alter card type text"]


@pytest.mark.parametrize("text", REFUSED)
def test_what_would_be_answered_of_tokens_is_refused(connection, text):
    with pytest.raises(psycopg.Error) as raised:
        connection.execute(text)
    assert raised.value.sqlstate == "0A000" and ("card" in raised.value.diag.message_primary or "new table" in str(raised.value))
    assert rows(connection, "select 1") == [(1,)]


ATTACKS = [
    "select card from payments", "select * from payments", "select payments from payments", "select to_jsonb(p) from payments p",
    "select card::bytea, card::text, md5(card) from payments", "select array_agg(card), string_agg(card, ',') from payments",
    "select max(card), min(card) from payments", "select card from payments where card like '4111%%'",
    "select id from payments where card = '4111 1111 1111 1111'", "select id from payments where card >= '4111 1111 1111 1110' "
    "and card <= '4111 1111 1111 1112'", "select a.card, b.card from payments a join payments b using (card)",
    "select card::int from payments", "select 1 / (case when card = '4111 1111 1111 1111' then 0 else 1 end) from payments",
    "select cast(card as date) from payments", "table payments", "select card from cards", "select query_to_xml('select card "
    "from payments', true, true, '')", "with x as (select card from payments) select * from x order by card",
    "select count(*) filter (where card = '4111 1111 1111 1111') from payments", "explain analyze select card from payments",
    "select most_common_vals::text, histogram_bounds::text from pg_stats where tablename = 'payments'",
    "create table taken as select card from payments", "select card from taken", "drop table taken",
    "prepare p as select card from payments", "execute p", "deallocate p", "begin; declare c cursor for select card from payments; "
    "fetch all from c; commit", "insert into payments (id, card) values (1, 'x') on conflict (id) do update set note = "
    "payments.card returning note", "update payments set note = card where id = 1 returning note, card",
    "delete from payments where card = '4111 1111 1111 1111' returning card",
    "copy payments to stdout", "copy (select card from payments) to stdout (format csv)",
]


def test_no_attack_without_the_right_brings_a_value(world):
    """Over the raw protocol: whatever comes back, rows and errors alike, is searched."""
    with wire.sign_in(world.endpoint("ana@north")) as raw:
        answered = 0
        for text in ATTACKS:
            replies = raw.query(text.replace("%%", "%"))
            data = repr(replies).encode()
            answered += any(reply.name in ("DataRow", "CopyData") for reply in replies)
            for value in (CARD, OTHER, CARD.replace(" ", ""), OTHER.replace(" ", "")):
                assert value.encode() not in data, text
            if CARD in text:  # asked for the value: nothing is equal to it
                found = [reply.fields for reply in replies if reply.name == "DataRow"]
                assert not found or found in ([(b"0",)], [(b"1",)] * 3), (text, found)
        assert answered > 15
    with world.connect(autocommit=True) as connection:
        connection.execute("update payments set note = null")
        assert rows(connection, "select card from payments where id = 1") == [(CARD,)]


def test_the_use_of_the_right_is_recorded(world):
    def recorded(who, pid):
        return [one["column"] for one in world.records()
                if one.get("tag") == "DETOKENIZE" and one["identity"] == who and one["session"] == pid]

    def session(connection):
        listed = json.loads(world.command("session", "list", "--json").stdout)
        return str(max(one["id"] for one in listed if one["identity"] == connection.info.user))
    with world.connect(autocommit=True) as connection, world.connect("ana@north", autocommit=True) as other:
        for each in (connection, connection, other):
            each.execute("select card from payments where id = 1")
        olgas, anas = session(connection), session(other)
    wait_for(lambda: recorded("olga", olgas), 10, "the record")
    assert recorded("olga", olgas) == ["public.payments.card"] and recorded("ana@north", anas) == []


def test_the_right_given_and_taken_ends_sessions_that_had_another(world):
    with world.connect("ana@north", autocommit=True) as before:
        token = rows(before, "select card from payments where id = 1")
        world.let("ana@north", "---" + MAY.format(who="olga", allow="true").replace("olga-", "olga-2-"))
        try:
            def ended():
                try:
                    before.execute("select 1")
                    return False
                except psycopg.OperationalError:
                    return True
            wait_for(ended, 15, "the session's end")
            with world.connect("ana@north") as after:
                assert rows(after, "select card from payments where id = 1") == [(CARD,)]
            world.let("olga", "---" + MAY.format(who="ana@north", allow="true").replace("olga-", "ana-")
                      + "---" + MAY.format(who="ana@north", allow="false").replace("olga-", "not-ana-"))
            with world.connect("ana@north") as denied:
                assert rows(denied, "select card from payments where id = 1") == token
        finally:
            world.let("olga")


READERS = """---
name: payments-readers
version: v1
type: policy
policy:
  access:
    subjects: {tags: [["users:id:ana@north"], ["users:id:ana@lake"]]}
    predicates: [read, insert, update]
    objects: {paths: ["crm:public.payments"]}
    allow: true
---
name: lake-sees-the-end
version: v1
type: policy
acknowledge: [mask_on_key]
policy:
  data:
    type: mask
    priority: 50
    depot: crm
    collection: public
    dataset: payments
    selector: {user: {tags: ["users:id:ana@lake"]}, column: {names: [card]}}
    mask: {operator: partial, partial: {first: 0, last: 4, fill: "*"}}
---
name: payments-classes
version: v1
type: classification
classification:
  depot: crm
  table: payments
  columns: {id: [], card: [pci.pan], amount: [], note: []}
"""


def test_identities_under_policies_have_values_by_the_right_alone(tokens):
    """Behind the wall: through views, in transactions with a context, one with the right and one without."""
    token = tokens.stored(1)
    both = MAY.format(who="ana@north", allow="true") + "---" + MAY.format(who="ana@lake", allow="true").replace("olga-", "lake-")
    tokens.gateway.publish({"tokens.yaml": both + READERS})
    try:
        def session(name):
            def connected():
                try:
                    return tokens.connect(name, autocommit=True)
                except psycopg.OperationalError:
                    return None
            return wait_for(connected, 20, f"{name}'s class", step=0.2)
        with session("ana@north") as may:
            for prepare in (None, True):
                assert rows(may, "select card from payments where id = 1") == [(CARD,)]
                assert rows(may, "select id from payments where card = %s", (CARD,), prepare=prepare) == [(1,)]
                may.execute("update payments set card = %s where id = 3", ("4000 0000 0000 0002",), prepare=prepare)
            assert rows(may, "select card from payments where id = 3") == [("4000 0000 0000 0002",)]
            with pytest.raises(psycopg.errors.FeatureNotSupported):
                may.execute("select id from payments where card like '4%'")
            with may.cursor().copy("copy (select card from payments where id = 1) to stdout") as copy:
                assert b"".join(bytes(part) for part in copy) == CARD.encode() + b"\n"
        assert shape(tokens.stored(3)) == "9999 9999 9999 9999" and tokens.stored(3) != "4000 0000 0000 0002"
        with session("ana@lake") as masked:  # her mask is one of the token, whatever else she may
            seen = rows(masked, "select card from payments where id = 1")[0][0]
            assert seen != CARD and seen[-4:] == token[-4:] != CARD[-4:]
        tokens.gateway.publish({"tokens.yaml": MAY.format(who="olga", allow="true") + READERS})
        wait_for(lambda: rows(session("ana@north"), "select card from payments where id = 1") == [(token,)], 20, "the token", step=0.3)
        with session("ana@north") as may_not, pytest.raises(psycopg.errors.InsufficientPrivilege):
            may_not.execute("update payments set card = '4000 0000 0000 0002' where id = 3")
    finally:
        tokens.let("olga", acknowledge="unprotects")
    with wait_for(lambda: tokens.connect(autocommit=True), 10, "the owner") as connection:
        connection.execute("update payments set card = null where id = 3")


def test_two_tenants_tokens_of_one_value_differ(tokens):
    stored = []
    for tenant in ("north", "lake"):
        depot = f"{tenant}_shop"
        tokens.command("depot", "create", depot, "--tenant", tenant)
        tokens.command("grant", "add", "--depot", depot, "--identity", f"ana@{tenant}", "--login", f"{depot}_owner")
        endpoint = tokens.endpoint(f"ana@{tenant}")
        with psycopg.connect(**{**endpoint.libpq(), "dbname": depot}, autocommit=True) as connection:
            connection.execute("create table payments (id int primary key, card text); insert into payments values (1, '4111111111111111')")
        tokens.tokenize("public.payments.card", "--alphabet", "digits", depot=depot)
        with psycopg.connect(**{**endpoint.libpq(), "dbname": depot}, autocommit=True) as connection:
            stored.append(rows(connection, "select card from payments")[0][0])
        tokens.command("column", "detokenize", depot, "public.payments.card")
        with psycopg.connect(**{**endpoint.libpq(), "dbname": depot}, autocommit=True) as connection:
            assert rows(connection, "select card from payments") == [("4111111111111111",)]
    assert len({*stored, "4111111111111111"}) == 3


DECLARED_WRONGLY = [
    ("short varchar(5)", "digits", "could be guessed"), ("number int", "digits", "text and varchar"),
    ("had text default '1234567'", "digits", "default"), ("word text", "klingon", "alphabet"),
    ("checked text check (checked like '4%')", "digits", "check"), ("linked text references keyed (v)", "digits", "foreign key"),
    ("fine text", "digits", "less than a million"),
]


@pytest.mark.parametrize("column, alphabet, why", DECLARED_WRONGLY)
def test_a_declaration_that_can_t_hold_is_refused_and_changes_nothing(tokens, column, alphabet, why):
    name = column.split()[0]
    with tokens.connect(autocommit=True) as connection:
        connection.execute("create table if not exists keyed (v text primary key); drop table if exists wrong")
        connection.execute(f"create table wrong (id int primary key, {column})")
        if name == "fine":
            connection.execute("insert into wrong values (1, '1234567'), (2, '12345')")
    refused = tokens.tokenize(f"public.wrong.{name}", "--alphabet", alphabet, check=False)
    assert refused.returncode != 0 and why in refused.stderr + refused.stdout
    assert not [one for one in tokens.columns() if one["column"].startswith("public.wrong.")]
    with tokens.connect(autocommit=True) as connection:
        if name == "fine":
            assert rows(connection, "select fine from wrong order by id") == [("1234567",), ("12345",)]
        connection.execute("drop table wrong")


def test_index_keys_stay_while_there_are_tokens_and_data_keys_do_not_matter(tokens):
    before = tokens.stored(1)
    refused = tokens.command("key", "rotate", "--depot", DEPOT, "--index", check=False)
    assert refused.returncode != 0 and "tokens" in refused.stderr
    tokens.command("key", "rotate", "--depot", DEPOT)
    with tokens.connect(autocommit=True) as connection:
        assert rows(connection, "select card from payments where id = 1") == [(CARD,)]
        connection.execute("update payments set card = %s where id = 1", (CARD,))
    assert tokens.stored(1) == before
    tokens.command("key", "revoke", "--depot", DEPOT, "--reason", "a test")
    try:
        with tokens.connect(autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select card from payments where id = 1")
    finally:
        tokens.command("key", "reinstate", "--depot", DEPOT)


def test_no_value_is_found_in_heap_or_log_after_it(tokens):
    """Short form of the canary search: values written through the gateway after the column holds tokens."""
    canaries = [f"77{number:014}" for number in range(3)]
    with tokens.connect(autocommit=True) as connection:
        connection.execute("insert into payments (id, card) values (40, %s)", (canaries[0],))
        connection.execute(f"insert into payments (id, card, note) values (41, '{canaries[1]}', 'found-in-the-heap')")
        with connection.cursor().copy("copy payments (id, card) from stdin") as copy:
            copy.write_row((42, canaries[2]))
        assert rows(connection, "select card from payments where id between 40 and 42 order by id") == [(one,) for one in canaries]
    with tokens.direct() as direct:
        direct.execute("checkpoint")
    seen = set()
    for file in tokens.folder.rglob("*"):
        if not file.is_file():
            continue
        try:
            data = file.read_bytes()
        except OSError:
            continue
        if b"found-in-the-heap" in data:
            seen.add(file.parent.name)
        for canary in canaries:
            assert canary.encode() not in data, file
    assert "pg_wal" in seen and len(seen) >= 2  # the search finds what is there
    with tokens.connect(autocommit=True) as connection:
        connection.execute("delete from payments where id between 40 and 42")


def test_back_again_and_a_restart_in_between(tokens):
    with tokens.connect(autocommit=True) as connection:
        connection.execute("create table big (id int primary key, card text)")
        with connection.cursor().copy("copy big from stdin") as copy:
            for number in range(2500):
                copy.write_row((number, f"{10_000_000 + number * 3571}"))
        before = rows(connection, "select * from big order by id")
    tokens.tokenize("public.big.card", "--alphabet", "digits")
    with tokens.direct() as direct:
        held = rows(direct, "select * from big order by id")
    assert not set(held) & set(before) and len({card for _, card in held}) == 2500
    tokens.kill()
    tokens.gateway.start()
    with tokens.connect(autocommit=True) as connection:  # nobody may detokenize it: tokens alone
        assert rows(connection, "select * from big order by id") == held
    refused = tokens.command("column", "decrypt", DEPOT, "public.big.card", check=False)
    assert refused.returncode != 0 and "detokenize" in refused.stderr
    tokens.command("column", "detokenize", DEPOT, "public.big.card")
    with tokens.connect(autocommit=True) as connection:
        assert rows(connection, "select * from big order by id") == before
        connection.execute("drop table big")
    assert json.loads(tokens.command("column", "status", "--json").stdout)[0]["column"] == "public.payments.card"


def _hold_commits(tokens, held: bool) -> None:
    """COMMIT in the depot's database waits for a standby that there is not, so that it can be cut off when it has been done."""
    with tokens.direct(options="-c synchronous_commit=local") as direct:
        direct.execute(f"alter system set synchronous_standby_names = '{'nobody' if held else ''}'")
        direct.execute("alter system set synchronous_commit = 'local'" if held else "alter system reset synchronous_commit")
        direct.execute(f"alter database {DEPOT} {'set synchronous_commit = on' if held else 'reset synchronous_commit'}")
        direct.execute("select pg_reload_conf()")


def _cut_off_at_commit(tokens, *command: str) -> subprocess.CompletedProcess:
    _hold_commits(tokens, True)
    done = []
    worker = threading.Thread(target=lambda: done.append(tokens.command(*command, check=False)))
    try:
        with tokens.direct(options="-c synchronous_commit=local") as direct:
            worker.start()
            waits = "select pid from pg_stat_activity where wait_event = 'SyncRep' and datname = current_database()"
            pid = wait_for(lambda: direct.execute(waits).fetchone(), 30, "COMMIT to wait", step=0.1)[0]
            direct.execute("select pg_terminate_backend(%s)", (pid,))
        _hold_commits(tokens, False)
        worker.join(60)
    finally:
        _hold_commits(tokens, False)
    return done[0]


def test_a_commit_whose_reply_was_lost_is_asked_for(tokens):
    """Tokens whose declaration had been taken back would be nobody's."""
    with tokens.connect(autocommit=True) as connection:
        connection.execute("create table lost (id int primary key, card text); insert into lost values (1, '12345678')")
    done = _cut_off_at_commit(tokens, "column", "tokenize", DEPOT, "public.lost.card", "--alphabet", "digits")
    assert done.returncode == 0, done.stderr
    assert [one["state"] for one in tokens.columns() if one["column"] == "public.lost.card"] == ["encrypted"]
    assert tokens.stored(1, "lost") != "12345678"
    with wait_for(lambda: tokens.connect(autocommit=True), 10, "the depot") as connection:
        assert rows(connection, "select card from lost") == [(tokens.stored(1, "lost"),)]
    done = _cut_off_at_commit(tokens, "column", "detokenize", DEPOT, "public.lost.card")
    assert done.returncode == 0, done.stderr
    assert not [one for one in tokens.columns() if one["column"] == "public.lost.card"]
    with wait_for(lambda: tokens.connect(autocommit=True), 10, "the depot") as connection:
        assert rows(connection, "select card from lost") == [("12345678",)]
