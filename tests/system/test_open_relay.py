"""No open relay: the classic forms from three clients, each in a network
namespace of its own: one that may send, one that may not, and one whose IPv6
address has the first one's IPv4 address in it.  mtqd lives in a fourth."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import BUILD, Mtq
from wait import free_port

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
# name: its addresses, ours on the wire to it
CLIENTS = {
    "allowed": (("192.0.2.10", "192.0.2.1"), ("2001:db8:1::10", "2001:db8:1::1")),
    "stranger": (("198.51.100.20", "198.51.100.1"), ("2001:db8:2::20", "2001:db8:2::1")),
    "embedded": (("203.0.113.30", "203.0.113.1"), ("64:ff9b::c000:20a", "64:ff9b::1")),
}
PLAIN, RETURNS, AUTH = 25, 26, 587

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("ip"), reason="needs root and ip(8)")


def run(*args):
    r = subprocess.run(args, capture_output=True, text=True, timeout=30)
    assert r.returncode == 0, f"{args}: {r.stderr}"


class Net:
    def __init__(self):
        tag = f"mtqr{os.getpid()}"
        self.server = f"{tag}m"
        self.names = {c: f"{tag}{c[0]}" for c in CLIENTS}
        self.made = []

    def open(self):
        self.add(self.server)
        for i, (client, addresses) in enumerate(CLIENTS.items()):
            ns = self.names[client]
            self.add(ns)
            run("ip", "link", "add", "w0", "netns", ns, "type", "veth", "peer",
                "name", f"c{i}", "netns", self.server)
            for (theirs, ours), bits in zip(addresses, (24, 64)):
                nodad = ["nodad"] if bits == 64 else []
                run("ip", "-n", ns, "addr", "add", f"{theirs}/{bits}", "dev", "w0",
                    *nodad)
                run("ip", "-n", self.server, "addr", "add", f"{ours}/{bits}",
                    "dev", f"c{i}", *nodad)
            run("ip", "-n", ns, "link", "set", "w0", "up")
            run("ip", "-n", self.server, "link", "set", f"c{i}", "up")
        return self

    def add(self, ns):
        run("ip", "netns", "add", ns)
        self.made.append(ns)
        run("ip", "-n", ns, "link", "set", "lo", "up")

    def close(self):
        for ns in self.made:
            subprocess.run(["ip", "netns", "del", ns], timeout=30, check=False)


class InNet(Mtq):
    """mtqd in a namespace: `ip netns exec` becomes it."""
    def start_in(self, ns, expect="started"):
        self.log = open(self.log_path, "ab")
        self.mark = self.log_path.stat().st_size
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", ns, BUILD / "mtqd", "-c", self.path],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.wait_log(expect)
        return self


@pytest.fixture
def world(tmp_path):
    net = Net()
    m = None
    try:
        net.open()
        m = InNet(tmp_path, free_port(), from_ip="127.0.0.1")
        yield net, m
    finally:
        if m and m.process and m.process.poll() is None:
            m.stop()
        net.close()


def configure(m, tmp_path):
    """Three listeners: for sources only, for mail that comes back, with AUTH."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mtq.test", "-days", "2",
        "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"))
    accounts = tmp_path / "accounts.mtq"
    m.write(relay="host = 127.0.0.1\n\tport = 9\n\treturn_path = verp",
            blocks=f"""
accounts = "file:{accounts}"
tls main {{ cert = "file:{tmp_path}/cert.pem"  key = "file:{tmp_path}/key.pem" }}
listen plain {{ address = ["0.0.0.0:{PLAIN}", "[::]:{PLAIN}"] }}
listen back {{ address = ["0.0.0.0:{RETURNS}", "[::]:{RETURNS}"] }}
listen auth {{ address = ["0.0.0.0:{AUTH}", "[::]:{AUTH}"]  tls = optional }}
returns {{ domain = returns.test  listener = back }}
source crm {{ from_ip = [192.0.2.0/24, "2001:db8:1::/48"] }}
source user {{ auth_user = joe  listener = auth }}
guard {{ auth_failures_per_address = 1000/s  auth_failures_per_session = 100 }}
""")
    m.cli("account", "add", "joe", stdin="secret\nsecret\n", code=None)
    m.cli("account", "add", "--generate", "joe")


def tried(net, client, address):
    out = subprocess.run(
        ["ip", "netns", "exec", net.names[client], PYTHON, HERE / "relay_forms.py",
         address, str(PLAIN), str(RETURNS), str(AUTH)],
        capture_output=True, text=True, timeout=240)
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


def test_the_classic_forms_from_three_clients(world, tmp_path):
    net, m = world
    configure(m, tmp_path)
    m.start_in(net.server)
    took = {}
    for client, addresses in CLIENTS.items():
        for family, (_, ours) in zip("46", addresses):
            rows = tried(net, client, ours)
            took[client, family] = [r for r in rows if r["end"].startswith("250")]
            if client == "allowed":
                continue
            for r in rows:
                where = f"{client} v{family}: {r}"
                assert not r["end"].startswith(("2", "354")), where
                assert not r["rcpt"].startswith("2"), where
                if r["port"] == PLAIN:
                    assert r["banner"].startswith("554 5.7.1 "), where
                elif r["port"] == AUTH:
                    assert r["mail"].startswith("530 5.7.0 "), where
                else:  # it may say from whom, and to whom mail came back
                    assert r["mail"].startswith("250"), where
    # who may send does: what is refused above is refused for who asks
    for family in "46":
        assert len({r["port"] for r in took["allowed", family]
                    if r["form"].endswith("a stranger, plain")}) == 3
    accepted = len(took["allowed", "4"]) + len(took["allowed", "6"])
    assert len(m.queue()) == accepted
