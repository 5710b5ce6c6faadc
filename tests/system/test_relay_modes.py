"""What mtq relay test says of each mode, against the tables of docs/security.md,
which test_tls.py and test_dane.py hold the workers to: one truth, two views."""
import concurrent.futures

import pytest

from cells import HOST, table
from conftest import Mtq, free_port
from sink_tls import BROKEN, TlsSink
from test_dane import World, dns, sink_of

AT_ONCE = 4


def cell_of(m):
    """A mode's object in the words of docs/security.md."""
    if not m["pass"]:
        return m["why"].split()[0]
    if not m["encrypted"]:
        return "4.7.5, clear" if "handshake" in m["why"] else "clear"
    if not m["verified"]:
        return "tls"
    return "dane" if "TLSA" in m["why"] else "verified"


class Walks:
    def __init__(self, folder):
        self.folder, self.sinks, self.blocks = folder, {}, []

    def add(self, key, sink, *lines):
        n = len(self.sinks)
        self.sinks[key] = sink
        host = () if any(x.startswith("host ") for x in lines) \
            else ("host = 127.0.0.1",)
        self.blocks.append(f'relay "r{n}" {{\n\t' + "\n\t".join(
            (*host, f"port = {sink.port}", *lines)) + "\n}\n")

    def run(self, more=""):
        """{key: {(tls, dane): cell}}"""
        m = Mtq(self.folder, free_port(), blocks="".join(self.blocks) + more)

        def one(n):
            steps = m.json("relay", "test", f"r{n}", code=None)
            shown = [s for s in steps if s["step"] == "modes"]
            assert len(shown) == 1, steps
            now, = [x for x in shown[0]["modes"] if x["set"]]
            assert now["pass"] == shown[0]["ok"]
            assert steps[-1]["ok"] == now["pass"], steps
            return {(x["tls"], x["dane"]): cell_of(x) for x in shown[0]["modes"]}
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(self.sinks, pool.map(one, range(len(self.sinks)))))


@pytest.fixture
def walks(tmp_path):
    w = Walks(tmp_path)
    yield w
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda s: s.close(), w.sinks.values()))


def compare(expected, got, cell):
    """cell: (row, column) -> (key of the walk, mode)."""
    wrong = []
    for (row, column), want in expected.items():
        key, mode = cell(row, column)
        if got[key][mode] != want:
            wrong.append(f"{row}, {column}: {got[key][mode]}, not {want}")
    assert not wrong, "\n".join(wrong)


def test_certificates(pki, walks):
    expected = table("certificates")
    for name in {row for row, _ in expected}:
        walks.add(name, TlsSink(pki / f"{name}.all", pki / f"{name}.key"),
                  f"tls_name = {HOST}", f"ca_file = {pki}/root.crt")
    compare(expected, walks.run(), lambda row, mode: (row, (mode, "yes")))


@pytest.mark.parametrize("broken", sorted(BROKEN))
def test_without_tls(pki, walks, broken):
    for row in ("offers no STARTTLS", "breaks the handshake"):
        walks.add(row, TlsSink(pki / "good.all", pki / "good.key",
                               offer=row != "offers no STARTTLS",
                               broken=broken if "breaks" in row else None),
                  f"ca_file = {pki}/root.crt")
    compare(table("without"), walks.run(), lambda row, mode: (row, (mode, "yes")))


def test_records_in_every_mode(pki, walks, tmp_path):
    expected, world = table("dane-modes"), World(pki)
    for row in {row for row, _ in expected}:
        state, host = row.split(", ")
        sink = sink_of(pki, host)
        walks.add(row, sink, *world.host(state, host, sink.port),
                  "lookup = host", f"ca_file = {pki}/root.crt")
    with world.zones(tmp_path / "zones") as z:
        got = walks.run(dns(z))
    compare(expected, got, lambda row, mode: (row, (mode, "yes")))


NAMES = sorted({row for row, _ in table("dane")})


@pytest.mark.parametrize("names", [NAMES[0::2], NAMES[1::2]],
                         ids=["half", "other half"])
def test_every_certificate_with_every_kind_of_records(pki, walks, tmp_path, names):
    expected = {k: v for k, v in table("dane").items() if k[0] in names}
    world = World(pki)
    for name, state in expected:
        sink = sink_of(pki, name)
        walks.add((name, state), sink, *world.host(state, name, sink.port),
                  "lookup = host", f"ca_file = {pki}/root.crt")
    with world.zones(tmp_path / "zones") as z:
        got = walks.run(dns(z))
    compare(expected, got, lambda row, column: (
        (row, column), ("preferred", "require" if column == "require" else "yes")))
