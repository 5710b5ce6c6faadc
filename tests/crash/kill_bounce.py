"""One failure, one report: real processes under load, killed with -9.

	kill_bounce.py [--kills 60] [--seed N] [--build build]

Clients send numbered messages from senders of their own, some of whose
recipients the sink refuses; roles are killed all the while.  When everything has
drained, each (message, failed recipient) stands in exactly one report, by the
report's own Message-ID (the delivery of a report may be doubled like any other),
each report names the right message, and nobody else gets one.
"""
import collections
import email
import pathlib
import random
import smtplib
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
import kill  # noqa: E402
from sink import Sink  # noqa: E402

CLIENTS = 4
CONF = kill.CONF + "bounce {{ postmaster = pm@pm.test  keep_failed = 1h }}\n"


class System(kill.System):
    def write(self):
        self.conf.write_text(CONF.format(dir=self.dir, port=self.port, user=self.user,
                                         sink=self.sink_port, connections=kill.CONNECTIONS))

    def empty(self):
        """Nothing waits; what failed stays to be looked at."""
        s = self.waiting()
        return s is not None and s["waiting"] == 0 and s["active"] == 0


def refuses(verb, line, _):
    if verb == "RCPT" and b"<bad" in line:
        return b"550 5.1.1 nobody here\r\n"
    return None


class Client(threading.Thread):
    """Sends until told; remembers what was answered 250, and to whom."""

    def __init__(self, port, name, seed):
        super().__init__(daemon=True)
        self.port, self.name_, self.rng = port, name, random.Random(seed)
        self.acked, self.enough = {}, False

    def run(self):
        n = 0
        while not self.enough:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as s:
                    s.ehlo("client.test")
                    while not self.enough and n < 100000:
                        n += 1
                        self.one(s, f"m{self.name_}x{n}")
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def one(self, s, name):
        to = [f"{self.rng.choice(['bad', 'good'])}{i}.{name}@to.test"
              for i in range(self.rng.randint(1, 3))]
        # Unknown until the 250: a message may be ours although we never read it.
        self.acked[name] = (False, to)
        s.sendmail(f"{name}@from.test", to,
                   f"Subject: number {name}\r\n\r\nwords\r\n")
        self.acked[name] = (True, to)


def reports(sink):
    """{(message name, recipient): {Message-ID of a report}}"""
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
            name = to.split("@")[0]
            if group["Action"] != "failed" or group["Status"] != "5.1.1" or \
                    f".{name}@" not in who:
                bad.append(f"to {to}: {group.as_string()}")
            found[name, who].add(report["Message-ID"])
    return found, bad


def balance(clients, sink, kills):
    found, bad = reports(sink)
    due, open_ = set(), set()
    for c in clients:
        for name, (sure, to) in c.acked.items():
            (due if sure else open_).update((name, r) for r in to
                                            if r.startswith("bad"))
    for key in sorted(due):
        if len(found[key]) != 1:
            bad.append(f"{key}: {len(found[key])} reports")
    for key, ids in found.items():
        if key not in due and (key not in open_ or len(ids) > 1):
            bad.append(f"{key}: {len(ids)} reports, none was due")
    if len(due) < 5 * kills:
        bad.append("too few failures for the kills to mean anything")
    for b in bad[:10]:
        print(f"kill_bounce: {b}")
    print(f"kill_bounce: {kills} kills, {len(due)} failures, "
          f"{sum(len(v) for k, v in found.items() if k in due)} reports of them, "
          f"{len(bad)} wrong")
    return 1 if bad else 0


def run(args, folder):
    rng = random.Random(args.seed)
    system = System(pathlib.Path(args.build).resolve(), folder)
    sink = Sink(port=system.sink_port, reply=refuses)
    clients = [Client(system.port, i, args.seed + i) for i in range(CLIENTS)]
    targets = ["scheduler", "worker", "scheduler", "all", "receiver", "mtqd"]
    done = 0
    try:
        system.start()
        kill.wait("the start", lambda: b"started" in
                  open(system.dir / "log", "rb").read(), 15)
        for c in clients:
            c.start()
        while done < args.kills:
            time.sleep(rng.uniform(0.05, 0.4))
            what = targets[done % len(targets)]
            if what not in ("all", "mtqd"):
                kill.wait(f"the {what} is there", lambda: system.pids(what), 20)
            done += system.kill(what)
        for c in clients:
            c.enough = True
        for c in clients:
            c.join(30)
        kill.wait("the queue drains", system.empty, 120)
        system.mtqd.terminate()
        if system.mtqd.wait(60) != 0:
            raise SystemExit("kill_bounce: mtqd did not stop with 0")
        return balance(clients, sink, done)
    finally:
        if system.mtqd and system.mtqd.poll() is None:
            system.mtqd.kill()
            system.mtqd.wait(10)
        sink.close()


if __name__ == "__main__":
    sys.exit(kill.main("kill_bounce", 60, run))
