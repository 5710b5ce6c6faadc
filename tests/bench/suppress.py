"""What a suppression list of 1,000,000 entries costs: import, look-ups, memory.

Run it with a build folder: tests/bench/suppress.py BUILD [ENTRIES].  With
--write its figures go into docs/bounces.md.
"""
import os
import pathlib
import random
import smtplib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))
args = [a for a in sys.argv[1:] if a != "--write"]
os.environ["BUILD"] = args[0]
import conftest  # noqa: E402

ENTRIES = int(args[1]) if len(args) > 1 else 1000000
RCPTS = 20000
PLACE = "SUPPRESS_FIGURES"


def address(i):
    return f"user.name{i:07}@domain{i % 50000:05}.test"


def anon_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    return 0


def rcpt_us(m, of, expect):
    """Microseconds of one RCPT, pipelined, in one session."""
    took = 0
    with m.client() as s:
        s.ehlo("crm.test")
        for start in range(0, RCPTS, 500):
            some = [of(i) for i in range(start, start + 500)]
            text = "MAIL FROM:<a@b.test>\r\n" + "".join(
                f"RCPT TO:<{a}>\r\n" for a in some) + "RSET\r\n"
            begun = time.perf_counter()
            s.sock.sendall(text.encode())
            codes = [s.getreply()[0] for _ in range(502)]
            took += time.perf_counter() - begun
            assert codes[1:-1].count(expect) == 500, set(codes)
    return took / RCPTS * 1e6


def main():
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        conf = dict(map_size="8gb", blocks="suppress { at_rcpt = refuse }",
                    listen="max_idle_commands = 100k")
        m = conftest.Mtq(folder, 1, **conf)
        m.start()
        pids = {r: m.pids(r)[0] for r in ("receiver", "scheduler")}
        order = list(range(ENTRIES))
        random.Random(1).shuffle(order)
        some = order[:RCPTS]
        out["empty"] = rcpt_us(m, lambda i: f"x{i}@other.test", 250)
        before = {r: anon_kb(p) for r, p in pids.items()}
        path = pathlib.Path(folder) / "list.csv"
        with path.open("w") as f:
            print("address,reason,evidence", file=f)
            for i in order:
                print(f"{address(i)},hard bounce,550 5.1.1 no such user here",
                      file=f)
        begun = time.monotonic()
        r = subprocess.run([conftest.BUILD / "mtq", "-c", m.path, "suppress",
                            "import", path], capture_output=True, text=True,
                           timeout=3600)
        assert r.returncode == 0, r.stderr
        out["import"] = time.monotonic() - begun
        out["absent"] = rcpt_us(m, lambda i: f"x{i}@domain{i % 50000:05}.test",
                                250)
        out["found"] = rcpt_us(m, lambda i: address(some[i]), 550)
        after = {r: anon_kb(p) for r, p in pids.items()}
        out["grew"] = {r: after[r] - before[r] for r in pids}
        out["mb"] = os.stat(m.state / "queue.mdb").st_size >> 20
        begun = time.monotonic()
        rows = m.cli("suppress", "list", "--domain", "domain00077.test",
                     "--limit", "0", "--json").stdout.count("\n")
        out["list"] = (time.monotonic() - begun) * 1000
        assert rows == len(range(77, ENTRIES, 50000))
        begun = time.monotonic()
        with subprocess.Popen(
                [conftest.BUILD / "mtq", "-c", m.path, "suppress", "export"],
                stdout=subprocess.PIPE) as p:
            exported = 0
            while block := p.stdout.read(1 << 20):
                exported += block.count(b"\n")
        assert p.returncode == 0
        out["export"] = time.monotonic() - begun
        assert exported == ENTRIES + 1
        m.stop()
    text = (
        f"{ENTRIES:,} entries, {os.cpu_count()} processors of "
        f"{os.uname().nodename}, {time.strftime('%Y-%m-%d')}, by "
        "`tests/bench/suppress.py` (an RCPT is a whole command of a pipelined "
        "session, client included):\n\n| what | figure |\n|---|---|\n"
        f"| import of random addresses | {out['import']:.0f} s, "
        f"{ENTRIES / out['import']:,.0f} a second |\n"
        f"| RCPT, list empty | {out['empty']:.1f} µs |\n"
        f"| RCPT, not on the list | {out['absent']:.1f} µs |\n"
        f"| RCPT, on the list (refused, logged) | {out['found']:.1f} µs |\n"
        f"| the file | {out['mb']} MB |\n"
        f"| own memory that grew | receiver {out['grew']['receiver']} kB, "
        f"scheduler {out['grew']['scheduler']} kB |\n"
        f"| `list --domain` | {out['list']:.0f} ms |\n"
        f"| `export` | {out['export']:.1f} s |\n")
    print(text)
    if "--write" in sys.argv:
        page = ROOT / "docs/bounces.md"
        old = page.read_text()
        head, tail = old.split("## What it costs\n", 1)
        page.write_text(head + "## What it costs\n\n" + text)


main()
