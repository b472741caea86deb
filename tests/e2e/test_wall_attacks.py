"""What consumers of a protected depot may try, and what they may rightly ask (wall/attacks.sql, wall/legitimate.sql)."""
from __future__ import annotations

import json

import pytest

import leaks
import siege
import walled
import wire_messages as m

pytestmark = [pytest.mark.timeout(600), pytest.mark.gateway]


@pytest.fixture(scope="module", params=["session", "transaction"])
def world(request, target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode=request.param)
    yield started
    started.stop()


def test_the_detector_sees_what_the_owner_sees(world):
    """The control: past the wall the same statements do bring out what they are after."""
    owner = siege.of_identity(world, walled.OWNER)
    attacks = [statement for _, statement, shows in siege.attacks() if shows]
    blind = []
    for statement in attacks:
        owner.send(m.query("BEGIN"))
        data, values, _ = owner.send(m.query(statement))
        if not leaks.found_in(data, values):
            blind.append(statement)
        owner.send(m.query("ROLLBACK"))
    owner.close()
    assert not blind, f"{len(blind)} of {len(attacks)} show nothing to the owner either:\n" + "\n".join(blind)


def test_no_attack_brings_anything_out(world):
    attacks = siege.attacks()
    assert len(attacks) >= 300
    consumer, owner = siege.of_identity(world, "cleo@north"), siege.of_identity(world, walled.OWNER)
    before = siege.state_of_the_data(owner)
    leaked, sent = [], 0
    for row, statement, _ in attacks:
        for form, data in siege.forms(statement).items():
            if row == "writes":
                consumer.send(m.query("BEGIN"))
            came, values, messages = consumer.send(data)
            sent += 1
            what = leaks.found_in(came, values)
            if what:
                leaked.append(f"[{row}] {form}: {what}: {statement}\n    {messages}"[:600])
            assert messages, f"no reply to {form}: {statement}"
            consumer.send(m.query("ROLLBACK"))
            consumer.send(m.query("DEALLOCATE ALL"))
    assert not leaked, f"{len(leaked)} of {sent}:\n" + "\n".join(leaked)
    assert siege.state_of_the_data(owner) == before
    # and the session is as good as before
    assert consumer.send(m.query("SELECT count(*) FROM shop.customers"))[1] == [b"30"]
    consumer.close()
    owner.close()


def _legitimate() -> list[tuple[str, list]]:
    """(statement, parameters)"""
    found = []
    for line in (walled.DATA / "legitimate.sql").read_text().splitlines():
        if line and not line.startswith("--"):
            statement, _, parameters = line.partition(" --: ")
            found.append((statement, json.loads(parameters) if parameters else []))
    return found


def _answer(session: siege.Session, statement: str, parameters: list, results: tuple, simple: bool) -> tuple:
    if simple:
        data = m.query(statement)
    else:
        data = m.parse("", statement) + m.bind(values=parameters, results=results) + m.describe("P") + m.execute() + m.sync()
    came, _, messages = session.send(data)
    for message in messages:
        if message.name == "ErrorResponse":
            return came, f"{message.error_field('C')} {message.error_field('M')}"
    return came, [(one.name, one.fields) for one in messages if one.name in ("DataRow", "CommandComplete", "CopyData")]


def test_legitimate_statements_have_the_masked_answer(world):
    """Each gives what PostgreSQL gives on data that the policies have been applied to beforehand."""
    cases = _legitimate()
    assert len(cases) >= 100
    consumer, owner = siege.of_identity(world, "cleo@north"), siege.of_identity(world, walled.OWNER)
    consumer.send(m.query("SET search_path = shop"))
    owner.send(m.query("SET search_path = expected"))
    wrong = []
    for statement, parameters in cases:
        forms = [((), True)] if not parameters else []
        for results, simple in forms + [((), False), ((1,), False)]:
            writes = statement.upper().startswith(("INSERT", "UPDATE", "DELETE", "WITH W"))
            answers = []
            for session in (consumer, owner):
                if writes:
                    session.send(m.query("BEGIN"))
                answers.append(_answer(session, statement, parameters, results, simple))
                if writes:
                    session.send(m.query("ROLLBACK"))
            (came, got), (_, expected) = answers
            if got != expected:
                wrong.append(f"{'simple' if simple else 'extended'}{results}: {statement}\n   got {got}\n   not {expected}"[:900])
            what = leaks.found_in(came)
            if what:
                wrong.append(f"{what}: {statement}")
            if isinstance(expected, str):
                wrong.append(f"the reference can't answer it: {statement}: {expected}")
    consumer.close()
    owner.close()
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)


def test_a_tenant_and_a_keyed_token(world):
    """Equal values have equal tokens in one class, for every tenant of it; nothing of the other tenant is counted."""
    rows = {}
    for name in ("ana@north", "ana@lake"):
        session = siege.of_identity(world, name)
        rows[name] = session.send(m.query("SELECT id, name FROM shop.customers ORDER BY id"))[1]
        assert session.send(m.query("SELECT count(*), count(DISTINCT tenant) FROM shop.customers"))[1] == [b"30", b"1"]
        session.close()
    assert len(set(rows["ana@north"][1::2])) == 30
    assert not set(rows["ana@north"]) & set(rows["ana@lake"])
