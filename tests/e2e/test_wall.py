"""A depot that policies protect is reached through the wall or not at all."""
from __future__ import annotations

import time

import pytest

import bartizan
import wire
from processes import make_folder, remove_folder

pytestmark = pytest.mark.timeout(240)

# Speaks of the depot, and of nothing in it that exists: nobody sees anything.
_PROTECTED = """
name: readers
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:reader"]}
    predicates: [read]
    objects: {paths: ["demo:clinic.customers"]}
    allow: true
"""


@pytest.fixture(scope="module")
def up(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    folder = make_folder()
    started = bartizan.Embedded(folder)
    yield started
    started.stop()
    remove_folder(folder)


def _endpoint(up, name: str):
    return next(endpoint for endpoint in up.endpoints() if endpoint.user == name)


def test_protecting_a_depot_ends_passing_through(up):
    """From the publication on: sessions that stand end within a second, and no login brings one past the wall."""
    ana = _endpoint(up, "ana@northside")
    with wire.sign_in(ana) as before:
        assert before.value("select count(*) from clinic.customers") == "20000"
        up.publish({"demo.yaml": _PROTECTED})
        begun = time.monotonic()
        last = before.read_to_end()
        assert time.monotonic() - begun < 1.5
        assert last[-1].error_field("C") == "57P01", last
    for name in ("ana@northside", "sam@northside", "olive@northside", "app"):
        with pytest.raises(wire.SignInRefused) as refused:
            wire.sign_in(_endpoint(up, name)).close()
        assert refused.value.sqlstate == "57P03"
        assert "policies" in refused.value.error.error_field("M")
