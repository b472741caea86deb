"""A depot's owner goes on changing his tables as if no policies protected them, while consumers read.

Whatever he does, they get the masked answer, 57P03 or the end of their session (57P01): never anything else.
"""
from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

import leaks
import walled
import wire
from past_the_gateway import PastTheGateway
from postgres import binary_folder
from processes import clean_environment, run, wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
_ORMS = Path(__file__).parent / "node-orm"
_MASKED = "select email from shop.customers order by id limit 1"
# The owner's own: they would, without any class.
_IN_THE_WAY = "drop schema if exists expected cascade; drop function public.secret(shop.customers), public.upper(shop.customers)"
_LATER = {"57P03", "57P01"}


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode="transaction")
    with started.session(walled.OWNER) as owner:
        _done(owner, _IN_THE_WAY)
    yield started
    started.stop()


@pytest.fixture
def owner(world):
    with world.session(walled.OWNER) as session:
        yield session


@pytest.fixture(scope="module")
def superuser(world):
    return PastTheGateway(world, role=False)


def _done(session, text: str) -> None:
    walled._run(session, text)


def _errors(messages) -> set[str]:
    return {message.error_field("C") for message in messages if message.name == "ErrorResponse"}


def _answers(world, name: str = "ana@north", text: str = _MASKED) -> str | None:
    """What a new session is told, or None as long as it is told to come again."""
    try:
        with world.session(name) as session:
            messages = session.query(text, seconds=20)
            if _errors(messages):
                assert _errors(messages) <= _LATER, messages
                return None
            return next(message.fields[0] for message in messages if message.name == "DataRow").decode()
    except wire.SignInRefused as refused:
        assert refused.sqlstate in _LATER, refused
        return None


def _served_again(world, expected: str = "a***@example.org") -> None:
    last = []
    world.gateway.command("wall", "reconcile", check=False)
    wait_for(lambda: last.append(_answers(world)) or last[-1] == expected, 20, "the class to be served again")


class Readers:
    """Consumers of both tenants that read all along, and keep all that they were told."""

    QUERIES = ("select * from shop.customers", "select count(*), min(tenant), max(tenant) from shop.tickets",
               "select * from shop.orders order by id limit 20", "table shop.leads")

    def __init__(self, world, names=("ana@north", "cleo@lake"), may=frozenset()) -> None:
        self.may = _LATER | may
        self.world, self.stop, self.rows, self.told, self.wrong = world, threading.Event(), 0, set(), []
        self.threads = [threading.Thread(target=self._read, args=(name,)) for name in names]

    def __enter__(self) -> Readers:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def _read(self, name: str) -> None:
        while not self.stop.is_set():
            try:
                with self.world.session(name) as session:
                    self._session(session, name.split("@")[1])
            except wire.SignInRefused as refused:
                self._refused(refused.sqlstate)
            except wire.Eof:
                pass

    def _refused(self, sqlstate: str, text: str = "") -> None:
        self.told.add(sqlstate)
        if sqlstate not in self.may:
            self.wrong.append((sqlstate, text))

    def _session(self, session, tenant: str) -> None:
        at = 0
        while not self.stop.is_set():
            before = len(session.seen)
            text = self.QUERIES[at % len(self.QUERIES)]
            at += 1
            try:
                messages = session.query(text, seconds=20)
            finally:
                # lake's own rows hold the marks that north may not see; masks hide others from both.
                seen = bytes(session.seen[before:])
                if tenant == "north" and leaks.found_in(seen):
                    self.wrong.append((text, leaks.found_in(seen)))
                if b"aqzx7mail" in seen or (tenant == "lake" and b"north" in seen and b"@" not in seen):
                    self.wrong.append((text, seen[:200]))
            for message in messages:
                if message.name == "ErrorResponse":
                    self._refused(message.error_field("C"), message.error_field("M"))
            self.rows += sum(message.name == "DataRow" for message in messages)


def _status(world) -> dict:
    return json.loads(world.gateway.command("wall", "status", "--json").stdout)["walls"][0]


def _version(world) -> dict:
    return {one["class"]: one["version"] for one in _status(world)["classes"]}


_UNRELATED = [
    "create table back.own (id int primary key, of text)", "alter table back.own add more int", "create index on back.own (of)",
    "create temporary table mine (id int); drop table mine", "create type back.mood as enum ('a', 'b')",
    "create view back.seen as select 1 as one", "create function back.one() returns int language sql as 'select 1'",
    "create index later on shop.customers (visits)", "drop index shop.later", "create unique index u on shop.orders (id, at)",
    "comment on table shop.orders is 'orders'", "analyze shop.orders", "alter table shop.orders set (fillfactor = 90)",
    "create table back.refers (order_id bigint references shop.orders)", "drop function back.one()", "drop view back.seen",
    "drop table back.own, back.refers", "drop type back.mood",
    "alter table shop.orders reset (fillfactor)", "comment on table shop.orders is null",
]


def test_ddl_that_no_class_is_about_ends_no_session(world, owner):
    before = _version(world)
    with world.session("ana@north") as ana, world.session("cleo@north") as cleo:
        for text in _UNRELATED:
            _done(owner, text)
            for consumer in (ana, cleo):
                assert consumer.value(_MASKED) == "a***@example.org", text
        world.gateway.command("wall", "reconcile")
        assert _version(world) == before
        time.sleep(0.5)
        for consumer in (ana, cleo):
            assert consumer.value(_MASKED) == "a***@example.org"
    _done(owner, "drop index shop.u")


# What a view of a class, or a filter, would stand in the way of; and the way back.
_BLOCKED = {
    "type": ("alter table shop.customers alter visits type bigint", "alter table shop.customers alter visits type int"),
    "filtered": ("alter table shop.customers alter tenant type varchar(90)", "alter table shop.customers alter tenant type text"),
    "column": ("alter table shop.customers drop note", "alter table shop.customers add note text"),
    "quoted": ('alter/**/table "shop".\n"customers" drop column "note"', "alter table shop.customers add note text"),
    "do": ("do $$ begin execute 'alter table shop.' || 'customers' || ' alter visits type bigint'; end $$",
           "do $$ begin alter table shop.customers alter visits type int; end $$"),
    "function": ("select back.change()", "alter table shop.customers alter visits type int"),
    "partition": ("alter table shop.events alter word type varchar(99)", "alter table shop.events alter word type text"),
}


@pytest.mark.parametrize("case", _BLOCKED)
def test_what_a_view_stands_in_the_way_of(world, owner, case):
    there, back = _BLOCKED[case]
    if case == "function":
        _done(owner, "create or replace function back.change() returns void language sql as "
                     "'alter table shop.customers alter visits type bigint'")
    with Readers(world) as readers:
        # ROLLBACK brings back what was taken away, in the sessions that stood before.
        with world.session("ana@north") as ana:
            assert ana.value(_MASKED) == "a***@example.org"
            _done(owner, f"begin; {there}; rollback")
            assert ana.value(_MASKED) == "a***@example.org"
        for text in (there, back):
            _done(owner, text)
            _served_again(world)
    assert not readers.wrong and readers.rows > 0, readers.wrong
    assert not _status(world)["drift"]
    if case == "function":
        _done(owner, "drop function back.change()")


def test_a_statement_waits_for_the_owner_and_is_then_told_to_come_again(world, owner):
    with world.session("ana@north") as ana, world.session("cleo@north") as cleo:
        _done(owner, "begin; alter table shop.customers alter visits type bigint")
        begun = time.monotonic()
        assert _errors(ana.query(_MASKED, seconds=20)) == {"57P03"}
        assert 4 < time.monotonic() - begun < 9
        assert cleo.value("select count(*) from shop.tickets") == "10"
        late = threading.Timer(1, lambda: _done(owner, "rollback"))
        late.start()
        assert ana.value(_MASKED) == "a***@example.org"
        late.join()


def _filter(superuser) -> str:
    return superuser.values("select polname from pg_policy where polrelid = 'shop.customers'::regclass and not polpermissive")[0]


_OPENING = {
    "dropped": "drop policy if exists {filter} on shop.customers",
    "made anew": "begin; drop policy if exists {filter} on shop.customers; "
                 "create policy {filter} on shop.customers as restrictive using (true); commit",
    "switched off": "alter table shop.customers disable row level security",
    "cascade": "begin; alter table shop.orders rename tenant to whose; alter table shop.orders rename whose to tenant; commit",
}
_REFUSED = {
    "dropped": "drop policy {filter} on shop.customers",
    "altered": "alter policy {filter} on shop.customers using (true)",
    "renamed": "alter policy {filter} on shop.customers rename to other",
}


@pytest.mark.parametrize("case", _REFUSED)
def test_a_filter_is_not_the_owners_to_change(world, owner, superuser, case):
    before = _version(world)
    with world.session("ana@north") as ana:
        assert _errors(owner.query(_REFUSED[case].format(filter=_filter(superuser)))) == {"42704"}
        assert ana.value("select string_agg(distinct tenant, ',') from shop.customers") == "north"
    assert _version(world) == before


@pytest.mark.parametrize("case", _OPENING)
def test_a_view_never_outlives_its_filter(world, owner, superuser, case):
    """By the owner's hand. Each would show every tenant's rows until the next check."""
    with Readers(world, ("ana@north", "ana@north")) as readers:
        _done(owner, _OPENING[case].format(filter=_filter(superuser)))
        _served_again(world)
    assert not readers.wrong and readers.rows > 0, readers.wrong
    with world.session("ana@north") as ana:
        assert ana.value("select string_agg(distinct tenant, ',') from shop.customers") == "north"


def _dump(superuser, database: str) -> list[str]:
    done = subprocess.run([str(binary_folder() / "pg_dump"), "-h", str(superuser.folder), "-U", "postgres", "-s", "-n", "shop",
                           "-n", "back", database], capture_output=True, text=True, timeout=60, env=clean_environment())
    assert done.returncode == 0, done.stderr
    ours = ("bz_", "bartizan", "ROW LEVEL SECURITY", "\\restrict", "\\unrestrict", "Type: ROW SECURITY", "GRANT", "REVOKE")
    lines = [line.replace(f"{database}_owner", "OWNER").replace(database, "DEPOT") for line in done.stdout.splitlines()]
    # Sorted: the order of tables hangs on that of their numbers.
    return [line for line in sorted(lines) if line.strip() and not line.startswith("--") and not any(word in line for word in ours)]


@pytest.fixture(scope="module")
def plain(world):
    """The same tables in a depot that no policy speaks of."""
    run_ = world.gateway.command
    run_("depot", "create", "plain")
    run_("grant", "add", "--depot", "plain", "--identity", walled.OWNER, "--login", "plain_owner", "--past-wall")
    endpoint = world.endpoint(walled.OWNER).replace(dbname="plain")
    with walled.Recorder(endpoint) as owner:
        owner.start_tls()
        owner.send_startup()
        owner.finish_startup()
        _done(owner, (walled.DATA / "schema.sql").read_text())
        _done(owner, _IN_THE_WAY)
    return endpoint


def _everything(superuser) -> str:
    """The database as it is dumped, with rights, and the cluster's roles."""
    def dump(*command: str) -> str:
        done = subprocess.run([str(binary_folder() / command[0]), "-h", str(superuser.folder), "-U", "postgres", *command[1:]],
                              capture_output=True, text=True, timeout=60, env=clean_environment())
        assert done.returncode == 0, done.stderr
        return "\n".join(line for line in done.stdout.splitlines() if "restrict" not in line and not line.startswith("--"))
    rights = superuser.values(
        "select array_agg(x order by x)::text from (select concat_ws(' ', datname, a) from pg_database,"
        " aclexplode(coalesce(datacl, acldefault('d', datdba))) as a where datname <> 'bartizan'"
        " union all select concat_ws(' ', lanname, a) from pg_language, aclexplode(coalesce(lanacl, acldefault('l', lanowner))) as a"
        " union all select concat_ws(' ', oid::regprocedure, a) from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) as a"
        " union all select concat_ws(' ', oid::regclass, a) from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) as a"
        " where relkind in ('r', 'v') union all select evtname from pg_event_trigger"
        " union all select nspname from pg_namespace where nspname !~ '^pg_(toast|temp)') as a(x)")
    return dump("pg_dump", "-s", walled.DEPOT) + dump("pg_dumpall", "--roles-only", "--no-role-passwords") + "\n".join(rights)


def test_suspended_a_depot_has_nothing_of_the_wall(world, owner, superuser):
    """Those past the wall go on; the others are told to come again, and are served after depot resume."""
    with world.session("ana@north") as ana:
        world.gateway.command("depot", "suspend", walled.DEPOT)
        for message in ana.read_to_end():
            assert message.name != "ErrorResponse" or message.error_field("C") in _LATER, message
    dump = _everything(superuser)
    assert "bz_" not in dump and "bartizan_views" not in dump and "bartizan_lift" not in dump
    assert _status(world)["state"] == "suspended"
    assert _answers(world) is None
    assert owner.value("select count(*) from shop.countries") == "3"
    _done(owner, "alter table shop.customers alter visits type bigint; alter table shop.customers alter visits type int")
    world.gateway.command("depot", "resume", walled.DEPOT)
    assert _answers(world) == "a***@example.org"
    assert owner.value("select count(*) from pg_policy where not polpermissive") != "0"


def test_chains_of_migrations_come_to_the_same_schema(world, superuser, plain):
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    if not (_ORMS / "node_modules" / "typeorm").exists():
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=_ORMS, timeout=300)
    # 42501: a session that is about to end, one table further on (docs/status.md).
    with Readers(world, may={"42501"}) as readers:
        for endpoint in (plain, world.endpoint(walled.OWNER)):
            done = run(["node", "migrations.js"], cwd=_ORMS, env=clean_environment(**endpoint.environment()),
                       input=endpoint.password + "\n", check=False, timeout=120)
            assert done.stdout.strip() == "done", done.stderr
    assert not readers.wrong and readers.rows > 0, readers.wrong
    assert _dump(superuser, walled.DEPOT) == _dump(superuser, "plain")
    _served_again(world)


def test_a_dump_is_restored_with_clean(world, superuser, plain, tmp_path):
    """pg_restore --clean through the gateway, over tables that consumers read."""
    dump = tmp_path / "plain.dump"
    done = subprocess.run([str(binary_folder() / "pg_dump"), "-h", str(superuser.folder), "-U", "postgres", "-Fc", "-O", "-x", "-n", "shop",
                           "-n", "back", "-f", str(dump), "plain"], capture_output=True, text=True, timeout=60, env=clean_environment())
    assert done.returncode == 0, done.stderr
    owner = world.endpoint(walled.OWNER)
    with Readers(world, may={"42P01"}) as readers:  # for a while the tables are not there
        for endpoint in (plain, owner):
            restored = subprocess.run(
                [str(binary_folder() / "pg_restore"), "--clean", "--if-exists", "--no-owner", "-d", endpoint.dbname, str(dump)],
                env=clean_environment(**endpoint.environment(), PGPASSWORD=endpoint.password), capture_output=True, text=True, timeout=120)
            assert restored.returncode == 0, restored.stderr
    assert not readers.wrong, readers.wrong
    assert _dump(superuser, walled.DEPOT) == _dump(superuser, "plain")
    _served_again(world)


def test_detached_a_database_is_as_it_was_found(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    world = walled.Walled(published=False)
    try:
        superuser = PastTheGateway(world, role=False)
        before = _everything(superuser)
        world.publish()
        assert _answers(world) == "a***@example.org"
        assert _everything(superuser) != before
        with world.session("ana@north") as ana:
            world.gateway.command("depot", "detach", walled.DEPOT)
            ana.read_to_end()
        assert _everything(superuser) == before
        assert walled.DEPOT not in world.gateway.command("depot", "list").stdout
        world.gateway.command("wall", "reconcile")
        assert _everything(superuser) == before
    finally:
        world.stop()
