"""What the journal takes and what a look through all of it costs.

	tests/bench/journal.py BUILD [MESSAGES] [--write]

There is no index by address (docs/decisions/0013-journal.md): `mtq history` of
an address reads the whole journal once.  Here real mail goes through mtq, then
each command's processor time over what that left is told, by GB of the file:
that is right on a busy machine too.  --write puts the figures into the
decision.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))
args = [a for a in sys.argv[1:] if a != "--write"]
os.environ["BUILD"] = args[0]
import conftest  # noqa: E402
from wait import free_port, wait_for  # noqa: E402

MESSAGES = int(args[1]) if len(args) > 1 else 100000
LIMIT_S = 1800
PAGE = ROOT / "docs/decisions/0013-journal.md"
MARK = "<!-- journal -->"


def took(m, *command, codes=(0,)):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    r = subprocess.run([conftest.BUILD / "mtq", "-c", m.path, *command],
                       stdout=subprocess.PIPE, timeout=LIMIT_S)
    assert r.returncode in codes, (command, r.returncode, r.stdout[-500:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime +
            after.ru_stime - before.ru_stime), r.stdout


def deliver(m, sink, folder):
    p = subprocess.Popen([conftest.BUILD / "sink", "-p", str(sink), "-b",
                          "127.0.0.1", "-l", f"{folder}/sink"],
                         stdout=subprocess.DEVNULL)
    try:
        m.start()
        subprocess.run([conftest.BUILD / "load", "-p", str(m.port), "-s", "20",
                        "-n", str(MESSAGES), "-z", "1024", "-k", "100",
                        "-t", str(LIMIT_S)],
                       check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S)
        wait_for("the delivery of all", lambda: not m.json(
            "queue", "list", "--limit", 1), LIMIT_S)
    finally:
        p.terminate()
        p.wait(30)


def main():
    with tempfile.TemporaryDirectory() as folder:
        sink = free_port()
        m = conftest.Mtq(folder, sink, map_size="32gb", listen=(
            "max_connections_per_address = 500"), blocks=(
            "history { max_size = 20gb }"), relay=(
            f"host = 127.0.0.1\n\tport = {sink}\n\tconnections = 20\n"
            "\tmessages_per_connection = 100"))
        try:
            deliver(m, sink, folder)
        finally:
            m.stop()
        whole, out = took(m, "verify", "--json")
        entries = json.loads(out)["entries"]
        events, out = took(m, "events")
        assert out.count(b"\n") == entries, (out.count(b"\n"), entries)
        n_bytes = len(out)
        nobody, _ = took(m, "history", "nobody@example.org", codes=(0, 1))
        size = (m.state / "queue.mdb").stat().st_size
    gb = size / 1e9
    text = (
        f"{MESSAGES:,} messages of 1 KiB, {entries:,} entries, "
        f"{os.cpu_count()} processors, {time.strftime('%Y-%m-%d')}, by "
        "`tests/bench/journal.py` (seconds of one processor):\n\n| what | figure |\n|---|---|\n"
        f"| the queue file afterwards | {size / MESSAGES:,.0f} octets a "
        "message |\n"
        f"| `mtq history` of an address without mail | {nobody:.2f} s, "
        f"{nobody / gb:.1f} s a GB |\n"
        f"| `mtq events`, all of them | {events:.2f} s, {events / gb:.1f} s a "
        f"GB, {n_bytes / entries:,.0f} octets of JSON each |\n"
        f"| `mtq verify` | {whole:.2f} s, {whole / gb:.1f} s a GB |\n")
    print(text)
    if "--write" in sys.argv:
        head, _, tail = PAGE.read_text().split(MARK)
        PAGE.write_text(f"{head}{MARK}\n{text}{MARK}{tail}")


main()
