"""What kind of mail it is and which way it goes, decided at the door by the
configuration of that moment."""
import signal
import smtplib

import pytest

from conftest import DEADLINE, data, free_port, wait_for
from sink import Sink

# Nobody listens there: mail stays, and can be looked at.
NOWHERE = "host = 127.0.0.1\n\tport = {port}\n\tlookup = host"

RULES = """
listen "second" { address = "127.0.0.1:%(second)s" }
source "flows" { from_ip = 127.0.0.2 }
type "individual" { weight = 6 }
type "workflow" { weight = 3 }
type "mass" { weight = 1 }
classify { priority = 10  header { X-Flow = "*" }  type = workflow }
classify { priority = 20  by_header = X-Mail-Type  map { newsletter = mass  7 = workflow } }
classify { priority = 30  header { Precedence = [bulk, list]  X-List = "*" }  type = mass }
classify { priority = 40  sender = [news.test, "*.news.test", "robot@from.test"]  type = mass }
classify { priority = 50  source = flows  type = workflow }
classify { priority = 60  listener = second  type = workflow }
classify { priority = 70  larger_than = 100kb  type = mass }
"""

BIG = b"Subject: big\r\n\r\n" + (b"x" * 70 + b"\r\n") * 1500


def send(m, body, sender="a@from.test", to=("b@to.test",), port=None,
         ip="127.0.0.1"):
    with smtplib.SMTP("127.0.0.1", port or m.port, local_hostname="c.test",
                      timeout=DEADLINE, source_address=(ip, 0)) as s:
        s.ehlo()
        assert s.mail(sender)[0] == 250
        for r in to:
            assert s.rcpt(r)[0] == 250
        code, text = data(s, body)
        assert code == 250, text
        return text.split(b"queued as ")[1].split()[0].decode()


def type_of(m, queue_id):
    return m.json("queue", "show", queue_id)[0]["type"]


@pytest.fixture
def parked(make):
    """An mtq whose mail waits, with every kind of rule."""
    second = free_port()
    m = make(blocks=RULES % {"second": second},
             relay=NOWHERE.format(port=free_port()))
    m.second = second
    return m


CASES = [
    ("no rule takes it", "individual", dict(body=b"Subject: x\r\n\r\n")),
    ("any value", "workflow", dict(body=b"x-FLOW:\r\n\r\n")),
    ("by name", "mass", dict(body=b"X-Mail-Type: MASS\r\n\r\n")),
    ("through the map", "mass", dict(body=b"X-Mail-Type: Newsletter\r\n\r\n")),
    ("another of the map", "workflow", dict(body=b"X-Mail-Type:\r\n 7\r\n\r\n")),
    ("names no type", "individual", dict(body=b"X-Mail-Type: no\r\n\r\n")),
    ("the smaller number", "workflow",
     dict(body=b"X-Mail-Type: mass\r\nX-Flow: 1\r\n\r\n")),
    ("both fields", "mass", dict(body=b"Precedence: List\r\nX-List: a\r\n\r\n")),
    ("one of them", "individual", dict(body=b"Precedence: list\r\n\r\n")),
    ("in the body", "individual", dict(body=b"a: b\r\n\r\nX-Flow: 1\r\n")),
    ("header From", "mass", dict(body=b"From: N <n@News.test>\r\n\r\n")),
    ("a subdomain", "mass", dict(body=b"From: n@a.news.test\r\n\r\n")),
    ("an address", "mass", dict(body=b'From: "R, R" <robot@from.test>\r\n\r\n')),
    ("the envelope without a From", "mass",
     dict(body=b"a: b\r\n\r\n", sender="x@news.test")),
    ("a From that is not the envelope", "individual",
     dict(body=b"From: a@b.test\r\n\r\n", sender="x@news.test")),
    ("a bounce", "individual", dict(body=b"a: b\r\n\r\n", sender="")),
    ("the source", "workflow", dict(body=b"a: b\r\n\r\n", ip="127.0.0.2")),
    ("the listener", "workflow", dict(body=b"a: b\r\n\r\n", second=True)),
    ("the size", "mass", dict(body=BIG)),
]


def test_types(parked):
    """One mtqd, every condition; type and source are in the log."""
    m = parked
    for what, want, case in CASES:
        case = dict(case)
        port = m.second if case.pop("second", False) else None
        queue_id = send(m, port=port, **case)
        assert type_of(m, queue_id) == want, what
        source = "flows" if case.get("ip") else "local"
        m.wait_log(f"{queue_id}: client=unknown[{case.get('ip', '127.0.0.1')}], "
                   f"type={want}, source={source}")
    listed = [r["type"] for r in m.queue()]
    assert sorted(listed) == sorted(want for _, want, _ in CASES)


def test_a_reload_changes_what_comes_next(parked):
    """Also for a session that is open, even in the midst of a message; what is
    in the queue keeps its type."""
    m = parked
    first = send(m, b"X-Flow: 1\r\n\r\n")
    assert type_of(m, first) == "workflow"
    with m.client() as s:
        s.ehlo()
        s.mail("a@from.test")
        s.rcpt("b@to.test")
        assert s.docmd("DATA")[0] == 354
        s.send(b"X-Flow: 1\r\nX-Late: 1\r\n")
        m.write(blocks='classify { priority = 1  header { X-Flow = 1 }  '
                       'type = mass }\n'
                       'classify { priority = 2  header { X-Late = 1 }  '
                       'type = workflow }\n')
        m.process.send_signal(signal.SIGHUP)
        m.wait_log("reloaded")
        # The receiver has it a moment later.
        wait_for("the new rules",
                 lambda: type_of(m, send(m, b"X-Late: 1\r\n\r\n")) == "workflow")
        s.send(b"\r\ntext\r\n.\r\n")
        code, text = s.getreply()
        assert code == 250, text
        second = text.split(b"queued as ")[1].split()[0].decode()
    assert type_of(m, second) == "mass"
    assert type_of(m, first) == "workflow"


ROUTES = """
relay "news" { host = 127.0.0.1  port = %(news)s  lookup = host }
relay "flows" { host = 127.0.0.1  port = %(flows)s  lookup = host }
classify { priority = 1  by_header = X-Mail-Type }
route "brand" { priority = 5  from = "*.brand.test"  via = flows }
route "types" {
	priority = 10
	to = [far.test, "*.far.test"]
	via { mass = news  workflow = [flows, news] }
}
"""


@pytest.fixture
def three(make, sink):
    news, flows = Sink(), Sink()
    m = make(blocks=ROUTES % {"news": news.port, "flows": flows.port})
    m.sinks = {"out": sink, "news": news, "flows": flows}
    yield m
    news.close()
    flows.close()


def where(m):
    """(sender, recipient) -> the relays that got it."""
    got = {}
    for name, s in m.sinks.items():
        for msg in s.messages:
            for r in msg.recipients:
                got.setdefault((msg.sender, r), []).append(name)
    return got


def plain(address):
    return address.strip("<>")


def test_each_type_takes_its_route(three):
    m = three
    want = {}
    table = [
        # type, From, recipient, relay
        ("mass", "a@x.test", "r0@far.test", "news"),
        ("mass", "a@x.test", "r1@FAR.test", "news"),
        ("mass", "a@x.test", "r2@a.b.far.test", "news"),
        ("mass", "a@x.test", "r3@notfar.test", "out"),
        ("workflow", "a@x.test", "r4@far.test", "flows"),
        ("individual", "a@x.test", "r5@far.test", "out"),
        ("none", "a@x.test", "r6@far.test", "out"),
        ("mass", "a@x.brand.test", "r7@far.test", "flows"),
        ("individual", "a@X.Brand.test", "r8@c.test", "flows"),
        ("mass", "a@brand.test", "r9@c.test", "out"),
    ]
    for i, (kind, author, to, relay) in enumerate(table):
        sender = f"s{i}@env.test"
        m.send(b"From: " + author.encode() + b"\r\nX-Mail-Type: " +
               kind.encode() + b"\r\n\r\n", sender=sender, to=(to,))
        want[sender, to] = [relay]
    m.empty()
    assert {(plain(s), plain(r)): v for (s, r), v in where(m).items()} == want


def test_one_message_several_ways(three):
    m = three
    to = [f"r{i}@{d}" for i, d in enumerate(
        ["far.test", "near.test", "x.far.test", "near.test", "far.test"])]
    m.send(b"From: a@x.test\r\nX-Mail-Type: mass\r\n\r\nhi\r\n", to=to)
    m.empty()
    assert {plain(r): v for (_, r), v in where(m).items()} == {
        r: ["news"] if "far.test" in r else ["out"] for r in to}
    for s in m.sinks.values():
        for msg in s.messages:
            assert msg.content.endswith(b"\r\n\r\nhi\r\n")


def test_waiting_mail_moves_with_the_configuration(make, sink):
    """Its relay is dead; the new configuration has another for its type."""
    blocks = ("relay \"news\" { host = 127.0.0.1  port = %d  lookup = host }\n"
              "classify { priority = 1  by_header = X-Mail-Type }\n"
              "route \"all\" { priority = 1  via { mass = [%s] } }\n")
    m = make(blocks=blocks % (free_port(), "news"))
    first = m.send(b"X-Mail-Type: mass\r\n\r\nhi\r\n")
    wait_for("an attempt", lambda: any(
        r["attempts"] for row in m.json("queue", "show", first)
        for r in row["recipients"]))
    assert not sink.messages
    m.write(blocks=blocks % (free_port(), "out"))
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    m.empty()
    assert len(sink.messages) == 1
