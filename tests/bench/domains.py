"""Mail to 10,000 domains with mail exchangers of their own, round after round:
does a worker's memory stay where it was, and do a few dead and slow domains
hold up the others?

	domains.py [--build build] [--domains N] [--rounds N] [--quick] [--write]

A zone signed on loopback has N domains, each with its MX name, address (several
sinks) and a proof that there is no TLSA record.  In each round every domain
gets one message.

memory    all domains answer.  RssAnon of each worker after each round may grow
          by GROWTH_MB at most after the second: pools and connections have been
          given back, libunbound's caches are full.
fairness  1 % of the domains are tarpits (the kernel accepts, nobody greets),
          1 % refuse connections; one round with a fresh start.  What counts is
          when the last message reached a domain that works: within FAIR times
          what the same domains took without them, plus FAIR_S.

--quick is for `make check`: 1,000 domains.  --write puts the figures into
docs/performance.md.
"""
import argparse
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from bench import ROOT, Mtq, Sink, cpu_s, load, machine, memory, wait, write_part

sys.path.insert(0, str(ROOT / "tests"))
from zones import Zones, free_port  # noqa: E402

SINKS = [f"127.0.1.{i}" for i in range(1, 5)]
TARPIT, REFUSED = "127.0.1.66", "127.0.1.67"
SESSIONS = 20
GROWTH_MB = 2.0
FAIR, FAIR_S = 2.0, 10.0
# Of 100 domains in a row, when there is trouble: this one.
TARPIT_AT, REFUSED_AT = 33, 66
RELAY = """\
dns {{ forward = "{forward}"
	trust_anchor = "{anchor}" }}
relay "out" {{ deliver = mx
	port = {port}
	allow_private = yes
	connections = {connections}
	breaker_open_for = 1s }}
"""


def is_good(i, trouble):
    return not trouble or i % 100 not in (TARPIT_AT, REFUSED_AT)


def address(i, trouble):
    if is_good(i, trouble):
        return SINKS[i % len(SINKS)]
    return TARPIT if i % 100 == TARPIT_AT else REFUSED


def zone(n, trouble):
    return "".join(f"d{i} MX 10 mx.d{i}\nmx.d{i} A {address(i, trouble)}\n"
                   for i in range(n))


class Tarpit:
    """Connections are made by the kernel; no octet ever comes."""

    def __init__(self, port):
        self.s = socket.socket()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind((TARPIT, port))
        self.s.listen(4096)

    def close(self):
        self.s.close()


class World:
    """Zones, sinks and a server; `trouble`: some domains don't work."""

    def __init__(self, build, folder, n, trouble, connections):
        self.build, self.folder, self.n, self.trouble = build, folder, n, trouble
        self.zones = Zones(tempfile.mkdtemp(dir=folder), {"mtqt": zone(n, trouble)})
        self.zones.make()
        self.zones.start()
        self.port = free_port()
        self.sinks = [Sink(build, tempfile.mkdtemp(dir=folder), True, self.port, a)
                      for a in SINKS]
        self.tarpit = Tarpit(self.port)
        self.server = Mtq(build, folder, self.port, RELAY.format(
            forward=self.zones.forward, anchor=self.zones.anchor, port=self.port,
            connections=connections))
        self.server.start()
        self.sent = 0

    def delivered(self):
        return sum(s.count() for s in self.sinks)

    def workers(self):
        return {k: m[1] for k, m in memory(self.server.pids()).items()
                if "worker" in k}

    def round(self, seconds=300):
        """A message to each domain; when the last good one had its."""
        good = sum(is_good(i, self.trouble) for i in range(self.n))
        cpu = cpu_s(self.server.pids())
        begun = time.monotonic()
        load(self.build, self.server.port, self.folder, SESSIONS, self.n, 1024, 1000,
             ("-D", str(self.n), "-F", "mtqt"))
        self.sent += good
        wait(f"mail to {good} domains ({self.delivered()} of {self.sent})",
             lambda: self.delivered() >= self.sent, seconds)
        times = [int(line.split()[1]) / 1e6 - begun
                 for s in self.sinks for line in open(s.path)]
        times = sorted(t for t in times if t > 0)
        return {"first_s": times[0], "last_s": times[-1],
                "per_second": good / times[-1],
                "cpu_ms": (cpu_s(self.server.pids()) - cpu) * 1000 / good}

    def close(self):
        try:
            self.server.p.terminate()
            self.server.p.wait(90)
            for s in self.sinks:
                s.end()
        finally:
            self.tarpit.close()
            self.zones.stop()


def memory_rounds(build, folder, n, rounds, connections, rest_s):
    w = World(build, folder, n, False, connections)
    try:
        out = []
        for i in range(rounds):
            r = w.round()
            # Idle connections close (idle_timeout), pools go after a minute;
            # the next round finds pools there, or not: both must be flat.
            time.sleep(rest_s)
            r["workers_mb"] = w.workers()
            out.append(r)
            print(f"domains: round {i + 1}: {r['per_second']:,.0f}/s, first after "
                  f"{r['first_s'] * 1000:.0f} ms, last after {r['last_s']:.1f} s, "
                  f"{r['cpu_ms']:.2f} ms CPU a message, workers "
                  + ", ".join(f"{m:.1f}" for m in r["workers_mb"].values()) + " MB",
                  flush=True)
        return out
    finally:
        w.close()


def fairness(build, folder, n, connections, trouble):
    w = World(build, folder, n, trouble, connections)
    try:
        r = w.round()
        print(f"domains: {'with' if trouble else 'without'} dead and slow ones: last "
              f"after {r['last_s']:.1f} s, {r['per_second']:,.0f}/s", flush=True)
        return r
    finally:
        w.close()


def growth(rounds):
    """The most that a worker grew after the second round, MB."""
    later = [r["workers_mb"] for r in rounds[1:]]
    return max((m - later[0].get(k, 0) for r in later[1:] for k, m in r.items()),
               default=0.0)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default=str(ROOT / "build"))
    p.add_argument("--domains", type=int, default=10000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--connections", type=int, default=200)
    p.add_argument("--rest", type=float, default=7.0)
    p.add_argument("--only", choices=["memory", "fairness"])
    p.add_argument("--quick", action="store_true")
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    build = pathlib.Path(a.build).resolve()
    folder = tempfile.mkdtemp(prefix="mtq-domains-")
    try:
        if a.only != "fairness":
            rounds = memory_rounds(build, folder, a.domains, a.rounds, a.connections,
                                   a.rest)
            print(f"growth {growth(rounds):.1f} MB")
        if a.only != "memory":
            plain = fairness(build, folder, a.domains, a.connections, False)
            hard = fairness(build, folder, a.domains, a.connections, True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
