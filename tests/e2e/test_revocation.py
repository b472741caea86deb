"""What was granted is taken away while a client signs in or waits."""
from __future__ import annotations

import json
import time

import pytest

import wire
import wire_messages as m
from postgres import DATABASE, USER
from processes import wait_for
from wire_scram import ScramClient

_PASSWORD = "revoked-pässword"


@pytest.fixture(autouse=True)
def _only_bartizan(target_name):
    if target_name != "bartizan":
        pytest.skip("grants are Bartizan's")


def _may_sign_in(endpoint) -> bool:
    try:
        wire.sign_in(endpoint).close()
    except wire.SignInRefused:
        return False
    return True


def test_grant_taken_away_in_the_middle_of_a_sign_in(target):
    """What a sign-in has read of the grants is old by its end, which a client may put off: no later change tells it."""
    target.command("identity", "create", "fleeting", "--password-stdin", input=_PASSWORD + "\n")
    added = target.command("grant", "add", "--depot", DATABASE, "--identity", "fleeting", "--login", USER, "--json")
    grant = json.loads(added.stdout)["id"]
    endpoint = target.endpoint().replace(user="fleeting", password=_PASSWORD)
    wait_for(lambda: _may_sign_in(endpoint), 2, "the grant")
    with wire.Connection(endpoint) as client:
        client.start_tls()
        client.send_startup()
        client.read_message()  # AuthenticationSASL
        scram = ScramClient(_PASSWORD)
        client.send(m.sasl_initial(scram.mechanism, scram.first()))
        proof = scram.final(client.read_message().fields[0])
        target.command("grant", "remove", grant)
        time.sleep(1)  # every worker has seen the change
        client.send(m.sasl_response(proof) + m.query("select 'ran'"))  # ahead of any look at what has changed
        replies = client.read_to_end(3)
    errors = [reply for reply in replies if reply.name == "ErrorResponse"]
    assert len(errors) == 1, replies
    assert not any(reply.name == "DataRow" for reply in replies), replies
    assert not _may_sign_in(endpoint)
