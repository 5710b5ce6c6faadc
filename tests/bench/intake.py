"""Intake over TLS, mtq and Postfix by turns: what a CRM that speaks STARTTLS
costs.  mtq also with AUTH PLAIN (Postfix without: its SASL needs a server of its
own, so it has the easier part).

	intake.py [--build build] [--quick] [--write]

10 KiB, 50 sessions, many messages a connection and one; the handshake is a full
one each time (TLS 1.3, ECDSA P-256), nothing is resumed.
"""
import argparse
import base64
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench  # noqa: E402
from bench import Mtq, PLAIN, Postfix, Sink, cpu_s, load, machine, pki, share  # noqa: E402

USER, PASSWORD = "crm", "forty-two-octets-of-a-generated-password"


class MtqIn(Mtq):
    name = "mtq"
    options = ()

    def __init__(self, build, folder, sink_port):
        certs = pki(folder)
        super().__init__(build, folder, sink_port, PLAIN.format(port=sink_port) + f"""
tls "t" {{ cert = file:{certs}/good.pem
	key = file:{certs}/good.key }}
""")
        self.rewrite(build)

    def rewrite(self, build):
        text = pathlib.Path(self.conf).read_text().replace(
            "max_connections_per_address", "tls = required\n\tmax_connections_per_address")
        pathlib.Path(self.conf).write_text(text)


class MtqAuth(MtqIn):
    name = "mtq, AUTH"
    options = ("-A", base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode())

    def rewrite(self, build):
        super().rewrite(build)
        accounts, word = (pathlib.Path(self.dir, x) for x in ("accounts", "word"))
        word.write_text(PASSWORD + "\n")
        word.chmod(0o600)
        path = pathlib.Path(self.conf)
        path.write_text(f"accounts = file:{accounts}\n" + path.read_text().replace(
            "from_ip = 127.0.0.0/8", f"from_ip = 127.0.0.0/8\n\tauth_user = {USER}"))
        subprocess.run([build / "mtq", "-c", path, "account", "add", USER, "--file",
                        accounts, "--password-file", word], check=True, timeout=60,
                       stdout=subprocess.DEVNULL)


class PostfixIn(Postfix):
    options = ()

    def __init__(self, build, folder, sink_port):
        certs = pki(folder)
        Postfix.more = f"""\
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {certs}/good.key, {certs}/good.pem
smtpd_tls_session_cache_database = btree:{folder}/smtpd_scache
"""
        super().__init__(build, folder, sink_port)
        Postfix.more = ""


def measure(kind, build, folder, n, keep):
    sink = Sink(build, folder)
    server = kind(build, folder, sink.port)
    server.start()
    try:
        cpu = cpu_s(server.pids())
        told = load(build, server.port, folder, 50, n, 10240, keep,
                    ("-S", *kind.options))
        bench.wait("delivery", lambda: sink.count() >= n * 0.99, 300)
        cpu = cpu_s(server.pids()) - cpu
    finally:
        server.stop()
        sink.end()
    return {"accepted_s": told["per_second"], "cpu_ms": cpu * 1000 / n,
            "p99_ms": told["dot_p99_us"] / 1000}


def run(build, folder, many, one, times):
    rows = {}
    for keep, n in ((1000, many), (1, one)):
        for _ in range(times):
            for kind in (MtqIn, MtqAuth, PostfixIn):
                part = max(n // 6, 500) if kind is PostfixIn else n
                rows.setdefault((keep, kind), []).append(
                    measure(kind, build, folder, part, keep))
                print(keep, kind.name, rows[keep, kind][-1], file=sys.stderr,
                      flush=True)
    return {key: {what: share([r[what] for r in got], 0.5) for what in got[0]}
            for key, got in rows.items()}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default=str(bench.ROOT / "build"))
    p.add_argument("--quick", action="store_true")
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    if not bench.postfix_there():
        raise SystemExit("bench: Postfix can't be installed by apt here")
    folder = tempfile.mkdtemp(prefix="mtq-bench-")
    try:
        rows = run(pathlib.Path(a.build).resolve(), folder,
                   *((3000, 600, 1) if a.quick else (30000, 6000, 3)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    out = [f"Measured {machine()}, 50 sessions, 10 KiB, by `tests/bench/intake.py`.", "",
           "| server | a connection | accepted/s | × Postfix | CPU ms/message "
           "| dot→250 p99 ms |", "|" + "---|" * 6]
    for (keep, kind), r in rows.items():
        ratio = r["accepted_s"] / rows[keep, PostfixIn]["accepted_s"]
        out.append(f"| {kind.name} | {'one' if keep == 1 else 'many'} | "
                   f"{r['accepted_s']:,.0f} | {ratio:.1f} | {r['cpu_ms']:.3f} | "
                   f"{r['p99_ms']:.1f} |")
    print("\n".join(out))
    if a.write:
        bench.write_part("intake", "\n".join(out))
    if rows[1000, MtqIn]["accepted_s"] < 2 * rows[1000, PostfixIn]["accepted_s"]:
        print("bench: over TLS mtq is not twice as fast as Postfix")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
