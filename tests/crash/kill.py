"""Nothing is lost: real processes under load, killed with -9 at random moments.

	kill.py [--kills 200] [--seed N] [--build build]

A load generator sends numbered messages and notes each 250; a sink notes what
it takes.  Roles are killed one after the other and all at once; mtqd starts its
roles again itself, and is started again when it was among the dead.  Then
everything drains, and the books are balanced:

  lost        answered 250 and never taken by the sink: must be 0
  unexpected  taken by the sink and never sent: must be 0
  duplicates  one queue id taken more than once: at most what was in flight at
              the kills that can cause them (worker, scheduler, all)
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONNECTIONS = 20
CONF = """\
instance = crash
hostname = mtq.test
state_dir = {dir}/state
{user}
workers = 2
queue {{ map_size = 512mb }}
listen "in" {{ address = "127.0.0.1:{port}"
	max_connections_per_address = 500 }}
source "local" {{ from_ip = 127.0.0.0/8 }}
relay "out" {{ host = 127.0.0.1
	port = {sink}
	connections = {connections}
	breaker_open_for = 1s }}
retry "normal" {{ intervals = 1s
	jitter = 0% }}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class System:
    def __init__(self, build, folder):
        self.build, self.dir = build, pathlib.Path(folder)
        self.port, self.sink_port = free_port(), free_port()
        self.user = "user = root" if os.getuid() == 0 else ""
        self.conf = self.dir / "mtq.conf"
        self.log = open(self.dir / "log", "ab")
        self.mtqd = None
        self.write()

    def write(self):
        self.conf.write_text(CONF.format(dir=self.dir, port=self.port,
                                         user=self.user, sink=self.sink_port,
                                         connections=CONNECTIONS))

    def start(self):
        self.mtqd = subprocess.Popen([self.build / "mtqd", "-c", self.conf],
                                     stdout=self.log, stderr=self.log)

    def pids(self, role):
        out = subprocess.run(["pgrep", "-P", str(self.mtqd.pid), "-f",
                              f"mtq-{role}"], capture_output=True, text=True)
        return [int(p) for p in out.stdout.split()]

    def kill(self, what):
        """True if somebody died."""
        if what == "all":
            pids = [p for r in ("receiver", "scheduler", "worker")
                    for p in self.pids(r)]
            pids.insert(0, self.mtqd.pid)
        elif what == "mtqd":
            pids = [self.mtqd.pid]
        else:
            pids = self.pids(what)[:1]
        roles = [p for r in ("receiver", "scheduler", "worker")
                 for p in self.pids(r)] if what in ("all", "mtqd") else []
        for p in pids:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if what in ("all", "mtqd"):
            self.mtqd.wait(10)
            wait("the roles end with mtqd", lambda: not any(
                os.path.exists(f"/proc/{p}") for p in roles))
            self.start()
        return bool(pids)

    def waiting(self):
        r = subprocess.run([self.build / "mtq", "-c", self.conf, "--json",
                            "status"], capture_output=True, text=True)
        return json.loads(r.stdout) if r.returncode in (0, 1) and r.stdout else None

    def empty(self):
        r = subprocess.run([self.build / "mtq", "-c", self.conf, "--json",
                            "queue", "list", "--limit", "1"],
                           capture_output=True, text=True)
        return r.returncode == 0 and not r.stdout.strip()


def wait(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise SystemExit(f"kill: {what}: not within {seconds} s")


def read_log(path):
    """Whole lines only: a killed writer may leave half of one."""
    data = pathlib.Path(path).read_text()
    return [line.split() for line in data[:data.rfind("\n") + 1].splitlines()]


def run(args, folder):
    rng = random.Random(args.seed)
    build = pathlib.Path(args.build).resolve()
    system = System(build, folder)
    sink = subprocess.Popen([build / "sink", "-p", str(system.sink_port), "-l",
                             f"{folder}/sink"], stdout=subprocess.DEVNULL)
    load = None
    count = collections.Counter()
    try:
        system.start()
        wait("the start", lambda: b"started" in open(system.dir / "log", "rb").read(), 15)
        load = subprocess.Popen(
            [build / "load", "-p", str(system.port), "-s", "10", "-n", "3000000",
             "-z", "3000", "-k", "20", "-P", "-r", "-t", "1500",
             "-a", f"{folder}/acks"], stdout=subprocess.PIPE, text=True)
        targets = ["receiver", "scheduler", "worker", "worker", "all", "mtqd"]
        while sum(count.values()) < args.kills:
            time.sleep(rng.uniform(0.02, 0.45))
            what = targets[sum(count.values()) % len(targets)]
            if not system.pids("receiver") and what not in ("all", "mtqd"):
                wait(f"the {what} is there", lambda: system.pids(what), 20)
            if system.kill(what):
                count[what] += 1
            elif what in ("receiver", "scheduler", "worker"):
                wait(f"the {what} is there", lambda: system.pids(what), 20)
        load.send_signal(signal.SIGTERM)
        told = json.loads(load.communicate(timeout=60)[0])
        wait("the queue drains", system.empty, 120)
        system.mtqd.terminate()
        if system.mtqd.wait(60) != 0:
            raise SystemExit("kill: mtqd did not stop with 0")
        verify = subprocess.run([build / "mtq", "-c", system.conf, "verify"],
                                capture_output=True, text=True)
        if verify.returncode != 0:
            raise SystemExit(f"kill: verify: {verify.stdout}{verify.stderr}")
        sink.terminate()
        sink.wait(10)
        return balance(folder, count, told)
    finally:
        for p in (load, sink, system.mtqd):
            if p and p.poll() is None:
                p.kill()
                p.wait(10)


def balance(folder, count, told):
    acked = {int(a[0]) for a in read_log(f"{folder}/acks") if len(a) == 2}
    sunk = [line for line in read_log(f"{folder}/sink") if len(line) == 3]
    taken = {int(s[0]) for s in sunk}
    lost = acked - taken
    unexpected = {n for n in taken if n < 0 or n >= 3000000}
    ids = collections.Counter(s[2] for s in sunk)
    duplicates = sum(n - 1 for n in ids.values())
    bound = CONNECTIONS * (count["worker"] + count["scheduler"] +
                           count["all"] + count["mtqd"])
    kills = ", ".join(f"{n} {w}" for w, n in sorted(count.items()))
    bad = []
    if lost:
        bad.append(f"lost: {sorted(lost)[:10]}")
    if unexpected:
        bad.append(f"unexpected: {sorted(unexpected)[:10]}")
    if duplicates > bound:
        bad.append("more duplicates than deliveries in flight")
    if len(acked) < 10 * sum(count.values()):
        bad.append("too little mail for the kills to mean anything")
    for b in bad:
        print(f"kill: {b}")
    print(f"kill: {sum(count.values())} kills ({kills}), {len(acked)} acknowledged, "
          f"{len(lost)} lost, {len(unexpected)} unexpected, {duplicates} duplicates "
          f"(bound {bound}), {told['lost_connections']} connections lost")
    return 1 if bad else 0


def main(name, kills, part):
    """part(args, folder) in a folder of its own; the log's end if it breaks."""
    p = argparse.ArgumentParser()
    p.add_argument("--kills", type=int, default=kills)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--build", default=str(ROOT / "build"))
    args = p.parse_args()
    print(f"{name}: seed {args.seed}", flush=True)
    folder = tempfile.mkdtemp(prefix=f"mtq-{name.replace('_', '-')}-")
    try:
        return part(args, folder)
    except BaseException:
        keep = pathlib.Path(folder) / "log"
        if keep.exists():
            sys.stderr.write(keep.read_text(errors="replace")[-3000:])
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main("kill", 200, run))
