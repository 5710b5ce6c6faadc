"""A relay's rate, counted where it counts: at the relay, when it takes the
mail."""
import functools
import os
import pathlib
import signal
import tempfile
import threading
import time

import pytest
from conftest import data, wait_for


class Stamps:
    """When each recipient was taken: the moment of the sink's 250.

    This process sees that moment late when the machine is busy, once by more,
    once by less, so what left evenly can arrive in a shorter stretch.  By how
    much is measured: a thread that wants to sleep a millisecond at a time."""

    def __init__(self, sink):
        self.at, self.lock = [], threading.Lock()
        self.late = 0.0
        threading.Thread(target=self.watch, daemon=True).start()
        sink.reply = self.reply

    def watch(self):
        for _ in range(200_000):
            begun = time.monotonic()
            time.sleep(0.001)
            self.late = max(self.late, time.monotonic() - begun - 0.001)

    def reply(self, verb, arg, h):
        if verb == "DOT":
            with self.lock:
                self.at += [time.monotonic()] * len(arg.recipients)

    def most(self, window=1.0):
        """The most in any stretch of the window, less our own lateness."""
        with self.lock:
            at = sorted(self.at)
        if self.late > window / 4:
            pytest.skip(f"this machine answers {self.late:.2f} s late")
        window -= self.late
        return max(sum(1 for t in at[i:] if t < at[i] + window)
                   for i in range(len(at)))


def undisturbed(test):
    """A busy machine delays now one message, now another, which can only push
    arrivals together: a rate that is kept in one of three tries is kept, one
    that is not kept fails in all of them."""
    @functools.wraps(test)
    def tries(**fixtures):
        for _ in range(2):
            try:
                return test(**fixtures)
            except (AssertionError, pytest.skip.Exception):
                pass
        return test(**fixtures)
    return tries


def submit(m, n, rcpts=1):
    with m.client() as s:
        s.ehlo()
        for i in range(n):
            s.mail("a@from.test")
            for k in range(rcpts):
                s.rcpt(f"b{k}@to.test")
            assert data(s, b"Subject: %d\r\n\r\nx\r\n" % i)[0] == 250


def relay(sink, rate, more=""):
    return (f"host = 127.0.0.1\n\tport = {sink.port}\n\trate = {rate}\n"
            f"\tconnections = 8\n\t{more}")


@undisturbed
def test_a_burst_leaves_at_the_rate(make, sink):
    stamps = Stamps(sink)
    m = make(workers=2, relay=relay(sink, "14/s"))
    submit(m, 60)
    m.empty(30)
    assert len(stamps.at) == 60
    assert stamps.most() <= 14
    # 60 are four windows and a bit: it is not far slower than allowed either.
    assert max(stamps.at) - min(stamps.at) < 7
    assert "status=deferred" not in m.text()


@undisturbed
def test_recipients_are_counted_not_messages(make, sink):
    """One message to more than the rate allows is cut; two don't add up."""
    stamps = Stamps(sink)
    m = make(workers=2, relay=relay(sink, "10/s"))
    submit(m, 8, rcpts=3)
    submit(m, 1, rcpts=25)
    m.empty(30)
    assert len(stamps.at) == 8 * 3 + 25
    assert stamps.most() <= 10


@undisturbed
def test_the_scheduler_dies_and_comes_back(make, sink):
    stamps = Stamps(sink)
    m = make(workers=2, relay=relay(sink, "14/s"))
    submit(m, 70)
    for n in (10, 30, 50):
        wait_for(f"{n} messages", lambda: len(stamps.at) >= n)
        os.kill(m.pids("scheduler")[0], signal.SIGKILL)
    m.empty(40)
    assert len(stamps.at) >= 70  # what was under way may come twice
    assert stamps.most() <= 14


@undisturbed
def test_a_worker_dies(make, sink):
    stamps = Stamps(sink)
    m = make(workers=2, relay=relay(sink, "14/s"))
    submit(m, 50)
    for n in (10, 25):
        wait_for(f"{n} messages", lambda: len(stamps.at) >= n)
        os.kill(m.pids("worker")[0], signal.SIGKILL)
    m.empty(40)
    assert len(stamps.at) >= 50
    assert stamps.most() <= 14


@undisturbed
def test_everything_stops_and_starts(make, sink):
    stamps = Stamps(sink)
    m = make(workers=2, relay=relay(sink, "14/s"))
    submit(m, 40)
    wait_for("some messages", lambda: len(stamps.at) >= 12)
    assert m.stop() == 0
    m.start()
    m.empty(40)
    assert len(stamps.at) == 40
    assert stamps.most() <= 14


@undisturbed
def test_another_rate_holds_at_once(make, sink):
    stamps = Stamps(sink)
    m = make(workers=2, relay=relay(sink, "20/s"))
    submit(m, 60)
    wait_for("some messages", lambda: len(stamps.at) >= 20)
    m.write(relay=relay(sink, "6/s"))
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    changed = time.monotonic()
    wait_for("more messages", lambda: len(stamps.at) >= 40, 30)
    with stamps.lock:
        # What was permitted a moment before may still have been on its way.
        stamps.at = [t for t in stamps.at if t > changed + 0.05]
    assert stamps.most() <= 6
    m.write(relay=relay(sink, "1000/s"))
    m.process.send_signal(signal.SIGHUP)
    m.empty(30)


@undisturbed
def test_connections_that_have_nothing_to_do_are_closed(make, sink):
    """A rate of one a second needs one connection, not eight."""
    stamps = Stamps(sink)
    m = make(workers=2, relay=relay(sink, "8/s", "idle_timeout = 1s"))
    submit(m, 8)
    m.empty()
    assert sink.most_open > 1
    m.write(relay=relay(sink, "1/s", "idle_timeout = 1s"))
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    submit(m, 6)
    wait_for("few connections", lambda: sink.open <= 2 and len(stamps.at) < 14)
    m.empty(30)
    assert len(stamps.at) == 14
    wait_for("no connection", lambda: sink.open == 0)


@undisturbed
def test_into_a_maildir(make, sink, tmp_path):
    """The rename is the start that counts; it sets the file's ctime."""
    box = pathlib.Path(tempfile.mkdtemp(dir=tmp_path)) / "box"
    m = make(workers=2, relay=f"deliver = maildir\n\tdir = {box}\n\trate = 10/s")
    stamps = Stamps(sink)
    submit(m, 35)
    m.empty(30)
    stamps.at = [f.stat().st_ctime_ns / 1e9
                 for f in (box / "new").iterdir()]
    assert len(stamps.at) == 35
    assert stamps.most() <= 10
