"""A message on which workers die is held after the third; all others flow, and
who only was there when a worker died is not held."""
import os
import pathlib
import signal
import threading

from conftest import wait_for

QUICK = "intervals = 1s\n\tjitter = 0%"


def owner(port, pids):
    """Which of these processes has the connection from this local port."""
    rows = [x.split() for x in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inode = [r[9] for r in rows if int(r[1].split(":")[1], 16) == port]
    for pid in pids:
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(fd) in [f"socket:[{i}]" for i in inode]:
                    return pid
            except OSError:
                pass
    return None


class Killer:
    """The sink's replies: who brings mail from `poison@` is killed at DATA."""

    def __init__(self, m):
        self.m, self.deaths, self.lock = m, 0, threading.Lock()

    def __call__(self, verb, arg, h):
        if verb == "MAIL":
            h.poison = b"poison@" in arg
        if verb != "DATA" or not getattr(h, "poison", False):
            return None
        with self.lock:
            pid = owner(h.client_address[1], self.m.pids("worker"))
            if pid is not None:
                self.deaths += 1
                os.kill(pid, signal.SIGKILL)
        return b""


def kinds(m, qid):
    """What became of it, by the log: the words of its lines in order."""
    return [x.split("status=")[1].split()[0] for x in m.text().splitlines()
            if f" {qid}: " in x and "status=" in x]


def test_poison_is_held_and_the_rest_flows(make, sink):
    m = make(workers=2, retry=QUICK)
    kill = sink.reply = Killer(m)
    poison = m.send(sender="poison@from.test")
    others = [m.send(to=(f"u{i}@to.test",)) for i in range(60)]
    wait_for("the poison is held", lambda: [
        r for r in m.queue() if r["queue_name"] == "hold"])
    wait_for("all others left", lambda: len(m.queue()) == 1)
    assert kill.deaths == 3
    row = m.queue()[0]
    assert row["queue_id"] == poison, row
    assert "held: 3 workers died with it" in row["recipients"][0]["reason"], row
    assert len({b for x in sink.messages for b in x.recipients}) == len(others)
    assert m.text().count("workers died with it, one after another") == 1

    sink.reply = None  # mended: a person lets it go
    m.cli("queue", "release", poison)
    m.empty()
    assert kinds(m, poison)[-1] == "sent"


def test_somebody_kills_workers_and_nothing_is_held(make, sink):
    m = make(workers=2, retry=QUICK)
    done = threading.Event()

    def killer():
        while not done.wait(0.7):
            for pid in m.pids("worker")[:1]:
                os.kill(pid, signal.SIGKILL)
    t = threading.Thread(target=killer)
    t.start()
    try:
        ids = [m.send(to=(f"u{i}@to.test",)) for i in range(150)]
        wait_for("most of it has left", lambda: len(m.queue()) < 20)
    finally:
        done.set()
        t.join()
    m.empty()
    assert len({b for x in sink.messages for b in x.recipients}) == len(ids)
    assert " held" not in m.text()
