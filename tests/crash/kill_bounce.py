"""One fate, one report, one entry: real processes under load, killed with -9.

	kill_bounce.py [--kills 60] [--seed N] [--build build]

Clients send numbered messages from senders of their own.  The sink refuses some of
their recipients, puts off others for a while, and takes the rest, some of whose
senders asked to be told so; roles are killed all the while.  A reader follows the
journal, acknowledges, and is killed too.  When everything has drained:

  reports   each (message, recipient) that failed, and each that arrived and whose
            sender asked for it, stands in exactly one report, by the report's own
            Message-ID (the delivery of a report may be doubled like any other), a
            delay in at most one; each names the right message, and nobody else gets
            one
  journal   the reader has had every entry that there is, in order, none twice; each
            message is accepted once, each recipient ends once, as the world says;
            what the sink took is delivered or in doubt as often; what senders were
            told is what their reports say
"""
import collections
import email
import json
import pathlib
import queue
import random
import smtplib
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
import kill  # noqa: E402
from sink import Sink  # noqa: E402

CLIENTS = 4
PUT_OFF_S = 3  # so long the sink says "later" to some
AHEAD = 1000  # recipients in the queue: with more of them clients wait
CONF = kill.CONF + """\
bounce {{ postmaster = pm@pm.test
	keep_failed = 1h
	delay_after = 1s
	delays_per_sender = "" }}
"""
ENDS = {"delivered", "bounced", "expired", "dropped"}
TOLD = {"failed": "reported", "relayed": "reported", "delayed": "delayed"}


class System(kill.System):
    def write(self):
        self.conf.write_text(CONF.format(dir=self.dir, port=self.port, user=self.user,
                                         sink=self.sink_port, connections=kill.CONNECTIONS))

    def empty(self):
        """Nothing waits; what failed stays to be looked at."""
        s = self.waiting()
        return s is not None and s["waiting"] == 0 and s["active"] == 0

    def mtq(self, *args):
        return subprocess.run([self.build / "mtq", "-c", self.conf, *args],
                              capture_output=True, text=True, timeout=60)


class Answers:
    def __init__(self):
        self.since = {}

    def __call__(self, verb, line, _):
        if verb != "RCPT":
            return None
        if b"<bad" in line:
            return b"550 5.1.1 nobody here\r\n"
        if b"<late" in line:
            now = time.monotonic()
            if now - self.since.setdefault(line, now) < PUT_OFF_S:
                return b"450 4.2.0 later\r\n"
        return None


class Client(threading.Thread):
    """Sends until told; remembers what was answered 250, and to whom."""

    def __init__(self, port, name, seed):
        super().__init__(daemon=True)
        self.port, self.name_, self.rng = port, name, random.Random(seed)
        self.acked, self.enough, self.wait = {}, False, False

    def run(self):
        n = 0
        while not self.enough:
            if self.wait:
                time.sleep(0.05)
                continue
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as s:
                    s.ehlo("client.test")
                    while not self.enough and not self.wait:
                        n += 1
                        self.one(s, f"m{self.name_}x{n}")
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def one(self, s, name):
        kinds = ["bad", "bad", "good", "asks", "asks", "late"]
        to = [f"{self.rng.choice(kinds)}{i}.{name}@to.test"
              for i in range(self.rng.randint(1, 3))]
        # Unknown until the 250: a message may be ours although we never read it.
        self.acked[name] = (False, to)
        s.mail(f"{name}@from.test")
        for r in to:
            s.rcpt(r, ["NOTIFY=SUCCESS,FAILURE"] if r.startswith("asks") else [])
        code, words = s.data(f"Subject: number {name}\r\n\r\nwords\r\n")
        if code != 250:
            raise smtplib.SMTPDataError(code, words)
        self.acked[name] = (True, to)


class Reader(threading.Thread):
    """Follows the journal, acknowledges now and then, and dies now and then.  What
    it has had and not acknowledged comes again: it goes by the entries' names."""

    def __init__(self, system, seed):
        super().__init__(daemon=True)
        self.system, self.rng = system, random.Random(seed)
        self.had, self.bad = [], []
        self.deaths = self.again = self.acks = 0
        self.enough = False
        self.last = ""

    def take(self, line):
        if not line.endswith("\n"):
            return  # a killed one may leave half of it
        one = json.loads(line)
        if one["event"] > self.last:
            self.had.append(one)
            self.last = one["event"]
        else:
            self.again += 1

    def life(self):
        p = subprocess.Popen([self.system.build / "mtq", "-c", self.system.conf, "events",
                              "--reader", "crm", "--follow"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        lines, until = queue.SimpleQueue(), time.monotonic() + self.rng.uniform(0.3, 3)
        threading.Thread(target=lambda: [lines.put(x) for x in p.stdout] and None,
                         daemon=True).start()
        while time.monotonic() < until and p.poll() is None:
            try:
                self.take(lines.get(timeout=0.05))
            except queue.Empty:
                continue
            if self.rng.random() < 0.01:
                self.acks += self.system.mtq("events", "--reader", "crm", "ack",
                                             self.last).returncode == 0
        if p.poll() is None:
            p.kill()
            self.deaths += 1
        elif p.returncode != 0:
            words = p.stderr.read()
            if "are gone" in words or "no event" in words:
                self.bad.append(words)
        p.wait(10)

    def run(self):
        while not self.enough:
            self.life()
            time.sleep(0.02)

    def rest(self):
        """What came in since; then all there is, read at once."""
        self.enough = True
        self.join(60)
        for line in self.system.mtq("events", "--reader", "crm").stdout.splitlines(True):
            self.take(line)
        return [json.loads(x) for x in
                self.system.mtq("events", "--from", "oldest").stdout.splitlines()]


def reports(sink):
    """{(message name, recipient, action): {Message-ID of a report}}"""
    found, bad = collections.defaultdict(set), []
    for m in sink.messages:
        if m.sender:
            continue
        (to,) = m.recipients
        report = email.message_from_bytes(m.body)
        if report.get_content_type() != "multipart/report" or \
                report.get_param("report-type") != "delivery-status":
            bad.append(f"no report: {m.body[:300]}")
            continue
        status = [p for p in report.walk()
                  if p.get_content_type() == "message/delivery-status"][0]
        for group in status.get_payload()[1:]:
            who = group["Final-Recipient"].split(";")[1].strip()
            name, action = to.split("@")[0], group["Action"]
            want = {"bad": ("failed", "5.1.1"), "asks": ("relayed", "2."),
                    "late": ("delayed", "4.")}.get(who[:4].rstrip("0123456789."), ("", ""))
            # Whoever has waited for a worker while it was dead is told, too.
            right = action == want[0] and group["Status"].startswith(want[1])
            if f".{name}@" not in who or not (right or action == "delayed"):
                bad.append(f"to {to}: {group.as_string()}")
            found[name, who, action].add(report["Message-ID"])
    return found, bad


def due_reports(clients):
    """Those that must be there, and those that may."""
    due, may = set(), set()
    for c in clients:
        for name, (sure, to) in c.acked.items():
            for r in to:
                action = {"bad": "failed", "asks": "relayed"}.get(
                    r.split(".")[0].rstrip("0123456789"))
                if action:
                    (due if sure else may).add((name, r, action))
                if not r.startswith("asks"):  # NOTIFY without DELAY
                    may.add((name, r, "delayed"))
    return due, may


def balance_reports(clients, found):
    due, may = due_reports(clients)
    bad = [f"{key}: {len(found[key])} reports" for key in sorted(due)
           if len(found[key]) != 1]
    bad += [f"{key}: {len(ids)} reports, none was due" for key, ids in found.items()
            if key not in due and (key not in may or len(ids) > 1)]
    return bad, due


def ends_of(events):
    """By message and recipient: how often each kind of entry is there."""
    count = collections.defaultdict(collections.Counter)
    for x in events:
        if "recipient" in x and x.get("sender"):
            count[x["sender"].split("@")[0], x["recipient"]][x["kind"]] += 1
    return count


def balance_journal(clients, sink, found, events, reader):
    bad = list(reader.bad)
    names = [x["event"] for x in events]
    if names != sorted(set(names)):
        bad.append("the journal is not in order")
    if [x["event"] for x in reader.had] != names:
        bad.append(f"the reader had {len(reader.had)} entries of {len(names)}")
    elif reader.had != events:
        bad.append("an entry has changed since the reader had it")
    accepted = collections.Counter(x["sender"].split("@")[0] for x in events
                                   if x["kind"] == "accepted" and x.get("sender"))
    count = ends_of(events)
    for c in clients:
        for name, (sure, to) in c.acked.items():
            if accepted[name] > 1 or (sure and accepted[name] == 0):
                bad.append(f"{name}: accepted {accepted[name]} times")
            for r in to if accepted[name] else []:
                n = count[name, r]
                end = "bounced" if r.startswith("bad") else "delivered"
                if n[end] != 1 or sum(n[k] for k in ENDS) != 1:
                    bad.append(f"{r}: {dict(n)}")
    told = collections.Counter()
    for (name, who, action), ids in found.items():
        told[name, who, TOLD[action]] += len(ids)
    for (name, who), n in count.items():
        for kind in set(TOLD.values()):
            if n[kind] != told[name, who, kind]:
                bad.append(f"{who}: {n[kind]} times {kind}, "
                           f"{told[name, who, kind]} reports")
    taken = collections.Counter((m.sender.split("@")[0], r) for m in sink.messages
                                if m.sender for r in m.recipients)
    for key, n in taken.items():
        if n > count[key]["delivered"] + count[key]["in_doubt"]:
            bad.append(f"{key}: taken {n} times, {dict(count[key])}")
    return bad


def balance(clients, sink, reader, events, kills):
    found, bad = reports(sink)
    more, due = balance_reports(clients, found)
    bad += more + balance_journal(clients, sink, found, events, reader)
    if len(due) < 5 * kills:
        bad.append("too few reports for the kills to mean anything")
    for b in bad[:10]:
        print(f"kill_bounce: {b}")
    did = collections.Counter()
    for key, ids in found.items():
        did[key[2]] += len(ids)
    print(f"kill_bounce: {kills} kills, reports: "
          f"{did['failed']} failed, {did['relayed']} relayed, {did['delayed']} delayed, "
          f"of {len(due)} due and delays; {len(events)} entries, all of them read by a "
          f"reader that died {reader.deaths} times, acknowledged {reader.acks} times and "
          f"got {reader.again} again; {len(bad)} wrong")
    return 1 if bad else 0


def run(args, folder):
    rng = random.Random(args.seed)
    system = System(pathlib.Path(args.build).resolve(), folder)
    # Without DSN: who asked to be told is told by us.
    sink = Sink(port=system.sink_port, reply=Answers(),
                extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"))
    clients = [Client(system.port, i, args.seed + i) for i in range(CLIENTS)]
    reader = Reader(system, args.seed)
    targets = ["scheduler", "worker", "scheduler", "all", "receiver", "mtqd"]
    done = 0
    try:
        system.start()
        kill.wait("the start", lambda: b"started" in
                  open(system.dir / "log", "rb").read(), 15)
        reader.start()
        for c in clients:
            c.start()
        while done < args.kills:
            time.sleep(rng.uniform(0.05, 0.4))
            what = targets[done % len(targets)]
            if what not in ("all", "mtqd"):
                kill.wait(f"the {what} is there", lambda: system.pids(what), 20)
            done += system.kill(what)
            now = system.waiting()
            for c in clients:
                c.wait = now is not None and now["waiting"] > AHEAD
        for c in clients:
            c.enough = True
        for c in clients:
            c.join(30)
        kill.wait("the queue drains", system.empty, 240)
        events = reader.rest()
        system.mtqd.terminate()
        if system.mtqd.wait(60) != 0:
            raise SystemExit("kill_bounce: mtqd did not stop with 0")
        verify = system.mtq("verify")
        if verify.returncode != 0:
            raise SystemExit(f"kill_bounce: verify: {verify.stdout}{verify.stderr}")
        return balance(clients, sink, reader, events, done)
    finally:
        reader.enough = True
        if system.mtqd and system.mtqd.poll() is None:
            system.mtqd.kill()
            system.mtqd.wait(10)
        sink.close()


if __name__ == "__main__":
    sys.exit(kill.main("kill_bounce", 60, run))
