"""Peers that keep no rules of BDAT (RFC 3030): as test_evil.py."""
from evil import OFFERS
from evil_table import (Table, at, drop_at, huge, reset_at, run, silent_at,
                        split)

CHUNKS = [(name, script, fate, dict(offers=(*OFFERS, "CHUNKING"),
                                    **(more[0] if more else {})))
          for name, script, fate, *more in [
    ("takes it", lambda p: p.on(), "sent"),
    ("takes it octet by octet", split, "sent"),
    ("354 to BDAT", at("BDAT", "354 go"), "waiting 4"),
    ("503 to BDAT", at("BDAT", "503 5.5.1 DATA it is"), "failed 5.5.1"),
    ("452 to BDAT", at("BDAT", "452 4.3.1 full"), "waiting 4.3.1"),
    ("421 to BDAT", at("BDAT", "421 4.3.2 no", then="drop"), "waiting 4.3.2"),
    ("1 MB to BDAT", silent_at("BDAT", huge(250)), "waiting 4.5.0"),
    ("drops at BDAT", drop_at("BDAT"), "waiting 4.4.2"),
    ("is silent at BDAT", silent_at("BDAT"), "waiting 4.4.2"),
    ("550 to BDAT, 250 to the last", lambda p: (
        p.upto("BDAT"), p.say("550 5.7.1 no"), p.upto("LAST"), p.say("250 ok"),
        p.on()), "waiting 4.5.0"),
    ("250 to BDAT, 550 to the last", at("LAST", "550 5.7.1 no"), "failed 5.7.1",
     dict(took=1)),
    ("250 to BDAT, 451 to the last", at("LAST", "451 4.3.0 no"),
     "waiting 4.3.0", dict(took=1)),
    ("354 to the last", at("LAST", "354 go on"), "waiting 4", dict(took=1)),
    ("drops at the last", drop_at("LAST"), "waiting 4.4.2", dict(took=1)),
    ("resets at the last", reset_at("LAST"), "waiting 4.4.2", dict(took=1)),
    ("is silent at the last", silent_at("LAST"), "waiting 4.4.2", dict(took=1)),
    ("250 twice before it has the chunk", lambda p: (
        p.upto("RCPT"), p.say("250 ok"), p.read_line(),
        p.send(b"250 ok\r\n250 ok\r\n"), p.evil.stop.wait(20)),
     "waiting 4.5.0", dict(lines=350000)),  # more than the sockets hold
    ("takes no more of it", lambda p: (
        p.upto("RCPT"), p.say("250 ok"), p.evil.stop.wait(20)),
     "waiting 4.4.2", dict(lines=150000)),
    ("refuses all", at("RCPT", "550 5.1.1 no"), "failed 5.1.1"),
    ("takes one of two", lambda p: (p.upto("RCPT"), p.answer("RCPT"),
                                    p.upto("RCPT"), p.say("550 5.1.1 no"),
                                    p.on()),
     {"x": "sent", "y": "failed 5.1.1"}),
]]


def test_with_chunks(make):
    run(make, Table(CHUNKS))
