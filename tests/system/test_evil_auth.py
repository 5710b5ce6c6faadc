"""Peers that keep no rules of AUTH (RFC 4954), inside verified TLS: as
test_evil.py, and nothing they do makes us say or write a credential."""
import base64

import pytest

from evil import OFFERS
from evil_table import (PASSWORD, RUDE, TOKEN, USER, Table, at, drop_at, huge,
                        inside, reset_at, run, silent_at, verified)
from test_evil import contexts, pki  # noqa: F401

def auth(mechanism, offer=None, **more):
    """A relay that uses this mechanism, a peer that offers it inside TLS."""
    what = "token" if "OAUTH" in mechanism else "password"
    return dict(relay=(f"auth {{\n\t\tuser = {USER}\n\t\t{what} = file:@{what}\n"
                       f"\t\tmechanism = {mechanism}\n\t}}",),
                inside_offers=(*OFFERS, f"AUTH {offer or mechanism}"), **more)


def asks(*challenges, end="535 5.7.8 no"):
    """Each challenge gets a line of the client; then the end."""
    def script(p):
        p.upto("AUTH")
        for c in challenges:
            p.say(b"334 " + (c if isinstance(c, bytes) else c.encode()))
            p.read_line()
        p.say(end)
        p.on()
    return script


def for_ever(challenge):
    def script(p):
        p.upto("AUTH")
        while True:
            p.say("334 " + challenge)
            p.read_line()
    return script


def b64(octets):
    return base64.b64encode(octets if isinstance(octets, bytes)
                            else octets.encode()).decode()


def scram(rounds="4096", nonce=None, last=None, salt="c2FsdHNhbHQ="):
    """A SCRAM server that does not know the password."""
    def script(p):
        p.upto("AUTH")
        first = base64.b64decode(p.line.split()[2]).decode()
        theirs = first.split("r=")[1]
        p.say("334 " + b64(f"r={nonce or theirs + 'abc'},s={salt},i={rounds}"))
        p.read_line()
        if last is not None:
            p.say("334 " + b64(last))
            p.read_line()
        p.say("235 2.7.0 welcome")
        p.on()
    return script


def echo(p):
    """Repeats in its refusal what it was told, in each form."""
    p.upto("AUTH")
    said = p.line.split()[-1]
    p.say(b"535-5.7.8 no: " + said, b"535-5.7.8 " + base64.b64decode(said)[5:],
          "535 5.7.8 " + PASSWORD)
    p.on()


AUTH = [
    ("takes it", at("AUTH", "235 2.7.0 in"), "sent", auth("PLAIN")),
    ("says 235 of two lines", at("AUTH", "235-in", "235 in"), "sent",
     auth("PLAIN")),
    ("says 535", at("AUTH", "535 5.7.8 no"), "paused", auth("PLAIN")),
    ("says 535 with control octets", at("AUTH", b"535 5.7.8 " + RUDE), "paused",
     auth("PLAIN")),
    ("says 454", at("AUTH", "454 4.7.0 not now"), "waiting 4.7.0",
     auth("PLAIN")),
    ("says 421", at("AUTH", "421 4.3.2 no"), "waiting 4.3.2", auth("PLAIN")),
    ("says 432", at("AUTH", "432 4.7.12 change it"), "waiting 4.7.12",
     auth("PLAIN")),
    ("says 500", at("AUTH", "500 5.5.1 what?"), "paused", auth("PLAIN")),
    ("says 504", at("AUTH", "504 5.5.4 unknown mechanism"), "paused", auth("PLAIN")),
    ("says 538", at("AUTH", "538 5.7.11 not without TLS"), "paused", auth("PLAIN")),
    ("says 250", at("AUTH", "250 ok"), "waiting 4", auth("PLAIN")),
    ("says 354", at("AUTH", "354 go"), "waiting 4", auth("PLAIN")),
    ("says 235 twice", at("AUTH", "235 in", "235 in"), "waiting 4",
     auth("PLAIN")),
    ("1 MB to AUTH", at("AUTH", huge(235)), "waiting 4.5.0", auth("PLAIN")),
    ("drops", drop_at("AUTH"), "waiting 4.4.2", auth("PLAIN")),
    ("resets", reset_at("AUTH"), "waiting 4.4.2", auth("PLAIN")),
    ("is silent", silent_at("AUTH"), "waiting 4.4.2", auth("PLAIN")),
    ("takes it and wants it again at MAIL", lambda p: (
        p.upto("MAIL"), p.say("530 5.7.0 authenticate first"), p.on()),
     "failed 5.7.0", auth("PLAIN")),
    ("PLAIN is asked again for ever", for_ever(""), "waiting 4.7.8",
     auth("PLAIN")),
    ("LOGIN: 235 without a question", at("AUTH", "235 in"), "waiting 4.7.8",
     auth("LOGIN")),
    ("LOGIN: 235 after the name", asks("VXNlcm5hbWU6", end="235 in"),
     "waiting 4.7.8", auth("LOGIN")),
    ("LOGIN: both questions", asks("VXNlcm5hbWU6", "UGFzc3dvcmQ6", end="235 in"),
     "sent", auth("LOGIN")),
    ("LOGIN: asks for ever", for_ever("VXNlcm5hbWU6"), "waiting 4.7.8",
     auth("LOGIN")),
    ("LOGIN: a question that is not base64", asks("Username:"), "waiting 4.7.8",
     auth("LOGIN")),
    ("LOGIN: 12,000 octets of question", asks("A" * 12000, "A" * 12000),
     "waiting 4", auth("LOGIN")),
    ("LOGIN: 1 MB of question", asks("A" * (1 << 20)), "waiting 4",
     auth("LOGIN")),
    ("LOGIN: control octets", asks(RUDE), "waiting 4", auth("LOGIN")),
    ("LOGIN: 535 after the name", asks("VXNlcm5hbWU6"), "paused",
     auth("LOGIN")),
    ("LOGIN: drops after the password", lambda p: (
        asks("VXNlcm5hbWU6", "UGFzc3dvcmQ6", end="235-")(p)), "waiting 4.4.2",
     auth("LOGIN")),
    ("CRAM-MD5: an empty challenge", asks(""), "waiting 4.7.8",
     auth("CRAM-MD5")),
    ("CRAM-MD5: 235 without a challenge", at("AUTH", "235 in"), "waiting 4.7.8",
     auth("CRAM-MD5")),
    ("CRAM-MD5: the challenge is a control", asks(b64(RUDE), end="235 in"),
     "sent", auth("CRAM-MD5")),
    ("SCRAM: 235 at once", at("AUTH", "235 in"), "waiting 4.7.8",
     auth("SCRAM-SHA-256")),
    ("SCRAM: 235 without a proof", scram(), "waiting 4.7.8",
     auth("SCRAM-SHA-256")),
    ("SCRAM: a wrong proof", scram(last="v=" + b64(bytes(32))), "waiting 4.7.8",
     auth("SCRAM-SHA-256")),
    ("SCRAM: an error", scram(last="e=other-error"), "waiting 4.7.8",
     auth("SCRAM-SHA-256")),
    ("SCRAM: one round", scram("1"), "waiting 4.7.8", auth("SCRAM-SHA-256",
                                                           words="1 rounds")),
    ("SCRAM: 4,000,000,000 rounds", scram("4000000000"), "waiting 4.7.8",
     auth("SCRAM-SHA-256", words="rounds")),
    ("SCRAM: rounds that are no number", scram("x"), "waiting 4.7.8",
     auth("SCRAM-SHA-256")),
    ("SCRAM: another nonce", scram(nonce="abc"), "waiting 4.7.8",
     auth("SCRAM-SHA-256")),
    ("SCRAM: no salt", scram(salt=""), "waiting 4.7.8", auth("SCRAM-SHA-256")),
    ("XOAUTH2: takes it", at("AUTH", "235 in"), "sent", auth("XOAUTH2")),
    # A token may only be old: the first refusal asks for a fresh one.
    ("XOAUTH2: an error", asks(b64('{"status":"401"}')), "waiting 4.7.8",
     auth("XOAUTH2")),
    ("XOAUTH2: an error with control octets",
     asks(b64(b'{"status":"' + RUDE + b'"}')), "waiting 4.7.8", auth("XOAUTH2")),
    ("XOAUTH2: an error with the token in it",
     asks(b64('{"token":"%s"}' % TOKEN)), "waiting 4.7.8", auth("XOAUTH2")),
    ("XOAUTH2: an error, then 235", asks(b64('{"status":"401"}'), end="235 in"),
     "waiting 4.7.8", auth("XOAUTH2")),
    ("OAUTHBEARER: errors for ever", for_ever(b64('{"status":"x"}')),
     "waiting 4.7.8", auth("OAUTHBEARER")),
    ("AUTH is offered in clear alone", lambda p: p.on(), "waiting 4.7.0",
     auth("PLAIN") | dict(offers=(*OFFERS, "AUTH PLAIN"), inside_offers=OFFERS)),
    ("AUTH is offered without a mechanism", lambda p: p.on(), "waiting 4.7.0",
     auth("PLAIN") | dict(inside_offers=("AUTH",))),
    ("AUTH offers what we don't use", lambda p: p.on(), "waiting 4.7.0",
     auth("PLAIN", "GSSAPI NTLM DIGEST-MD5")),
    ("AUTH offers control octets", inside(at(
        "EHLO", b"250-x", b"250 AUTH " + RUDE)), "waiting 4.7.0", auth("PLAIN")),
    ("knows HELO only inside", inside(at("EHLO", "500 5.5.1 what?")),
     "waiting 4.7.0", auth("PLAIN")),
    ("has another's certificate", lambda p: p.on(), "waiting 4.7.5",
     auth("PLAIN", context="wrong")),
    ("STARTTLS is gone, AUTH in clear", lambda p: p.on(), "waiting 4.7.4",
     auth("PLAIN", context=None) | dict(offers=(*OFFERS, "AUTH PLAIN"))),
    ("STARTTLS fails, AUTH in clear", at("STARTTLS", "454 4.7.0 no"),
     "waiting 4.7.0", auth("PLAIN") | dict(offers=(*OFFERS, "AUTH PLAIN"))),
]

# What a server says may repeat what we said.
ECHOES = [
    ("says 535 with the secret in it", echo, "paused", auth("PLAIN")),
    ("says 454 with the secret in it", lambda p: (
        p.upto("AUTH"), p.say(b"454 4.7.0 " + p.line.split()[-1]), p.on()),
     "waiting 4.7.0", auth("PLAIN")),
    ("says 421 with the secret in it", lambda p: (
        p.upto("AUTH"), p.say("421 4.7.0 " + PASSWORD), p.on()),
     "waiting 4.7.0", auth("PLAIN")),
    ("says 250 with the secret in it", lambda p: (
        p.upto("AUTH"), p.say("250 " + PASSWORD), p.on()),
     "waiting 4", auth("PLAIN")),
    ("says it later, to MAIL", at("MAIL", "550 5.7.1 no: " + PASSWORD),
     "failed 5.7.1", auth("PLAIN")),
    ("says the token", lambda p: (
        p.upto("AUTH"), p.say("535 5.7.8 " + TOKEN), p.on()),
     "waiting 4.7.8", auth("XOAUTH2")),
]


@pytest.fixture
def secrets(tmp_path):
    paths = {"password": tmp_path / "password", "token": tmp_path / "token"}
    for path, value in zip(paths.values(), (PASSWORD, TOKEN)):
        path.touch(mode=0o600)
        path.write_text(value + "\n")
    return paths


def run_auth(make, rows, pki, contexts, secrets):
    table = Table(rows)
    table.secret = True
    run(make, table, verified(pki), contexts=contexts, secrets=secrets,
        context=contexts["good"])
    # The credential was there, and went to those who might have it.
    assert b"AUTH PLAIN" in b"".join(table.peers[0].inside)


def test_with_auth(make, pki, contexts, secrets):
    run_auth(make, AUTH, pki, contexts, secrets)


def test_a_refusal_that_repeats_the_credential(make, pki, contexts, secrets):
    run_auth(make, ECHOES, pki, contexts, secrets)


def test_password_and_token_beside_each_other(make, pki, contexts, secrets):
    """A use of freed memory once: only sanitizers see it for certain."""
    both = {}
    for mechanism, more in (("PLAIN", "token = file:@token"),
                            ("XOAUTH2", "password = file:@password")):
        both[mechanism] = auth(mechanism)
        text, = both[mechanism]["relay"]
        both[mechanism]["relay"] = (
            text.replace("mechanism", more + "\n\t\tmechanism"),)
    run_auth(make, [(m, at("AUTH", "235 in"), "sent", b)
                    for m, b in both.items()], pki, contexts, secrets)
