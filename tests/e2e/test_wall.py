"""The way to a depot that policies protect: its sign-in, and what becomes of sessions when the policies change."""
from __future__ import annotations

import re
import threading
import time

import pytest

import audit_records
import walled
import wire
import wire_messages as m
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]


@pytest.fixture(scope="module", params=["session", "transaction"])
def world(request, target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode=request.param)
    yield started
    started.stop()


@pytest.fixture
def unpublished(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(published=False)
    yield started
    started.stop()


def _ended(session, sqlstate: str = "57P01", within: float = 1.3) -> str:
    """The FATAL that ends the session, and nothing behind it."""
    begun = time.monotonic()
    last = session.read_to_end()
    assert time.monotonic() - begun < within
    assert last and last[-1].error_field("C") == sqlstate, last
    return last[-1].error_field("M")


def _refused(world, name: str, parameters: dict | None = None) -> tuple[str, str]:
    with pytest.raises(wire.SignInRefused) as refused:
        world.session(name, parameters).close()
    return refused.value.sqlstate, refused.value.error.error_field("M")


def test_protecting_a_depot_ends_passing_through(unpublished):
    """From the publication on: sessions end within a second, and a sign-in that began before it is not passed through."""
    with unpublished.session("ana@north") as before, unpublished.session(walled.OWNER) as owner, \
            walled.Recorder(unpublished.endpoint("ana@north")) as slow:
        assert before.value("select count(*) from shop.customers") == "60"
        slow.start_tls()
        slow.send_startup()
        offer = slow.read_message()
        unpublished.publish()
        _ended(before)
        slow.answer_sasl(offer)
        slow.finish_startup()
        assert slow.value("select count(*) from shop.customers") == "30"
        assert owner.value("select count(*) from shop.customers") == "60"
    with unpublished.session("ana@north") as after:
        assert after.value("select email from shop.customers order by id limit 1") == "a***@example.org"


def test_a_grant_past_the_wall_that_is_taken_back_ends_its_sessions(world):
    listed = world.gateway.command("grant", "list", "--depot", walled.DEPOT, "--json").stdout
    assert listed.count('"past_wall":true') == 1, listed
    run = world.gateway.command
    run("identity", "create", "otto", "--password-stdin", input=walled.PASSWORD + "\n")
    run("grant", "add", "--depot", walled.DEPOT, "--identity", "otto", "--login", "walled_owner", "--past-wall")
    with world.session("otto") as otto:
        assert otto.value("select count(*) from back.vault") == "5"
        run("identity", "disable", "otto")
        _ended(otto)


def test_what_the_greeting_tells(world):
    with world.session("ana@north", {"application_name": "x", "TimeZone": "UTC"}) as ana:
        greeting = bytes(ana.seen)
        assert b"bz_" not in greeting and b"bartizan" not in greeting
        assert ana.parameters["TimeZone"] == "UTC" and ana.parameters["application_name"] == "x"
        assert ana.parameters["client_encoding"] == "UTF8"
        assert ana.parameters["server_version"]
        assert "session_authorization" not in ana.parameters


def test_startup_settings(world):
    with world.session("ana@north", {"search_path": "shop, public"}) as ana:
        assert ana.value("select count(*) from customers") == "30"
        assert ana.value("show search_path") == "shop, public"
        ana.query("set search_path = public")
        ana.query("reset search_path")
        assert ana.value("select count(*) from customers") == "30"
    for parameters in ({"row_security": "off"}, {"options": "-c row_security=off"}, {"my.own": "1"},
                       {"work_mem": "1GB"}, {"options": "-c session_replication_role=replica"}):
        assert _refused(world, "ana@north", parameters)[0] == "42501", parameters
    assert _refused(world, "ana@north", {"client_encoding": "SJIS"})[0] == "22023"
    assert _refused(world, "ana@north", {"standard_conforming_strings": "off"})[0] == "22023"
    assert _refused(world, "ana@north", {"TimeZone": "Nowhere/None"})[0] == "22023"


def test_purpose_and_tenant_at_sign_in(world):
    for parameters in ({"bartizan.purpose": "no such purpose"}, {"bartizan.tenant": "north"},
                       {"options": "-c bartizan.tenant=north"}):
        with world.session("ana@north", parameters) as ana:
            assert ana.value("select string_agg(distinct tenant, ',') from shop.customers") == "north"
    for tenant in ("lake", "nobody", ""):
        assert _refused(world, "ana@north", {"bartizan.tenant": tenant})[0] == "42501"


_CHEAP_ORDERS = """
---
name: cheap-orders
version: v1
type: policy
policy:
  data:
    type: filter
    dataset_id: walled:shop.orders
    selector: {user: {tags: ["**"]}}
    filters: [{expression: price < 12}]
"""


def test_a_class_that_can_not_be_made_yet_is_refused(world):
    """While the wall can't follow the policies, sign-ins wait, and are then refused; nobody is let in loosely."""
    with world.session(walled.OWNER) as owner, world.session("ana@north") as ana:
        owner.query("begin")
        owner.query("lock table shop.orders in access share mode")  # which the new filter has to wait for
        everything = ana.value("select count(*) from shop.orders")
        publication = threading.Thread(target=world.publish, kwargs={"more": _CHEAP_ORDERS})
        publication.start()
        try:
            _ended(ana, within=10)
            sqlstate, text = _refused(world, "ana@north")
            assert sqlstate == "57P03" and "brought up to date" in text
        finally:
            owner.query("rollback")
            publication.join(60)
    with world.session("ana@north") as ana:
        assert 0 < int(ana.value("select count(*) from shop.orders")) < int(everything)
    world.publish()


def test_changed_policies_take_hold_within_a_second(world):
    """An idle session ends at once, one in a transaction when that ends; who connects again sees what holds now."""
    with world.session("ana@north") as idle, world.session("ana@north") as busy:
        assert idle.value("select email from shop.customers order by id limit 1") == "a***@example.org"
        busy.query("begin")
        assert busy.value("select email from shop.customers order by id limit 1") == "a***@example.org"
        world.publish("email: {first: 1}", "email: {first: 2}")
        assert "policies" in _ended(idle)
        time.sleep(1)
        assert busy.value("select email from shop.customers order by id limit 1") == "a***@example.org"
        busy.send(m.query("commit"))
        _ended(busy)
    with world.session("ana@north") as again:
        assert again.value("select email from shop.customers order by id limit 1") == "aq***@example.org"
    world.publish()


def test_a_publication_that_changes_nothing_for_a_class_leaves_its_sessions(world):
    with world.session("ana@north") as ana:
        assert ana.value("select count(*) from shop.customers") == "30"
        world.publish()
        time.sleep(1.5)
        assert ana.value("select count(*) from shop.customers") == "30"


def test_a_role_that_is_taken_away_ends_the_session(world):
    run = world.gateway.command
    run("identity", "create", "ria", "--tenant", "north", "--password-stdin", input=walled.PASSWORD + "\n")
    run("grant", "add", "--depot", walled.DEPOT, "--identity", "ria", "--login", "walled_owner")
    run("role", "assign", "analyst", "ria")
    with world.session("ria") as ria:
        assert ria.value("select count(*) from shop.customers") == "30"
        run("role", "unassign", "analyst", "ria")
        _ended(ria)
    with world.session("ria") as ria:
        assert ria.query("select count(*) from shop.customers")[0].error_field("C") == "42P01"


def test_sign_ins_are_recorded_with_their_class(world):
    with world.session("ana@lake") as lake:
        lake.value("select count(*) from shop.customers")

    def recorded() -> bool:
        return any(record.get("event") == "sign_in" and record.get("identity") == "ana@lake" and
                   re.fullmatch("[0-9a-f]{16}", record.get("class", "")) and record["policies"] >= 1
                   for record in audit_records.records(world.gateway.data / "audit"))

    wait_for(recorded, 10, "the record of a sign-in", step=0.2)
