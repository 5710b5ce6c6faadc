"""Mail to 10,000 domains with mail exchangers of their own, round after round:
does a worker's memory stay where it was, and do a few dead and slow domains
hold up the others?

	domains.py [--build build] [--quick] [--write]
	           [--domains N] [--rounds N] [--connections N] [--only PART]

A signed zone on loopback gives each of N domains its MX, its address (several
sinks) and the proof that there is no TLSA record.  In each round every domain
gets one message.

same      every round the same domains.
fresh     every round other domains, and a pause in which pools are given up.
          Both: RssAnon of each worker may grow by GROWTH_MB at most after the
          second round.
hard      1 % of the domains are tarpits (the kernel accepts, nobody greets) and
          1 % refuse connections: the last of the other domains has its mail
          within FAIR times what all took without them, plus FAIR_S; with plenty
          of connections (--connections), and FEW_N of them with FEW.

--quick is for `make check`: one server, QUICK_N domains, trouble among them.
--write puts the figures into docs/performance.md.
"""
import argparse
import pathlib
import shutil
import socket
import sys
import tempfile
import time

from bench import ROOT, Mtq, Sink, cpu_s, load, machine, memory, wait, write_part

sys.path.insert(0, str(ROOT / "tests"))
from zones import Zones, free_port  # noqa: E402

SINKS = [f"127.0.1.{i}" for i in range(1, 5)]
TARPIT, REFUSED = "127.0.1.66", "127.0.1.67"
TARPIT_AT, REFUSED_AT = 33, 66  # which of each 100 domains
SESSIONS = 20
GROWTH_MB = 2.0
FAIR, FAIR_S = 2.0, 5.0
FEW, FEW_N, FEW_S = 20, 3000, 60.0
POOLS_GO_S = 67  # POOL_IDLE_S of delivery/pool.c, TRIM_AFTER_S of worker.c
QUICK_N, QUICK_ROUNDS = 1000, 3
DNS_AND_RELAY = """\
stop_within = 1s
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


def records(n, trouble):
    return "".join(f"d{i} MX 10 mx.d{i}\nmx.d{i} A {address(i, trouble)}\n"
                   for i in range(n))


class World:
    """Zones, sinks and a server; `trouble`: some domains don't work."""

    def __init__(self, build, folder, names, trouble, connections):
        self.build, self.folder, self.trouble = build, folder, trouble
        self.sinks, self.tarpit, self.server = [], socket.socket(), None
        self.sent, self.seen = 0, 0
        self.zones = Zones(tempfile.mkdtemp(dir=folder),
                           {"mtqt": records(names, trouble)})
        self.zones.make()
        self.zones.start()
        try:
            self.begin(connections)
        except BaseException:
            self.close()
            raise

    def begin(self, connections):
        port = free_port()
        for a in SINKS:
            self.sinks.append(Sink(self.build, tempfile.mkdtemp(dir=self.folder),
                                   True, port, a))
        # Connections are made by the kernel; no octet ever comes.
        self.tarpit.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tarpit.bind((TARPIT, port))
        self.tarpit.listen(4096)
        server = Mtq(self.build, self.folder, port, DNS_AND_RELAY.format(
            forward=self.zones.forward, anchor=self.zones.anchor, port=port,
            connections=connections))
        server.start()
        self.server = server

    def delivered(self):
        return sum(s.count() for s in self.sinks)

    def workers(self):
        return {k: m[1] for k, m in memory(self.server.pids()).items()
                if "worker" in k}

    def round(self, n, first=0, seconds=300):
        """A message to each of n domains; until the last good one has its."""
        good = sum(is_good(i, self.trouble) for i in range(first, first + n))
        cpu = cpu_s(self.server.pids())
        begun = time.monotonic()
        load(self.build, self.server.port, self.folder, SESSIONS, n, 1024, 1000,
             ("-D", str(n), "-O", str(first), "-F", "mtqt"))
        self.sent += good
        wait(f"mail to {good} domains", lambda: self.delivered() >= self.sent, seconds)
        times = sorted(int(line.split()[1]) / 1e6 - begun
                       for s in self.sinks for line in open(s.path))
        if len(times) != self.sent:
            raise SystemExit(f"bench: {len(times)} messages came, {self.sent} were due")
        times = times[-good:]
        return {"first_s": times[0], "last_s": times[-1],
                "per_second": good / times[-1],
                "cpu_ms": (cpu_s(self.server.pids()) - cpu) * 1000 / good}

    def close(self):
        try:
            if self.server is not None:
                self.server.p.terminate()
                self.server.p.wait(90)
            for s in self.sinks:
                s.end()
        finally:
            self.tarpit.close()
            self.zones.stop()


def tell(what, r):
    mb = r.get("workers_mb")
    print(f"domains: {what}: {r['per_second']:,.0f}/s, first after "
          f"{r['first_s'] * 1000:.0f} ms, last after {r['last_s']:.1f} s, "
          f"{r['cpu_ms']:.2f} ms CPU a message"
          + (f", workers {', '.join(f'{m:.1f}' for m in mb.values())} MB" if mb else ""),
          flush=True)
    return r


def rounds(w, n, count, fresh, rest_s):
    out = []
    for i in range(count):
        r = w.round(n, i * n if fresh else 0)
        time.sleep(rest_s)
        r["workers_mb"] = w.workers()
        out.append(tell(f"{'fresh' if fresh else 'same'} domains, round {i + 1}", r))
    return out


def growth(out):
    """The most that a worker grew after the second round, MB."""
    later = [r["workers_mb"] for r in out[1:]]
    if any(set(r) != set(later[0]) for r in later):
        raise SystemExit("bench: a worker was started again")
    return max(m - later[0][k] for r in later[1:] for k, m in r.items())


def in_world(build, folder, names, trouble, connections, run):
    w = World(build, folder, names, trouble, connections)
    try:
        return run(w)
    finally:
        w.close()


def trial(bad, what, ok):
    if not ok:
        bad.append(what)


def quick(build, folder):
    bad = []

    def run(w):
        first = w.round(QUICK_N)
        first["workers_mb"] = w.workers()
        return [tell("1 % tarpits, 1 % refuse, round 1", first)] + \
            rounds(w, QUICK_N, QUICK_ROUNDS - 1, False, 0.2)
    out = in_world(build, folder, QUICK_N, True, 200, run)
    grown = growth(out)
    trial(bad, f"a worker grew by {grown:.1f} MB", grown <= GROWTH_MB)
    trial(bad, f"dead and slow domains held up the others for {out[0]['last_s']:.1f} s",
          max(r["last_s"] for r in out) <= 10)
    for b in bad:
        print("bench:", b)
    return 1 if bad else 0


def same(build, folder, a, fresh=False):
    n = a.domains
    out = in_world(build, folder, n * (a.rounds if fresh else 1), False, a.connections,
                   lambda w: rounds(w, n, a.rounds, fresh, POOLS_GO_S if fresh else 1))
    grown = growth(out)
    mb = max(out[-1]["workers_mb"].values())
    speed = f"{out[-1]['per_second']:,.0f} delivered/s, {out[-1]['cpu_ms']:.2f} ms CPU a message"
    text = (f"{n:,} other domains in each of {a.rounds} rounds: {speed}, lookups "
            f"included; a minute later a worker's own memory is {mb:.1f} MB."
            if fresh else
            f"The same {n:,} domains in each of {a.rounds} rounds: "
            f"{out[0]['per_second']:,.0f} delivered/s in the first, when nothing is known "
            f"of them; {speed} in the last. A worker's own memory is {mb:.1f} MB.")
    return f"{text} Growth after the second round: {max(grown, 0):.1f} MB.", grown <= GROWTH_MB


def hard(build, folder, a):
    text, good = [], True
    for connections, n, more_s in ((a.connections, a.domains, FAIR_S),
                                   (FEW, min(a.domains, FEW_N), FEW_S)):
        last = [tell(f"{connections} connections, {'1 %' if t else 'no'} tarpits",
                     in_world(build, folder, n, t, connections,
                              lambda w, n=n: w.round(n)))["last_s"]
                for t in (False, True)]
        good = good and last[1] <= last[0] * FAIR + more_s
        text.append(f"{n:,} domains by {connections} connections: the last has its mail "
                    f"after {last[0]:.1f} s; with 1 % tarpits and 1 % that refuse "
                    f"connections the last of the others after {last[1]:.1f} s.")
    return "\n\n".join(text), good


def full(build, folder, a):
    parts = {"same": same, "fresh": lambda *x: same(*x, fresh=True), "hard": hard}
    status = 0
    for name in [a.only] if a.only else parts:
        text, good = parts[name](build, folder, a)
        text = (f"Measured {machine()}, 2 workers, `connections = {a.connections}`, by "
                f"`tests/bench/domains.py`.\n\n{text}")
        print(text, flush=True)
        if not good:
            print(f"bench: {name}: not good enough")
            status = 1
        elif a.write:
            write_part(f"domains-{name}", text)
    return status


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default=str(ROOT / "build"))
    p.add_argument("--domains", type=int, default=10000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--connections", type=int, default=200)
    p.add_argument("--only", choices=["same", "fresh", "hard"])
    p.add_argument("--quick", action="store_true")
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    build = pathlib.Path(a.build).resolve()
    folder = tempfile.mkdtemp(prefix="mtq-domains-")
    try:
        return quick(build, folder) if a.quick else full(build, folder, a)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
