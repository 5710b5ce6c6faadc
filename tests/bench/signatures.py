"""What DKIM costs: mail that is signed on its way out, and mail that is verified when
it comes in.

	signatures.py [--build build] [--quick] [--write]

sign      delivered/s and CPU a message with no key, an Ed25519 key, an RSA key of 2048
          bits, and both; 10 KiB, many messages a connection.  A probe of another
          domain, which no key signs, meanwhile: how long it takes from its dot to its
          delivery says whether signatures hold up the others.
verify    accepted/s and CPU a message of a source with dkim = off and require; each
          message has a signature of Ed25519 or RSA, keys come from nsd on loopback.
"""
import argparse
import json
import pathlib
import shutil
import smtplib
import subprocess
import sys
import tempfile
import threading
import time

import dkim

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench  # noqa: E402
from bench import Mtq, PLAIN, ROOT, Sink, cpu_s, load, machine, share, wait  # noqa: E402

sys.path += [str(ROOT / "tests"), str(ROOT / "tests/system")]
from dkim_tools import Key  # noqa: E402
import zones  # noqa: E402

PROBE_S = 0.02
FIRST_PROBE = 900_000_000  # its numbers; the load's begin with 0


def kinds(keys):
    """name -> the keys that sign"""
    return {"not signed": [], "Ed25519": [keys["ed25519"]], "RSA 2048": [keys["rsa"]],
            "both": [keys["ed25519"], keys["rsa"]]}


class Probe(threading.Thread):
    """A mail of another domain now and then, and when its 250 came."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stop, self.sent = port, threading.Event(), {}

    def run(self):
        s = smtplib.SMTP("127.0.0.1", self.port, local_hostname="probe.test", timeout=60)
        n = FIRST_PROBE
        while not self.stop.wait(PROBE_S):
            s.sendmail("p@probe.test", ["b@example.net"],
                       f"From: p@probe.test\r\nSubject: x\r\nX-Seq: {n}\r\n\r\nx\r\n")
            self.sent[n] = time.monotonic()
            n += 1
        s.quit()


def sign(build, folder, keys, n):
    sink = Sink(build, folder, at_once=True)
    server = Mtq(build, folder, sink.port, PLAIN.format(port=sink.port) + "".join(
        k.block(k.kind, k.kind.replace("2", ""), "domain = example.com") for k in keys))
    server.start()
    probe = Probe(server.port)
    try:
        probe.start()
        cpu, begun = cpu_s(server.pids()), time.monotonic()
        told = load(build, server.port, folder, 50, n, 10240, 1000)
        wait("delivery", lambda: sink.count() >= n + len(probe.sent), 600)
        probe.stop.set()
        probe.join()
        wait("delivery", lambda: sink.count() >= n + len(probe.sent), 60)
        cpu = cpu_s(server.pids()) - cpu
    finally:
        server.stop()
    counted, times = sink.end()
    late = [times[k] / 1e6 - at for k, at in probe.sent.items()]
    last = max(us for k, us in times.items() if k < FIRST_PROBE)
    return {"accepted_s": told["per_second"], "delivered_s": n / (last / 1e6 - begun),
            "cpu_ms": cpu * 1000 / (n + len(late)), "p50_ms": 1000 * share(late, 0.5),
            "p99_ms": 1000 * share(late, 0.99)}


def text(size):
    """What load.c writes behind the header of a message of this size."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    out, x = bytearray(), 12345
    while len(out) + 74 < size:
        for _ in range(72):
            x = (x * 1664525 + 1013904223) & 0xffffffff
            out.append(letters[x >> 26])
        out += b"\r\n"
    return bytes(out)


def signed(folder, key):
    """A file with the signature that all messages of the load share: it covers
    what they have in common."""
    mail = b"From: crm@example.com\r\nTo: b@example.net\r\n\r\n" + text(10240)
    field = dkim.sign(mail, key.kind.encode(), b"example.com",
                      key.path.read_bytes() if key.kind == "rsa" else key.seed,
                      signature_algorithm=key.kind.encode() + b"-sha256",
                      canonicalize=(b"relaxed", b"relaxed"), include_headers=[b"from", b"to"])
    path = pathlib.Path(folder, f"{key.kind}.head")
    path.write_bytes(field)
    return path


def verify(build, folder, dns, head, gate, n):
    sink = Sink(build, folder)
    server = Mtq(build, folder, sink.port, PLAIN.format(port=sink.port) +
                 f'dns {{ forward = "{dns.forward}"\n\ttrust_anchor = "{dns.anchor}" }}\n')
    path = pathlib.Path(server.conf)
    path.write_text(path.read_text().replace("from_ip = 127.0.0.0/8",
                                             f"from_ip = 127.0.0.0/8\n\tdkim = {gate}"))
    server.start()
    try:
        cpu = cpu_s(server.pids())
        told = load(build, server.port, folder, 50, n, 10240, 1000, ("-H", head))
        wait("delivery", lambda: sink.count() >= n * 0.99, 600)
        cpu = cpu_s(server.pids()) - cpu
    finally:
        server.stop()
        sink.end()
    if told.get("refused", 0):
        raise SystemExit(f"bench: refused: {json.dumps(told)}")
    return {"accepted_s": told["per_second"], "cpu_ms": cpu * 1000 / n,
            "p50_ms": told["dot_p50_us"] / 1000, "p99_ms": told["dot_p99_us"] / 1000}


def middle(rows):
    return {what: share([r[what] for r in rows], 0.5) for what in rows[0]}


def run(build, folder, n, times):
    keys = {"ed25519": Key(folder, "ed25519"), "rsa": Key(folder, "rsa", "rsa")}
    signs, checks = {}, {}
    for _ in range(times):
        for name, with_keys in kinds(keys).items():
            signs.setdefault(name, []).append(sign(build, folder, with_keys, n))
            print("sign", name, signs[name][-1], file=sys.stderr, flush=True)
    records = "".join("%s._domainkey TXT %s\n" % (k.kind, " ".join(
        f'"{k.record[i:i + 200]}"' for i in range(0, len(k.record), 200)))
        for k in keys.values())
    zones.TOP = "com"  # that of the load's sender
    with zones.Zones(tempfile.mkdtemp(dir=folder), {"example.com": records}) as z:
        heads = {k.kind: signed(folder, k) for k in keys.values()}
        for _ in range(times):
            for name, kind, gate in (("not verified", "rsa", "off"),
                                     ("Ed25519", "ed25519", "require"),
                                     ("RSA 2048", "rsa", "require")):
                checks.setdefault(name, []).append(
                    verify(build, folder, z, heads[kind], gate, n))
                print("verify", name, checks[name][-1], file=sys.stderr, flush=True)
    return {k: middle(v) for k, v in signs.items()}, {k: middle(v) for k, v in checks.items()}


def tell(signs, checks):
    out = [f"Measured {machine()}, 10 KiB, 50 sessions, by `tests/bench/signatures.py`.", "",
           "| DKIM sign | delivered/s | CPU ms/message | unsigned mail meanwhile: dot→"
           "delivered p50 / p99 ms |", "|" + "---|" * 4]
    for name, r in signs.items():
        out.append(f"| {name} | {r['delivered_s']:,.0f} | {r['cpu_ms']:.3f} | "
                   f"{r['p50_ms']:.1f} / {r['p99_ms']:.1f} |")
    out += ["", "| DKIM verify | accepted/s | CPU ms/message | dot→250 p50 / p99 ms |",
            "|" + "---|" * 4]
    for name, r in checks.items():
        out.append(f"| {name} | {r['accepted_s']:,.0f} | {r['cpu_ms']:.3f} | "
                   f"{r['p50_ms']:.1f} / {r['p99_ms']:.1f} |")
    return "\n".join(out)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default=str(ROOT / "build"))
    p.add_argument("--quick", action="store_true")
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    subprocess.run(["certtool", "--version"], check=True, stdout=subprocess.DEVNULL)
    folder = tempfile.mkdtemp(prefix="mtq-bench-")
    try:
        told = tell(*run(pathlib.Path(a.build).resolve(), folder,
                         *((1500, 1) if a.quick else (6000, 3))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(told)
    if a.write:
        bench.write_part("dkim", told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
