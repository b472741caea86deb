"""The wall on one's own server, kept by an ordinary role (grade managed) or by a superuser (grade full)."""
from __future__ import annotations

import json

import pytest

import leaks
import own_server
import siege
import test_wall_attacks
import walled
import wire
import wire_messages as m
from processes import wait_for

pytestmark = [pytest.mark.timeout(900), pytest.mark.gateway]


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = own_server.OwnServer("managed")
    started.given = _keep_by_steps(started)
    started.publish()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def past(world):
    started = own_server.PastOwnServer(world)
    yield started
    started.superuser.close()


@pytest.fixture
def few(request):
    """Of the attacks some, spread evenly over all rows of the table of pitfalls; all with --full."""
    return siege.attacks()[::1 if request.config.getoption("--full") else 7]


def _keep_by_steps(world) -> list[str]:
    """What the login is told before it has its rights, and once it has: the answers in order."""
    world.keep_refused = world.gateway.command("depot", "wall-login", walled.DEPOT, own_server.KEEPER, "--password-stdin",
                                               check=False, input=walled.PASSWORD + "\n")
    world.give_rights()
    return world.keep()


def _told(world, name: str, statement: str = "SELECT count(*) FROM shop.customers"):
    """The values that a new session has for a statement, or the SQLSTATE that it or its sign-in ended with."""
    try:
        with world.session(name) as session:
            replies = session.query(statement)
    except wire.SignInRefused as refused:
        return refused.sqlstate
    for reply in replies:
        if reply.name == "ErrorResponse":
            return reply.error_field("C")
    return [value for reply in replies if reply.name == "DataRow" for value in reply.fields]


def _owner_does(world, statement: str, field: str = "C") -> str | None:
    """That field of the error that it ends with."""
    with world.session(walled.OWNER) as owner:
        for reply in owner.query(statement):
            if reply.name == "ErrorResponse":
                return reply.error_field(field)
    return None


def test_a_login_says_what_it_lacks_and_is_no_sessions(world):
    """Each thing that it lacks comes with the statement that gives it; nothing is kept of one that is refused."""
    refused = world.keep_refused
    assert refused.returncode != 0
    assert f"ALTER ROLE {own_server.KEEPER} CREATEROLE;" in refused.stderr, refused.stderr
    assert f"GRANT {own_server.OWNER_LOGIN} TO {own_server.KEEPER}" in refused.stderr, refused.stderr
    assert world.given["grade"] == "managed" and world.given["limits"] == []
    run = world.gateway.command
    shown = json.loads(run("depot", "show", walled.DEPOT, "--json").stdout)
    assert (shown["grade"], shown["wall_login"]) == ("managed", own_server.KEEPER)
    assert "managed" in run("depot", "list").stdout
    assert world.wall()["grade"] == "managed"
    # nobody's sessions run as it, and another's place it takes only where nothing stands that the other has made
    assert run("depot", "login", walled.DEPOT, own_server.KEEPER, "--no-password", check=False).returncode != 0
    assert run("depot", "wall-login", walled.DEPOT, own_server.OWNER_LOGIN, "--no-password", check=False).returncode != 0
    other = run("depot", "wall-login", walled.DEPOT, "postgres", "--no-password", check=False)
    assert "suspend" in other.stderr, other.stderr
    for where in (world.gateway.folder / "bartizan.log", world.cluster.folder / "postgres.log"):
        assert walled.PASSWORD not in where.read_text(errors="replace"), where


def test_it_is_kept_after_a_restart(world):
    """Each start raises the walls before anybody is let in."""
    world.gateway.stop()
    world.gateway.start()
    assert _told(world, "ana@north") == [b"30"]
    assert not world.wall()["drift"]


def test_doctor_tells_the_grade_first(world):
    checks = json.loads(world.gateway.command("doctor", "--depot", walled.DEPOT, "--json", check=False).stdout)["checks"]
    of_depot = [one for one in checks if one["name"].startswith(f"depot.{walled.DEPOT}.")]
    assert of_depot[0]["name"] == f"depot.{walled.DEPOT}.wall" and "grade managed" in of_depot[0]["detail"]
    page = (walled.DATA.parents[2] / "docs" / "formats" / "wall-objects.md").read_text()
    duties = [one["name"].rsplit(".", 1)[1] for one in of_depot if one["detail"].startswith("on layer 1 alone: ")]
    assert {"activity", "dynamic-sql", "end-sessions", "languages", "owner-ddl", "table-statistics"} <= set(duties)
    assert not [duty for duty in duties if f"`{duty}`" not in page]


def test_each_tenant_has_its_rows_and_its_masks(world):
    rows = {}
    for name in ("ana@north", "ana@lake", "cleo@north", "cleo@lake"):
        assert _told(world, name, "SELECT count(*), count(DISTINCT tenant) FROM shop.customers") == [b"30", b"1"]
        tenant = name.split("@")[1].encode()
        assert set(_told(world, name, "SELECT DISTINCT tenant FROM shop.orders")) == {tenant}
        rows[name] = _told(world, name, "SELECT email, ssn, name FROM shop.customers ORDER BY id LIMIT 1")
    assert rows["ana@north"][0] == b"a***@example.org" and rows["ana@north"][1].endswith(b"0014")
    assert len({row[2] for row in rows.values()}) == len(rows)  # tokens do not join over classes and rows


def test_no_attack_brings_anything_out(world, few):
    consumer, owner = siege.of_identity(world, "cleo@north"), siege.of_identity(world, walled.OWNER)
    before = siege.state_of_the_data(owner)
    leaked = []
    for row, statement, _ in few:
        for form, data in siege.forms(statement).items():
            if row == "writes":
                consumer.send(m.query("BEGIN"))
            came, values, messages = consumer.send(data)
            what = leaks.found_in(came, values)
            if what:
                leaked.append(f"[{row}] {form}: {what}: {statement}\n    {messages}"[:600])
            consumer.send(m.query("ROLLBACK"))
            consumer.send(m.query("DEALLOCATE ALL"))
    assert not leaked, f"{len(leaked)}:\n" + "\n".join(leaked)
    assert siege.state_of_the_data(owner) == before
    assert consumer.send(m.query("SELECT count(*) FROM shop.customers"))[1] == [b"30"]
    consumer.close()
    owner.close()


def _duties() -> set[str]:
    """Statements that rest on layer 1 in every grade, and those that do in this one."""
    found = set()
    for name in ("layer_one.sql", "layer_one_managed.sql"):
        found |= {line for line in (walled.DATA / name).read_text().splitlines() if line and not line.startswith("--")}
    return found


def test_layer_two_alone_leaks_what_is_listed_and_nothing_else(world, past, few, request):
    """Straight at PostgreSQL as the class's role, with a valid context (wall/layer_one.sql, layer_one_managed.sql)."""
    duties = _duties()
    owner = siege.of_identity(world, walled.OWNER)
    before = siege.state_of_the_data(owner)
    attacker = past.as_class()
    found: dict[str, str] = {}
    for _, statement, _ in few:
        for text in dict.fromkeys([statement, past.translated(statement)]):
            for form, data in siege.forms(text).items():
                attacker.begin("north")
                came, values, _ = attacker.send(data)
                what = leaks.found_in(came, values)
                if attacker.connection is None:
                    attacker = past.as_class()
                what = leaks.found_in(attacker.end()) or what
                if what:
                    found.setdefault(statement, f"{form}: {what}: {text}")
                if "open_connection" in text or "DISCARD" in text:
                    attacker.close()
                    attacker = past.as_class()
    attacker.close()
    more = [f"{statement}\n    {how}" for statement, how in found.items() if statement not in duties]
    assert not more, f"{len(more)} leak and are no duty of layer 1:\n" + "\n".join(more)
    if request.config.getoption("--full"):
        less = [statement for statement in duties if statement not in found]
        assert not less, "listed, but layer 2 holds against them:\n" + "\n".join(less)
    assert siege.state_of_the_data(owner) == before
    owner.close()


def test_contexts_and_keys_are_nobody_elses(past):
    """Another tenant's context needs the key, which neither a class nor the tables' owner can read."""
    one = past.as_class()
    rows = f"SELECT DISTINCT tenant FROM {past.views['shop.customers']}"

    def under(context: str):
        one.run(f"BEGIN; SELECT set_config('bartizan.ctx', '{context}', true)")
        _, values, messages = one.send(m.query(rows))
        one.send(m.query("ROLLBACK"))
        return [x.error_field("C") for x in messages if x.name == "ErrorResponse"] or values

    good = one.context("north")
    assert under(good) == [b"north"]
    for context in (good.replace("north", "lake"), "0" * 64 + good[64:], one.context("north", seconds=-1), ""):
        assert under(context) == ["42501"], context
    owner = siege.Session(lambda: past._connect(own_server.OWNER_LOGIN))
    for session in (one, owner):
        for statement in ("SELECT key FROM bartizan.secret_key", "SELECT context_inner FROM bartizan.server_connection",
                          "TABLE bartizan.filter", "UPDATE bartizan.filter SET made_by = '3'"):
            _, values, messages = session.send(m.query(statement))
            assert not values and [x.error_field("C") for x in messages if x.name == "ErrorResponse"] == ["42501"], statement
    one.close()
    owner.close()


@pytest.mark.parametrize("done", [
    "ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY", "ALTER POLICY {filter} ON shop.customers USING (true)",
    "DROP POLICY {filter} ON shop.customers"])
def test_a_view_whose_filter_the_owner_takes_away_answers_nothing(world, past, done):
    """No event trigger closes it: the view itself asks. The next look puts the filter back."""
    name = past.values("SELECT p.polname FROM pg_policy AS p WHERE p.polrelid = 'shop.customers'::regclass AND NOT p.polpermissive")[0]
    assert _told(world, "ana@north") == [b"30"]
    assert _owner_does(world, done.format(filter=name)) is None
    assert _told(world, "ana@north") == "57P03"
    world.gateway.command("wall", "reconcile")
    assert world.wall()["drift"]
    assert _told(world, "ana@north") == [b"30"]


def test_ddl_that_stands_in_no_view_s_way_works_and_other_ddl_needs_a_suspension(world):
    assert _owner_does(world, "ALTER TABLE shop.customers ADD extra integer") is None
    assert _owner_does(world, "CREATE INDEX ON shop.orders (item)") is None
    in_the_way = "ALTER TABLE shop.customers ALTER income TYPE numeric(14, 2)"
    for statement, sqlstate in ((in_the_way, "0A000"), ("ALTER TABLE shop.customers DROP income", "2BP01")):
        assert _owner_does(world, statement) == sqlstate
        assert "bartizan depot suspend" in _owner_does(world, statement, "H")
    assert _told(world, "ana@north") == [b"30"]
    world.gateway.command("depot", "suspend", walled.DEPOT)
    assert "bz_" not in world.dump()
    assert _told(world, "ana@north") == "57P03"
    assert _owner_does(world, in_the_way) is None
    assert _owner_does(world, "ALTER TABLE shop.customers DROP extra, ALTER income TYPE numeric(12, 2)") is None
    world.gateway.command("depot", "resume", walled.DEPOT)
    assert _told(world, "ana@north", "SELECT income, email FROM shop.customers ORDER BY id LIMIT 1") == [b"500000.00", b"a***@example.org"]


@pytest.mark.parametrize("take, give", [
    (f"REVOKE {own_server.OWNER_LOGIN} FROM {own_server.KEEPER}", f"GRANT {own_server.OWNER_LOGIN} TO {own_server.KEEPER}"),
    (f"ALTER ROLE {own_server.KEEPER} NOCREATEROLE", f"ALTER ROLE {own_server.KEEPER} CREATEROLE"),
    (f"ALTER ROLE {own_server.KEEPER} NOLOGIN", f"ALTER ROLE {own_server.KEEPER} LOGIN"),
    ("CREATE TABLE shop.foreigners (id integer); GRANT SELECT ON shop.foreigners TO PUBLIC", "DROP TABLE shop.foreigners")])
def test_a_login_that_has_lost_its_rights_serves_nobody(world, take, give):
    world.cluster.admin(*take.split("; "), dbname=walled.DEPOT)
    world.gateway.command("wall", "reconcile", check=False)
    assert world.wall()["state"] == "not ready"
    assert _told(world, "ana@north") == "57P03"
    told = str(world.wall()["error"])
    assert "shop.foreigners" in told if "foreigners" in take else own_server.KEEPER in told, told
    assert _told(world, walled.OWNER) == [b"60"]  # past the wall nothing stops
    world.cluster.admin(give, dbname=walled.DEPOT)
    world.gateway.command("wall", "reconcile")
    assert _told(world, "ana@north") == [b"30"]


def test_legitimate_statements_have_the_masked_answer(world, request):
    """As in test_wall_attacks, some of them; all with --full."""
    consumer, owner = siege.of_identity(world, "cleo@north"), siege.of_identity(world, walled.OWNER)
    consumer.send(m.query("SET search_path = shop"))
    owner.send(m.query("SET search_path = expected"))
    wrong = []
    for statement, parameters in test_wall_attacks._legitimate()[::1 if request.config.getoption("--full") else 3]:
        writes = statement.upper().startswith(("INSERT", "UPDATE", "DELETE", "WITH W"))
        answers = []
        for session in (consumer, owner):
            if writes:
                session.send(m.query("BEGIN"))
            answers.append(test_wall_attacks._answer(session, statement, parameters, (), False)[1])
            if writes:
                session.send(m.query("ROLLBACK"))
        if answers[0] != answers[1]:
            wrong.append(f"{statement}\n   got {answers[0]}\n   not {answers[1]}"[:900])
    consumer.close()
    owner.close()
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("grade", ["managed", "full"])
def test_detached_a_server_is_as_it_was_found(target_name, grade):
    """In front of one's own server, by either login; the superuser's lifts views for the owner's DDL."""
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    world = own_server.OwnServer(grade)
    try:
        world.give_rights()
        before = world.dump()
        world.publish(check=False)
        assert _told(world, "ana@north") == "57P03"  # there is no login to make anything yet
        assert "wall-login" in str(world.wall()["error"])
        assert world.keep()["grade"] == grade
        world.gateway.command("wall", "reconcile")
        assert _told(world, "ana@north", "SELECT email, count(*) OVER () FROM shop.customers ORDER BY id LIMIT 1") == [b"a***@example.org", b"30"]
        assert _told(world, "ana@lake", "SELECT DISTINCT tenant FROM shop.customers") == [b"lake"]
        assert world.dump() != before
        done = _owner_does(world, "ALTER TABLE shop.customers ALTER income TYPE numeric(14, 2); ALTER TABLE shop.customers ALTER income TYPE numeric(12, 2)")
        assert done == (None if grade == "full" else "0A000")
        wait_for(lambda: _told(world, "ana@north") == [b"30"], 10, "the class to be served again")
        with world.session("ana@north") as ana:
            world.gateway.command("depot", "detach", walled.DEPOT)
            ana.read_to_end()
        assert world.dump() == before
    finally:
        world.stop()
