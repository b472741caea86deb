"""Malformed SCRAM exchanges: refused with PostgreSQL's own SQLSTATEs, and nothing to be learnt from them."""
from __future__ import annotations

import pytest

import wire
import wire_messages as m
from hostile_client import PROMPT, refusal_of, start_scram
from wire_scram import ScramClient

pytestmark = pytest.mark.usefixtures("still_serves")

MALFORMED_FIRST = {  # the SQLSTATEs are PostgreSQL's own
    "unknown_mechanism": (lambda s: m.sasl_initial("SCRAM-SHA-1", s.first()), {"08P01"}),
    "empty_mechanism": (lambda s: m.sasl_initial("", s.first()), {"08P01"}),
    "no_mechanism_terminator": (lambda s: m.password(b"SCRAM-SHA-256"), {"08P01"}),
    "length_beyond_message": (lambda s: m.password(b"SCRAM-SHA-256\0\x7f\xff\xff\xffn,,n=,r=abc"), {"08P01"}),
    "length_below_message": (lambda s: m.password(b"SCRAM-SHA-256\0\0\0\0\3n,,n=,r=abc"), {"08P01"}),
    "length_minus_two": (lambda s: m.password(b"SCRAM-SHA-256\0\xff\xff\xff\xfe"), {"08P01"}),
    "empty_data": (lambda s: m.sasl_initial("SCRAM-SHA-256", b""), {"08P01"}),
    "nul_inside": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"n,,n=,r=a\0bc"), {"08P01"}),
    "no_gs2_header": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"n=,r=abc"), {"08P01"}),
    "bad_gs2_flag": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"x,,n=,r=abc"), {"08P01"}),
    "authzid": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"n,a=postgres,n=,r=abc"), {"0A000", "08P01"}),
    "mandatory_extension": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"n,,m=x,n=,r=abc"), {"0A000", "08P01"}),
    "no_nonce": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"n,,n="), {"08P01"}),
    "unprintable_nonce": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"n,,n=,r=\x01\x02"), {"08P01"}),
    "binding_without_plus": (lambda s: m.sasl_initial("SCRAM-SHA-256", b"p=tls-server-end-point,,n=,r=abc"), {"08P01"}),
    "not_a_password_message": (lambda s: m.query("select 1"), {"08P01"}),
    "unknown_message": (lambda s: m.raw("z"), {"08P01"}),
    "terminate": (lambda s: m.terminate(), {None, "08P01"}),
}


@pytest.mark.parametrize("kind", MALFORMED_FIRST)
def test_scram_malformed_client_first(endpoint, kind):
    build, states = MALFORMED_FIRST[kind]
    with start_scram(endpoint) as connection:
        connection.send(build(ScramClient(endpoint.password)))
        messages = connection.read_to_end(PROMPT)
    assert [x.name for x in messages] in (["ErrorResponse"], []), messages
    assert (messages[0].error_field("C") if messages else None) in states


@pytest.mark.parametrize("kind,data,plus", [
    ("downgrade_flag", b"y,,n=,r=abc", False),  # "the server has no PLUS", though it offered it
    ("plus_without_binding", b"n,,n=,r=abc", True),
    ("unknown_binding_type", b"p=tls-unique,,n=,r=abc", True)])
def test_scram_channel_binding_downgrade_is_noticed(endpoint, kind, data, plus):
    with start_scram(endpoint) as connection:
        if "SCRAM-SHA-256-PLUS" not in connection.startup_messages[0].fields:
            pytest.skip("the target offers no SCRAM-SHA-256-PLUS")
        connection.send(m.sasl_initial("SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256", data))
        assert refusal_of(connection).error_field("C") in ("08P01", "28000")


def test_scram_plus_is_offered_works_and_binds(endpoint):
    with start_scram(endpoint) as connection:
        assert connection.startup_messages[0].fields == ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
    with wire.sign_in(endpoint, plus=True) as connection:
        assert connection.value("select 1") == "1"
    with wire.sign_in(endpoint, plus=False) as connection:
        assert connection.value("select 1") == "1"
    with start_scram(endpoint) as connection:  # the binding of another certificate: a relay in the middle
        scram = ScramClient(endpoint.password, b"\0" * 32)
        connection.send(m.sasl_initial(scram.mechanism, scram.first()))
        connection.send(m.sasl_response(scram.final(connection.read_message().fields[0])))
        assert refusal_of(connection).error_field("C") in ("08P01", "28000", "28P01")


MALFORMED_FINAL = {
    "wrong_nonce": ({"r": "abcdef"}, {"08P01"}), "shorter_nonce": ({"r": ""}, {"08P01"}),
    "wrong_binding": ({"c": "eSws"}, {"08P01", "28P01"}), "no_base64_binding": ({"c": "!!!"}, {"08P01", "28P01"}),
    "no_base64_proof": ({"p": "!!!"}, {"08P01"}), "empty_proof": ({"p": ""}, {"08P01"}),
    "short_proof": ({"p": "AAAA"}, {"08P01"}), "long_proof": ({"p": "A" * 88}, {"08P01"}),
    "zero_proof": ({"p": "A" * 43 + "="}, {"28P01"}), "huge_proof": ({"p": "A" * 20000}, {"08P01", "28P01"}),
}


@pytest.mark.parametrize("kind", MALFORMED_FINAL)
def test_scram_malformed_client_final(endpoint, kind):
    changes, states = MALFORMED_FINAL[kind]
    with start_scram(endpoint) as connection:
        scram = ScramClient(endpoint.password)
        connection.send(m.sasl_initial(scram.mechanism, scram.first()))
        server_first = connection.read_message()
        connection.send(m.sasl_response(scram.final(server_first.fields[0], **changes)))
        messages = connection.read_to_end(PROMPT)
    assert [x.name for x in messages] == ["ErrorResponse"], messages
    assert messages[0].error_field("C") in states


def test_scram_wrong_password_and_unknown_user_look_alike(endpoint):
    """The same messages, iterations, salt length and a salt that stays; else names could be probed."""
    seen = []
    for user in (endpoint.user, "no_such_user_here", endpoint.user, "no_such_user_here"):
        with start_scram(endpoint, user) as connection:
            scram = ScramClient("wrong")
            connection.send(m.sasl_initial(scram.mechanism, scram.first()))
            final = scram.final(connection.read_message().fields[0])
            connection.send(m.sasl_response(final))
            error = refusal_of(connection)
            text = error.error_field("M").replace(user, "USER")
            seen.append((scram.iterations, len(scram.salt), error.error_field("C"), text, scram.salt))
    assert seen[0][:4] == seen[1][:4]
    assert seen[0][4] == seen[2][4] and seen[1][4] == seen[3][4], "a salt changed between attempts"
    assert seen[0][2] == "28P01"
