"""How the processes live: start, reload, stop, die, hang, and what mtq says."""
import json
import os
import signal
import subprocess
import time

import pytest

from conftest import BUILD, data, wait_for


def test_exit_codes(make, tmp_path):
    bad = tmp_path / "bad.conf"
    bad.write_text("hostnam = x\nrelay { }\n")
    r = subprocess.run([BUILD / "mtqd", "-c", bad], capture_output=True,
                       text=True, timeout=20)
    assert r.returncode == 78
    assert f"{bad}:1:" in r.stderr and f"{bad}:2:" in r.stderr
    assert "hostname" in r.stderr
    r = subprocess.run([BUILD / "mtqd", "-c", tmp_path / "none"],
                       capture_output=True, text=True, timeout=20)
    assert r.returncode == 78
    m = make()
    assert m.stop() == 0
    assert "stopped" in m.text().lower()


def test_a_damaged_queue_is_refused_with_70(make):
    m = make()
    m.send(to=("x@to.test",))
    m.empty()
    assert m.stop() == 0
    path = m.state / "queue.mdb"
    raw = bytearray(path.read_bytes())
    raw[0:8192] = bytes(8192)
    path.write_bytes(raw)
    m.start(expect=None)
    assert m.process.wait(20) == 70
    path.unlink()


def test_another_instance_refuses_the_queue(make):
    m = make()
    assert m.stop() == 0
    m.path.write_text(m.path.read_text().replace("instance = test",
                                                 "instance = clone"))
    m.start(expect=None)
    assert m.process.wait(20) in (70, 78)
    assert "clone" in m.text() and "test" in m.text()
    m.path.write_text(m.path.read_text().replace("instance = clone",
                                                 "instance = test"))


def test_a_second_mtqd_is_told(make):
    m = make()
    r = subprocess.run([BUILD / "mtqd", "-c", m.path], capture_output=True,
                       text=True, timeout=20)
    assert r.returncode != 0 and str(m.process.pid) in r.stderr


def test_reload_takes_a_clean_file_only(make):
    m = make(listen="max_message_size = 1mb")
    m.write(listen="max_message_size = 2mb")
    m.process.send_signal(signal.SIGHUP)

    def announced():
        with m.client() as s:
            s.ehlo()
            return int(s.esmtp_features["size"])
    wait_for("the new size", lambda: announced() == 2 << 20)
    m.write(listen="max_message_size = nonsense")
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("max_message_size")
    assert announced() == 2 << 20
    m.write(listen="max_message_size = 2mb")


def test_reload_with_another_listener(make):
    from conftest import free_port
    m = make()
    port = free_port()
    m.path.write_text(m.path.read_text() +
                      f'listen "second" {{\n\taddress = "127.0.0.1:{port}"\n}}\n')
    m.process.send_signal(signal.SIGHUP)
    old, m.port = m.port, port

    def answers():
        try:
            return m.send()
        except OSError:
            return None
    wait_for("the second listener", answers)
    m.port = old
    m.send()
    m.empty()


@pytest.mark.parametrize("role", ["receiver", "scheduler", "worker"])
@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGSEGV])
def test_a_dead_role_comes_back(make, sink, role, signo):
    m = make()
    m.send()
    m.empty()
    before = m.pids(role)
    assert before
    for pid in before:
        os.kill(pid, signo)
    begun = time.monotonic()

    def back():
        try:
            m.send(b"Subject: after\r\n\r\nx\r\n")
            return True
        except (OSError, AssertionError):
            return False
    wait_for("mail is taken again", back)
    m.empty()
    assert time.monotonic() - begun < 5
    assert not set(m.pids(role)) & set(before)
    assert any(b"after" in x.body for x in sink.messages)


@pytest.mark.parametrize("role", ["receiver", "scheduler", "worker"])
def test_a_stopped_role_is_killed_by_the_watchdog(make, role):
    m = make(watchdog="1s", workers=1)
    pid = m.pids(role)[0]
    os.kill(pid, signal.SIGSTOP)
    wait_for("a new process", lambda: m.pids(role) and pid not in m.pids(role))

    def back():
        try:
            return m.send()
        except (OSError, AssertionError):
            return None
    wait_for("mail again", back)
    m.empty()


def test_stop_finishes_what_is_begun(make, sink):
    """SIGTERM while a slow peer thinks about the final dot: the reply is
    waited for, and the message is gone, not doubtful."""
    sink.reply = lambda v, a, h: time.sleep(1) if v == "DOT" else None
    m = make()
    m.send()
    wait_for("the dot", lambda: sink.open and sink.lock.locked())
    assert m.stop() == 0
    assert len(sink.messages) == 1
    assert not m.queue()


def test_reading_works_on_a_stopped_system(make, sink):
    sink.reply = lambda v, a, h: b"451 4.3.0 no\r\n" if v == "MAIL" else None
    m = make(retry="intervals = 1h")
    qid = m.send(b"Subject: kept\r\n\r\nbody text\r\n")
    wait_for("a deferral", lambda: "status=deferred" in m.text())
    assert m.stop() == 0
    assert [q["queue_id"] for q in m.queue()] == [qid]
    assert "kept" in m.cli("queue", "show", qid).stdout
    assert "body text" in m.cli("queue", "show", qid, "--body").stdout
    m.json("status")
    r = m.cli("queue", "hold", qid, code=69)
    assert "mtqd" in r.stderr


def test_hold_release_retry_drop(make, sink):
    gate = {"open": False}
    sink.reply = lambda v, a, h: (b"451 4.3.0 no\r\n"
                                  if v == "MAIL" and not gate["open"] else None)
    m = make(retry="intervals = 1h")
    a, b, c = (m.send(to=(f"{n}@to.test",)) for n in "abc")
    wait_for("deferrals", lambda: m.text().count("status=deferred") == 3)

    def state(qid):
        return [r["state"] for q in m.queue() if q["queue_id"] == qid
                for r in q["recipients"]]
    m.cli("queue", "hold", a, "--reason", "look at it")
    assert state(a) == ["held"]
    assert "look at it" in m.cli("queue", "show", a).stdout
    gate["open"] = True
    m.cli("queue", "retry", b)
    wait_for("b is gone", lambda: state(b) == [])
    m.cli("queue", "drop", c, code=64)
    m.cli("queue", "drop", "--yes", c)
    assert state(c) == []
    m.cli("queue", "release", "-", stdin=a + "\n")
    m.empty()
    m.cli("queue", "hold", a, code=1)
    assert {x.recipients[0] for x in sink.messages} == {"a@to.test", "b@to.test"}


def test_filters_choose(make, sink):
    sink.reply = lambda v, a, h: b"451 4.3.0 no\r\n" if v == "MAIL" else None
    m = make(retry="intervals = 1h")
    m.send(sender="news@from.test", to=("a@one.test",))
    m.send(sender="boss@from.test", to=("a@two.test",))
    wait_for("deferrals", lambda: m.text().count("status=deferred") == 2)
    assert len(m.json("queue", "list", "--domain", "one.test")) == 1
    assert len(m.json("queue", "list", "--from", "boss@from.test")) == 1
    assert len(m.json("queue", "list", "--state", "held")) == 0
    m.cli("queue", "drop", "--yes", "--domain", "two.test")
    assert [q["sender"] for q in m.queue()] == ["news@from.test"]


def test_backup_is_a_queue(make, sink, tmp_path):
    sink.reply = lambda v, a, h: b"451 4.3.0 no\r\n" if v == "MAIL" else None
    m = make(retry="intervals = 1h")
    m.send()
    copy = tmp_path / "copy.mdb"
    m.cli("backup", copy)
    m.cli("verify", "--file", copy)
    raw = bytearray(copy.read_bytes())
    at = raw.rfind(b"b@to.test")
    raw[at] ^= 1
    copy.write_bytes(raw)
    r = m.cli("verify", "--file", copy, code=1)
    assert r.stderr


def test_status_is_one_object_and_one_screen(make):
    m = make()
    assert len(m.json("status")) == 1
    text = m.cli("status").stdout
    for word in ("receiver", "scheduler", "worker"):
        assert word in text
    assert len(text.splitlines()) < 40


def test_the_configuration_prints_itself(make, tmp_path):
    m = make()
    out = m.cli("config", "show").stdout
    again = tmp_path / "again.conf"
    again.write_text(out)
    r = subprocess.run([BUILD / "mtq", "-c", again, "config", "show"],
                       capture_output=True, text=True, timeout=20)
    assert r.returncode == 0

    def values(text):
        return [line.split("#")[0].rstrip() for line in text.splitlines()]
    assert values(r.stdout) == values(out)
    assert m.cli("check").returncode == 0


def test_confined_roles(make):
    """no_new_privs, no core files, no dump: as the kernel sees it."""
    m = make()
    for role in ("receiver", "scheduler", "worker"):
        for pid in m.pids(role):
            status = open(f"/proc/{pid}/status").read()
            assert "NoNewPrivs:\t1" in status, role
            limits = open(f"/proc/{pid}/limits").read()
            core = next(x for x in limits.splitlines() if "core file" in x)
            assert core.split()[4] == "0", core


def test_hostile_text_reaches_no_log_and_no_terminal(make, sink):
    evil = b"550 5.1.1 \x1b[31mred\x07 %s%n \xe2\x80\xaeback\xff\r\n"
    sink.reply = lambda v, a, h: evil if v == "RCPT" else None
    m = make()
    qid = m.send(b"Subject: \x1b]0;owned\x07 title\r\n\r\nx\r\n")
    wait_for("failure", lambda: f"{qid}: to=<" in m.text())
    out = m.cli("queue", "list").stdout + m.cli("queue", "show", qid).stdout
    for text in (out, m.text()):
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
    json.dumps(m.queue())
