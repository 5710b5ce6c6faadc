"""TLS to the next hop: each row of docs/security.md against a server with that
certificate, in each mode.  One mtq carries a whole table, a relay per cell."""

import pytest

from cells import HOST, check, how, log_line, one_by_one, table
from sink_tls import BROKEN, TlsSink, server_context


def identity(pki, name):
    return dict(certificate=pki / f"{name}.pem", key=pki / f"{name}.key")


def test_every_certificate_in_every_mode(make, pki, cells):
    expected = table("certificates")
    assert len(expected) >= 11 * 5
    for (name, mode) in expected:
        cells.add((name, mode), TlsSink(**identity(pki, name)), f"tls = {mode}",
                  f"tls_name = {HOST}", f"ca_file = {pki}/root.crt")
    check(cells.run(make), cells, expected)


@pytest.mark.parametrize("state", ["offers no STARTTLS", "breaks the handshake"])
def test_every_certificate_where_tls_is_missing_or_broken(make, pki, cells,
                                                          state):
    """The certificate can't matter: it is never seen."""
    expected = {(name, mode): table("without")[state, mode]
                for name, mode in table("certificates")}
    for n, (name, mode) in enumerate(expected):
        broken = sorted(BROKEN)[n % len(BROKEN)]
        cells.add((name, mode), TlsSink(
            **identity(pki, name), offer="offers" not in state,
            broken=broken if "breaks" in state else None), f"tls = {mode}",
            f"tls_name = {HOST}", f"ca_file = {pki}/root.crt")
    check(cells.run(make), cells, expected)


ODDITIES = [  # what it shows, certificate, relay, sink, outcome
    ("an address in the certificate, asked for by address", "ip",
     ["tls = required-verify", "tls_name = 127.0.0.1"], {}, "verified"),
    ("the common name, where it is allowed", "cn",
     ["tls = required-verify", "allow_cn = yes"], {}, "verified"),
    ("the common name beside another alternative name", "cnsan",
     ["tls = required-verify", "allow_cn = yes"], {}, "4.7.5"),
    ("RSA", "rsa", ["tls = required-verify"], {}, "verified"),
    ("a wildcard for the whole of .example", "starwild",
     ["tls = required-verify"], {}, "4.7.5"),
    ("a wildcard in the middle", "midwild", ["tls = required-verify"], {},
     "4.7.5"),
    ("a name with NUL in it", "nul", ["tls = required-verify"], {}, "4.7.5"),
    ("an issuer that is no CA", "underleaf", ["tls = required-verify"], {},
     "4.7.5"),
    ("an issuer for other names", "undernarrow", ["tls = required-verify"], {},
     "4.7.5"),
    ("a wildcard for part of a label", "partwild", ["tls = required-verify"], {},
     "4.7.5"),
    ("a wildcard alone", "barewild", ["tls = required-verify"], {}, "4.7.5"),
    ("an intermediate with a weak key", "underweak", ["tls = required-verify"],
     {}, "4.7.5"),
    ("signed with MD5", "md5", ["tls = required-verify"], {}, "4.7.5"),
    ("no use is named", "nouse", ["tls = required-verify"], {}, "verified"),
    ("150 names", "many", ["tls = required-verify"], {}, "verified"),
    ("upper case in the certificate", "upper", ["tls = required-verify"], {},
     "verified"),
    ("a good one with its CA unknown to us", "good",
     ["tls = required-verify", "ca_file = /etc/ssl/certs/ca-certificates.crt"],
     {}, "4.7.5"),
    ("implicit, preferred", "good", ["tls = preferred", "tls_start = implicit"],
     {"implicit": True}, "tls"),
    ("implicit, verified", "good",
     ["tls = required-verify", "tls_start = implicit"], {"implicit": True},
     "verified"),
    ("implicit, wrong name", "wrongname",
     ["tls = preferred-verify", "tls_start = implicit"], {"implicit": True},
     "4.7.5"),
    ("implicit, broken: no clear text to fall back to", "good",
     ["tls = preferred", "tls_start = implicit"],
     {"implicit": True, "broken": "garbage"}, "4.7.5"),
    ("TLS 1.2 only", "good", ["tls = required-verify"], {"tls13": False},
     "verified"),
    ("TLS 1.3 only", "good", ["tls = required-verify"], {"tls12": False},
     "verified"),
    ("TLS 1.1 only, required", "good", ["tls = required"], {"old": True}, "4.7.5"),
    ("TLS 1.1 only, preferred", "good", ["tls = preferred"], {"old": True},
     "4.7.5, clear"),
    ("STARTTLS refused, preferred", "good", ["tls = preferred"],
     {"says": b"454 4.7.0 not now\r\n"}, "4.7.5, clear"),
    ("STARTTLS refused, required", "good", ["tls = required"],
     {"says": b"454 4.7.0 not now\r\n"}, "refused"),
    ("STARTTLS refused for good, required", "good", ["tls = required"],
     {"says": b"502 5.5.1 no\r\n"}, "refused"),
]


def test_oddities_of_certificates_and_handshakes(make, pki, cells):
    for name, certificate, lines, how_sink, _ in ODDITIES:
        kw = dict(how_sink)
        says = kw.pop("says", None)
        old = {k: kw.pop(k) for k in ("tls12", "tls13", "old") if k in kw}
        if old:
            sink = TlsSink(context=server_context(
                pki / f"{certificate}.pem", pki / f"{certificate}.key", **old))
        else:
            sink = TlsSink(**identity(pki, certificate), **kw)
        if says:
            sink.reply = lambda verb, arg, h, says=says: (
                says if verb == "STARTTLS" else None)
        keys = " ".join(lines)
        cells.add(name, sink, *lines,
                  *(() if "tls_name" in keys else (f"tls_name = {HOST}",)),
                  *(() if "ca_file" in keys else (f"ca_file = {pki}/root.crt",)))
    m = cells.run(make)
    wrong = []
    for name, _, _, _, cell in ODDITIES:
        got = how(m, cells, name)
        if got != cell and not (cell == "refused" and got[0] in "45"):
            wrong.append(f"{name}: {got}, not {cell}: "
                         f"{log_line(m, cells, name)[-300:]}")
    assert not wrong, "\n".join(wrong)


def test_the_host_is_named_in_the_handshake(make, pki, cells):
    cells.add("sni", TlsSink(**identity(pki, "good")), "tls = required-verify",
              f"tls_name = {HOST}", f"ca_file = {pki}/root.crt")
    cells.run(make)
    assert cells.sinks["sni"].seen[0].sni == HOST
    assert cells.sinks["sni"].seen[0].verbs(
        cells.sinks["sni"].seen[0].inside)[0] == "EHLO"


def relay(sink, pki, *lines):
    return "\n\t".join(("host = 127.0.0.1", f"port = {sink.port}",
                        f"tls_name = {HOST}", f"ca_file = {pki}/root.crt",
                        "messages_per_connection = 1", *lines))


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_the_second_connection_resumes_the_first(make, pki, version):
    sink = TlsSink(context=server_context(
        pki / "good.pem", pki / "good.key", tls13=version == "TLSv1.3",
        tls12=version == "TLSv1.2"))
    try:
        m = make(workers=1, relay=relay(sink, pki, "tls = required-verify"))
        one_by_one(m, sink, 4)
        assert [s.version for s in sink.seen] == [version] * 4
        assert [s.resumed for s in sink.seen] == [False, True, True, True]
        assert m.text().count("verify=name") == 4
    finally:
        sink.close()


def test_a_changed_policy_does_not_resume(make, pki):
    """A session that nobody verified is no proof, whatever it was kept for."""
    sink = TlsSink(**identity(pki, "wrongname"))
    try:
        m = make(workers=1, relay=relay(sink, pki, "tls = required"))
        one_by_one(m, sink, 2)
        assert [s.resumed for s in sink.seen] == [False, True]
        m.write(relay=relay(sink, pki, "tls = required-verify"))
        m.cli("check")
        m.process.send_signal(1)
        m.wait_log("reload")
        m.send()
        m.wait_log("status=deferred")
        assert len(sink.messages) == 2
        assert not any(s.resumed for s in sink.seen[2:])
        assert not any(s.inside for s in sink.seen[2:])
    finally:
        sink.close()


def test_a_ca_file_that_is_a_link(make, pki, cells, tmp_path_factory):
    """As certbot lays them out: the worker may follow it out of its folder."""
    live, archive = (tmp_path_factory.mktemp(n) for n in ("live", "archive"))
    (archive / "root1.crt").write_bytes((pki / "root.crt").read_bytes())
    (live / "root.crt").symlink_to(archive / "root1.crt")
    cells.add("link", TlsSink(**identity(pki, "good")), "tls = required-verify",
              f"tls_name = {HOST}", f"ca_file = {live}/root.crt")
    check(cells.run(make), cells, {"link": "verified"})
