"""mtq events: the journal as programs read it, each event exactly once."""
import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading

import pytest

from conftest import BUILD, wait_for

MAIL = ["event", "time", "kind", "queue_id"]
# What `mtq events` promises: which members an event of this kind has.
MEMBERS = {
    "accepted": {"sender", "recipients", "message_id", "type", "source",
                 "arrival_time", "size"},
    "delivered": {"previous", "sender", "recipient", "message_id", "type",
                  "source", "arrival_time", "size", "relay", "remote", "status",
                  "code", "category", "reply", "security", "attempts",
                  "queued_ms", "in_worker_ms", "connect_ms", "transmit_ms"},
    "suppressed": {"previous", "recipient", "relay", "status", "code",
                   "category", "reply", "until", "who"},
    "held": {"previous", "sender", "recipient", "message_id", "type", "source",
             "arrival_time", "size", "relay", "remote", "status", "code",
             "category", "reply", "attempts", "who"},
}
MEMBERS["deferred"] = MEMBERS["delivered"] | {"next_attempt"}
MEMBERS["bounced"] = MEMBERS["delivered"] | {"who"}
MEMBERS["released"] = MEMBERS["dropped"] = MEMBERS["held"]


@pytest.fixture
def mixed(make, sink):
    """good@ is taken, bad@ refused, later@ put off for an hour."""
    def reply(verb, arg, session):
        if verb == "RCPT" and b"bad" in arg:
            return b"550 5.1.1 no such user\r\n"
        if verb == "RCPT" and b"later" in arg:
            return b"451 4.2.1 not now\r\n"
    sink.reply = reply
    return make(retry="intervals = 1h\n\tjitter = 0%")


def kinds(m, *args):
    return [e["kind"] for e in m.json("events", *args)]


def settled(m, n, *args):
    """The events, once there are so many."""
    return wait_for(f"{n} events", lambda: (e := m.json("events", *args)) and
                    len(e) >= n and e)


def test_each_kind_has_the_members_that_are_promised(mixed):
    ids = [mixed.send(to=("good@to.test", "bad@to.test", "later@to.test"))]
    settled(mixed, 5)
    mixed.cli("queue", "hold", *ids)
    mixed.cli("queue", "release", *ids)
    # It may be with a worker for a moment.
    wait_for("it is held", lambda: mixed.cli(
        "queue", "hold", *ids, code=None).returncode == 0)
    mixed.cli("queue", "drop", "--yes", *ids)
    events = mixed.json("events")
    assert set(MEMBERS) <= {e["kind"] for e in events}
    for e in events:
        assert list(e)[:4] == MAIL or e["kind"] not in MEMBERS
        if e["kind"] in MEMBERS:
            assert set(e) == MEMBERS[e["kind"]] | {*MAIL, "detail"}, e["kind"]
        if e["queue_id"]:
            assert e["queue_id"] == ids[0]
    by = {e["kind"]: e for e in reversed(events)}
    assert by["accepted"]["recipients"] == 3
    assert by["delivered"]["recipient"] == "good@to.test"
    assert by["delivered"]["code"] == 250 and by["delivered"]["relay"] == "out"
    assert by["bounced"]["category"] == "bad-address"
    assert by["bounced"]["status"] == "5.1.1" and by["bounced"]["code"] == 550
    assert by["deferred"]["next_attempt"] > by["deferred"]["time"]
    assert by["held"]["who"] and by["deferred"]["recipient"] == "later@to.test"


def test_order_chain_and_places(mixed):
    for i in range(5):
        mixed.send(to=("good@to.test", "later@to.test"))
    events = settled(mixed, 15)
    ids = [e["event"] for e in events]
    assert ids == sorted(set(ids))
    places = {e["event"]: e for e in events}
    for e in events:
        if e.get("previous"):
            assert places[e["previous"]]["queue_id"] == e["queue_id"]
    assert mixed.json("events", "--from", ids[4]) == events[5:]
    assert mixed.json("events", "--from", ids[4], "--limit", 3) == events[5:8]
    assert mixed.json("events", "--from", "oldest") == events
    assert mixed.json("events", "--from", "now") == []
    assert kinds(mixed, "--kind", "delivered") == ["delivered"] * 5
    assert sorted(kinds(mixed, "--kind", "accepted", "--kind",
                        "delivered,deferred")) == sorted(
        e["kind"] for e in events)
    assert mixed.json("events", "--from", ids[-1].lower()) == []


def test_readers_say_how_far_they_are(mixed):
    mixed.send(to=("good@to.test",))
    ids = [e["event"] for e in settled(mixed, 2)]
    assert mixed.json("events", "readers") == []
    assert len(mixed.json("events", "--reader", "crm")) == 2
    mixed.cli("events", "ack", ids[0])
    mixed.cli("events", "ack", ids[1], "--reader", "crm")
    rows = {r["name"]: r for r in mixed.json("events", "readers")}
    assert set(rows) == {"default", "crm"}
    assert rows["default"]["acknowledged"] == ids[0]
    assert rows["default"]["behind"] == 1 and rows["default"]["waiting_since"]
    assert rows["crm"]["behind"] == 0 and rows["crm"]["waiting_since"] is None
    assert not rows["crm"]["lost"] and rows["crm"]["counted_all"]
    assert [e["event"] for e in mixed.json("events", "--reader", "default")] == ids[1:]
    assert mixed.json("events", "--reader", "crm") == []
    mixed.cli("events", "ack", ids[0], "--reader", "crm")  # it stays where it is
    assert mixed.json("events", "--reader", "crm") == []
    (status,) = mixed.json("status")
    assert {r["name"] for r in status["readers"]} == {"default", "crm"}
    assert status["journal_entries"] == 2 and status["journal_bytes"] > 0
    mixed.cli("events", "forget", "crm")
    mixed.cli("events", "forget", "crm", code=1)
    assert [r["name"] for r in mixed.json("events", "readers")] == ["default"]


def test_a_new_reader_is_one_before_it_reads(mixed):
    assert mixed.json("events", "--reader", "early") == []  # nothing was written
    mixed.cli("verify")
    mixed.send(to=("good@to.test",))
    events = settled(mixed, 2)
    assert mixed.json("events", "--reader", "crm", "--limit", 1) == events[:1]
    rows = {r["name"]: r for r in mixed.json("events", "readers")}
    assert set(rows) == {"early", "crm"}
    for r in rows.values():
        assert not r["acknowledged"] and r["behind"] == 2 and not r["lost"]
    assert not any(r["acknowledged"] for r in mixed.json("status")[0]["readers"])
    for name in "early", "crm":
        assert mixed.json("events", "--reader", name) == events
    mixed.cli("verify")
    assert mixed.stop() == 0
    assert mixed.json("events", "--reader", "crm") == events
    r = mixed.cli("events", "--reader", "late", code=69)
    assert not r.stdout and "late is a new reader" in r.stderr


def test_what_an_acknowledgement_says_when_it_is_refused(mixed):
    qid = mixed.send(to=("good@to.test",))
    last = settled(mixed, 2)[-1]["event"]
    r = mixed.cli("events", "ack", qid, code=1)
    assert f"no event {qid}" in r.stderr and "readers" not in r.stderr
    assert "no event id" in mixed.cli("events", "ack", "ZZZ", code=64).stderr
    for i in range(16):
        mixed.cli("events", "ack", last, "--reader", f"r{i}")
    for words in ["ack", last], ["--reader", "r16"]:
        r = mixed.cli("events", *words, code=1)
        assert "16 readers already" in r.stderr and not r.stdout
    mixed.cli("events", "ack", last, "--reader", "r15")


def test_a_reader_and_kinds_do_not_go_together(mixed):
    r = mixed.cli("events", "--reader", "x", "--kind", "bounced", code=64)
    assert "not both" in r.stderr
    assert mixed.json("events", "readers") == []


@pytest.mark.parametrize("words, code", [
    (["events", "acknowledge"], 64), (["events", "--kind", "lost"], 64),
    (["events", "--from", "yesterday"], 64), (["events", "--limit", "-1"], 64),
    (["events", "--from", "oldest", "--reader", "x"], 64),
    (["events", "--kind", "delivered", "--reader", "x"], 64),
    (["events", "ack"], 64), (["events", "ack", "not-an-id"], 64),
    (["events", "ack", "0BRLQZHT1WZH", "--reader", "a b"], 64),
    (["events", "forget"], 64), (["events", "readers", "more"], 64),
    (["events", "ack", "ZZZZZZZZZZZY"], 1), (["events", "forget", "nobody"], 1),
    (["events", "--from", "ZZZZZZZZZZZY"], 1),
], ids=lambda x: " ".join(x) if isinstance(x, list) else str(x))
def test_what_makes_no_sense(mixed, words, code):
    mixed.send(to=("good@to.test",))
    r = mixed.cli(*words, code=code)
    assert not r.stdout and r.stderr
    assert mixed.json("events", "readers") == []


def test_reading_needs_no_mtqd_acknowledging_does(mixed):
    mixed.send(to=("good@to.test",))
    events = settled(mixed, 2)
    assert mixed.stop() == 0
    assert mixed.json("events") == events
    mixed.cli("events", "ack", events[0]["event"], code=69)


class Reader:
    """mtq events --follow, whose lines somebody else keeps."""

    def __init__(self, m, *args):
        self.p = subprocess.Popen([BUILD / "mtq", "-c", m.path, "events",
                                   "--follow", *args], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)

    def line(self):
        return json.loads(self.p.stdout.readline())

    def end(self, signo):
        self.p.send_signal(signo)
        out, err = self.p.communicate(timeout=20)
        return self.p.returncode, out, err


def test_follow_sees_what_comes_and_ends_in_order(mixed):
    mixed.send(to=("good@to.test",))
    settled(mixed, 2)
    r = Reader(mixed)
    assert [r.line()["kind"] for _ in range(2)] == ["accepted", "delivered"]
    mixed.send(to=("later@to.test",))
    assert [r.line()["kind"] for _ in range(2)] == ["accepted", "deferred"]
    assert r.end(signal.SIGINT) == (0, "", "")


def test_follow_ends_when_nobody_reads_any_more(mixed):
    r = Reader(mixed)
    r.p.stdout.close()
    assert r.p.wait(20) == 0  # though no event comes
    assert r.p.stderr.read() == ""
    mixed.send(to=("good@to.test",))
    settled(mixed, 2)
    r = subprocess.run(f"{BUILD}/mtq -c {mixed.path} events --follow | head -1",
                       shell=True, capture_output=True, text=True, timeout=30)
    assert json.loads(r.stdout)["kind"] == "accepted" and r.stderr == ""


@pytest.mark.parametrize("kind", ["pair", "tcp"])
def test_follow_ends_when_a_socket_s_peer_has_gone(mixed, kind):
    if kind == "pair":
        ours, theirs = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as s:
            ours = socket.create_connection(s.getsockname())
            theirs, _ = s.accept()
    p = subprocess.Popen([BUILD / "mtq", "-c", mixed.path, "events", "--follow"],
                         stdout=ours, stderr=subprocess.PIPE, text=True)
    ours.close()
    if kind == "tcp":  # a reset: a mere close may be half of one
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
    theirs.close()
    try:
        assert p.wait(20) == 0 and p.stderr.read() == ""
    finally:
        p.kill()


def test_follow_says_that_the_queue_was_replaced(mixed):
    r = Reader(mixed)
    mixed.send(to=("good@to.test",))
    assert r.line()["kind"] == "accepted"
    mixed.cli("backup", mixed.dir / "copy")
    assert mixed.stop() == 0
    os.rename(mixed.dir / "copy", mixed.state / "queue.mdb")
    assert r.p.wait(20) == 75 and "replaced" in r.p.stderr.read()


def careful(m, place, lines, seen):
    """Reads so many events behind a place, and is killed; also when there are
    not so many."""
    args = ["--from", place] if place else []
    r = Reader(m, *args)
    got, timer = [], threading.Timer(3, r.p.kill)
    timer.start()
    for _ in range(lines):
        text = r.p.stdout.readline()
        if not text.endswith("\n"):
            break
        got.append(json.loads(text)["event"])
    timer.cancel()
    r.p.kill()
    r.p.communicate(timeout=20)
    seen += got
    return got[-1] if got else place


def test_killed_at_every_step_it_gets_each_event_exactly_once(mixed):
    done = threading.Event()

    def submit():
        for i in range(25):
            mixed.send(to=("good@to.test", "bad@to.test", "later@to.test"))
        done.set()
    sender = threading.Thread(target=submit)
    sender.start()
    rng, seen, place = random.Random(5), [], None
    while not done.is_set():
        place = careful(mixed, place, rng.randint(1, 6), seen)
    sender.join()
    wait_for("every attempt", lambda: kinds(mixed).count("deferred") == 25)
    total = len(mixed.json("events"))
    while len(seen) < total:
        place = careful(mixed, place, min(rng.randint(1, 40), total - len(seen)),
                        seen)
    assert seen == [e["event"] for e in mixed.json("events")]


def test_a_reader_outlives_whoever_writes(mixed):
    r, lines = Reader(mixed), []
    reading = threading.Thread(target=lambda: lines.extend(r.p.stdout))
    reading.start()
    for i in range(12):
        mixed.send(to=("good@to.test", "bad@to.test"))
        if i % 4 == 2:
            for pid in mixed.pids("scheduler"):
                os.kill(pid, signal.SIGKILL)
            wait_for("another scheduler", lambda: mixed.pids("scheduler"))
    wait_for("every delivery",
             lambda: mixed.json("status")[0]["waiting"] +
             mixed.json("status")[0]["active"] == 0)
    events = mixed.json("events")
    wait_for("the reader", lambda: len(lines) >= len(events))
    r.p.send_signal(signal.SIGINT)
    reading.join(20)
    assert [json.loads(x) for x in lines] == events
    assert len({e["event"] for e in events}) == len(events)
    ended = [(e["queue_id"], e["recipient"]) for e in events
             if e["kind"] in ("delivered", "bounced")]
    assert len(ended) == len(set(ended)) == 24


def test_acknowledging_reader_killed_anywhere_misses_nothing(mixed):
    """Its own records are in the order of its work: what it did and had not
    acknowledged comes again, and it knows it by its id."""
    for i in range(10):
        mixed.send(to=("good@to.test", "later@to.test"))
    events = [e["event"] for e in settled(mixed, 30)]
    rng, worked = random.Random(7), []
    for _ in range(200):
        got = [e["event"] for e in mixed.json("events", "--reader", "crm",
                                              "--limit", rng.randint(1, 5))]
        if not got:
            break
        worked += [e for e in got if not worked or e > worked[-1]]
        if rng.random() < 0.7:  # else it is killed before it says so
            mixed.cli("events", "ack", got[-1], "--reader", "crm")
    assert worked == events


def test_whoever_lost_events_is_told_before_anything_else(make):
    m = make(blocks="history {\n\tmax_size = 1mb\n}")
    m.send(to=("good@to.test",))
    first = settled(m, 2)[0]["event"]
    m.cli("events", "ack", first)
    to = ["x" * 50 + f"{i}@" + "y" * 60 + ".test" for i in range(1000)]
    for _ in range(5):
        m.send(to=to)
    m.empty()
    wait_for("pruning", lambda: m.json("events", "--limit", 1)[0]["event"] > first)
    oldest = m.json("events", "--limit", 1)[0]["event"]
    for words in (["--from", first], ["--reader", "default"]):
        r = m.cli("events", *words, code=1)
        assert not r.stdout and first in r.stderr
        assert any(e["event"] in r.stderr for e in m.json("events", "--limit", 50))
    assert m.json("events", "--from", "oldest", "--limit", 1)[0]["event"] >= oldest
    (row,) = m.json("events", "readers")
    assert row["lost"]
    (status,) = m.json("status")
    assert any("lost events" in p for p in status["problems"])
    assert status["journal_bytes"] <= status["journal_max_bytes"]
    new = m.json("events", "--kind", "delivered")[-1]["event"]
    m.cli("events", "ack", new)
    assert not m.json("events", "readers")[0]["lost"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody")
def test_a_stranger_neither_reads_nor_acknowledges(mixed):
    mixed.send(to=("good@to.test",))
    for path in (mixed.dir, mixed.dir.parent):
        os.chmod(path, 0o755)
    for words in (["events"], ["history", "good@to.test"], ["bounces"],
                  ["events", "forget", "default"]):
        r = subprocess.run([BUILD / "mtq", "-c", mixed.path, *words],
                           capture_output=True, text=True, timeout=20,
                           user="nobody", group="nogroup", extra_groups=[])
        assert r.returncode == 77 and not r.stdout, r.stderr
