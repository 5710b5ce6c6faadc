#!/usr/bin/python3
"""Crash states of the queue file: record a run, rebuild what a power cut could
have left at every moment of it, open each, and compare it with the promises.

	recorder.py [--build DIR] [--states N] [--pair-only]

Two runs are recorded: `pair` (store and ledger alone, thousands of states) and
the real system (mtqd and its roles, submitters, a sink).  Then the controls:
runs and replays with a lie in them, each of which must be found out.  The last
line is `passed` or `failed`; exit 0 or 1.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

LIMIT = 240  # seconds for any one program
STATES_PER_MESSAGE = 35  # what a message of `pair` gives, on the safe side


def run(*args, env=None):
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True,
                       timeout=LIMIT, env=dict(os.environ, **(env or {})))
    return r.returncode, (r.stdout + r.stderr).strip()


class Bench:
    def __init__(self, build, folder):
        self.tools = build / "tests" / "crash"
        self.build, self.folder, self.failed = build, folder, 0

    def say(self, name, good, text):
        print(f"{name:28} {'ok' if good else 'FAILED':6} {text}", flush=True)
        self.failed += not good

    def preload(self, log, lie=None):
        env = {"LD_PRELOAD": str(self.tools / "recorder.so"),
               "MTQ_RECORD_LOG": str(log)}
        if lie:
            env["MTQ_RECORD_BREAK"] = lie
        return env

    def pair(self, name, messages, *how, lie=None):
        """Records one run of `pair`; gives its folder."""
        at = self.folder / name
        (at / "queue").mkdir(parents=True)
        (at / "scratch").mkdir()
        code, text = run(self.tools / "pair", at / "queue", 0, 0)
        if code == 0:
            shutil.copy(at / "queue" / "queue.mdb", at / "base")
            code, text = run(self.tools / "pair", at / "queue", messages, 1,
                             *how, env=self.preload(at / "log", lie))
        if code != 0:
            self.say(name, False, f"pair: exit {code}: {text}")
        return at

    def replay(self, at, *args):
        return run(self.tools / "replay", *args, at / "base", at / "log",
                   at / "scratch")

    def must_hold(self, name, at, least):
        end = next(at.glob("*/queue.mdb"))
        code, text = self.replay(at, "-n", least, "-e", end)
        self.say(name, code == 0, text)

    def must_break(self, name, at, *args):
        """A control: the replay has to find the broken promise."""
        code, text = self.replay(at, *args)
        self.say("control: " + name, code == 1,
                 "found out" if code == 1 else f"exit {code}: {text}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


CONF = """\
instance = crash
hostname = mtq.test
state_dir = {state}
{user}
queue {{ map_size = 8mb  min_free = 0mb }}
listen "in" {{ address = "127.0.0.1:{port}" }}
source "local" {{ from_ip = 127.0.0.0/8 }}
relay "out" {{ host = 127.0.0.1  port = {sink}  connections = 4 }}
retry "normal" {{ intervals = 1s  jitter = 0% }}
"""


def sink(port, count_file):
    """A relay that says which message it took: `delivered as ID`.  It runs under
    the recorder; one message in eight is put off once."""
    put_off, lock = set(), threading.Lock()

    def serve(conn):
        f = conn.makefile("rb")
        conn.sendall(b"220 sink\r\n")
        while True:
            word = f.readline().strip().upper()
            if word.startswith(b"EHLO"):
                conn.sendall(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif word == b"DATA":
                conn.sendall(b"354 go\r\n")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    line = f.readline()
                    if not line:
                        return
                    body += line
                m = re.search(rb"\bid ([0-9A-Z]{12})\b", body)
                words = m.group(1) if m else b"?"
                with lock:
                    later = hash(words) % 8 == 0 and words not in put_off
                    put_off.add(words)
                if later:
                    conn.sendall(b"451 4.3.0 later\r\n")
                    continue
                conn.sendall(b"250 2.0.0 Ok: delivered as " + words + b"\r\n")
                with lock, open(count_file, "ab") as out:
                    out.write(words + b"\n")
            elif word == b"QUIT":
                conn.sendall(b"221 bye\r\n")
                return
            elif not word:
                return
            else:
                conn.sendall(b"250 2.1.0 Ok\r\n")

    def guarded(conn):
        try:
            serve(conn)
        except OSError:
            pass
        finally:
            conn.close()

    with socket.create_server(("127.0.0.1", port), backlog=64) as server:
        while True:
            conn, _ = server.accept()
            threading.Thread(target=guarded, args=(conn,), daemon=True).start()


class Submitter(threading.Thread):
    """Sends its messages over one connection after another; some it leaves in
    the middle of a large body."""

    def __init__(self, port, count, seed):
        super().__init__(daemon=True)
        self.port, self.count, self.acked, self.error = port, count, [], None
        self.dice = random.Random(seed)

    def run(self):
        try:
            while len(self.acked) < self.count:
                self.session()
        except Exception as e:  # shown by the main thread
            self.error = repr(e)

    def talk(self, line, want):
        self.s.sendall(line)
        reply = self.f.readline().decode()
        while reply[3:4] == "-":
            reply = self.f.readline().decode()
        assert reply.startswith(want), f"{line[:40]!r}: {reply!r}"
        return reply

    def session(self):
        with socket.create_connection(("127.0.0.1", self.port), 20) as self.s:
            self.f = self.s.makefile("rb")
            self.talk(b"", "220")
            self.talk(b"EHLO client.test\r\n", "250")
            for _ in range(5):
                size = self.dice.choice([100, 900, 3000, 9000])
                if self.dice.random() < 0.06:
                    size = 150000
                self.talk(b"MAIL FROM:<a@example.com>\r\n", "250")
                self.talk(b"RCPT TO:<b@example.net>\r\n", "250")
                self.talk(b"DATA\r\n", "354")
                line = b"x" * 70 + b"\r\n"
                body = b"Subject: crash\r\n\r\n" + line * (size // 72)
                if size > 100000 and self.dice.random() < 0.4:
                    self.s.sendall(body)
                    return  # the client dies
                reply = self.talk(body + b".\r\n", "250")
                self.acked.append(reply.split()[-1])
                if len(self.acked) >= self.count:
                    break
            self.s.sendall(b"QUIT\r\n")


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not happen in {seconds} s")
        time.sleep(0.02)


def real_system(bench, name, messages, lie=None):
    """Records mtqd and its roles; gives the folder."""
    at = bench.folder / name
    state, port, sink_port = at / "state", free_port(), free_port()
    state.mkdir(parents=True)
    (at / "scratch").mkdir()
    log, count = state / "record.log", at / "delivered"
    count.touch()
    user = "user = root" if os.getuid() == 0 else ""
    (at / "mtq.conf").write_text(CONF.format(
        state=state, user=user, port=port, sink=sink_port))
    code, text = run(bench.build / "mtq", "-c", at / "mtq.conf", "init")
    if code != 0:
        raise RuntimeError(f"mtq init: {text}")
    shutil.copy(state / "queue.mdb", at / "base")
    env = dict(os.environ, **bench.preload(log, lie))
    children = []
    try:
        children.append(subprocess.Popen(
            ["/usr/bin/python3", __file__, "--sink", str(sink_port), str(count)],
            env=env))
        out = open(at / "mtqd.log", "wb")
        mtqd = subprocess.Popen([bench.build / "mtqd", "-c", at / "mtq.conf"],
                                env=env, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=out)
        children.append(mtqd)
        wait_for("mtqd's start",
                 lambda: b"started" in (at / "mtqd.log").read_bytes())
        submitters = [Submitter(port, messages // 4, i) for i in range(4)]
        for s in submitters:
            s.start()
        for s in submitters:
            s.join(LIMIT)
            if s.error or s.is_alive():
                raise RuntimeError(f"submitter: {s.error}")
        want = {i for s in submitters for i in s.acked}
        wait_for("the last delivery",
                 lambda: want <= set(count.read_text().split()))
        mtqd.send_signal(signal.SIGTERM)
        if mtqd.wait(60) != 0:
            raise RuntimeError(f"mtqd ended with {mtqd.returncode}")
    except Exception:
        sys.stderr.write((at / "mtqd.log").read_text()[-3000:]
                         if (at / "mtqd.log").exists() else "")
        raise
    finally:
        for c in children:
            if c.poll() is None:
                c.kill()
            c.wait()
    shutil.move(log, at / "log")
    return at


def main():
    arg = argparse.ArgumentParser()
    arg.add_argument("--build", default="build", type=pathlib.Path)
    arg.add_argument("--states", default=20000, type=int)
    arg.add_argument("--pair-only", action="store_true")
    arg.add_argument("--sink", nargs=2)
    a = arg.parse_args()
    if a.sink:
        return sink(int(a.sink[0]), a.sink[1])
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mtq-crash-", dir=memory) as d:
        b = Bench(a.build.resolve(), pathlib.Path(d))
        share = a.states if a.pair_only else a.states * 4 // 5
        at = b.pair("pair", share // STATES_PER_MESSAGE + 10)
        b.must_hold("store and ledger", at, share)
        b.must_break("every sync ignored", at, "-i", 1)
        b.must_break("every second sync ignored", at, "-i", 2)
        shutil.rmtree(at)
        b.must_break("250 before the commit", b.pair("early", 60, "early"))
        b.must_break("syncs skipped", b.pair("skip", 60, lie="skip"))
        b.must_break("MDB_NOSYNC", b.pair("nosync", 60, lie="nosync"))
        if not a.pair_only:
            try:
                least = a.states - share
                b.must_hold("the real system", real_system(
                    b, "real", least // 25 + 40), least)
                b.must_break("real system, MDB_NOSYNC", real_system(
                    b, "real-nosync", 60, lie="nosync"))
            except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                b.say("the real system", False, str(e))
        print("failed" if b.failed else "passed")
        return 1 if b.failed else 0


sys.exit(main())
