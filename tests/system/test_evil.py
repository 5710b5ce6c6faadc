"""Peers that keep no rules (attacks.md A2, B2, B3, D8): one mtq, a relay and an
evil peer for each row.  A row says what the recipient's fate is; what must be
true of every row stands in `check_row` and below the table's run:

- the peer took the message as often as the row says, and octet for octet;
- a message that is not sent has a state, a status and a reason to read;
- what needs TLS was not said in clear, and no credential ever was;
- nothing the peer said reached the log or a record uncleaned;
- no worker died of it, and the next message to a good peer goes.
"""
import ssl
import struct
import sys
import warnings

import pytest

from conftest import ROOT
from evil import context
from evil_table import (HOST, RUDE, Table, at, drop_at, huge, in_data, inside,
                        reset_at, run, silent_at, split, verified)

sys.path.insert(0, str(ROOT / "tests"))
import certs  # noqa: E402

CLEAR = [
    # the greeting
    ("closes without a word", drop_at("CONNECT"), "waiting 4.4.2"),
    # seen by connect() (4.4.1) or by the read after it (4.4.2)
    ("resets without a word", reset_at("CONNECT"), "waiting 4.4"),
    ("says nothing at all", silent_at("CONNECT"), "waiting 4.4.2"),
    ("greets with 554", at("CONNECT", "554 5.7.1 go away"), "waiting 4.7.1"),
    ("greets with 421", at("CONNECT", "421 4.3.2 too busy"), "waiting 4.3.2"),
    ("greets with 354", at("CONNECT", "354 go"), "waiting 4"),
    ("greets with 250", at("CONNECT", "250 hello"), "waiting 4"),
    ("is a web server", at("CONNECT", "HTTP/1.1 400 Bad Request", ""),
     "waiting 4.5.0"),
    ("is an SSH server", at("CONNECT", "SSH-2.0-OpenSSH_9.2"), "waiting 4.5.0"),
    ("is a TLS server", at("CONNECT", b"\x15\x03\x01\x00\x02\x02\x46"),
     "waiting 4.5.0"),
    ("greets with code 999", at("CONNECT", "999 x"), "waiting 4.5.0"),
    ("greets with code 2", at("CONNECT", "2 x"), "waiting 4.5.0"),
    ("greets with 2200", at("CONNECT", "2200 x"), "waiting 4.5.0"),
    ("greets with a bare code", at("CONNECT", "220"), "sent"),
    ("greets with LF alone", lambda p: (p.upto("CONNECT"), p.send(b"220 x\n"),
                                        p.on()), "sent"),
    ("greets with an empty line", at("CONNECT", "", "220 x"), "waiting 4.5.0"),
    ("greets with 99 lines", at("CONNECT", *["220-x"] * 98, "220 x"), "sent"),
    ("greets with 101 lines", at("CONNECT", *["220-x"] * 100, "220 x"),
     "waiting 4.5.0"),
    ("greets with 1 MB of lines", at("CONNECT", huge(220)), "waiting 4.5.0"),
    ("greets with 1 MB without an end", at("CONNECT", b"220 " + b"x" * (1 << 20)),
     "waiting 4.5.0"),
    ("changes the code between lines", at("CONNECT", "220-a", "250 b"),
     "waiting 4.5.0"),
    ("never ends the greeting", silent_at("CONNECT", "220-a"), "waiting 4.4.2"),
    ("drops in the middle of the greeting", at("CONNECT", "220-a", then="drop"),
     "waiting 4.4.2"),
    ("greets with control octets", at("CONNECT", b"220 " + RUDE), "sent"),
    ("refuses with control octets", at("CONNECT", b"554 " + RUDE), "waiting 4"),
    ("sends each octet alone", split, "sent"),
    # EHLO
    ("knows HELO only", at("EHLO", "500 5.5.1 what?"), "sent"),
    ("knows neither EHLO nor HELO", lambda p: (
        p.upto("EHLO"), p.say("502 5.5.1 no"), p.upto("HELO"),
        p.say("502 5.5.1 no"), p.on()), "waiting 4.5.1"),
    ("says 421 to EHLO", at("EHLO", "421 4.3.2 no"), "waiting 4.3.2"),
    ("says 450 to EHLO", at("EHLO", "450 4.7.1 greylisted"), "waiting 4.7.1"),
    ("drops at EHLO", drop_at("EHLO"), "waiting 4.4.2"),
    ("is silent at EHLO", silent_at("EHLO"), "waiting 4.4.2"),
    ("offers control octets", at("EHLO", b"250-x", b"250-" + RUDE,
                                 b"250 SIZE \xff\x00"), "sent"),
    ("offers a SIZE of 30 digits", at("EHLO", "250-x", "250 SIZE " + "9" * 30),
     "sent"),
    ("offers a negative SIZE", at("EHLO", "250-x", "250 SIZE -5"), "sent"),
    ("offers a SIZE too small", at("EHLO", "250-x", "250 SIZE 20"),
     "failed 5.3.4"),
    ("offers 10,000 extensions", at("EHLO", b"250-X\r\n" * 10000 + b"250 Y"),
     "waiting 4.5.0"),
    ("answers EHLO twice", at("EHLO", "250 x", "250 x"), "waiting 4.5.0"),
    ("answers all before it is asked", lambda p: (
        p.upto("CONNECT"), p.send(b"220 x\r\n" + b"250 x\r\n" * 3 +
                                  b"354 go\r\n250 done\r\n"), p.silent()), "waiting 4.5.0"),
    # MAIL
    ("421 at MAIL", at("MAIL", "421 4.3.2 closing", then="drop"),
     "waiting 4.3.2"),
    ("451 at MAIL", at("MAIL", "451 4.3.0 later"), "waiting 4.3.0"),
    ("552 at MAIL", at("MAIL", "552 5.3.4 too big"), "failed 5.3.4"),
    ("530 at MAIL", at("MAIL", "530 5.7.0 authenticate first"), "failed 5.7.0"),
    ("354 at MAIL", at("MAIL", "354 go"), "waiting 4"),
    ("drops at MAIL", drop_at("MAIL"), "waiting 4.4.2"),
    ("is silent at MAIL", silent_at("MAIL"), "waiting 4.4.2"),
    ("answers MAIL twice", at("MAIL", "250 x", "250 x"), "waiting 4.5.0"),
    ("1 MB to MAIL", at("MAIL", huge(250)), "waiting 4.5.0"),
    # RCPT
    ("refuses each with control octets", at("RCPT", b"550 5.1.1 " + RUDE),
     "failed 5.1.1"),
    ("421 at RCPT", at("RCPT", "421 4.3.2 closing", then="drop"),
     "waiting 4.3.2"),
    ("452 at RCPT", at("RCPT", "452 4.5.3 too many"), "waiting 4.5.3"),
    ("354 at RCPT", at("RCPT", "354 go"), "waiting 4"),
    ("251 at RCPT", at("RCPT", "251 2.1.5 will forward"), "sent"),
    ("drops at RCPT", drop_at("RCPT"), "waiting 4.4.2"),
    ("takes, refuses and puts off", lambda p: (
        p.upto("RCPT"), p.answer("RCPT"), p.upto("RCPT"),
        p.say("550 5.1.1 nobody"), p.upto("RCPT"), p.say("450 4.2.1 busy"),
        p.on()),
     {"x": "sent", "y": "failed 5.1.1", "z": "waiting 4.2.1"}),
    ("421 at the second RCPT", at("RCPT", "421 4.3.2 closing", nth=2,
                                  then="drop"),
     {"x": "waiting 4.3.2", "y": "waiting 4.3.2"}),
    ("drops at the second RCPT", drop_at("RCPT", 2),
     {"x": "waiting 4.4.2", "y": "waiting 4.4.2"}),
    ("takes each RCPT twice", lambda p: (
        p.upto("RCPT"), p.say("250 x", "250 x"), p.on()),
     {"x": "waiting 4.5.0", "y": "waiting 4.5.0"}),
    ("refuses all and wants the message", lambda p: (
        p.upto("RCPT"), p.say("550 5.1.1 no"), p.upto("DATA"), p.say("354 go"),
        setattr(p, "body", b""), p.on()), "failed 5.1.1", dict(empty=1)),
    ("two lines to RCPT, one code", at("RCPT", "250-a", "250 b"), "sent"),
    ("two lines to RCPT, two codes", at("RCPT", "250-a", "550 b"),
     "waiting 4.5.0"),
    # DATA
    ("250 to DATA", at("DATA", "250 done"), "waiting 4.5.0"),
    ("421 to DATA", at("DATA", "421 4.3.2 closing", then="drop"),
     "waiting 4.3.2"),
    ("451 to DATA", at("DATA", "451 4.3.0 no disk"), "waiting 4.3.0"),
    ("554 to DATA", at("DATA", "554 5.5.1 no"), "failed 5.5.1"),
    ("drops at DATA", drop_at("DATA"), "waiting 4.4.2"),
    ("is silent at DATA", silent_at("DATA"), "waiting 4.4.2"),
    ("354 of two lines, octet by octet", lambda p: (
        p.upto("DATA"), p.pieces(b"354-go\r\n354 on\r\n"),
        setattr(p, "body", b""), p.on()), "sent"),
    ("354 twice", in_data(b"354 go\r\n"), "waiting 4"),
    ("354, then 250 before the message", in_data(b"250 2.0.0 done\r\n"),
     "waiting 4.5.0", dict(lines=40000)),
    ("354, then 550 before the message", in_data(b"550 5.7.1 no\r\n"),
     "waiting 4", dict(lines=40000)),
    ("354, then 421 before the message", in_data(b"421 4.3.2 no\r\n"),
     "waiting 4.3.2", dict(lines=40000)),
    ("354, then drops", in_data(b""), "waiting 4.4.2", dict(lines=40000,
                                                            drops=True)),
    ("takes half of it and drops", lambda p: (
        p.upto("DATA"), p.say("354 go"), [p.more() for _ in range(3)], p.drop()),
     "waiting 4.4.2", dict(lines=40000)),
    ("takes no more of it", lambda p: (
        p.upto("DATA"), p.say("354 go"), p.evil.stop.wait(20)),
     "waiting 4.4.2", dict(lines=150000)),
    # the final dot
    ("550 to the dot", at("DOT", "550 5.7.1 spam"), "failed 5.7.1",
     dict(took=1)),
    ("451 to the dot", at("DOT", "451 4.3.0 later"), "waiting 4.3.0",
     dict(took=1)),
    ("421 to the dot", at("DOT", "421 4.3.2 closing", then="drop"),
     "waiting 4.3.2", dict(took=1)),
    ("354 to the dot", at("DOT", "354 go on"), "waiting 4", dict(took=1)),
    ("drops at the dot", drop_at("DOT"), "waiting 4.4.2", dict(took=1)),
    ("is silent at the dot", silent_at("DOT"), "waiting 4.4.2", dict(took=1)),
    ("250- and no more", at("DOT", "250-taken", then="drop"), "waiting 4.4.2",
     dict(took=1)),
    ("half of 250", lambda p: (p.upto("DOT"), p.send(b"25"), p.drop()),
     "waiting 4.4.2", dict(took=1)),
    ("250 without its end", lambda p: (p.upto("DOT"), p.send(b"250 ok"),
                                       p.drop()), "waiting 4.4.2",
     dict(took=1)),
    ("250 octet by octet", lambda p: (p.upto("DOT"),
                                      p.pieces(b"250 2.0.0 ok\r\n"), p.on()),
     "sent"),
    ("250 with a status of 5", at("DOT", "250 5.0.0 ok"), "sent"),
    ("299 to the dot", at("DOT", "259 ok"), "sent"),
    ("2500 to the dot", at("DOT", "2500 ok"), "waiting 4.5.0", dict(took=1)),
    ("250 in letters", at("DOT", "25O ok"), "waiting 4.5.0", dict(took=1)),
    ("250, then 550", at("DOT", "250 2.0.0 ok", "550 5.7.1 no"), "sent"),
    ("550, then 250", at("DOT", "550 5.7.1 no", "250 2.0.0 ok"),
     "failed 5.7.1", dict(took=1)),
    ("250 and 550 in one reply", at("DOT", "250-ok", "550 no"),
     "waiting 4.5.0", dict(took=1)),
    ("1 MB to the dot", at("DOT", huge(250)), "waiting 4.5.0", dict(took=1)),
    ("1 MB of 5xx to the dot", at("DOT", huge(550)), "waiting 4.5.0",
     dict(took=1)),
    ("250 with control octets", at("DOT", b"250 2.0.0 " + RUDE), "sent"),
    ("550 with control octets", at("DOT", b"550 5.7.1 " + RUDE), "failed 5.7.1",
     dict(took=1)),
    ("550 of 90 lines", at("DOT", *[b"550-5.7.1 " + b"y" * 400] * 90,
                           b"550 5.7.1 z"), "failed 5.7.1", dict(took=1)),
    ("550 with half a character at every place", at(
        "DOT", *[b"550-5.7.1 " + b"\xe2\x82" * n for n in range(1, 90)],
        b"550 5.7.1 \xf0\x9f\x92"), "failed 5.7.1", dict(took=1)),
    # afterwards
    ("554 to QUIT", at("QUIT", "554 5.5.1 no"), "sent"),
    ("drops at QUIT", drop_at("QUIT"), "sent"),
    ("is silent at QUIT", silent_at("QUIT"), "sent"),
    ("421 when it has nothing to do", at("DOT", "250 ok", "421 4.4.2 idle",
                                         then="drop"), "sent"),
    ("drops after the dot", at("DOT", "250 ok", then="drop"), "sent"),
    ("resets after the dot", at("DOT", "250 ok", then="reset"), "sent"),
    ("chatters when it has nothing to do", at("DOT", "250 ok", *["250 ok"] * 9),
     "sent"),
    ("500 to RSET", lambda p: (p.upto("RCPT"), p.say("550 5.1.1 no"),
                               p.upto("RSET"), p.say("500 5.5.1 what?"),
                               p.on()), "failed 5.1.1", dict(offers=("8BITMIME",))),
    ("drops at RSET", lambda p: (p.upto("RCPT"), p.say("550 5.1.1 no"),
                                 p.upto("RSET"), p.drop()), "failed 5.1.1",
     dict(offers=("8BITMIME",))),
]


def starttls(then):
    """220 to STARTTLS, and then this."""
    def script(p):
        p.upto("STARTTLS")
        p.send(b"220 2.0.0 go ahead\r\n")
        then(p)
    return script


def flight(cut=None, flip=None, then="drop"):
    """A handshake whose first flight ends early, or has an octet wrong."""
    def script(p):
        p.upto("STARTTLS")
        p.send(b"220 2.0.0 go ahead\r\n")
        octets = bytearray(p.first_flight())
        if flip is not None:
            octets[flip] ^= 1
        p.send(bytes(octets[:cut]))
        getattr(p, then)()
    return script


def beneath(verb, octets):
    def script(p):
        p.upto(verb)
        p.beneath(octets)
        p.silent()
    return script


TLS = [
    ("does it well", lambda p: p.on(), "sent"),
    ("says 454 to STARTTLS", at("STARTTLS", "454 4.7.0 not now"),
     "waiting 4.7.0"),
    ("says 502 to STARTTLS", at("STARTTLS", "502 5.5.1 no"), "waiting 4.5.1"),
    ("says 250 to STARTTLS", at("STARTTLS", "250 ok"), "waiting 4"),
    ("says 421 to STARTTLS", at("STARTTLS", "421 4.3.2 no"), "waiting 4.3.2"),
    ("says 354 to STARTTLS", at("STARTTLS", "354 go"), "waiting 4"),
    ("says garbage to STARTTLS", at("STARTTLS", b"22O go"), "waiting 4.5.0"),
    ("says 1 MB to STARTTLS", at("STARTTLS", huge(220)), "waiting 4.5.0"),
    ("drops at STARTTLS", drop_at("STARTTLS"), "waiting 4.4.2"),
    ("is silent at STARTTLS", silent_at("STARTTLS"), "waiting 4.4.2"),
    ("220 octet by octet", lambda p: (
        p.upto("STARTTLS"), p.pieces(b"220 2.0.0 go\r\n"), p.handshake(),
        p.on()), "sent"),
    ("220 of two lines", lambda p: (
        p.upto("STARTTLS"), p.say("220-go", "220 on"), p.handshake(), p.on()),
     "sent"),
    ("a reply behind the 220", starttls(lambda p: None), "waiting 4.7.5"),
    ("a reply in the segment of the 220", lambda p: (
        p.upto("STARTTLS"), p.send(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"),
        p.silent()), "waiting 4.7.5", dict(words="before the TLS")),
    ("half a reply in the segment of the 220", lambda p: (
        p.upto("STARTTLS"), p.send(b"220 go\r\n2"), p.silent()),
     "waiting 4.7.5", dict(words="before the TLS")),
    ("a whole dialogue in the segment of the 220", lambda p: (
        p.upto("STARTTLS"), p.send(b"220 go\r\n" + b"250 ok\r\n" * 4 +
                                   b"354 go\r\n250 done\r\n"), p.silent()),
     "waiting 4.7.5", dict(words="before the TLS")),
    ("220 in the segment of the EHLO reply", lambda p: (
        p.upto("EHLO"), p.send(b"250-x\r\n250 STARTTLS\r\n220 go\r\n"),
        p.silent()), "waiting 4.7.5"),
    ("220 twice", starttls(lambda p: (p.hello_of_tls(), p.say("220 go"),
                                      p.silent())), "waiting 4.7.5"),
    ("words in the place of ServerHello", starttls(lambda p: (
        p.hello_of_tls(), p.say("250 evil.test"), p.silent())), "waiting 4.7.5"),
    ("an alert in the place of ServerHello", starttls(lambda p: (
        p.hello_of_tls(), p.send(struct.pack("!BHHBB", 21, 0x303, 2, 2, 40)),
        p.silent())), "waiting 4.7.5"),
    ("a warning in the place of ServerHello", starttls(lambda p: (
        p.hello_of_tls(), p.send(struct.pack("!BHHBB", 21, 0x303, 2, 1, 0)),
        p.silent())), "waiting 4.7.5"),
    ("warnings without end", starttls(lambda p: (
        p.hello_of_tls(),
        p.send(struct.pack("!BHHBB", 21, 0x303, 2, 1, 90) * 10000),
        p.silent())), "waiting 4"),
    ("a record of 65,535 octets", starttls(lambda p: (
        p.hello_of_tls(), p.send(b"\x16\x03\x03\xff\xff" + b"x" * 65535),
        p.silent())), "waiting 4.7.5"),
    ("empty records without end", starttls(lambda p: (
        p.hello_of_tls(), p.send(b"\x16\x03\x03\x00\x00" * 10000),
        p.silent())), "waiting 4"),
    ("our own ClientHello", starttls(lambda p: (
        p.more(), p.send(p.buffer), p.silent())), "waiting 4.7.5"),
    ("1 MB of zeros", starttls(lambda p: (
        p.hello_of_tls(), p.send(bytes(1 << 20)), p.silent())),
     "waiting 4.7.5"),
    ("drops at ClientHello", starttls(lambda p: (p.hello_of_tls(), p.drop())),
     "waiting 4.7.5"),
    ("is silent at ClientHello", starttls(lambda p: p.silent()),
     "waiting 4.4.2"),
    *((f"drops after {n} octets of the handshake", flight(n), "waiting 4.7.5")
      for n in (1, 3, 5, 6, 50, 127, 128, 200, 500, 1000)),
    ("is silent in the middle of the handshake", flight(200, then="silent"),
     "waiting 4.4.2"),
    *((f"octet {n} of the handshake is wrong", flight(flip=n, then="silent"),
       "waiting 4") for n in (0, 1, 9, 30, 60, 140, 300)),
    ("TLS 1.1 and older alone", lambda p: p.on(), "waiting 4.7.5",
     dict(context="old")),
    ("another's certificate", lambda p: p.on(), "waiting 4.7.5",
     dict(context="wrong")),
    ("STARTTLS is gone", lambda p: p.on(), "waiting 4.7.4",
     dict(context=None)),
    ("drops inside, before the EHLO", inside(drop_at("EHLO")),
     "waiting 4.4.2"),
    ("says farewell inside, at the EHLO", inside(lambda p: (
        p.upto("EHLO"), p.farewell())), "waiting 4.4.2"),
    ("is silent inside, at the EHLO", inside(silent_at("EHLO")),
     "waiting 4.4.2"),
    ("speaks inside before it is asked", inside(lambda p: (
        p.say("220 evil.test"), p.on())), "waiting 4"),
    ("offers less inside", lambda p: p.on(), "sent", dict(inside_offers=())),
    ("offers STARTTLS again inside", lambda p: p.on(), "sent",
     dict(inside_offers=("STARTTLS", "PIPELINING"))),
    ("a SIZE too small inside alone", lambda p: p.on(), "failed 5.3.4",
     dict(inside_offers=("SIZE 20",))),
    ("knows HELO only inside", inside(at("EHLO", "500 5.5.1 what?")), "sent"),
    ("421 inside at the EHLO", inside(at("EHLO", "421 4.3.2 no")),
     "waiting 4.3.2"),
    ("each reply in clear beneath TLS, at the EHLO",
     inside(beneath("EHLO", b"250 evil.test\r\n")), "waiting 4.4.2"),
    ("the reply to MAIL in clear beneath TLS", beneath("MAIL", b"250 ok\r\n"),
     "waiting 4.4.2"),
    ("the reply to the dot in clear beneath TLS",
     beneath("DOT", b"250 2.0.0 ok\r\n"), "waiting 4.4.2", dict(took=1)),
    ("an alert beneath TLS at the dot",
     beneath("DOT", struct.pack("!BHHBB", 21, 0x303, 2, 2, 40)),
     "waiting 4.4.2", dict(took=1)),
    ("drops inside at MAIL", drop_at("MAIL"), "waiting 4.4.2"),
    ("drops inside at RCPT", drop_at("RCPT"), "waiting 4.4.2"),
    ("drops inside at DATA", drop_at("DATA"), "waiting 4.4.2"),
    ("drops inside at the dot", drop_at("DOT"), "waiting 4.4.2", dict(took=1)),
    ("resets inside at the dot", reset_at("DOT"), "waiting 4.4.2",
     dict(took=1)),
    ("says farewell at the dot", lambda p: (p.upto("DOT"), p.farewell()),
     "waiting 4.4.2", dict(took=1)),
    ("550 inside to the dot", at("DOT", "550 5.7.1 no"), "failed 5.7.1",
     dict(took=1)),
    ("250 inside, octet by octet", lambda p: (
        p.upto("DOT"), p.pieces(b"250 2.0.0 ok\r\n"), p.on()), "sent"),
    ("1 MB inside to the dot", at("DOT", huge(250)), "waiting 4.5.0",
     dict(took=1)),
    ("drops inside at QUIT", drop_at("QUIT"), "sent"),
    ("354 inside, then 250 before the message", in_data(b"250 done\r\n"),
     "waiting 4.5.0", dict(lines=40000)),
]


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return certs.make(tmp_path_factory.mktemp("pki"), HOST)


@pytest.fixture(scope="module")
def contexts(pki):
    old = context(pki / "good.pem", pki / "good.key")
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that is what it is for
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    return {"good": context(pki / "good.pem", pki / "good.key"), "old": old,
            "wrong": context(pki / "wrongname.pem", pki / "wrongname.key")}


def test_in_clear(make):
    assert len(CLEAR) >= 60
    run(make, Table(CLEAR))


def test_with_tls(make, pki, contexts):
    table = Table(TLS)
    table.secret = True
    run(make, table, verified(pki), contexts=contexts, context=contexts["good"])
