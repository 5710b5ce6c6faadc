"""Peers that keep no rules (attacks.md A2, B2, B3, D8): one mtq, a relay and an
evil peer for each row.  A row says what the recipient's fate is; what must be
true of every row stands in `check_row` and below the table's run:

- the peer took the message as often as the row says, and octet for octet;
- a message that is not sent has a state, a status and a reason to read;
- what needs TLS was not said in clear, and no credential ever was;
- nothing the peer said reached the log or a record uncleaned;
- no worker died of it, and the next message to a good peer goes.
"""
import base64
import re
import struct
import sys

import pytest

from conftest import ROOT, wait_for
from evil import OFFERS, Evil, context
from sink import Sink

sys.path.insert(0, str(ROOT / "tests"))
import certs  # noqa: E402

HOST = "mx.mtq.example"
USER, PASSWORD, TOKEN = "crm", "pw-c4nary-7781", "t0ken.c4nary.5512"
BODY = b"Subject: c4nary-body\r\n\r\n.dots\r\nfor row %d\r\n"
CRLF = b"\r\n"
# What a terminal, a log reader or a header would take for its own.
RUDE = (b"\x1b[2J\x1b]0;x\x07 \x00\x01\x7f\x9b\xff \xe2\x80\xae\xc2\x85 a\rb "
        b"<x@y>, status=sent (250 2.0.0 rude)")
RUDE_ENDS = b"rude)"


def at(verb, *lines, nth=1, then="on"):
    """Good until `verb`, whose answer is `lines`; then on, drop or silent."""
    def script(p):
        p.upto(verb, nth)
        p.say(*lines)
        getattr(p, then)()
    return script


def split(p):
    """Everything it says comes octet by octet."""
    send = p.send
    p.send = lambda octets: [send(octets[i:i + 1]) for i in range(len(octets))]
    p.on()


def drop_at(verb, nth=1):
    return lambda p: (p.upto(verb, nth), p.drop())


def reset_at(verb):
    return lambda p: (p.upto(verb), p.reset())


def silent_at(verb, *lines):
    return at(verb, *lines, then="silent")


def huge(code, n=1 << 20):
    """n octets of continuation lines."""
    line = b"%d-" % code + b"x" * 95 + CRLF
    return line * (n // len(line)) + b"%d end" % code


def in_data(octets):
    """354, and then this instead of waiting for the message."""
    def script(p):
        p.upto("DATA")
        p.send(b"354 go\r\n" + octets)
        p.silent()
    return script


# name, script, fate.  A fate: "sent", or state and status; more of it is said
# by keywords: took (how often the peer had all of it), words (in the reason),
# fates (one a recipient).
CLEAR = [
    # the greeting
    ("closes without a word", drop_at("CONNECT"), "waiting 4.4.2"),
    ("resets without a word", reset_at("CONNECT"), "waiting 4.4.2"),
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
        p.upto("CONNECT"), p.say("220 x", "250 x", "250 x", "250 x", "354 go",
                                 "250 done"), p.silent()), "waiting 4.5.0"),
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


class Table:
    """A relay and a peer for each row; `rows` as above, `lines` of a relay."""

    def __init__(self, rows):
        self.rows = [(name, script, fate if isinstance(fate, dict)
                      else {"x": fate}, more[0] if more else {})
                     for name, script, fate, *more in rows]
        self.peers, self.blocks = [], []
        names = [name for name, *_ in self.rows]
        assert len(set(names)) == len(names)

    def build(self, lines=(), **kw):
        for n, (_, script, _, more) in enumerate(self.rows):
            own = dict(kw)
            own.update({k: more[k] for k in ("offers", "inside_offers",
                                             "implicit", "context") if k in more})
            peer = Evil(script, **own)
            self.peers.append(peer)
            text = "\n\t".join((
                f'relay "e{n}" {{', "host = 127.0.0.1", f"port = {peer.port}",
                "connect_timeout = 2s", "tls_timeout = 1s", "command_timeout = 1s",
                "data_timeout = 1s", "idle_timeout = 1s", "connections = 1",
                "breaker_failures = 1000",
                *(x for x in lines if x.split(" ")[0] not in
                  {y.split(" ")[0] for y in more.get("relay", ())}),
                *more.get("relay", ())))
            self.blocks.append(f'{text}\n}}\nroute "e{n}" {{\n\tpriority = '
                               f"{n + 1}\n\tto = e{n}.test\n\tvia = e{n}\n}}")
        return "\n".join(self.blocks)

    def content(self, n):
        return BODY % n + b"line of a long message\r\n" * self.rows[n][3].get(
            "lines", 0)

    def send(self, m):
        with m.client() as s:
            s.ehlo()
            for n, (_, _, fates, _) in enumerate(self.rows):
                s.sendmail("a@from.test", [f"{who}@e{n}.test" for who in fates],
                           self.content(n))

    def settled(self, m):
        """Each has left, or was put off, or its relay is paused."""
        self.left = {r["address"]: r for q in m.queue()
                     for r in q["recipients"]}
        relays = {r["name"]: r for r in m.json("relay")}
        return all(r["attempts"] >= 1 or
                   relays[a.split("@")[1][:-5]]["state"] == "paused"
                   for a, r in self.left.items())

    def wrong(self, m):
        log = m.log_path.read_bytes()
        return [f"{name}: {e}" for n, (name, *_) in enumerate(self.rows)
                for e in self.check_row(n, log)]

    def check_row(self, n, log):
        name, _, fates, more = self.rows[n]
        peer = self.peers[n]
        for who, fate in fates.items():
            row = self.left.get(f"{who}@e{n}.test")
            got = "sent" if row is None else f"{row['state']} {row['status']}"
            if not (got == fate or (" " in fate and got.startswith(fate)
                                    and fate[-1] in "45")):
                yield f"{who}: {got}, not {fate}: {row and row['reason']}"
            if row and not row["reason"]:
                yield f"{who}: no reason"
            if row and more.get("words", "") not in row["reason"]:
                yield f"{who}: {row['reason']}"
            lines = log.count(b" to=<%s@e%d.test>, " % (who.encode(), n))
            if lines != (0 if row and row["attempts"] == 0 else 1):
                yield f"{who}: {lines} lines in the log"
        took = more.get("took", int("sent" in fates.values()))
        whole = [b for b in peer.bodies if b]
        if len(whole) != took:
            yield f"took {len(whole)} copies, not {took}"
        if len(peer.bodies) - len(whole) != more.get("empty", 0):
            yield f"took empty messages: {peer.bodies}"
        for body in whole:
            wire = self.content(n).replace(b"\r\n.", b"\r\n..")
            if not body.startswith(b"Received: from ") or not body.endswith(wire):
                yield f"took another message: {body[:500]}"
        if peer.errors:
            yield f"its script: {peer.errors[0]!r}"
        clear = b"".join(peer.clear)
        if more.get("secret") and (b"c4nary-body" in clear or b"MAIL" in clear):
            yield f"in clear: {clear[:200]}"
        for canary in CANARIES:
            if canary in clear and not more.get("insecure"):
                yield f"a credential in clear: {clear[:200]}"

    def close(self):
        for p in self.peers:
            p.stop.set()
            p.close()


def echoes(secret):
    """As a secret may stand somewhere: itself, and its base64 at each place."""
    s = secret.encode()
    yield s
    for pad in range(3):
        yield base64.b64encode(b"x" * pad + s)[4 if pad else 0:-4]


CANARIES = [c for s in (PASSWORD, TOKEN) for c in echoes(s)]
# Postfix's shape, each line (docs/smtp.md); no remote octet makes one.
LINE = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z mtq(/[a-z]+)?\[\d+\]: [^\x00-\x1f\x7f]+")


def clean(m):
    """The log and what people are shown hold no octet that is not text, no
    line that we did not write, and no credential."""
    log = m.log_path.read_bytes()
    shown = m.cli("queue", "list", "--limit", 0, "--json").stdout.encode() + \
        m.cli("queue", "list", "--limit", 0).stdout.encode()
    for line in log.split(b"\n")[:-1]:
        assert LINE.fullmatch(line), line
    for text in (log, shown):
        text.decode()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]",
                             text.decode()), "a control character"
        for canary in CANARIES:
            assert canary not in text, text[max(0, text.find(canary) - 300):][:600]


def run(make, table, lines=(), **kw):
    blocks = table.build(lines, **kw)
    good = Sink()
    try:
        m = make(blocks=blocks, sink_port=good.port, map_size="512mb",
                 retry="intervals = 1h\n\tjitter = 0%")
        workers = m.pids("worker")
        table.send(m)
        wait_for("every row", lambda: table.settled(m), 40)
        wrong = table.wrong(m)
        assert not wrong, "\n".join([f"{len(wrong)} are wrong:"] + wrong)
        m.send(b"Subject: the next one\r\n\r\n")
        wait_for("the next message", lambda: good.messages)
        assert m.pids("worker") == workers
        clean(m)
        return m
    finally:
        good.close()
        table.close()


def test_in_clear(make):
    assert len(CLEAR) >= 60
    run(make, Table(CLEAR))
