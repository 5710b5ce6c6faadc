"""Servers that others wrote, and their second opinions: what Postfix (posttls-finger) and GnuTLS's own tool say of the
same servers and records as docs/security.md says of ours.  Where they differ,
its last table says why."""
import concurrent.futures
import os
import subprocess

import pytest

from cells import HOST, rows, table
from conftest import wait_for
from peers import Exim, Postfix, Resolver
from sink import Sink
from test_dane import World, sink_of
from test_tls import ODDITIES

pytestmark = pytest.mark.skipif(os.getuid() != 0,
                                reason="a resolver at port 53 and a mount")

# (certificate, who, where): theirs is another verdict than ours.
DIFFER = {(row[0], row[1], where) for row in rows("differ")
          for where in row[2].split(", ")}


@pytest.fixture
def finger(tmp_path):
    """finger(level, destination, *more, shell=[]) -> what posttls-finger says."""
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")

    def run(level, destination, *more, match=(), shell=()):
        r = subprocess.run(
            [*shell, "posttls-finger", "-c", "-l", level, "-o",
             "inet_protocols=ipv4", *map(str, more), destination, *match],
            env=dict(os.environ, MAIL_CONFIG=str(tmp_path)), timeout=60,
            capture_output=True, text=True, errors="replace")
        return r.stdout + r.stderr
    return run


def trust(said):
    """Verified, Trusted, Untrusted or Anonymous, or "" without TLS."""
    for word in ("Verified", "Trusted", "Untrusted", "Anonymous"):
        if f"{word} TLS connection established" in said:
            return word
    return ""


def dane(said, require):
    """A cell of our table, from what posttls-finger says at level dane."""
    if not trust(said):
        return "4.7.5"
    if "DNSSEC-signed TLSA record" not in said or "records unusable" in said:
        return "4.7.5" if require else "tls"
    return "dane" if trust(said) == "Verified" else "4.7.5"


def gnutls_cli(pki, port, *more):
    """True: the certificate holds, in the words of gnutls-cli."""
    r = subprocess.run(
        ["gnutls-cli", "--starttls-proto=smtp", "--port", str(port),
         "--x509cafile", pki / "root.crt", "--verify-hostname", HOST,
         "--sni-hostname", HOST, *more, "127.0.0.1"], input=b"QUIT\r\n",
        timeout=60, capture_output=True)
    said = (r.stdout + r.stderr).decode(errors="replace")
    assert "certificate" in said, said
    return "- Status: The certificate is trusted." in said, said


def everything(rows, ask):
    """ask(row) for each, four at a time; the lines of all that is wrong."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = [w for w in pool.map(ask, rows) if w]
    assert not wrong, "\n".join(wrong)


def test_certificates(pki, finger):
    ours = {row: cell == "verified" for (row, mode), cell
            in table("certificates").items() if mode == "required-verify"}
    ours |= {certificate: cell == "verified"
             for _, certificate, lines, kw, cell in ODDITIES
             if lines == ["tls = required-verify"] and not kw}
    names = set(ours)
    sinks = {n: sink_of(pki, n) for n in names}

    def ask(name):
        port = sinks[name].port
        said = finger("secure", f"[127.0.0.1]:{port}", "-F", pki / "root.crt",
                      "-s", HOST, match=(HOST,))
        theirs, words = gnutls_cli(pki, port)
        wrong = ""
        for who, verdict, text in (
                ("posttls-finger", trust(said) == "Verified", said),
                ("gnutls-cli", theirs, words)):
            agreed = verdict == ours[name]
            if agreed == ((name, who, "PKIX") in DIFFER):
                wrong += f"{name}: {who} says {verdict}, mtq {ours[name]}: {text}\n"
        return wrong
    try:
        everything(sorted(names), ask)
    finally:
        for s in sinks.values():
            s.close()


def test_records(pki, finger, tmp_path):
    ours = table("dane")
    world, sinks, where = World(pki), {}, {}
    for name, state in ours:
        s = sinks[name, state] = sink_of(pki, name)
        where[name, state] = world.host(state, name, s.port)[0].split(" = ")[1]
    with world.zones(tmp_path) as z:
        resolver = Resolver(tmp_path, z)

        def ask(key):
            said = finger("dane", f"[{where[key]}]:{sinks[key].port}", "-L",
                          "summary,verbose", shell=resolver.shell)
            theirs = dane(said, key[1] == "require")
            differ = (key[1][0] == "2"
                      and (key[0], "posttls-finger", "2 x y") in DIFFER)
            if (theirs != ours[key]) != differ:
                return f"{key}: {theirs}, mtq {ours[key]}: {said}"
            return None
        try:
            everything(ours, ask)
        finally:
            resolver.close()
            for s in sinks.values():
                s.close()


@pytest.mark.parametrize("kind", [Postfix, Exim])
@pytest.mark.parametrize("start", ["starttls", "implicit"])
def test_verified_and_resumed(make, pki, place, kind, start):
    """Three messages, each over a connection of its own."""
    sink = Sink()
    p = kind(place / "peer", pki / "rsa.pem", pki / "rsa.key",
             *([sink.port] if kind is Postfix else [])).start()
    try:
        port = p.port if start == "starttls" else p.port465
        m = make(workers=1, relay="\n\t".join((
            "host = 127.0.0.1", f"port = {port}", "tls = required-verify",
            f"tls_start = {start}", f"tls_name = {HOST}",
            f"ca_file = {pki}/root.crt", "messages_per_connection = 1")))
        for n in range(3):
            m.send(sender=f"s{n}@from.test")
            wait_for("a delivery", lambda: m.text().count("status=sent") == n + 1)
            # The session comes with the last octets of the connection.
            wait_for("the peer's end of it", lambda: ended(p, kind) > n)
        lines = [x for x in m.text().splitlines() if "status=sent" in x]
        assert all("tls=TLS1.3" in x and "verify=name" in x for x in lines), lines
        assert ["resumed=yes" in x for x in lines] == [False, True, True], lines
        if kind is Exim:
            assert [x["P"] for x in p.taken()] == ["esmtps"] * 3
            # With +tls_resumption a resumed session has * behind its cipher.
            assert [x["X"][-1] == "*" for x in p.taken()] == [False, True, True]
        else:
            wait_for("all relayed", lambda: len(sink.messages) == 3)
            assert all(b"(using TLSv1.3 with cipher" in x.body
                       for x in sink.messages)
    finally:
        p.stop()
        sink.close()


def ended(p, kind):
    return p.log().count("disconnect from" if kind is Postfix else " <= ")
