"""How one's own server keeps its files is declared, and shown as a declaration, never as held."""
from __future__ import annotations

import datetime
import json

import pytest

from postgres import DATABASE
from processes import wait_for

_WHAT = "LUKS2 on the volume, ticket 17"


@pytest.fixture(autouse=True)
def _only_bartizan(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has these commands")


def said(target) -> str:
    status = json.loads(target.command("status", "--json").stdout)
    return next(depot["at_rest"] for depot in status["depots"] if depot["name"] == DATABASE)


def declare(target, *options: str, check: bool = True):
    return target.command("depot", "declare-at-rest", DATABASE, *options, check=check)


def test_it_is_shown_as_declared_with_who_when_and_until(target):
    assert said(target) == "unknown"
    declare(target, "--what", _WHAT, "--until", "2090-01-31T00:00:00Z")
    shown = said(target)
    assert shown.startswith(f"declared, not verified: {_WHAT} (by ") and "until 2090-01-31T00:00:00" in shown
    assert datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d") in shown
    assert "held" not in shown
    declare(target, "--what", "another volume")
    assert said(target).startswith("declared, not verified: another volume (by ") and "until" not in said(target)
    declare(target, "--withdraw")
    assert said(target) == "unknown"
    assert declare(target, "--withdraw", check=False).returncode != 0


def test_past_its_end_nothing_is_known(target):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    declare(target, "--what", _WHAT, "--until", soon.isoformat(timespec="seconds").replace("+00:00", "Z"))
    wait_for(lambda: said(target).startswith("unknown, the declaration is over: "), 10, "its end")
    declare(target, "--withdraw")


@pytest.mark.parametrize("options", [(), ("--what", "x", "--withdraw"), ("--what", "two\nlines"),
                                     ("--what", "x", "--until", "2020-01-01T00:00:00Z")])
def test_what_is_no_declaration_changes_nothing(target, options):
    assert declare(target, *options, check=False).returncode != 0
    assert said(target) == "unknown"
