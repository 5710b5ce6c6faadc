"""No cap is overspent: relays that share quotas, killed with -9 at random moments
while limits, relays and their names change; and the scheduler killed at each of
its write-type system calls.

	kill_caps.py [--kills 110] [--sweep 60] [--seed N] [--build build]

Three relays and the CRM's own server, a sink for each.  Quota `ab` belongs to
relays a and b, `bc` to b and c, `edition` to all.  After every kill, and always:

  taken by the sinks <= used + in flight <= the highest limit there was

by quota and by type, and `mtq quota audit` finds no difference.  At the end all
is quiet and the books are balanced:

  used        = taken + in doubt: mail gone (each once) and attempts nobody knows
                the end of, which the log names
  in flight   = 0
  lost        = 0
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import kill

ROOT = kill.ROOT
TYPES = ("individual", "workflow", "mass")
RELAYS = ("a", "b", "c", "crm")
QUOTAS = {"ab": "ab", "bc": "bc", "edition": RELAYS}  # relays that charge it
CONF = """\
instance = crash
hostname = mtq.test
state_dir = {dir}/state
{user}
zone = "{zone}"
workers = 2
no_match = crm
queue {{ map_size = 512mb }}
listen "in" {{ address = "127.0.0.1:{port}"
	max_connections_per_address = 500 }}
source "local" {{ from_ip = 127.0.0.0/8 }}
type "individual" {{ weight = 6 }}
type "workflow" {{ weight = 3 }}
type "mass" {{ weight = 1 }}
classify {{ priority = 1
	by_header = X-Mail-Type }}
quota "ab" {{ limit = {ab}
	cap {{ mass = {mass} }} }}
quota "bc" {{ limit = {bc}
	reserve {{ workflow = {reserve} }}
	release = 0% }}
quota "edition" {{ limit = {edition} }}
{relays}
route "main" {{ priority = 1
	via {{ individual = [{individual}]
		workflow = [{workflow}]
		mass = [{massive}] }}
	on_exhausted = crm }}
retry "normal" {{ intervals = 1s
	jitter = 0% }}
"""
RELAY = """\
relay "{name}" {{ host = 127.0.0.1
	port = {port}
	{role}quota = [{quota}]
	connections = 6
	breaker_open_for = 1s }}
"""


def noon_zone():
    """A zone where no day begins during the run."""
    hour = datetime.datetime.now(datetime.timezone.utc).hour
    return f"Etc/GMT{hour - 12:+d}" if hour != 12 else "Etc/GMT"


class Caps(kill.System):
    def __init__(self, build, folder):
        self.limits = {"ab": 60, "bc": 60, "edition": 150, "mass": 30, "reserve": 20}
        self.highest = {}
        self.names = {r: r for r in RELAYS}
        self.gone = set()
        self.story, self.begun = [], time.monotonic()  # what was done when
        self.ports = {r: kill.free_port() for r in RELAYS}
        super().__init__(build, folder)
        self.sinks = {}
        for r in RELAYS:
            extra = ["-x", "61"] if r == "b" else []
            self.sinks[r] = subprocess.Popen(
                [build / "sink", "-u", "-p", str(self.ports[r]), "-l",
                 f"{folder}/sink-{r}", *extra], stdout=subprocess.DEVNULL)

    def write(self):
        def there(*relays):
            return ", ".join(self.names[r] for r in relays
                             if r not in self.gone) or "crm"
        relays = "".join(RELAY.format(
            name=self.names[r], port=self.ports[r],
            role="role = crm\n\t" if r == "crm" else "",
            quota=", ".join(q for q in QUOTAS if r in QUOTAS[q]))
            for r in RELAYS if r not in self.gone)
        new = self.conf.with_suffix(".new")
        new.write_text(CONF.format(
            dir=self.dir, port=self.port, user=self.user, zone=noon_zone(),
            relays=relays, individual=there("a", "c"), workflow=there("b", "c"),
            massive=there("a", "b"), **self.limits))
        new.replace(self.conf)  # an mtqd that starts reads all of it
        for name, n in self.limits.items():
            self.highest[name] = max(n, self.highest.get(name, 0))

    def reload(self):
        self.write()
        # One that has only just been started reads the file anyway.
        status = pathlib.Path(f"/proc/{self.mtqd.pid}/status").read_text()
        if self.mtqd.poll() is None and "SigBlk:\t" in status:
            caught = int(status.split("SigCgt:")[1].split()[0], 16)
            blocked = int(status.split("SigBlk:")[1].split()[0], 16)
            if (caught | blocked) & 1 << (signal.SIGHUP - 1):
                self.mtqd.send_signal(signal.SIGHUP)

    def cli(self, *args):
        return subprocess.run([self.build / "mtq", "-c", self.conf, *map(str, args)],
                              capture_output=True, text=True, timeout=60)

    def quotas(self):
        r = self.cli("--json", "quota")
        if r.returncode != 0:
            raise SystemExit(f"kill_caps: mtq quota: {r.returncode} {r.stderr}")
        return {q["name"]: q for q in map(json.loads, r.stdout.splitlines())}

    def taken(self):
        """quota -> type -> what its relays' sinks took."""
        by = {q: collections.Counter() for q in QUOTAS}
        for r in RELAYS:
            for line in kill.read_log(self.dir / f"sink-{r}"):
                for q in QUOTAS:
                    if r in QUOTAS[q]:
                        by[q][TYPES[int(line[0]) % len(TYPES)]] += 1
        return by

    def check(self):
        taken = self.taken()  # before: it only grows
        for name, q in self.quotas().items():
            charged = q["used"] + q["in_flight"]
            assert sum(taken[name].values()) <= charged <= self.highest[name], \
                f"{name}: taken {taken[name]}, {q}, highest limit {self.highest[name]}; {self.story}"
            for t in TYPES:
                u = q["types"][t]
                assert taken[name][t] <= u["used"] + u["in_flight"], \
                    f"{name} {t}: taken {taken[name][t]}, {u}"
            mass = q["types"]["mass"]
            if name == "ab":
                assert mass["used"] + mass["in_flight"] <= self.highest["mass"], q
        audit = self.cli("quota", "audit")
        assert audit.returncode == 0, audit.stdout + audit.stderr

    def end(self):
        for p in (*self.sinks.values(), self.mtqd):
            if p and p.poll() is None:
                p.kill()
                p.wait(10)


def change(system, rng):
    """What an administrator does in the midst of it."""
    what = rng.randrange(6)
    name = rng.choice(("ab", "bc", "edition"))
    system.story.append((round(time.monotonic() - system.begun, 2), what, name))
    if what <= 1:  # more for everybody, so that mail goes on
        for key, n in (("ab", 50), ("bc", 50), ("edition", 130), ("mass", 20)):
            system.limits[key] += n
        system.reload()
    elif what == 2:  # below what is used: nothing more may go
        old = system.limits[name]
        system.limits[name] = rng.randrange(old)
        system.reload()
        system.limits[name] = old
    elif what == 3:
        r = rng.choice("abc")
        system.gone ^= {r}
        system.reload()
    elif what == 4:
        r = rng.choice("abc")
        system.names[r] = r if system.names[r] != r else r + "2"
        system.reload()
    else:
        n = system.limits[name] + rng.randrange(-30, 30)
        r = system.cli("quota", "set", name, max(n, 0), "--until", "3s")
        if r.returncode == 0:
            system.highest[name] = max(system.highest[name], n)


def live(system, args, rng):
    count = collections.Counter()
    targets = ["scheduler", "worker", "scheduler", "worker", "receiver", "all",
               "mtqd"]
    while sum(count.values()) < args.kills:
        n = sum(count.values())
        time.sleep(rng.uniform(0.02, 0.25))
        what = targets[n % len(targets)]
        if what not in ("all", "mtqd"):
            kill.wait(f"the {what} is there", lambda: system.pids(what), 20)
        if system.kill(what):
            count[what] += 1
            system.story.append((round(time.monotonic() - system.begun, 2), what))
        if n % 2 == 0:
            change(system, rng)
        system.check()
    return count


def drain(system):
    system.gone, system.names = set(), {r: r for r in RELAYS}
    system.limits = {"ab": 10**6, "bc": 10**6, "edition": 10**6, "mass": 10**6,
                     "reserve": 0}
    system.reload()
    for name in ("ab", "bc", "edition"):
        system.cli("quota", "unset", name)
    kill.wait("the queue drains", system.empty, 120)
    system.check()


def doubts(folder):
    """Attempts that ended nobody knows how, as the log has them."""
    text = open(f"{folder}/log", errors="replace").read()
    return text.count("no answer after the final dot; sent again") + sum(
        int(n) for n in re.findall(r"(\d+) recipients were with workers when", text))


def balance(system, folder, count, before=None):
    ids = collections.Counter(
        line[2] for r in RELAYS for line in kill.read_log(f"{folder}/sink-{r}"))
    acked = {int(a[0]) for a in kill.read_log(f"{folder}/acks") if len(a) == 2}
    sunk = {int(line[0]) for r in RELAYS
            for line in kill.read_log(f"{folder}/sink-{r}")}
    q = system.quotas()["edition"]
    taken, unknown = sum(ids.values()), q["used"] - len(ids)
    logged = doubts(folder)
    bad = []
    if acked - sunk:
        bad.append(f"lost: {sorted(acked - sunk)[:10]}")
    if q["in_flight"] != 0:
        bad.append(f"in flight after quiet: {q}")
    if not taken <= q["used"]:
        bad.append(f"used {q['used']}, the sinks took {taken}")
    # A scheduler killed between its commit and its log loses those lines.
    slack = 24 * (count["scheduler"] + count["all"] + count["mtqd"])
    if not 0 <= unknown <= logged + slack:
        bad.append(f"used {q['used']}, gone {len(ids)}, in doubt {unknown}, "
                   f"of which the log names {logged}")
    if len(acked) < 3 * sum(count.values()):
        bad.append("too little mail for the kills to mean anything")
    for b in bad:
        print(f"kill_caps: {b}")
    kills = ", ".join(f"{n} {w}" for w, n in sorted(count.items()))
    print(f"kill_caps: {sum(count.values())} kills ({kills}), {len(acked)} "
          f"acknowledged, 0 lost, {taken} taken <= {q['used']} used, {unknown} in "
          f"doubt ({logged} logged), {taken - len(ids)} duplicates; audit clean "
          "after each")
    return bool(bad)


def burst(args, folder):
    rng = random.Random(args.seed)
    system = Caps(pathlib.Path(args.build).resolve(), folder)
    load = None
    try:
        system.start()
        kill.wait("the start", lambda: b"started" in
                  open(system.dir / "log", "rb").read(), 15)
        load = subprocess.Popen(
            [system.build / "load", "-p", str(system.port), "-s", "2", "-n", "3000000",
             "-z", "1000", "-k", "5", "-r", "-t", "600", "-a", f"{folder}/acks",
             *(x for t in TYPES for x in ("-T", t))],
            stdout=subprocess.DEVNULL)
        count = live(system, args, rng)
        load.send_signal(signal.SIGTERM)
        load.wait(60)
        drain(system)
        return balance(system, folder, count)
    finally:
        if load and load.poll() is None:
            load.kill()
            load.wait(10)
        system.end()


MAIL = 6  # messages of one run
CALLS = "write,writev,pwrite64,pwritev,fdatasync,fsync,msync,sendto,sendmsg"


def traced(pid):
    """Or dead already: it has made its call."""
    try:
        return "TracerPid:\t0" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def sweep(args, folder):
    """The scheduler dies at its 1st, 2nd, 3rd ... write-type system call while
    some messages go through quotas."""
    system = Caps(pathlib.Path(args.build).resolve(), folder)
    died = 0
    try:
        system.limits = {"ab": 10**6, "bc": 10**6, "edition": 10**6, "mass": 10**6,
                         "reserve": 0}
        system.write()
        system.start()
        kill.wait("the start", lambda: b"started" in
                  open(system.dir / "log", "rb").read(), 15)
        for n in range(1, args.sweep + 1):
            kill.wait("the scheduler is there", lambda: system.pids("scheduler"), 20)
            pid = system.pids("scheduler")[0]
            trace = subprocess.Popen(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), "-e",
                 f"trace={CALLS}", "-e", f"inject={CALLS}:signal=KILL:when={n}"],
                stderr=subprocess.DEVNULL)
            kill.wait("strace is attached", lambda: traced(pid), 10)
            subprocess.run([system.build / "load", "-p", str(system.port), "-s", "1",
                            "-n", str(MAIL), "-z", "1000", "-t", "20",
                            *(x for t in TYPES for x in ("-T", t))],
                           stdout=subprocess.DEVNULL, check=True)
            kill.wait("the queue drains", system.empty, 60)
            system.check()
            died += not os.path.exists(f"/proc/{pid}")
            trace.terminate()
            trace.wait(10)
            if died < n:
                break  # it makes fewer calls
            # mtqd waits longer and longer before it starts a role again.
            system.kill("mtqd")
        ids = collections.Counter(
            line[2] for r in RELAYS for line in kill.read_log(f"{folder}/sink-{r}"))
        q = system.quotas()["edition"]
        assert len(ids) == MAIL * n, f"{MAIL * n} sent, {len(ids)} came"
        assert sum(ids.values()) <= q["used"] and q["in_flight"] == 0, q
        print(f"kill_caps: the scheduler died at each of its first {died} write-type "
              f"calls: {len(ids)} messages, none lost, {q['used']} used, "
              f"{sum(ids.values())} taken")
        return died < min(args.sweep, 10)
    finally:
        system.end()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--kills", type=int, default=110)
    p.add_argument("--sweep", type=int, default=60)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--build", default=str(ROOT / "build"))
    args = p.parse_args()
    print(f"kill_caps: seed {args.seed}", flush=True)
    code = 0
    for part, times in ((burst, args.kills), (sweep, args.sweep)):
        folder = tempfile.mkdtemp(prefix="mtq-kill-caps-")
        try:
            code |= times > 0 and part(args, folder)
        except BaseException:
            keep = pathlib.Path(folder) / "log"
            if keep.exists():
                sys.stderr.write("".join(
                    x for x in keep.read_text(errors="replace").splitlines(True)
                    if "smtpd[" not in x)[-3000:])
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
