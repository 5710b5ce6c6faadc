"""Least privilege: docs/security.md says what each role may do, and each is tried."""
import base64
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from cells import ROOT, table
from conftest import BUILD, Mtq, sanitized
from dkim_tools import Key
from sink import Sink
from wait import free_port, wait_for

USER = "nobody"
ROLES = ("mtqd", "receiver", "scheduler", "worker")
pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


@pytest.fixture
def folder():
    f = pathlib.Path(tempfile.mkdtemp(prefix="mtq-escape-"))
    f.chmod(0o755)
    yield f
    shutil.rmtree(f, ignore_errors=True)


@pytest.fixture
def outside(folder):
    """Files of the user's that no role needs."""
    f = folder / "outside"
    f.mkdir()
    for name in ("mtq.conf", "secret", "accounts", "tls.key", "dkim.key"):
        (f / name).write_text("x")
        (f / name).chmod(0o600)
    (f / "drop").mkdir(mode=0o700)
    give(f, *f.iterdir())
    return f


def give(*paths):
    u = pwd.getpwnam(USER)
    for p in paths:
        os.chown(p, u.pw_uid, u.pw_gid)


@pytest.fixture
def running(folder, outside, sink):
    """mtq as it is meant to be: started by root, `user` somebody else."""
    box = outside / "box"
    m = Mtq(folder, sink.port, user=USER, blocks=(
        f'maildrop = {outside}/drop\n'
        f'relay "box" {{ deliver = maildir  dir = {box} }}\n'
        'route "box" { priority = 1  to = box.test  via = box }'))
    # The user must be able to start the roles, wherever the build lies.
    programs = folder / "programs"
    programs.mkdir()
    for name in ("mtqd", "mtq-receiver", "mtq-scheduler", "mtq-worker"):
        shutil.copy2(BUILD / name, programs / name)
        (programs / name).chmod(0o755)
    programs.chmod(0o755)
    m.programs = programs
    m.start()
    yield m
    assert m.stop() == 0, m.text()


def everybody(m):
    yield "mtqd", m.process.pid
    for role in ROLES[1:]:
        pids = m.pids(role)
        assert pids, role
        for pid in pids:
            yield role, pid


def test_nobody_has_a_capability_or_an_open_kernel(running, sink):
    running.send()
    running.empty()
    uid = str(pwd.getpwnam(USER).pw_uid)
    for role, pid in everybody(running):
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        status = dict(line.split(":\t", 1) for line in text.splitlines())
        assert status["NoNewPrivs"] == "1", role
        assert status["Uid"].split() == [uid] * 4, role
        for caps in ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb"):
            assert int(status[caps], 16) == 0, (role, caps, status[caps])
        if not sanitized():
            assert status["Seccomp"] == "2", role
        core = next(x for x in pathlib.Path(f"/proc/{pid}/limits").read_text()
                    .splitlines() if "core file" in x)
        assert core.split()[4:6] == ["0", "0"], role


def escape(m, role, outside, inside_port, outside_port, sibling):
    r = subprocess.run([BUILD / "escape", m.path, role, m.state, outside,
                        str(inside_port), str(outside_port), str(sibling)],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 0 and r.stderr == "", r.stderr
    for name in ("/tmp/mtq-escaped", "/tmp/mtq-escaped-l", m.state / "made"):
        pathlib.Path(name).unlink(missing_ok=True)
    return {name: what for what, name in
            (line.split("\t") for line in r.stdout.splitlines())}


@pytest.mark.skipif(sanitized(), reason="sanitizers ask for calls of their own")
def test_escapes_end_as_the_table_says(running, sink, outside):
    """Somebody runs code in a role: tests/system/escape.c is that somebody."""
    subprocess.run(["make", "-s", f"BUILD={BUILD}", str(BUILD / "escape")],
                   cwd=ROOT, check=True, timeout=200)
    running.send()
    running.empty()
    sibling = subprocess.Popen(["sleep", "100"], user=USER)
    want, got = table("escape"), {}
    try:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            for role in ROLES:
                for name in ("other", "third"):
                    (running.state / name).write_text("x")
                    give(running.state / name)
                for name, what in escape(running, role, outside, sink.port,
                                         other.getsockname()[1],
                                         sibling.pid).items():
                    got[name, role] = what
        assert sibling.poll() is None
    finally:
        sibling.kill()
        sibling.wait()
    assert got == want, {k: (got.get(k), want.get(k))
                         for k in got.keys() | want.keys()
                         if got.get(k) != want.get(k)}


def memory(pid):
    """All it can read, but for the queue and other files."""
    out = []
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in open(f"/proc/{pid}/maps"):
            word = line.split()
            start, end = (int(x, 16) for x in word[0].split("-"))
            if "r" not in word[1] or (len(word) > 5 and word[5][0] == "/" and
                                      "w" not in word[1]):
                continue
            if "queue.mdb" in line:
                continue
            try:
                mem.seek(start)
                out.append(mem.read(end - start))
            except (OSError, ValueError, OverflowError):
                pass  # [vvar] and the like
    return b"\0".join(out)


def traces(pem):
    """A piece of a key, as it stands in its file and as octets."""
    lines = pem.split(" PRIVATE KEY-----\n")[1].split("-----")[0].split()
    middle = lines[len(lines) // 2]
    return middle.encode(), base64.b64decode("".join(lines))[-40:-8]


@pytest.mark.skipif(sanitized(), reason="terabytes of shadow memory")
def test_secrets_are_where_they_are_used(folder, sink, pki):
    """In the memory of whom, as the table says."""
    password = "canary-of-a-relay-7Hq2"
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o600)
    (folder / "tls.key").write_bytes((pki / "good.key").read_bytes())
    (folder / "tls.pem").write_bytes((pki / "good.pem").read_bytes())
    (folder / "tls.key").chmod(0o600)
    dkim = Key(folder, "dkim")
    m = Mtq(folder, sink.port, user="root",
            listen="tls = optional",
            relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\tauth {{\n"
                  f"\t\tuser = us\n\t\tpassword = file:{folder}/password\n\t}}\n"
                  "\tinsecure_auth = yes",
            blocks=f'accounts = file:{folder}/accounts\n'
                   f'tls "good" {{ cert = file:{folder}/tls.pem  '
                   f'key = file:{folder}/tls.key }}\n'
                   + dkim.block("from.test", "s"))
    m.cli("account", "add", "crm", "--file", folder / "accounts",
          stdin="a long password\n")
    account = (folder / "accounts").read_text().split("$")[-1].strip().encode()
    m.start()
    try:
        have = {role: memory(pid) for role, pid in everybody(m)}
    finally:
        assert m.stop() == 0, m.text()
    secrets = {
        "passwords and tokens of relays": (password.encode(),),
        "private keys of listeners": traces((folder / "tls.key").read_text()),
        "private keys of DKIM": traces(dkim.path.read_text()),
        "hashes of the accounts": (account,),
    }
    got = {(what, role): "yes" if any(x in have[role] for x in signs) else "no"
           for what, signs in secrets.items() for role in ROLES}
    assert got == table("secrets")


def calls_of(group):
    out = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True,
                         capture_output=True, text=True, timeout=30).stdout
    names = [x.strip() for x in out.splitlines()[1:]]
    return {n for x in names if x and x[0] != "#"
            for n in (calls_of(x) if x[0] == "@" else {x})}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd")
def test_the_unit_leaves_us_what_we_need():
    """To run, and to confine ourselves: its filter comes before ours."""
    allowed = set()
    for line in (ROOT / "etc/mtq.service").read_text().splitlines():
        key, _, words = line.partition("=")
        if key == "SystemCallFilter":
            names = {n for w in words.lstrip("~").split()
                     for n in (calls_of(w) if w[0] == "@" else {w})}
            allowed = allowed - names if words[0] == "~" else allowed | names
    rows = re.findall(r"C\((\w+), [^,]+, ALLOW,",
                      (ROOT / "daemon/jail_calls.h").read_text())
    begin = {"seccomp", "capset", "prctl", "execve", "landlock_create_ruleset",
             "landlock_add_rule", "landlock_restrict_self", "getgroups"}
    assert len(rows) > 80
    assert not (set(rows) | begin) - allowed


def test_a_worker_makes_room_for_one_that_may(running, sink):
    """A port and a Maildir that no worker may touch come with a reload: mail gets
    there at once, and nothing that was under way is lost or sent twice."""
    other = Sink(free_port())
    try:
        before = set(running.pids("worker"))
        running.write(relay=f"host = 127.0.0.1\n\tport = {other.port}",
                      blocks='relay "new" { deliver = maildir  '
                      f'dir = {running.dir}/outside/new }}\n'
                      'route "new" { priority = 1  to = box.test  via = new }')
        running.process.send_signal(signal.SIGHUP)
        running.wait_log("reloaded")
        for n in range(6):
            running.send(to=(f"a{n}@to.test",))
            running.send(to=(f"b{n}@box.test",))
        running.empty()
        assert len(sink.messages) + len(other.messages) == 6
        box = running.dir / "outside/new/new"
        assert len(list(box.iterdir())) == 6
        wait_for("other workers", lambda: running.pids("worker") and
                 not before & set(running.pids("worker")))
        assert "status=deferred" not in running.text()
    finally:
        other.close()


def test_a_call_that_only_an_intruder_makes(running):
    """The role ends, mtqd says by which signal, and another one serves."""
    pid = running.pids("receiver")[0]
    os.kill(pid, signal.SIGSYS)
    running.wait_log("was ended by signal 31")
    wait_for("a receiver", lambda: pid not in running.pids("receiver") and
             running.pids("receiver"))
    wait_for("mail again", lambda: takes(running))


def takes(m):
    try:
        return m.send()
    except (OSError, AssertionError):
        return None
