"""A table of aggregates alone (shop.pay of wall/schema.sql): what may be asked, and that nothing is told of one person."""
from __future__ import annotations

import pytest

import siege
import walled
import wire_messages as m

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode="transaction")
    yield started
    started.stop()


@pytest.fixture
def ana(world):
    session = siege.of_identity(world, "ana@north")
    yield session
    session.close()


# Person 8 of north earns 734519: true of the first value, false of the second.
_QUESTIONS = [
    "SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {}",
    "SELECT sum(salary), avg(salary) FROM shop.pay WHERE person = 8 AND salary > {}",
    "SELECT EXISTS (SELECT 1 FROM shop.pay WHERE person = 8 AND salary > {})",
    "SELECT 1 FROM shop.pay WHERE person = 8 AND salary > {} GROUP BY person",
    "SELECT code FROM shop.countries WHERE 1 = (SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {})",
    "SELECT team FROM shop.pay WHERE person = 8 AND salary > {} GROUP BY team HAVING 1 / (count(*) - 1) = 0",
    "SELECT 1 / (count(*) - 1) FROM shop.pay WHERE person = 8 AND salary > {}",
    "SELECT x.n / 0 FROM (SELECT count(*) AS n FROM shop.pay WHERE person = 8 AND salary > {}) AS x",
    "SELECT x.salary FROM (SELECT salary FROM shop.pay WHERE person = 8 AND salary > {} GROUP BY salary) AS x "
    "WHERE 1 / (x.salary - 734519) > 0",
    "WITH x AS (SELECT salary FROM shop.pay WHERE person = 8 AND salary > {} GROUP BY salary) SELECT 1 FROM x WHERE 1 / (x.salary - 734519) > 0",
    "SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {} AND 1 / (id - 8) = 0",
    "SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {} AND name LIKE 'QZX7PAY8\\'",
    "SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {} AND name::integer = 5",
    "SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {} GROUP BY date_trunc('nonsense', hired)",
    "SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {} GROUP BY extract(hour FROM hired)",
    "SELECT DISTINCT team FROM shop.pay WHERE person = 8 AND salary > {}",
    "SELECT team FROM shop.pay WHERE person = 8 AND salary > {} FOR UPDATE",
    "UPDATE shop.pay SET salary = 0 WHERE person = 8 AND salary > {}",
    "DELETE FROM shop.pay WHERE person = 8 AND salary > {}",
    "INSERT INTO shop.tickets (tenant, title) SELECT 'north', 'x' FROM shop.pay WHERE person = 8 AND salary > {}",
    "PREPARE q (oid) AS SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {} AND id = $1; EXECUTE q (5)",
    "DECLARE q CURSOR FOR SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {}; FETCH q",
    "COPY (SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > {}) TO STDOUT",
]


@pytest.mark.parametrize("question", _QUESTIONS)
def test_no_statement_answers_about_one_person(ana, question):
    """Rows, tags and errors are the same whether the answer is yes or no; for the owner they are not."""
    def answers(session) -> list:
        found = []
        for value in ("700000", "800000"):
            ways = [m.query(question.format(value))]
            if ";" not in question:
                ways.append(m.parse("", question.format("$1")) + m.bind(values=[value]) + m.execute() + m.sync())
            told = []
            for data in ways:
                session.send(m.query("BEGIN"))
                _, _, messages = session.send(data)
                session.send(m.query("ROLLBACK"))
                session.send(m.query("DEALLOCATE ALL"))
                told.append([(one.name, one.fields) for one in messages])
            found.append(told)
        return found

    yes, no = answers(ana)
    assert yes == no
    assert all(told for told in yes)


def test_what_the_guards_are_for(world):
    """PostgreSQL itself answers by failing where the guards do not stand: quals are pushed into a grouped sub-select."""
    owner = siege.of_identity(world, walled.OWNER)
    group = ("SELECT salary FROM shop.pay WHERE person = 8 GROUP BY salary HAVING {} ")
    outside = "SELECT x.salary FROM (" + group + "{}) AS x WHERE 1 / (x.salary - 734519) > 0"

    def refused(text: str) -> bool:
        return any(one.name == "ErrorResponse" for one in owner.send(m.query(text))[2])

    enough = "count(DISTINCT person) >= 5"
    guarded = "CASE WHEN " + enough + " THEN {} ELSE false END"
    assert refused(outside.format(enough, "")) and not refused(outside.format(enough, "OFFSET 0"))
    assert refused(group.format("1 / (salary - 734519) > 0 AND " + enough))
    assert not refused(group.format(guarded.format("1 / (salary - 734519) > 0")))
    owner.close()


def test_groups_that_are_large_enough_are_there(world, ana):
    assert ana.run("SELECT team, count(*) FROM shop.pay GROUP BY team ORDER BY team") == [b"sales", b"20", b"works", b"20"]
    assert ana.run("SELECT count(*) FROM shop.pay WHERE person < 9") == []
    assert ana.run("SELECT count(*) FROM shop.pay WHERE person <= 10") == [b"25"]  # five persons, one of them often
    # one alone has a bonus, so a sum of it would be that one's
    assert ana.run("SELECT sum(bonus) FROM shop.pay") == []
    _, values, messages = ana.send(m.query("SELECT max(salary) FROM shop.pay"))
    assert not values and messages[0].error_field("C") == "0A000" and "sum, avg" in messages[0].error_field("H")
    _, values, messages = ana.send(m.query("SELECT name FROM shop.pay"))
    assert not values and messages[0].error_field("C") == "42501" and "aggregates alone" in messages[0].error_field("M")
    told = ana.run("EXPLAIN POLICY SELECT count(*) FROM shop.pay")
    assert any(b"at least 5 distinct person alone" in one for one in told)
    told = world.gateway.command("access", "who-can-see", "walled:shop.pay.salary", "--json").stdout
    assert "in aggregates over at least 5 distinct person alone" in told


def test_declared_types_of_parameters(ana):
    text = "SELECT count(*) FROM shop.pay WHERE person > $1"
    for oid, permitted in [(20, True), (1700, True), (0, True), (26, False), (2205, False)]:
        _, values, messages = ana.send(m.parse("", text, oids=[oid]) + m.bind(values=["1"]) + m.execute() + m.sync())
        assert bool(values) == permitted, (oid, messages)
        if not permitted:
            assert messages[0].error_field("C") == "42501"
