"""Acting for a tenant: one service identity works for several, by SET bartizan.tenant. What it may not, and that no
row comes out under another tenant's name (ADR 0127)."""
from __future__ import annotations

import random
import threading
import time

import pytest

import audit_records
import walled
import wire
import wire_messages as m
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]

_POOL = 3
_COUNT = "select coalesce(min(tenant), 'nobody') || count(*) from shop.customers"


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode="transaction", pool_size=_POOL)
    run = started.gateway.command
    for name, right in (("app", "*"), ("half", "north"), ("plain", None)):
        started._identity(name, *(("--act-for", right) if right else ()))
        run("role", "assign", "clerk", name)
    yield started
    started.stop()


def _error(session, text: str) -> str:
    """The SQLSTATE that answers the text."""
    replies = [one for one in session.query(text) if one.name == "ErrorResponse"]
    assert replies, f"{text} was not refused"
    return replies[0].error_field("C")


def test_without_a_name_there_is_no_row(world):
    with world.session("app") as app:
        assert app.value(_COUNT) == "nobody0"
        assert app.value("show bartizan.tenant") == ""
        assert app.value("select count(*) from shop.countries") == "3"  # shared
        app.value("set bartizan.tenant = 'north'")
        assert app.value(_COUNT) == "north30"
        assert app.value("show bartizan.tenant") == "north"
        app.value("SET SESSION bartizan.tenant TO 'lake'")
        assert app.value(_COUNT) == "lake30"
        for back in ("reset bartizan.tenant", "reset all", "discard all", "set bartizan.tenant to default"):
            app.value("set bartizan.tenant = 'north'")
            app.value(back)
            assert app.value(_COUNT) == "nobody0", back


def test_a_transaction_is_one_tenants(world):
    with world.session("app") as app:
        app.value("begin")
        app.value("set local bartizan.tenant = 'north'")
        assert app.value(_COUNT) == "north30"
        assert _error(app, "set local bartizan.tenant = 'lake'") == "25001"
        app.value("rollback")
        assert app.value(_COUNT) == "nobody0"
        app.value("begin")
        app.value("set bartizan.tenant = 'lake'")
        assert _error(app, "select 1 / 0") == "22012"
        app.value("commit")
        assert app.value(_COUNT) == "nobody0"
        app.value("begin")
        app.value("set bartizan.tenant = 'lake'")
        app.value("savepoint a")
        assert _error(app, "set bartizan.tenant = 'north'") == "25001"
        app.value("rollback to a")
        assert app.value(_COUNT) == "lake30"
        app.value("commit and chain")
        app.value("set local bartizan.tenant = 'north'")
        assert app.value(_COUNT) == "north30"
        app.value("commit")
        assert app.value(_COUNT) == "lake30"


@pytest.mark.parametrize("name,tenant", [("half", "lake"), ("half", "nobody"), ("half", "NORTH"), ("half", "north "),
                                         ("half", "*"), ("app", "nobody"), ("app", "*"), ("plain", "north"),
                                         ("ana@north", "lake"), ("ana@north", "")])
def test_only_a_right_lets_one_name_a_tenant(world, name, tenant):
    with world.session(name) as session:
        before = session.value(_COUNT)
        errors = set()
        for form in ("set bartizan.tenant = '{}'", "set local bartizan.tenant = '{}'", 'set bartizan.tenant = "{}"',
                     "SET Bartizan.TENANT = '{}'"):
            if tenant == "" and '"' in form:
                continue
            replies = [one for one in session.query(form.format(tenant)) if one.name == "ErrorResponse"]
            assert replies, form
            errors.add((replies[0].error_field("C"), replies[0].error_field("M")))
            assert session.value(_COUNT) == before
        assert errors == {("42501", "permission denied to act for this tenant")}
    if tenant and " " not in tenant:
        with pytest.raises(wire.SignInRefused) as refused:
            world.session(name, {"options": f"-c bartizan.tenant={tenant}"}).close()
        assert refused.value.sqlstate == "42501"


def test_no_other_way_names_a_tenant(world):
    with world.session("app") as app:
        for text in ("select set_config('bartizan.tenant', 'lake', false)",
                     "select pg_catalog.set_config('bartizan.tenant', 'lake', true)",
                     "alter role current_user set bartizan.tenant = 'lake'",
                     "alter database walled set bartizan.tenant = 'lake'",
                     "set bartizan.tenant = 'lake'; " + _COUNT,
                     "begin; set local bartizan.tenant = 'lake'; " + _COUNT,
                     "set \"bartizan.tenant \" = 'lake'",
                     "update pg_settings set setting = 'lake' where name = 'bartizan.tenant'",
                     "set bartizan.ctx = 'x'",
                     "do $$ begin perform set_config('bartizan.tenant', 'lake', false); end $$"):
            _error(app, text)
            app.query("rollback")
            assert app.value(_COUNT) == "nobody0", text


def test_a_session_may_start_for_a_tenant(world):
    with world.session("half", {"options": "-c bartizan.tenant=north"}) as half:
        assert half.value(_COUNT) == "north30"
        half.value("reset all")
        assert half.value(_COUNT) == "north30"
        assert _error(half, "set bartizan.tenant = 'lake'") == "42501"


def _extended(text: str, name: str = "") -> bytes:
    return m.parse(name, text) + m.bind(statement=name) + m.execute()


def _answers(session, data: bytes, ready: int) -> list[str]:
    session.send(data)
    out = []
    for _ in range(ready):
        for one in session.read_until_ready():
            if one.name == "DataRow":
                out.append(one.fields[0].decode())
            elif one.name == "ErrorResponse":
                out.append(one.error_field("C"))
    return out


def test_pipelines_wait_for_what_they_hang_on(world):
    rows = _extended(_COUNT)
    set_to = "set bartizan.tenant = '{}'".format
    local = "set local bartizan.tenant = '{}'".format
    with world.session("app") as app:
        app.send(m.parse("rows", _COUNT) + m.parse("north", set_to("north")) + m.sync())
        app.read_until_ready()
        use, name_north = m.bind(statement="rows") + m.execute(), m.bind(statement="north") + m.execute()
        # A named SET, and behind it a statement that stands already.
        assert _answers(app, name_north + use + m.sync(), 1) == ["north30"]
        assert _answers(app, _extended(set_to("lake")) + use + rows + m.sync(), 1) == ["lake30"] * 2
        # Behind a statement of the same group it comes too late, and takes the group along.
        assert _answers(app, use + name_north + use + m.sync() + use + m.sync(), 2) == ["lake30", "25001", "lake30"]
        # All of a transaction in one group, as drivers send it.
        assert _answers(app, _extended("begin") + _extended(local("north")) + use + _extended("commit") + use + m.sync(),
                        1) == ["north30", "lake30"]
        # Several groups at once.
        data = b"".join(_extended(set_to(t)) + m.sync() + use + m.sync() for t in ("north", "lake", "north", "lake"))
        assert _answers(app, data, 8) == ["north30", "lake30", "north30", "lake30"]
        # Queries behind one another without waiting.
        data = b"".join(m.query(set_to(t)) + m.query(_COUNT) for t in ("north", "lake"))
        assert _answers(app, data, 4) == ["north30", "lake30"]
        # A group that fails takes its SET back.
        assert _answers(app, name_north + _extended("select 1 / 0") + m.sync() + use + m.sync(), 2) == ["22012", "lake30"]
        # Between Parse and Execute.
        assert _answers(app, m.parse("", _COUNT) + name_north + m.bind() + m.execute() + m.sync(), 1) == ["north30"]
        assert _answers(app, m.bind("p", "rows") + _extended(set_to("lake")) + m.execute("p") + m.sync(), 1) == ["lake30"]


def test_tenants_in_turn_over_one_pool(world):
    """Many sessions of one identity, each for one tenant at a time, on few server connections."""
    rows = "select tenant from shop.customers union all select tenant from shop.tickets"
    failures: list[str] = []
    until = time.monotonic() + 6

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            with world.session("app") as app:
                while time.monotonic() < until and not failures:
                    tenant = rng.choice(["north", "lake"])
                    form = rng.randrange(5)
                    if form == 0:
                        app.value(f"set bartizan.tenant = '{tenant}'")
                        replies = app.query(rows)
                    elif form == 1:
                        app.value("begin")
                        app.value(f"set local bartizan.tenant = '{tenant}'")
                        replies = app.query(rows)
                        app.value(rng.choice(["commit", "rollback"]))
                    elif form == 2:
                        app.send(_extended("begin") + _extended(f"set local bartizan.tenant = '{tenant}'") +
                                 _extended(rows) + _extended(rng.choice(["commit", "rollback"])) + m.sync())
                        replies = app.read_until_ready()
                    elif form == 3:
                        app.value("begin")
                        app.value(f"set bartizan.tenant = '{tenant}'")
                        app.query("select 1 / 0")
                        app.value("rollback")
                        app.value(f"set bartizan.tenant = '{tenant}'")
                        replies = app.query(rows)
                    else:
                        app.value("reset bartizan.tenant")
                        tenant = None
                        replies = app.query(rows)
                    seen = {one.fields[0].decode() for one in replies if one.name == "DataRow"}
                    if seen != ({tenant} if tenant else set()):
                        failures.append(f"{tenant}: {seen}")
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_records_name_the_tenant(world):
    with world.session("app") as app:
        app.value("set bartizan.tenant = 'lake'")
        app.value("select 'acted', count(*) from shop.customers")
        app.value("reset bartizan.tenant")
        app.value("select 'alone', count(*) from shop.orders")

    def found() -> bool:
        records = [one for one in audit_records.records(world.gateway.data / "audit") if one.get("identity") == "app"]
        lake = [one for one in records if one.get("tenant") == "lake" and one.get("tag") == "SELECT"]
        return bool(lake) and any(one.get("tenant") is None and one.get("tag") == "SELECT" for one in records)
    wait_for(found, 5, "the records")


def test_the_end_of_the_right_ends_sessions_that_use_it(world):
    run = world.gateway.command
    run("identity", "create", "temp", "--password-stdin", input=walled.PASSWORD + "\n")
    run("role", "assign", "clerk", "temp")
    run("grant", "add", "--depot", walled.DEPOT, "--role", "clerk", "--login", "walled_owner")
    added = run("grant", "add", "--depot", walled.DEPOT, "--identity", "temp", "--login", "walled_owner", "--act-for",
                "north,lake", "--json").stdout
    with world.session("temp") as acting, world.session("temp") as idle:
        acting.value("set bartizan.tenant = 'north'")
        assert acting.value(_COUNT) == "north30"
        grant = added.split('"id":"')[1].split('"')[0]
        run("grant", "remove", grant)
        begun = time.monotonic()
        last = acting.read_to_end()
        assert time.monotonic() - begun < 1.5 and last[-1].error_field("C") == "57P01", last
        # The other session may be another worker's, which follows within a second of the change as well.
        time.sleep(max(0.0, begun + 1.2 - time.monotonic()))
        assert idle.value(_COUNT) == "nobody0"
        assert _error(idle, "set bartizan.tenant = 'north'") == "42501"


def test_a_grant_says_whom_it_is_for(world):
    run = world.gateway.command
    listed = run("grant", "list", "--depot", walled.DEPOT, "--identity", "half", "--json").stdout
    assert '"act_for":["north"]' in listed, listed
    run("identity", "create", "nil", "--password-stdin", input=walled.PASSWORD + "\n")
    refused = run("grant", "add", "--depot", walled.DEPOT, "--identity", "nil", "--login", "walled_owner", "--act-for",
                  "nosuch", check=False)
    assert refused.returncode != 0 and "nosuch" in refused.stderr
    refused = run("grant", "add", "--depot", walled.DEPOT, "--identity", "nil", "--login", "walled_owner", "--act-for",
                  "*", "--past-wall", check=False)
    assert refused.returncode != 0
