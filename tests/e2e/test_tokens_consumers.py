"""Columns of tokens before consumers: the view gives the token, the right to detokenize its value, and a mask stays a mask for both."""
from __future__ import annotations

import psycopg
import pytest

from encrypted import DEPOT, PASSWORD, Encrypted

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
# Who may detokenize, and whom a mask stands before.
ROLES = ("billing", "support", "masked", "masked_billing")
ADA, BOB = "4111 1111 1111 1111", "5500 0000 0000 0004"
_ALL = ", ".join(f'"roles:id:{role}"' for role in ROLES)
POLICIES = f"""
name: read
version: v1
type: policy
policy:
  access:
    subjects: {{tags: [{_ALL}]}}
    predicates: [read, insert, update, delete]
    objects: {{paths: ["crm:public.payments"]}}
    allow: true
---
name: detokenize
version: v1
type: policy
policy:
  access:
    subjects: {{tags: ["roles:id:billing", "roles:id:masked_billing"]}}
    predicates: [detokenize]
    objects: {{paths: ["crm:public.payments.card"]}}
    allow: true
---
name: payments
version: v1
type: classification
classification:
  depot: crm
  schema: public
  table: payments
  columns: {{id: [], card: [PCI.Pan], note: []}}
---
name: masked-card
version: v1
type: policy
policy:
  data:
    type: mask
    priority: 50
    depot: crm
    selector: {{user: {{tags: ["roles:id:masked", "roles:id:masked_billing"]}}, column: {{tags: [PCI.Pan]}}}}
    mask: {{operator: MASK}}
"""
REDACTED = POLICIES.replace("MASK", "partial, partial: {last: 4}")


@pytest.fixture(scope="module", params=["transaction", "session"])
def world(request, target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = Encrypted(request.param)
    with started.connect(autocommit=True) as owner:
        owner.execute("create table payments (id int primary key, card text, note text); "
                      f"insert into payments values (1, '{ADA}', 'a'), (2, '{BOB}', 'b')")
    started.command("column", "tokenize", DEPOT, "public.payments.card", "--alphabet", "digits", "--separators", " ")
    for role in ROLES:
        started.command("role", "create", role)
        started.command("identity", "create", role, "--password-stdin", input=PASSWORD + "\n")
        started.command("grant", "add", "--depot", DEPOT, "--identity", role, "--login", f"{DEPOT}_owner")
        started.command("role", "assign", role, role)
    started.gateway.publish({"crm.yaml": REDACTED})
    with started.direct() as direct:
        started.tokens = [row[0] for row in direct.execute("select card from payments order by id").fetchall()]
    assert ADA not in started.tokens
    yield started
    started.stop()


def rows(world, name, text, parameters=None, **options):
    with world.connect(name, autocommit=True) as connection:
        cursor = connection.execute(text, parameters, **options)
        return cursor.fetchall() if cursor.description else cursor.rowcount


@pytest.mark.parametrize("options", [{}, {"prepare": True}, {"binary": True}])
def test_values_for_who_may_have_them(world, options):
    assert rows(world, "billing", "select card from payments order by id", **options) == [(ADA,), (BOB,)]
    assert rows(world, "billing", "select id from payments where card = %s", (BOB,), **options) == [(2,)]
    assert rows(world, "billing", "select p.id from payments p join payments q on p.card = q.card where p.card = any(%s)", ([ADA],),
                **options) == [(1,)]
    assert rows(world, "billing", "insert into payments values (3, %s, 'c')", ("4242 4242 4242 4242",), **options) == 1
    assert rows(world, "billing", "select card from payments where id = 3", **options) == [("4242 4242 4242 4242",)]
    with world.direct() as direct:
        assert direct.execute("select card from payments where id = 3").fetchone()[0] != "4242 4242 4242 4242"
    assert rows(world, "billing", "delete from payments where card = %s", ("4242 4242 4242 4242",), **options) == 1


@pytest.mark.parametrize("options", [{}, {"prepare": True}, {"binary": True}])
def test_tokens_for_who_may_not(world, options):
    one = world.tokens[0]
    assert rows(world, "support", "select card from payments order by id", **options) == [(token,) for token in world.tokens]
    assert rows(world, "support", "select id from payments where card = %s", (ADA,), **options) == []
    assert rows(world, "support", "select id from payments where card = %s", (one,), **options) == [(1,)]
    assert rows(world, "support", "select card from payments where card like %s order by id", (one[:4] + "%",), **options)[0] == (one,)
    for write in ("insert into payments values (9, '4242 4242 4242 4242', 'x')", "update payments set card = '4242 4242 4242 4242'",
                  "update payments p set card = q.card from payments q where p.id = 1 and q.id = 2"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="detokenize"):
            rows(world, "support", write)
    assert rows(world, "support", "update payments set note = note where id = 1") == 1


MASKS = {"partial": REDACTED, "redact": POLICIES.replace("MASK", "redact, redact: {}"), "null": POLICIES.replace("MASK", '"null"'),
         "constant": POLICIES.replace("MASK", "constant, constant: {value: none}"), "hash": POLICIES.replace("MASK", "hash"),
         "rand_pattern": POLICIES.replace("MASK", 'rand_pattern, rand_pattern: {pattern: "####"}')}


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_is_a_mask_with_the_right_and_without(world, mask):
    world.gateway.publish({"crm.yaml": MASKS[mask]})
    for name in ("masked", "masked_billing"):
        for options in ({}, {"prepare": True}, {"binary": True}):
            seen = [row[0] for row in rows(world, name, "select card from payments order by id", **options)]
            for value, token, shown in zip((ADA, BOB), world.tokens, seen):
                assert shown not in (value, token), (name, mask, shown)
        with world.connect(name, autocommit=True) as connection, \
                connection.cursor().copy("copy (select card from payments) to stdout") as copy:
            copied = b"".join(bytes(piece) for piece in copy)
        for text in (ADA, BOB, *world.tokens):
            assert text.encode() not in copied, (name, mask)
    assert rows(world, "billing", "select card from payments where id = 1") == [(ADA,)]
    assert rows(world, "support", "select card from payments where id = 1") == [(world.tokens[0],)]


def test_a_mask_is_made_of_the_token(world):
    """By the view, which has nothing else: it tells nothing of the value."""
    world.gateway.publish({"crm.yaml": REDACTED})
    for name in ("masked", "masked_billing"):
        shown = rows(world, name, "select card, right(card, 4), left(card, 1) from payments where id = 1")[0]
        assert shown[0].endswith(world.tokens[0][-4:]) and shown[1] == world.tokens[0][-4:], name
        assert shown[2] not in "0123456789", name
