"""Caps, counted at the sink: what relays took is never more than what is used
and in flight, and that never more than the limit; a worker that dies at any point
of the dialogue leaves the books right."""
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from conftest import wait_for
from sink import Sink

QUOTA = 'quota "{name}" {{ limit = {limit} }}\n'
RELAY = 'relay "{name}" {{ host = 127.0.0.1\n port = {port}\n quota = [{quota}]\n' \
        ' breaker_open_for = 1s\n {more} }}\n'


def quota(m, name="q"):
    return {q["name"]: q for q in m.json("quota")}[name]


def audit(m):
    assert m.cli("quota", "audit").returncode == 0


def quiet(m, used, name="q"):
    wait_for(f"{used} used and nothing in flight", lambda: (
        quota(m, name)["used"], quota(m, name)["in_flight"]) == (used, 0))
    audit(m)


def capped(make, sink, limit=5, more="", **conf):
    return make(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\tquota = q\n"
                "\tbreaker_open_for = 1s\n\t" + more,
                blocks=QUOTA.format(name="q", limit=limit) + conf.pop("blocks", ""),
                **conf)


def arrived(sink, n):
    wait_for(f"{n} messages", lambda: len(sink.messages) >= n)
    assert len(sink.messages) == n


def test_the_cap_holds(make, sink):
    m = capped(make, sink, 5)
    for _ in range(8):
        m.send()
    quiet(m, 5)
    arrived(sink, 5)
    q = quota(m)
    assert (q["limit"], q["free"]) == (5, 0)
    assert len(m.queue()) == 3


def test_recipients_count_each(make, sink):
    m = capped(make, sink, 4)
    m.send(to=[f"r{i}@to.test" for i in range(6)])
    quiet(m, 4)
    assert sum(len(x.recipients) for x in sink.messages) == 4


def test_a_higher_limit_lets_more_go(make, sink):
    m = capped(make, sink, 2)
    for _ in range(6):
        m.send()
    quiet(m, 2)
    m.cli("quota", "set", "q", 4, "--reason", "we need it")
    quiet(m, 4)
    m.write(blocks=QUOTA.format(name="q", limit=6))
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    m.cli("quota", "unset", "q")
    quiet(m, 6)
    arrived(sink, 6)


def test_a_limit_outlives_its_process(make, sink):
    m = capped(make, sink, 3)
    for _ in range(5):
        m.send()
    quiet(m, 3)
    assert m.stop() == 0
    m.start()
    m.send()
    quiet(m, 3)
    arrived(sink, 3)


def test_a_lower_limit_stops_at_once(make, sink):
    m = capped(make, sink, 10)
    for _ in range(4):
        m.send()
    quiet(m, 4)
    m.write(blocks=QUOTA.format(name="q", limit=3))
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    m.send()
    quiet(m, 4)
    assert quota(m)["free"] == 0
    arrived(sink, 4)


def test_edition_relay_and_crm(make, sink):
    """5 a day by the edition: 2 of them by the relay, the rest by the CRM server."""
    crm = Sink()
    m = make(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n"
             "\tquota = [corp, edition]",
             blocks=QUOTA.format(name="corp", limit=2)
             + QUOTA.format(name="edition", limit=5)
             + RELAY.format(name="crm", port=crm.port, quota="edition",
                            more="role = crm")
             + 'route "r" { priority = 1\n via = out\n on_exhausted = crm }\n')
    for _ in range(8):
        m.send()
    quiet(m, 5, "edition")
    quiet(m, 2, "corp")
    arrived(sink, 2)
    arrived(crm, 3)
    assert len(m.queue()) == 3
    crm.close()


def test_two_quotas_three_relays(make, sink):
    b, c = Sink(), Sink()
    m = make(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\tquota = ab",
             blocks=QUOTA.format(name="ab", limit=4) + QUOTA.format(name="bc", limit=3)
             + RELAY.format(name="b", port=b.port, quota="ab, bc", more="")
             + RELAY.format(name="c", port=c.port, quota="bc", more="")
             + 'route "r" { priority = 1\n via = [out, b, c] }\n')
    for _ in range(12):
        m.send()
    quiet(m, 4, "ab")
    quiet(m, 3, "bc")
    assert len(sink.messages) + len(b.messages) == 4
    assert len(b.messages) + len(c.messages) == 3
    assert len(m.queue()) == 12 - len(sink.messages + b.messages + c.messages)
    b.close()
    c.close()


@pytest.mark.parametrize("change", ["removed", "renamed"])
def test_a_relay_goes_with_mail_under_way(make, change):
    """The dot has left when the relay's block goes: its place stays used."""
    at_dot, go_on = threading.Event(), threading.Event()

    def reply(verb, arg, session):
        if verb == "DOT" and not at_dot.is_set():
            at_dot.set()
            go_on.wait(10)

    slow = Sink(reply=reply)
    other = RELAY.format(name="other", port=slow.port, quota="q", more="")
    m = make(relay=f"host = 127.0.0.1\n\tport = {slow.port}\n\tquota = q",
             blocks=QUOTA.format(name="q", limit=2) + other
             + 'route "r" { priority = 1\n via = other }\n')
    m.send()
    at_dot.wait(10)
    assert quota(m)["in_flight"] == 1
    if change == "removed":
        m.write(blocks=QUOTA.format(name="q", limit=2))
    else:
        m.write(blocks=QUOTA.format(name="q", limit=2)
                + other.replace('"other"', '"new"')
                + 'route "r" { priority = 1\n via = new }\n')
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    assert quota(m)["in_flight"] == 1
    audit(m)
    go_on.set()
    quiet(m, 1)
    m.send()
    m.send()
    quiet(m, 2)
    arrived(slow, 2)
    slow.close()


class Stall:
    """A sink whose first session stops at one point until it is let go."""

    def __init__(self, point, accepts):
        self.point, self.accepts = point, accepts
        self.drops = True
        self.there, self.go_on = threading.Event(), threading.Event()
        self.taken = 0
        self.sink = Sink(reply=self.reply)

    def reply(self, verb, arg, session):
        first = verb == self.point and not self.there.is_set()
        if first:
            self.there.set()
        if verb == "DOT" and (not first or self.accepts):
            self.taken += 1
        if first:
            self.go_on.wait(20)
            return b"" if self.drops else None


POINTS = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"]


@pytest.mark.parametrize("who", ["worker", "scheduler"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_point(make, point, who):
    """Before the dot a dead worker's place is free again; behind it the place
    stays used, for the remote may have the mail.  A dead scheduler's successor
    knows nothing of the dot: used."""
    for accepts in (True, False) if point == "DOT" else (False,):
        stall = Stall(point, accepts)
        m = capped(make, stall.sink, 5, "connections = 1")
        m.send()
        assert stall.there.wait(10)
        q = quota(m)
        assert (q["used"], q["in_flight"]) == (0, 1)
        for pid in m.pids(who):
            os.kill(pid, signal.SIGKILL)
        in_doubt = point == "DOT" or who == "scheduler"
        stall.go_on.set()
        wait_for("delivery", lambda: not m.queue())
        quiet(m, 2 if in_doubt else 1)
        assert stall.taken == (2 if accepts else 1)
        assert ("possible duplicate" in m.text()) == in_doubt
        stall.sink.close()


def test_a_lost_reply_stays_used(make):
    """The connection dies between the dot and its reply."""
    lost = []

    def reply(verb, arg, session):
        if verb == "DOT" and not lost:
            lost.append(1)
            return b""

    s = Sink(reply=reply)
    m = capped(make, s, 3)
    m.send()
    wait_for("delivery", lambda: not m.queue())
    quiet(m, 2)
    assert "possible duplicate" in m.text()
    s.close()


@pytest.mark.parametrize("stage,code", [("MAIL", 451), ("RCPT", 451), ("RCPT", 550),
                                        ("DATA", 451), ("DOT", 451), ("DOT", 554)])
def test_a_refusal_gives_the_place_back(make, stage, code):
    said = []

    def reply(verb, arg, session):
        if verb == stage and not said:
            said.append(1)
            return b"%d %d.3.0 not now\r\n" % (code, code // 100)

    s = Sink(reply=reply)
    m = capped(make, s, 3)
    m.send()
    if code < 500:
        wait_for("delivery", lambda: not m.queue())
    else:
        wait_for("the failure", lambda: "status=bounced" in m.text())
    quiet(m, 1 if code < 500 else 0)
    s.close()


def test_what_a_dead_worker_said_is_heard(make):
    """The dot is announced and taken, and the worker dies, all while the scheduler
    syncs a commit: its next write fails, yet what was said must be read."""
    stall = Stall("RCPT", False)
    stall.drops = False
    m = capped(make, stall.sink, 5, "connections = 2", workers=1)
    m.send()
    assert stall.there.wait(10)
    scheduler = m.pids("scheduler")[0]
    trace = subprocess.Popen(
        ["strace", "-qq", "-o", "/dev/null", "-p", str(scheduler), "-e",
         "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=700000:when=1"])
    wait_for("strace", lambda: "TracerPid:\t0" not in
             pathlib.Path(f"/proc/{scheduler}/status").read_text())
    m.send()  # to be claimed: the commit takes its time
    time.sleep(0.2)  # its commit has begun, and takes 0.7 s
    stall.go_on.set()
    wait_for("the dot", lambda: stall.taken == 1)
    for pid in m.pids("worker"):
        os.kill(pid, signal.SIGKILL)
    wait_for("delivery", lambda: not m.queue())
    trace.terminate()
    trace.wait(10)
    wait_for("quiet", lambda: quota(m)["in_flight"] == 0)
    assert quota(m)["used"] >= stall.taken, (quota(m), stall.taken)
    audit(m)
    stall.sink.close()
