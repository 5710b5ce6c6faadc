"""Secrets: read by mtqd, used by the workers, seen by nobody else."""
import base64
import os
import pathlib
import re
import signal

import pytest

from conftest import BUILD
from sink import Sink
from wait import wait_for

PASSWORD = "Ge-heim7qX"


class AuthSink(Sink):
    """A relay that takes who shows one of `good`; keeps what was shown."""

    def __init__(self, *good, offer="PLAIN XOAUTH2"):
        self.good, self.shown = set(good), []
        super().__init__(extensions=("PIPELINING", "8BITMIME", f"AUTH {offer}"))

    def further(self, h, verb, line):
        if verb == b"AUTH":
            _, mechanism, first = line.split()
            text = base64.b64decode(first).decode()
            if mechanism == b"PLAIN":
                secret = text.split("\0")[2]
            else:
                secret = re.search("auth=Bearer ([^\x01]*)", text)[1]
            self.shown.append(secret)
            h.known = secret in self.good
            if h.known:
                h.wfile.write(b"235 2.7.0 welcome\r\n")
            elif mechanism == b"PLAIN":
                h.wfile.write(b"535 5.7.8 no\r\n")
            else:
                h.wfile.write(b"334 " + base64.b64encode(b'{"status":"401"}') + b"\r\n")
                h.rfile.readline(1000)
                h.wfile.write(b"535 5.7.8 no\r\n")
            return True
        if verb == b"MAIL" and not getattr(h, "known", False):
            h.wfile.write(b"530 5.7.0 who are you?\r\n")
            return True
        return False


def relay(sink, auth, more=""):
    return (f"host = 127.0.0.1\n\tport = {sink.port}\n\ttls = off\n\tdane = no\n"
            f"\tinsecure_auth = yes\n\t{more}\n\tauth {{ user = crm\n{auth} }}")


def secret_file(path, text, mode=0o600):
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def command(path, text):
    """Rewritten at once: it may be running."""
    new = path.with_suffix(".new")
    new.write_text("#!/bin/sh\n" + text)
    new.chmod(0o755)
    new.rename(path)
    return path


@pytest.fixture
def auth_sink():
    s = AuthSink(PASSWORD, "token-1")
    yield s
    s.close()


def roles(m):
    return {r: m.pids(r) for r in ("receiver", "scheduler", "worker")}


@pytest.mark.parametrize("kind", ["file", "cred", "env"])
def test_each_reference_is_used(make, auth_sink, tmp_path, kind):
    ref = {"file": f"file:{tmp_path}/relay", "cred": "cred:relay",
           "env": "env:MTQ_TEST_PASSWORD"}[kind]
    secret_file(tmp_path / "relay", PASSWORD + "\n")
    m = make(start=False, relay=relay(auth_sink, f"password = {ref}"))
    m.env = dict(os.environ, CREDENTIALS_DIRECTORY=str(tmp_path),
                 MTQ_TEST_PASSWORD=PASSWORD)
    m.start()
    m.send()
    m.empty()
    assert auth_sink.shown == [PASSWORD]


def test_the_value_is_nowhere_else(make, auth_sink, tmp_path):
    """Not in a log, an answer, another process's environment or arguments, nor
    in the memory of a process that has no use for it."""
    m = make(start=False, relay=relay(
        auth_sink, "password = [env:MTQ_TEST_PASSWORD, env:MTQ_TEST_OTHER]"))
    m.env = dict(os.environ, MTQ_TEST_PASSWORD=PASSWORD, MTQ_TEST_OTHER="x" + PASSWORD)
    m.start()
    m.send()
    m.empty()
    assert auth_sink.shown == [PASSWORD]
    shown = m.text(0)
    for args in (["config", "show"], ["relay", "show"], ["explain", "--to", "b@to.test"]):
        r = m.cli(*args, code=None)
        shown += r.stdout + r.stderr
    assert PASSWORD not in shown
    assert "env:MTQ_TEST_PASSWORD" in shown
    for pids in roles(m).values():
        for pid in pids:
            for f in ("environ", "cmdline"):
                assert PASSWORD.encode() not in pathlib.Path(f"/proc/{pid}/{f}").read_bytes()
    assert PASSWORD.encode() not in pathlib.Path(
        f"/proc/{m.process.pid}/environ").read_bytes()
    for role in ("receiver", "scheduler"):
        for pid in roles(m)[role]:
            assert PASSWORD.encode() not in memory(pid), role
    # The look is a look: the worker has it.
    assert any(PASSWORD.encode() in memory(pid) for pid in roles(m)["worker"])
    for f in m.state.rglob("*"):
        if f.is_file():
            assert PASSWORD.encode() not in f.read_bytes(), f


def memory(pid):
    """All of a process's private writable memory."""
    out = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            place, rights = line.split()[:2]
            if rights != "rw-p":
                continue
            a, b = (int(x, 16) for x in place.split("-"))
            if b - a > 1 << 28:  # a sanitizer's shadow
                continue
            try:
                mem.seek(a)
                out.append(mem.read(b - a))
            except (OSError, ValueError, OverflowError):
                pass
    return b"".join(out)


def test_nobody_may_dump_us(make, auth_sink, tmp_path):
    """No core; and the kernel gives a process's /proc files to root, whoever it
    is, when it may not be dumped."""
    ref = secret_file(tmp_path / "relay", PASSWORD)
    root = os.getuid() == 0
    m = make(start=False, relay=relay(auth_sink, f"password = file:{ref}"),
             **(dict(user="nobody") if root else {}))
    m.dir.chmod(0o755)
    m.dir.parent.chmod(0o755)
    m.start()
    for pid in [m.process.pid] + sum(roles(m).values(), []):
        proc = pathlib.Path(f"/proc/{pid}")
        assert re.search(r"Max core file size +0 +0 ", (proc / "limits").read_text())
        status = (proc / "status").read_text()
        if root:
            assert not re.search(r"^Uid:\s+0\s", status, re.M)
        assert (proc / "environ").stat().st_uid == 0
    if b"__asan_init" not in (BUILD / "mtqd").read_bytes():  # it makes nothing of mlock
        assert int(re.search(r"VmLck:\s+(\d+)", status)[1]) >= 4


@pytest.mark.parametrize("make_it, says", [
    (lambda p: None, "No such file or directory"),
    (lambda p: secret_file(p, PASSWORD, 0o644), "its mode is 0644"),
    (lambda p: secret_file(p, ""), "it is empty"),
    (lambda p: p.mkdir(), "it is not a file"),
], ids=["missing", "readable by all", "empty", "a folder"])
def test_a_reference_that_gives_nothing(make, auth_sink, tmp_path, make_it, says):
    """At the start it is the end, with a sentence; never with the value."""
    path = tmp_path / "relay"
    make_it(path)
    m = make(start=False, relay=relay(auth_sink, f"password = file:{path}"))
    m.start(expect=None)
    assert m.process.wait(20) == 78
    text = m.text()
    assert re.search(rf"{m.path}:\d+: relay out: password from file:{path}: {says}", text), text
    assert PASSWORD not in text


def test_reload_with_a_missing_file_keeps_the_old(make, auth_sink, tmp_path):
    secret_file(tmp_path / "relay", PASSWORD)
    m = make(relay=relay(auth_sink, f"password = file:{tmp_path}/relay"))
    m.write(relay=relay(auth_sink, f"password = file:{tmp_path}/none"))
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("relay out: password from file:")
    m.wait_log("the old configuration stays")
    m.send()
    m.empty()
    assert auth_sink.shown == [PASSWORD]


def test_reload_takes_a_changed_file(make, auth_sink, tmp_path):
    """The configuration may stay as it is: the file's new first line counts."""
    path = secret_file(tmp_path / "relay", PASSWORD)
    m = make(relay=relay(auth_sink, f"password = file:{path}", "idle_timeout = 1s"))
    m.send()
    m.empty()
    auth_sink.good = {"another"}
    secret_file(path, "another\n")
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    wait_for("the old connection to end", lambda: auth_sink.open == 0)
    m.send()
    m.empty()
    assert auth_sink.shown == [PASSWORD, "another"]


def test_an_unused_credential_need_not_be_there(make, sink, tmp_path):
    m = make(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\t"
             "auth { user = crm\npassword = file:/none/such\nenabled = no }")
    m.send()
    m.empty()
    assert len(sink.messages) == 1


def test_a_command_gives_the_token(make, auth_sink, tmp_path):
    """It runs before the first mail leaves, and again when the relay says no:
    once, however often it says so."""
    auth_sink.good = {"token-1"}
    count = tmp_path / "count"
    script = command(tmp_path / "token",
                     f"echo x >>{count}\n"
                     "echo '{\"access_token\": \"token-1\", \"expires_in\": 3600}'\n")
    m = make(relay=relay(auth_sink, f"token = cmd:{script}", "idle_timeout = 1s"))
    m.wait_log("relay out: a new token, good for 3600 s")
    m.send()
    m.empty()
    assert auth_sink.shown == ["token-1"]
    assert count.read_text() == "x\n"
    command(script, f"echo x >>{count}\necho token-2\n")
    auth_sink.good = {"token-2"}
    wait_for("the connection to end", lambda: auth_sink.open == 0)
    m.send()
    m.wait_log("relay out refused its token")
    m.wait_log("relay out: a new token, good for 600 s")
    m.cli("relay", "resume", "out", code=None)
    m.empty()
    assert auth_sink.shown[-1] == "token-2"
    assert count.read_text() == "x\nx\n"


def test_a_command_that_fails(make, auth_sink, tmp_path):
    """It is told with the time of the next try; mail waits and is not lost."""
    auth_sink.good = {"token-1"}
    script = command(tmp_path / "token", "echo secret-noise >&2\nexit 3\n")
    m = make(relay=relay(auth_sink, f'token = "cmd:{script} --for mail"'))
    m.wait_log("relay out: token from cmd:")
    m.wait_log("it ended with code 3; asked again in 5 s; there is none")
    assert "secret-noise" not in m.text()
    m.send()
    m.wait_log("status=deferred")
    command(script, 'test "$*" = "--for mail" && echo token-1\n')
    m.empty(60)
    assert auth_sink.shown[-1] == "token-1"


def test_a_command_that_hangs_holds_nothing_up(make, auth_sink, tmp_path):
    """Workers wait a few seconds for its first answer, then serve the others;
    at the end it is killed with all it started."""
    pids = tmp_path / "pids"
    script = command(tmp_path / "token", f"sleep 1000 & echo $! $$ >{pids}; wait\n")
    m = make(relay=relay(auth_sink, f"token = cmd:{script}"))
    both = [int(p) for p in pids.read_text().split()]
    assert m.stop() == 0
    for pid in both:
        wait_for("its end", lambda: not alive(pid))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_file_with_a_token_is_read_at_a_refusal(make, auth_sink, tmp_path):
    auth_sink.good = {"token-2"}
    path = secret_file(tmp_path / "token", "token-1")
    m = make(relay=relay(auth_sink, f"token = file:{path}", "idle_timeout = 1s"))
    secret_file(path, "token-2")
    m.send()
    m.wait_log("relay out: a new token")
    m.cli("relay", "resume", "out", code=None)
    m.empty()
    assert auth_sink.shown[0] == "token-1" and auth_sink.shown[-1] == "token-2"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_read_before_the_rights_are_dropped(make, auth_sink, tmp_path):
    """A file of root alone is fine at the start, and not at a reload."""
    path = secret_file(tmp_path / "relay", PASSWORD)
    m = make(start=False, user="nobody",
             relay=relay(auth_sink, f"password = file:{path}"))
    for folder in [m.dir, *m.dir.parents[:1]]:
        folder.chmod(0o755)
    m.start()
    m.send()
    wait_for("the mail", lambda: auth_sink.messages)
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("Permission denied; the old configuration stays")
