"""Real mtqd with all its roles on loopback ports, for one test at a time."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import smtplib
import subprocess
import tempfile

import pytest

from cells import HOST, Cells, certs
from sink import Sink
from wait import DEADLINE, free_port, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD


def sanitized():
    """Such a build takes memory and calls that are not ours."""
    return b"__asan_init" in (BUILD / "mtqd").read_bytes()


# For a build with sanitizers: our processes may not be traced, which the leak
# checker needs, and a SIGSEGV here is sent by a test.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:handle_segv=0")


CONF = """\
instance = test
hostname = mtq.test
state_dir = {state}
user = {user}
workers = {workers}
watchdog = {watchdog}
no_match = out
bounce {{
	{bounce}
}}
queue {{
	map_size = {map_size}
	{queue}
}}
listen "in" {{
	address = "127.0.0.1:{port}"
	{listen}
}}
source "local" {{
	from_ip = {from_ip}
}}
relay "out" {{
	{relay}
}}
retry "normal" {{
	{retry}
}}
{blocks}
"""


class Mtq:
    def __init__(self, folder, sink_port, **conf):
        self.dir = pathlib.Path(folder)
        self.state = self.dir / "state"
        self.path = self.dir / "mtq.conf"
        self.log_path = self.dir / "log"
        self.port = conf.pop("port", None) or free_port()
        self.conf = dict(
            state=self.state, user="root" if os.getuid() == 0 else "",
            workers=2, watchdog="10s", map_size="256mb", queue="", listen="",
            from_ip="127.0.0.0/8", port=self.port,
            relay=f"host = 127.0.0.1\n\tport = {sink_port}",
            bounce="enabled = no",
            retry="intervals = 1s\n\tjitter = 0%",
            blocks="")  # further ones, as they stand
        self.write(**conf)
        self.process = None
        self.programs = BUILD  # where mtqd and the roles lie
        self.env = None

    def write(self, **changes):
        self.conf.update(changes)
        text = CONF.format(**self.conf)
        if not self.conf["user"]:
            text = text.replace("user = \n", "")
        self.path.write_text(text)

    def start(self, expect="started"):
        self.log = open(self.log_path, "ab")
        self.mark = self.log_path.stat().st_size
        self.process = subprocess.Popen([self.programs / "mtqd", "-c", self.path],
                                        stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, env=self.env)
        if expect:
            self.wait_log(expect)
        return self

    def text(self, since=None):
        data = self.log_path.read_bytes() if self.log_path.exists() else b""
        return data[self.mark if since is None else since:].decode()

    def wait_log(self, words, seconds=DEADLINE):
        def look():
            if words in self.text():
                return True
            assert self.process.poll() is None, self.text()
        try:
            wait_for(f"log line with {words!r}", look, seconds)
        except AssertionError:
            raise AssertionError(f"no {words!r} in the log:\n{self.text()[-4000:]}")

    def stop(self, signo=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signo)
        return self.process.wait(DEADLINE) if self.process else None

    def cli(self, *args, code=0, stdin=None):
        r = subprocess.run([BUILD / "mtq", "-c", self.path, *map(str, args)],
                           input=stdin, capture_output=True, text=True, timeout=30)
        assert code is None or r.returncode == code, \
            f"mtq {args}: exit {r.returncode}\n{r.stdout}{r.stderr}"
        return r

    def json(self, *args, **kw):
        out = self.cli(*args, "--json", **kw).stdout
        return [json.loads(line) for line in out.splitlines()]

    def queue(self):
        return self.json("queue", "list", "--limit", 0)

    def empty(self, seconds=DEADLINE):
        wait_for("an empty queue", lambda: not self.queue(), seconds)

    def pids(self, role):
        """Process ids of a role, as the kernel sees them."""
        out = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f",
                              f"mtq-{role}"], capture_output=True, text=True)
        return [int(p) for p in out.stdout.split()]

    @contextlib.contextmanager
    def client(self, **kw):
        s = smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test",
                         timeout=DEADLINE, **kw)
        try:
            yield s
        finally:
            s.close()

    def send(self, body=b"Subject: x\r\n\r\nhi\r\n", sender="a@from.test",
             to=("b@to.test",), **kw):
        """One message over a connection of its own; returns its queue id."""
        with self.client() as s:
            s.ehlo()
            code, text = s.mail(sender, kw.get("options", ()))
            assert code == 250, text
            for r in to:
                code, text = s.rcpt(r)
                assert code == 250, text
            code, text = data(s, body)
            assert code == 250, text
            assert b"queued as " in text, text
            s.docmd("QUIT")
            return text.split(b"queued as ")[1].split()[0].decode()


def data(s, body):
    """DATA with exact octets: smtplib's own data() repairs line ends."""
    code, text = s.docmd("DATA")
    if code != 354:
        return code, text
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line
                           for line in body.split(b"\r\n"))
    s.send(stuffed + b".\r\n")
    return s.getreply()


@pytest.fixture
def sink():
    s = Sink()
    yield s
    s.close()


@pytest.fixture
def make(sink):
    """make(**conf) -> a started mtq; verified and stopped at the end."""
    running, folder = [], tempfile.mkdtemp(prefix="mtq-test-")

    def build(start=True, sink_port=None, **conf):
        m = Mtq(tempfile.mkdtemp(dir=folder), sink_port or sink.port, **conf)
        running.append(m)
        return m.start() if start else m

    yield build
    try:
        for m in running:
            if not m.process:
                continue
            if m.process.poll() is None:
                assert m.stop() == 0, m.text()
            for word in ("our mistake", "AddressSanitizer", "runtime error"):
                assert word not in m.text(0), m.text(0)
            if (m.state / "queue.mdb").exists():
                m.cli("verify")
    finally:
        for m in running:
            if m.process and m.process.poll() is None:
                m.process.kill()
                m.process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cells():
    c = Cells()
    yield c
    c.close()


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """tests/certs.py for HOST; NAME.all has the root too (it may be in DNS);
    us.pem is a client certificate, for the user "crm"."""
    folder = certs.make(tmp_path_factory.mktemp("pki"), HOST)
    for name in certs.CERTS:
        (folder / f"{name}.all").write_text("".join(
            (folder / f"{n}.crt").read_text() for n in certs.whole(name)))
    (folder / "template").write_text(
        'cn = "crm"\ntls_www_client\nsigning_key\nexpiration_days = 9\n')
    certs.certtool("--generate-privkey", "--key-type", "ecdsa", "--curve",
                   "secp256r1", "--outfile", folder / "us.key")
    certs.certtool("--generate-certificate", "--load-privkey", folder / "us.key",
                   "--load-ca-certificate", folder / "root.crt",
                   "--load-ca-privkey", folder / "root.key", "--template",
                   folder / "template", "--outfile", folder / "us.pem")
    os.chmod(folder / "us.key", 0o600)
    return folder


@pytest.fixture
def place():
    """A folder that servers may enter which are not root."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mtq-peer-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
