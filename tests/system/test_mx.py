"""deliver = mx: each domain by its own servers, and no domain's trouble is
another's.  Names come from a signed zone on loopback."""
import re
import socket
import sys
import time

import pytest

from conftest import ROOT, wait_for
from sink import Sink

sys.path.insert(0, str(ROOT / "tests"))
from zones import Zones  # noqa: E402

DOMAINS = """
a MX 10 mx.a
mx.a A 127.0.0.21
b MX 10 mx.b
mx.b A 127.0.0.22
dead MX 10 mx.dead
mx.dead A 127.0.0.29
silent1 MX 10 mx.silent1
mx.silent1 A 127.0.0.28
silent2 MX 10 mx.silent2
mx.silent2 A 127.0.0.28
null MX 0 .
own MX 10 mtq.mtqt.
fallback MX 10 mx.dead
fallback MX 20 mx.b
"""


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    with Zones(tmp_path_factory.mktemp("zones"), {"mtqt": DOMAINS}) as z:
        yield z


@pytest.fixture
def sinks():
    """Two hosts with one port, as relays speak to all hosts of a relay."""
    a = Sink(address="127.0.0.21")
    b = Sink(port=a.port, address="127.0.0.22")
    yield a, b
    a.close()
    b.close()


def conf(zones, port, more="", **kw):
    block = f"""dns {{ forward = "{zones.forward}"
    trust_anchor = "{zones.anchor}" }}
{kw.pop("blocks", "")}"""
    relay = f"""deliver = mx
    port = {port}
    allow_private = yes
    connect_timeout = 2s
    {more}"""
    return dict(relay=relay, blocks=block, **kw)


def tcp_to(port):
    """Established connections to the silent hosts, by the kernel's table."""
    end = f"1C00007F:{port:04X}"
    return [f for f in (line.split() for line in open("/proc/net/tcp"))
            if f[2] == end and f[3] == "01"]


def domains(sink):
    return [sorted(m.recipients) for m in sink.messages]


def test_a_transaction_for_each_domain(make, zones, sinks):
    a, b = sinks
    m = make(**conf(zones, a.port))
    m.send(to=["1@a.mtqt", "2@b.mtqt", "3@A.mtqt", "5@b.mtqt"])
    m.empty()
    assert domains(a) == [["1@a.mtqt", "3@A.mtqt"]]
    assert domains(b) == [["2@b.mtqt", "5@b.mtqt"]]
    assert "relay=mx.a.mtqt[127.0.0.21]" in m.text()


def test_connections_are_used_again_and_counted(make, zones, sinks):
    a, _ = sinks
    m = make(start=False, workers=3,
             **conf(zones, a.port, "connections = 60\nconnections_per_host = 2\n"
                    "idle_timeout = 30s"))
    m.start()
    for _ in range(60):
        m.send(to=["x@a.mtqt"])
    m.empty()
    assert len(a.messages) == 60
    assert a.most_open <= 2  # one worker has the domain
    assert a.sessions <= 6


def test_a_domain_has_its_pace(make, zones, sinks):
    a, b = sinks
    times = []
    a.reply = lambda verb, *_: times.append(time.monotonic()) \
        if verb == "DOT" else None
    m = make(**conf(zones, a.port, "rate_per_domain = 5/s"))
    for _ in range(6):
        m.send(to=["x@a.mtqt"])
        m.send(to=["x@b.mtqt"])
    m.empty()
    assert len(times) == 6 and len(b.messages) == 6
    assert times[-1] - times[0] > 0.9  # five pauses of 0.2 s


def test_a_dead_domain_stops_nobody(make, zones, sinks):
    a, b = sinks
    m = make(**conf(zones, a.port, "connections = 8",
                    retry="intervals = 1h\nlifetime = 1d"))
    for _ in range(30):
        m.send(to=["x@dead.mtqt", "y@b.mtqt"])
    wait_for("the living", lambda: len(b.messages) == 30)
    wait_for("each dead one's attempt", lambda: all(
        r["attempts"] == 1 for q in m.queue() for r in q["recipients"]), 60)
    assert "can't be reached" not in m.text()
    m.send(to=["x@a.mtqt", "y@fallback.mtqt"])
    wait_for("mail for others", lambda: len(a.messages) == 1 and
             len(b.messages) == 31)
    relay, = m.json("relay")
    assert relay["state"] == "open"


def test_hosts_that_never_greet_leave_places_to_others(make, zones, sinks):
    a, _ = sinks
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.28", a.port))
        silent.listen(8)
        m = make(workers=1, **conf(
            zones, a.port, "connections = 2\ncommand_timeout = 14s",
            retry="intervals = 1h\nlifetime = 1d"))
        m.send(to=["x@silent1.mtqt", "x@silent2.mtqt"])
        wait_for("both places to be taken", lambda: len(tcp_to(a.port)) == 2)
        m.send(to=["x@a.mtqt"])
        # PATIENCE_S of delivery/patience.h, not command_timeout
        wait_for("mail for others", lambda: len(a.messages) == 1, 13)
        assert "s, and other mail for its place" in m.text()
        assert len(tcp_to(a.port)) == 1, "one has half of the places"
        wait_for("a verdict for each", lambda: sorted(
            str(r["status"]) for q in m.queue() for r in q["recipients"])
            == ["4.4.2", "4.4.2"])


@pytest.mark.parametrize("domain, status", [
    ("null.mtqt", "5.1.10"), ("own.mtqt", "5.4.6")])
def test_what_is_final(make, zones, sinks, domain, status):
    m = make(start=False, **conf(zones, sinks[0].port))
    m.path.write_text(m.path.read_text().replace("hostname = mtq.test",
                                                 "hostname = mtq.mtqt"))
    m.start()
    m.send(to=[f"x@{domain}", "y@a.mtqt"])
    wait_for("a failure", lambda: [
        r["status"] for q in m.queue() for r in q["recipients"]] == [status])
    assert len(sinks[0].messages) == 1


def test_private_addresses_are_refused(make, zones, sinks):
    c = conf(zones, sinks[0].port)
    c["relay"] = c["relay"].replace("allow_private = yes", "")
    m = make(**c)
    m.send(to=["x@a.mtqt"])
    wait_for("a failure", lambda: [
        r["status"] for q in m.queue() for r in q["recipients"]] == ["5.4.4"])
    assert not sinks[0].messages and not sinks[0].sessions


def test_words_of_a_host_close_no_relay(make, zones, sinks):
    a, b = sinks
    a.reply = lambda verb, arg, h: b"550 5.4.5 Daily sending limit exceeded\r\n" \
        if verb == "RCPT" else None
    m = make(**conf(zones, a.port, 'quota_replies = "550 *daily*"',
                    blocks='route "all" { priority = 1\nvia = out }',
                    retry="intervals = 1h\nlifetime = 1d"))
    m.send(to=["x@a.mtqt"])
    wait_for("an attempt", lambda: m.queue()[0]["recipients"][0]["attempts"])
    m.send(to=["x@b.mtqt"])
    wait_for("mail for others", lambda: b.messages)
    q, = m.queue()
    r, = q["recipients"]
    assert (q["route"], r["state"]) == ("all", "waiting")
    # How the connection was secured, in the line of the attempt and here.
    assert r["security"].startswith("tls=no"), r
    assert f") {r['security']}\n" in m.text()
    assert r["security"] in m.cli("queue", "show", q["queue_id"]).stdout


def test_the_next_relay_takes_what_a_host_cannot(make, zones, sinks):
    a, b = sinks
    blocks = f"""relay "smart" {{ host = 127.0.0.22\nport = {a.port} }}
route "all" {{ priority = 1\nvia = [out, smart] }}"""
    m = make(**conf(zones, a.port, blocks=blocks))
    m.send(to=["x@dead.mtqt", "y@a.mtqt"])
    m.empty()
    assert domains(a) == [["y@a.mtqt"]] and domains(b) == [["x@dead.mtqt"]]
    assert len(re.findall("status=deferred", m.text())) == 1
