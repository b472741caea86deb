"""Consumers of row-bound columns: the class's view gives them the cells, and the key where they may see it. Values, masks of the
value, and writing through it go on; who sees the key masked reads no bound column."""
from __future__ import annotations

import psycopg
import pytest

from encrypted import DEPOT, PASSWORD, Encrypted

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
ROLES = ("clerk", "viewer", "blind")
POLICIES = """
name: read
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:clerk", "roles:id:viewer", "roles:id:blind"]}
    predicates: [read]
    objects: {paths: ["crm:public.staff"]}
    allow: true
---
name: write
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:clerk"]}
    predicates: [insert, update, delete]
    objects: {paths: ["crm:public.staff"]}
    allow: true
---
name: staff
version: v1
type: classification
classification:
  depot: crm
  schema: public
  table: staff
  columns: {id: [PII.Key], email: [PII.Email], pay: [], note: []}
---
name: viewer-email
version: v1
type: policy
policy:
  data:
    type: mask
    priority: 50
    depot: crm
    selector: {user: {tags: ["roles:id:viewer"]}, column: {tags: [PII.Email]}}
    mask: {operator: email, email: {first: 1, keep_domain: true}}
---
name: blind-key
version: v1
type: policy
acknowledge: [mask_on_key]
policy:
  data:
    type: mask
    priority: 60
    depot: crm
    selector: {user: {tags: ["roles:id:blind"]}, column: {tags: [PII.Key]}}
    mask: {operator: "null"}
"""


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = Encrypted("transaction")
    with started.connect(autocommit=True) as owner:
        owner.execute("create table staff (id int primary key, email text, pay int, note text); "
                      "insert into staff values (1, 'ada@example.org', 900, 'a'), (2, 'bob@example.org', 100, 'b')")
    started.encrypt("public.staff.email", "--search", "--bind-row")
    started.encrypt("public.staff.pay", "--bind-row")
    for role in ROLES:
        started.command("role", "create", role)
        started.command("identity", "create", role, "--password-stdin", input=PASSWORD + "\n")
        started.command("grant", "add", "--depot", DEPOT, "--identity", role, "--login", f"{DEPOT}_owner")
        started.command("role", "assign", role, role)
    started.gateway.publish({"crm.yaml": POLICIES})
    yield started
    started.stop()


def rows(world, name, text, parameters=None, **options):
    with world.connect(name, autocommit=True) as connection:
        cursor = connection.execute(text, parameters, **options)
        found = cursor.fetchall() if cursor.description else cursor.rowcount
        return found


@pytest.mark.parametrize("options", [{}, {"prepare": True}, {"binary": True}])
def test_values_and_equality_of_who_sees_the_column_in_clear(world, options):
    assert rows(world, "clerk", "select email, pay from staff order by note", **options) == [
        ("ada@example.org", 900), ("bob@example.org", 100)]
    assert rows(world, "clerk", "select * from staff where email = %s", ("bob@example.org",), **options) == [
        (2, "bob@example.org", 100, "b")]
    assert rows(world, "clerk", "insert into staff (id, pay) values (%s, %s)", (3, 5), **options) == 1
    assert rows(world, "clerk", "update staff set pay = %s where id = %s", (6, 3), **options) == 1
    assert rows(world, "clerk", "select pay from staff where id = 3", **options) == [(6,)]
    assert rows(world, "clerk", "delete from staff where id = 3", **options) == 1
    for refused in ("update staff set pay = 7", "insert into staff (pay) values (7)"):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="bound to its row"):
            rows(world, "clerk", refused)


def test_masks_of_the_value(world):
    for text in ("select email, pay from staff order by id", "select s.email, s.pay from (select * from staff) s order by s.note"):
        assert rows(world, "viewer", text) == [("a***@example.org", 900), ("b***@example.org", 100)]
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        rows(world, "viewer", "select id from staff where email = 'ada@example.org'")


def test_who_does_not_see_the_key_reads_no_bound_column(world):
    assert rows(world, "blind", "select id, note from staff order by note") == [(None, "a"), (None, "b")]
    for text in ("select email from staff", "select * from staff", "select id, pay from staff"):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="key is not shown to you"):
            rows(world, "blind", text)


def test_a_moved_cell_opens_to_nobody(world):
    swap = "update staff w set {0} = o.{0} from staff o where (w.id, o.id) in ((1, 2), (2, 1))"
    with world.direct() as direct:
        for column in ("email", "pay"):
            direct.execute(swap.format(column))
            for name in ("clerk", "viewer"):
                with pytest.raises(psycopg.Error, match="does not open|lost|closed"):
                    rows(world, name, f"select {column} from staff")
            direct.execute(swap.format(column))
    assert rows(world, "viewer", "select email from staff where id = 1") == [("a***@example.org",)]
