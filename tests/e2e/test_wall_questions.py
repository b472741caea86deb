"""What people ask about policies on the command line: the answers are what the wall does."""
from __future__ import annotations

import json

import pytest

import audit_records
import walled
from processes import make_folder, remove_folder, wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled()
    yield started
    started.stop()


def _asked(world, *arguments: str):
    return json.loads(world.gateway.command(*arguments, "--json").stdout)


def _rows(session, text: str) -> list[tuple[str, ...]]:
    replies = session.query(text)
    assert not [one for one in replies if one.name == "ErrorResponse"], replies
    return [tuple(v.decode() for v in one.fields) for one in replies if one.name == "DataRow"]


@pytest.mark.parametrize("who", ["ana@north", "cleo@lake"])
@pytest.mark.parametrize("statement", [
    "select name, email from shop.customers where visits > 3",
    "with few as (select * from shop.orders) select count(*), max(item) from few join shop.customers c on c.id = customer",
    "update shop.tickets set state = 'closed' where hours > 7 returning title",
    "select word from back.vault",
    "select secret from shop.customers",
    "insert into shop.leads (id, tenant, name, pin) values (900, 'north', 'x', '1') returning pin",
    "select pg_sleep(1)",
    "select 1 +",
])
def test_a_statement_is_explained_as_in_a_session(world, who, statement):
    told = _asked(world, "policy", "explain", "--as", who, "--depot", walled.DEPOT, statement)
    with world.session(who) as session:
        wire = _rows(session, "explain policy " + statement)
    mine = [(one["object"], one["use"], one["shown"], one["why"]) for one in told["uses"]]
    if told["decision"] == "refused":
        refusal = told["refusal"]
        assert wire[0][2] == "refused with " + refusal["sqlstate"] and wire[0][3].startswith(refusal["message"])
        assert not mine and not told["statements"]
    else:
        assert [one for one in wire if one[0] != "statement"] == mine and mine
        assert all("bartizan_views." in one["rewritten"] for one in told["statements"])
        assert "shop.customers" not in told["statements"][0]["rewritten"]
    assert told["granted"] and not told["past_wall"]


def test_an_explained_statement_is_not_run(world):
    told = _asked(world, "policy", "explain", "--as", "cleo@north", "delete from shop.tickets")
    assert told["decision"] == "permitted" and told["depot"] == walled.DEPOT
    with world.session(walled.OWNER) as owner:
        assert owner.value("select count(*) from shop.tickets") == "20"
    human = world.gateway.command("policy", "explain", "--as", "ana@north", "select email from shop.customers").stdout
    assert "shop.customers.email" in human and "emails: " in human and "permitted" in human
    # The call is recorded with whom it was about, and without the statement.
    world.gateway.command("policy", "explain", "--as", "ana@north", "select 'QZX7CONSTANT'")

    def recorded():
        trees = (world.gateway.data / "audit" / "tree").glob("*")
        records = b"".join(entry for tree in trees for entry in audit_records.entries(tree))
        return b'"operation":"policy.explain"' in records and b'"arguments":{"as":"ana@north"}' in records and records
    assert b"QZX7CONSTANT" not in wait_for(recorded, 10, "the call's record")
    assert world.gateway.command("policy", "explain", "--as", "nobody", "select 1", check=False).returncode != 0


def test_who_and_what_are_as_a_session_sees_them(world):
    """Also under a purpose that a grant of the policies gives."""
    world.publish(more="""
---
name: case-4711
version: v1
type: grant
acknowledge: [grant_without_end]
grant: {subjects: {tags: ["users:id:ana@north"]}, purpose: fraud}
---
name: emails-for-fraud
version: v1
type: policy
policy:
  data:
    type: mask
    priority: 10
    depot: walled
    selector: {user: {tags: ["**"]}, column: {tags: [PII.Email]}}
    mask: {operator: pass_through}
    condition: {purposes: [fraud]}
""")
    try:
        told = _asked(world, "access", "who-can-see", "walled:shop.customers.email")
        shown = {(one["identity"], one["purpose"]): one["shown"].split(" ")[0] for one in told}
        assert shown == {("ana@north", None): "email", ("ana@north", "fraud"): "clear", ("ana@lake", None): "email",
                         ("cleo@north", None): "email", ("cleo@lake", None): "email", ("olga", None): "clear"}
        for purpose in (None, "fraud"):
            with world.session("ana@north", {"bartizan.purpose": purpose} if purpose else None) as ana:
                email = ana.value("select email from shop.customers order by id limit 1")
                assert ("***" in email) == (shown["ana@north", purpose] == "email")
        seen = {(one["table"], one["purpose"]) for one in _asked(world, "access", "what-can-see", "ana@north")}
        assert ("shop.customers", "fraud") in seen and ("shop.orders", "fraud") not in seen
        with world.session("ana@north") as ana:
            tables = {"shop." + name for name, in _rows(ana, "select relname from pg_class where relkind in ('r', 'p') "
                                                             "and relnamespace = 'shop'::regnamespace")}
        assert {table for table, purpose in seen if not purpose} == tables
    finally:
        world.publish()


def test_a_simulation_foresees_what_publishing_does(world):
    """Changes by person, table and column, and the recorded statements that would be refused, page by page."""
    text = (walled.DATA / "policies.yaml").read_text()
    stricter = text.replace("operator: email, email: {first: 1}", "operator: redact").replace("customers,orders,events", "customers,events", 1)
    folder = make_folder()
    (folder / "walled.yaml").write_text(stricter)
    used, kept = "select count(item) from shop.orders", "select email from shop.customers limit 1"
    with world.session("ana@north") as ana:
        for statement in (used, used, kept):
            _rows(ana, statement)
    with world.session("ana@lake") as other:
        _rows(other, kept)

    def simulated(*more: str):
        return _asked(world, "policy", "simulate", str(folder), *more)

    def recorded():
        found = simulated()
        return [one for one in found["statements"] if one["times"] >= 2] and found
    told = wait_for(recorded, 10, "the statements' records")
    lines = {(one["table"], one["column"], one["what"]): one for one in told["changes"]}
    email = lines["shop.customers", "email", "shown"]
    assert (email["before"].split(" ")[0], email["after"].split(" ")[0]) == ("email", "redact")
    assert lines["shop.orders", None, "table"]["after"] == "not there"
    assert {table for table, _, _ in lines} == {"shop.customers", "shop.orders"}
    people = {name for one in told["changes"] for name in one["identities"]}
    assert people == set(walled.CONSUMERS)
    refused = {(one["identity"], one["sqlstate"]): one for one in told["statements"]}
    mine = refused["ana@north", "42P01"]
    assert mine["times"] == 2 and mine["certain"] and "shop.orders" in mine["why"] and mine["statement"] == "SELECT"
    assert ("ana@lake", "42P01") not in refused
    # In pages nothing is lost, and it is said where one goes on.
    paged, after = [], 0
    while after is not None:
        page = simulated("--limit", "1", "--after", str(after), "--records", "0")
        paged += page["changes"]
        after = page["next"]
    assert paged == told["changes"] and len(paged) == told["total"]
    few = simulated("--records", "1", "--limit", "1")
    assert few["records"] == 1 and few["below"]
    assert "shop.customers" in world.gateway.command("policy", "simulate", str(folder), "--identity", "ana@north").stdout
    # Nothing was published; once it is, it is so.
    with world.session("ana@north") as ana:
        _rows(ana, used)
    try:
        world.publish(old=text, new=stricter)
        with world.session("ana@north") as ana:
            assert ana.query(used)[0].error_field("C") == "42P01"
            assert ana.value(kept) == "REDACTED"
        assert simulated("--records", "0")["changes"] == []
    finally:
        world.publish()
        remove_folder(folder)
