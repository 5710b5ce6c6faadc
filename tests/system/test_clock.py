"""The clock jumps while mtq runs: forth a day, back, forth again.  No window gets
its limit twice, whether a day or a rolling one."""
import datetime
import pathlib
import subprocess

import pytest

from conftest import BUILD, wait_for

LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
if not LIBRARY.exists():
    LIBRARY = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"),
                   LIBRARY)


def sanitized():
    """The sanitizers want to be loaded first, before libfaketime."""
    out = subprocess.run(["ldd", BUILD / "mtqd"], capture_output=True, text=True)
    return "libasan" in out.stdout


pytestmark = pytest.mark.skipif(sanitized(), reason="libfaketime beside sanitizers")


class Clock:
    """The wall clock of mtqd, its roles and mtq; the steady one is left alone."""

    def __init__(self, m, monkeypatch):
        m.state.mkdir(mode=0o700, exist_ok=True)
        self.file = m.state / "clock"  # where the roles may read
        self.set(0)
        for name, value in dict(
                LD_PRELOAD=LIBRARY, FAKETIME_NO_CACHE=1,
                FAKETIME_DONT_FAKE_MONOTONIC=1, TZ="Etc/UTC",
                FAKETIME_TIMESTAMP_FILE=self.file).items():
            monkeypatch.setenv(name, str(value))

    def set(self, hours):
        """So many hours from the true time."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{hours * 3600:+d}\n")
        new.replace(self.file)


def noon():
    """A zone where it is between noon and one: no day begins by itself."""
    hour = datetime.datetime.now(datetime.timezone.utc).hour
    return f"Etc/GMT{hour - 12:+d}" if hour != 12 else "Etc/GMT"


def begin(make, sink, monkeypatch, block):
    m = make(start=False,
             relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\tquota = q",
             retry="intervals = 1s\n\tjitter = 0%\n\tlifetime = 30d",
             blocks=f'quota "q" {{ {block} }}\n')
    clock = Clock(m, monkeypatch)
    m.start()
    return m, clock


def more(m, sink, n, expect):
    """After n more messages so many have come in all, and no more come."""
    for _ in range(n):
        m.send()
    wait_for(f"{expect} messages, not {len(sink.messages)}",
             lambda: len(sink.messages) >= expect)
    wait_for("quiet", lambda: m.json("quota")[0]["in_flight"] == 0)
    # A look around is made once a second: give it the time to overspend.
    used = m.json("quota")[0]["used"]
    m.wait_looks()
    assert len(sink.messages) == expect, len(sink.messages)
    assert m.cli("quota", "audit").returncode == 0
    return used


@pytest.fixture
def looks(monkeypatch):
    """wait_looks(): the scheduler has looked around again."""
    from conftest import Mtq
    import time

    def wait_looks(self):
        end = time.monotonic() + 1.2
        wait_for("a look", lambda: time.monotonic() > end)

    monkeypatch.setattr(Mtq, "wait_looks", wait_looks, raising=False)


def test_a_day_begins_once(make, sink, looks, monkeypatch):
    m, clock = begin(make, sink, monkeypatch, f'limit = 3\n zone = "{noon()}"')
    assert more(m, sink, 5, 3) == 3
    clock.set(24)  # tomorrow: its limit, once
    assert more(m, sink, 3, 6) == 3
    clock.set(0)  # today again: it has been spent
    assert more(m, sink, 1, 6) == 3
    clock.set(24)  # and so has tomorrow
    assert more(m, sink, 1, 6) == 3
    clock.set(48)
    assert more(m, sink, 0, 9) == 3
    clock.set(-24)  # yesterday nothing was sent
    assert more(m, sink, 4, 12) == 3
    clock.set(24)
    assert more(m, sink, 0, 12) == 3


def test_a_jump_while_mail_is_under_way(make, looks, monkeypatch):
    """Taken today, reported tomorrow: no day has more than its limit."""
    from sink import Sink
    import threading
    there, go_on = threading.Event(), threading.Event()

    def reply(verb, arg, session):
        if verb == "DOT" and not there.is_set():
            there.set()
            go_on.wait(10)

    s = Sink(reply=reply)
    m, clock = begin(make, s, monkeypatch, f'limit = 1\n zone = "{noon()}"')
    m.send()
    m.send()
    assert there.wait(10)
    clock.set(24)
    m.wait_looks()
    assert m.json("quota")[0]["in_flight"] == 1
    assert not s.messages  # the place under way counts tomorrow, too
    go_on.set()
    assert more(m, s, 0, 1) == 1
    clock.set(48)
    assert more(m, s, 0, 2) == 1
    s.close()


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_rolling_window_forgets_nothing(make, sink, looks, monkeypatch, restart):
    m, clock = begin(make, sink, monkeypatch, "limit = 3\n window = rolling\n period = 24h")

    def go_to(hours):
        if restart:
            assert m.stop() == 0
        clock.set(hours)
        if restart:
            m.start()

    assert more(m, sink, 8, 3) == 3
    go_to(23)
    assert more(m, sink, 0, 3) == 3
    go_to(25)
    assert more(m, sink, 0, 6) == 3
    go_to(0)  # what was sent at 25 h is in the future, and counts
    more(m, sink, 1, 6)
    go_to(25)
    assert more(m, sink, 0, 6) == 3
    go_to(-25)
    more(m, sink, 0, 6)
    go_to(50)
    assert more(m, sink, 0, 9) == 3
