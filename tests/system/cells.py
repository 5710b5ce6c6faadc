"""A table of docs/security.md, set up and asserted: a relay per cell in one mtq,
a sink per relay."""
import concurrent.futures
import pathlib
import re
import sys

from wait import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import certs  # noqa: E402, F401

HOST = "mx.sig.mtqt"  # whom the certificates are for
# What may be said to a host that has not proved itself.
INNOCENT = {"EHLO", "STARTTLS", "QUIT"}


def rows(name):
    """A table of docs/security.md: its lines, without the heading."""
    return lines_of(name)[2:]


def lines_of(name):
    text = (ROOT / "docs" / "security.md").read_text()
    part = text.split(f"<!-- table: {name} -->\n")[1].split("\n\n")[0]
    return [[c.strip() for c in line.strip("|").split("|")]
            for line in part.splitlines()]


def table(name):
    """{(row, column): cell}"""
    head, _, *body = lines_of(name)
    return {(row[0], column): cell for row in body
            for column, cell in zip(head[1:], row[1:])}


class Cells:
    """A relay per cell, a sink per relay, one message through each."""

    def __init__(self):
        self.sinks, self.blocks, self.relays = {}, [], []

    def add(self, key, sink, *lines):
        n = len(self.relays)
        self.relays.append(key)
        self.sinks[key] = sink
        self.blocks.append("\n\t".join((
            f'relay "r{n}" {{', f"port = {sink.port}", "breaker_failures = 1000",
            *(() if any(x.startswith("host ") for x in lines)
              else ("host = 127.0.0.1",)), *lines)) + "\n}\n"
            f'route "r{n}" {{\n\tpriority = {n + 1}\n\tto = c{n}.test\n\tvia = r{n}\n}}')

    def run(self, make, more=""):
        """One message to each; returns when each was sent or put off twice."""
        m = make(blocks="\n".join(self.blocks) + "\n" + more, map_size="512mb",
                 retry="intervals = [1s, 1h]\n\tjitter = 0%")
        with m.client() as s:
            s.ehlo()
            for n in range(len(self.relays)):
                s.sendmail("a@from.test", [f"x@c{n}.test"], b"Subject: secret\r\n"
                           b"\r\nfor c%d only\r\n" % n)
        self.rows = {}

        def over():
            self.rows = {r["address"]: r for q in m.queue()
                         for r in q["recipients"]}
            return all(r["attempts"] >= 2 for r in self.rows.values())
        wait_for("every cell", over, 60)
        return m

    def outcome(self, key):
        """In the words of docs/security.md, from what the host saw."""
        n, sink = self.relays.index(key), self.sinks[key]
        row = self.rows.get(f"x@c{n}.test")
        if row:
            self.innocent(key)
            assert not sink.messages, key
            assert row["reason"], key
            return row["status"]
        assert len(sink.messages) == 1, key
        *before, last = [s for s in sink.seen if s.clear or s.inside]
        if last.handshakes == 0:
            return "clear" if not before else "4.7.5, clear"
        assert set(last.verbs(last.clear)) <= INNOCENT, (key, last.clear)
        assert last.version in ("TLSv1.2", "TLSv1.3")
        assert not before, (key, "more than one connection was needed")
        return "tls"

    def innocent(self, key):
        for s in self.sinks[key].seen:
            assert set(s.verbs(s.clear)) <= INNOCENT, (key, s.clear)
            assert not s.inside and not s.early, (key, s.inside)

    def close(self):
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda s: s.close(), self.sinks.values()))


def log_line(m, cells, key):
    n = cells.relays.index(key)
    lines = re.findall(rf".* to=<x@c{n}\.test>, .*", m.text())
    assert lines, key
    return lines[-1]


def how(m, cells, key):
    """The outcome, with what the log says was checked."""
    word, line = cells.outcome(key), log_line(m, cells, key)
    if word == "tls":
        assert re.search(r" tls=TLS1\.[23] cipher=\S+ ", line), line
        verify = re.search(r" verify=(\S+)", line)[1]
        return {"no": "tls", "name": "verified", "dane": "dane"}[verify]
    if word.endswith("clear"):
        assert "tls=no" in line or " tls=" not in line, line
    return word


def check(m, cells, expected):
    wrong = []
    for key, cell in expected.items():
        got = how(m, cells, key)
        if got != cell:
            wrong.append(f"{key}: {got}, not {cell}: "
                         f"{log_line(m, cells, key)[-300:]}")
    assert not wrong, "\n".join(wrong)


def one_by_one(m, sink, n):
    for _ in range(n):
        had = len(sink.messages)
        m.send()
        wait_for("a delivery", lambda: len(sink.messages) == had + 1)
        m.empty()
        # The session is kept once the connection is closed.
        wait_for("the end of the connection", lambda: sink.open == 0)
