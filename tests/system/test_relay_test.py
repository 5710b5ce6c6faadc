"""mtq relay test: each way to a relay, walked against peers that are good, bad
or broken; mtqd does not run."""
import os
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

from conftest import BUILD, ROOT, Mtq, free_port
from sink_tls import TlsSink

sys.path.insert(0, str(ROOT / "tests"))
import certs  # noqa: E402
import zones  # noqa: E402

HOST = "mx.safe.mtqt"
CANARY = "canary-7f3a-password"
TOKEN = "canary-7f3a-token"


class World:
    """Zones, certificates, sinks, and one configuration with a relay for each
    of them."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.pki = certs.make(self.dir / "pki", HOST)
        self.sinks, self.relays, self.records = {}, [], {}

    def secret(self, name, text, mode=0o600):
        path = self.dir / name
        path.write_text(text + "\n")
        path.chmod(mode)
        return f"file:{path}"

    def sink(self, name, certificate="good", **kw):
        pair = {} if certificate is None else {
            "certificate": self.pki / f"{certificate}.pem",
            "key": self.pki / f"{certificate}.key"}
        self.sinks[name] = TlsSink(**pair, **kw)
        return self.sinks[name]

    def relay(self, name, port, *lines, host="127.0.0.1"):
        at = [] if host is None else [f'host = "{host}"', f"port = {port}"]
        self.relays.append((name, [*at, "connect_timeout = 2s",
                                   "command_timeout = 2s", "tls_timeout = 2s",
                                   *lines]))

    def conf(self, z):
        return f"dns {{\n\tforward = \"{z.forward}\"\n\ttrust_anchor = {z.anchor}\n}}\n" \
            + "".join(f"relay \"{name}\" {{\n\t" + "\n\t".join(lines) + "\n}\n"
                      for name, lines in self.relays)

    def one(self, name, certificate="good", *lines, zone=None, **kw):
        """A relay by its address; by HOST where `zone` is given."""
        s = self.sink(name, certificate, **kw)
        ca = () if certificate is None else (f"ca_file = {self.pki}/root.crt",)
        self.relay(name, s.port, *ca, *lines, host=zone or "127.0.0.1")
        return s


def early(listener):
    """Octets behind the reply to STARTTLS that are not encrypted."""
    while True:
        try:
            c, _ = listener.accept()
        except OSError:
            return
        with c:
            c.sendall(b"220 early.test\r\n")
            c.recv(1000)
            c.sendall(b"250-early.test\r\n250 STARTTLS\r\n")
            c.recv(1000)
            c.sendall(b"220 go\r\n250 AUTH PLAIN\r\n")
            c.recv(1000)


def raw(behave):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=behave, args=(listener,), daemon=True).start()
    return listener


AUTH = "auth {{ user = crm  password = \"{pw}\" }}"


def build(w):
    pw = w.secret("pw", CANARY)
    auth = AUTH.format(pw=pw)
    users = {"crm": CANARY}
    strict = "tls = required-verify"
    named = f"tls_name = {HOST}"
    s = w.one("dane", "good", strict, auth, zone="safe.mtqt", users=users)
    match, other = (certs.tlsa(w.pki, n, 3, 1, 1) for n in ("good", "other"))
    safe = f"@ MX 10 mx\nmx A 127.0.0.1\n_{s.port}._tcp.mx TLSA {match}\n"
    s = w.one("mismatch", "good", "tls = required", zone="safe.mtqt")
    safe += f"_{s.port}._tcp.mx TLSA {other}\nalias CNAME mx\n"
    safe += "two MX 10 mx\ntwo MX 20 second\nsecond A 127.0.0.1\n"
    s = w.one("unusable", "good", "tls = preferred", zone="safe.mtqt")
    safe += f"_{s.port}._tcp.mx TLSA 1 1 1 {'0' * 64}\n"
    w.relay("require", s.port, "tls = required", "dane = require",
            host="safe.mtqt")
    w.one("alias", "good", "lookup = host", zone="alias.safe.mtqt")
    w.relay("strictly", w.sinks["alias"].port, "lookup = host",
            "strict_cname = yes", host="alias.safe.mtqt")
    w.one("two", "good", strict, auth.replace("crm", "nobody"),
          zone="two.safe.mtqt", users=users)
    w.one("badtlsa", "good", "tls = required", zone="badtlsa.mtqt")
    bad = f"@ MX 10 mx\nmx A 127.0.0.1\n_{w.sinks['badtlsa'].port}._tcp.mx " \
          f"TLSA {match}\n"
    w.relay("bogus", 25, host="bogus.mtqt")
    w.relay("broken", 25, host="broken.mtqt")
    w.relay("missing", 25, host="missing.safe.mtqt")
    w.records = {"safe.mtqt": safe, "bogus.mtqt": (safe, "bogus"),
                 "badtlsa.mtqt": (bad, "bogus:TLSA"),
                 "broken.mtqt": ("", "broken")}
    w.one("plain", None, "tls = preferred")
    w.one("plainmust", None, "tls = required")
    w.one("off", "good", "tls = off")
    w.one("good", "good", strict, named, auth, users=users)
    w.one("expired", "expired", strict, named, auth, users=users)
    w.one("wrongname", "wrongname", strict, named, auth, users=users)
    w.one("implicit", "good", strict, named, "tls_start = implicit",
          implicit=True)
    w.one("shaky", "good", "tls = preferred", broken="garbage")
    w.one("shakymust", "good", "tls = required", broken="an alert")
    w.one("wrongpw", "good", strict, named,
          AUTH.format(pw=w.secret("wrong", "not-" + CANARY)), users=users)
    w.one("stored", "good", strict, named,
          auth.replace("user", "enabled = no  user"), users=users)
    w.one("nosecret", "good", strict, named,
          AUTH.format(pw=f"file:{w.dir}/nowhere"), users=users)
    w.one("opensecret", "good", strict, named,
          AUTH.format(pw=w.secret("open", CANARY, 0o644)), users=users)
    w.one("nomech", "good", strict, named, auth, users=users,
          mechanisms=("CRAM-MD5",))
    program = w.dir / "token"
    program.write_text(f'#!/bin/sh\necho \'{{"access_token": "{TOKEN}", '
                       '"expires_in": 600}\'\n')
    program.chmod(0o755)
    w.one("oauth", "good", strict, named,
          f'auth {{ user = crm  token = "cmd:{program}"  mechanism = XOAUTH2 }}',
          tokens=(TOKEN,), mechanisms=("XOAUTH2",))
    w.one("insecure", None, "tls = preferred", "insecure_auth = yes", auth,
          users=users, auth_in_clear=True)
    w.one("cert", "good", strict, named, f"client_cert = {w.pki}/client.pem",
          f'client_key = "file:{w.pki}/client.key"', client_ca=w.pki / "root.crt")
    w.one("certbad", "expired", strict, named,
          f"client_cert = {w.pki}/client.pem",
          f'client_key = "file:{w.pki}/client.key"', client_ca=w.pki / "root.crt")
    os.chmod(w.pki / "client.key", 0o600)
    w.relay("mx", None, "deliver = mx", "allow_private = yes", host=None)
    w.relay("mxpublic", None, "deliver = mx", host=None)
    w.relay("gone", free_port())
    w.silent = socket.create_server(("127.0.0.1", 0))
    w.relay("silent", w.silent.getsockname()[1])
    w.early = raw(early)
    w.relay("early", w.early.getsockname()[1], "tls = required")
    answers = {
        "refuses": {"CONNECT": b"554 5.3.2 go \x1b[31maway\r\n"},
        "noehlo": {"EHLO": b"502 5.5.1 what?\r\n"},
        "norcpt": {"RCPT": b"550 5.1.1 no \x1b]0;such\x07 mailbox\r\n"},
        "shut": {"MAIL": b"421 4.3.2 closing\r\n"},
        "nodot": {"DOT": b"554 5.6.0 spam\r\n"},
        "drops": {"MAIL": b""},
        "dirty": {"EHLO": b"250-sink\r\n250-\x1b[2J\x80XX\r\n250 SIZE 10\r\n"}}
    for name, said in answers.items():
        w.one(name, None, reply=lambda verb, arg, h, said=said: said.get(verb))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("relay-test"))
    build(w)
    boxes = "".join(f'relay "{n}" {{ deliver = maildir  dir = {w.dir}/{d} }}\n'
                    for n, d in (("box", "box"), ("newbox", "newbox"),
                                 ("nobox", "pw/box")))
    for d in ("tmp", "new", "cur"):
        (w.dir / "box" / d).mkdir(parents=True)
    (w.dir / "box" / "tmp" / "other").write_text("is not ours")
    with zones.Zones(w.dir / "zones", w.records) as z:
        w.m = Mtq(w.dir, free_port(), blocks=w.conf(z) + boxes)
        yield w
    for s in w.sinks.values():
        s.close()
    w.silent.close()
    w.early.close()


def walk(w, *words, code=0):
    """Steps by name; of those that came twice the last."""
    r = w.m.cli("relay", "test", *words, code=code)
    j = w.m.json("relay", "test", *words, code=code)
    for text in (r.stdout + r.stderr, str(j)):
        assert CANARY not in text and TOKEN not in text
        assert "\x1b" not in text and "\x07" not in text
    assert j[0]["step"] == "relay" and j[-1]["step"] == "verdict"
    assert j[-1]["ok"] == (code == 0)
    for s in j:
        assert set(s) >= {"step", "ok", "ms", "said"}
    return {s["step"]: s for s in j}, [s["step"] for s in j], r.stdout


def mode(steps, tls, dane="no"):
    return next(m for m in steps["modes"]["modes"]
                if (m["tls"], m["dane"]) == (tls, dane))


def passing(steps, dane="no"):
    return [m["tls"] for m in steps["modes"]["modes"]
            if m["dane"] == dane and m["pass"]]


# --- ways that mail would go -------------------------------------------------


def test_the_whole_way_by_dane_with_a_credential(world):
    steps, names, text = walk(world, "dane", "--to", "b@to.test")
    assert names == ["relay", "secret", "ca", "dns", "tcp", "banner", "ehlo",
                     "starttls", "tls", "modes", "ehlo", "auth", "mail", "rcpt",
                     "rset", "quit", "verdict"]
    target, = steps["dns"]["targets"]
    assert (target["host"], target["secure"], target["tlsa"]) == \
        (HOST, True, "usable")
    assert target["tlsa_records"][0].startswith("3 1 1 ")
    assert steps["tls"]["version"] == "TLS1.3"
    assert steps["tls"]["cipher"].startswith("TLS_AES_")
    assert steps["tls"]["resumed"] is False
    assert steps["tls"]["by_dane"].startswith("verified")
    assert [c["subject"] for c in steps["tls"]["chain"]] == \
        [f"CN={HOST}", "CN=mtq test intermediate"]
    assert steps["tls"]["chain"][0]["until"].startswith("2045-01-01")
    assert steps["auth"]["mechanism"] == "PLAIN"
    assert steps["auth"]["code"] == 235
    assert all(isinstance(s["ms"], (float, type(None))) for s in steps.values())
    sink = world.sinks["dane"]
    assert len(sink.seen) == 2  # walk() goes twice
    assert sink.tried() == [("PLAIN", "crm", True)] * 2
    assert all(line.split()[0].upper() in (b"EHLO", b"STARTTLS")
               for line in sink.in_clear())
    assert not sink.messages
    assert "* required-verify" in text and "would pass" in text


def test_a_real_message_says_that_it_is_a_test(world):
    sink = world.sinks["good"]
    del sink.messages[:]
    steps, names, _ = walk(world, "good", "--to", "<b@to.test>", "--send",
                           "--from", "crm@from.test")
    assert names[-5:] == ["rcpt", "data", "message", "quit", "verdict"]
    m = sink.messages[-1]
    assert (m.sender, m.recipients) == ("crm@from.test", ["b@to.test"])
    assert b"X-MTQ-Trace: relay-test\r\n" in m.body
    assert b"Subject: mtq relay test of good\r\n" in m.body
    assert len(sink.messages) == 2


def test_without_a_recipient_nobody_is_asked_for(world):
    steps, names, _ = walk(world, "good")
    assert steps["mail"]["ok"] is None and "rcpt" not in names


def test_the_sender_is_postmaster_or_whom_one_names(world):
    steps, _, _ = walk(world, "plain", "--to", "b@to.test")
    assert steps["mail"]["command"] == "MAIL FROM:<postmaster@mtq.test>"
    steps, _, _ = walk(world, "plain", "--to", "b@to.test", "--from", "<>")
    assert steps["mail"]["command"] == "MAIL FROM:<>"


GOES = [  # relay, words of the verdict
    ("plain", "without TLS: the host offers none"),
    ("off", "without TLS: it is off"),
    ("good", "a known CA signed it"),
    ("implicit", "a known CA signed it"),
    ("shaky", "the handshake fails"),
    ("stored", "a known CA signed it"),
    ("oauth", "AUTH XOAUTH2 as crm"),
    ("insecure", "AUTH PLAIN as crm"),
    ("unusable", "the certificate is not checked"),
    ("alias", "the certificate is not checked"),
    ("cert", "a known CA signed it"),
    ("noehlo", "without TLS"),
    ("dirty", "without TLS"),
]


@pytest.mark.parametrize("relay, words", GOES, ids=[g[0] for g in GOES])
def test_mail_would_go(world, relay, words):
    steps, _, text = walk(world, relay)
    assert words in steps["verdict"]["said"]
    assert words in text.splitlines()[-1]


# --- ways that it would not ---------------------------------------------------


STOPS = [  # relay, the step that fails, words of the verdict
    ("plainmust", "modes", "4.7.4 TLS is required and not offered"),
    ("expired", "modes", "expired"),
    ("wrongname", "modes", "for another name"),
    ("mismatch", "modes", "no TLSA record matches"),
    ("badtlsa", "modes", "4.7.5 TLSA lookup failed"),
    ("require", "modes", "4.7.5 DANE is required, TLSA is missing"),
    ("shakymust", "tls", "4.7.5 TLS handshake failed"),
    ("early", "tls", "octets before the TLS handshake"),
    ("wrongpw", "auth", "535 5.7.8 not you"),
    ("nomech", "auth", "AUTH: "),
    ("nosecret", "secret", "No such file"),
    ("opensecret", "secret", "everybody may read"),
    ("bogus", "dns", "4.4.3 host lookup failed"),
    ("broken", "dns", "4.4.3 host lookup failed"),
    ("missing", "dns", "4.4.4 the host has no address"),
    ("strictly", "dns", ""),
    ("gone", "tcp", "Connection refused"),
    ("silent", "banner", "timed out, waiting for the greeting"),
    ("refuses", "banner", "554 5.3.2 go ?[31maway"),
    ("norcpt", "rcpt", "550 5.1.1 no ?]0;such? mailbox"),
    ("shut", "mail", "421 4.3.2 closing"),
    ("drops", "mail", "closed the connection"),
    ("certbad", "tls", "expired"),
]


@pytest.mark.parametrize("relay, step, words", STOPS, ids=[s[0] for s in STOPS])
def test_mail_would_not_go(world, relay, step, words):
    steps, _, text = walk(world, relay, "--to", "b@to.test", code=1)
    assert steps[step]["ok"] is False, steps[step]
    assert words in steps["verdict"]["said"]
    assert "FAIL" in text and "mail would not go" in text.splitlines()[-1]


def test_no_credential_goes_where_the_certificate_is_bad(world):
    for name in ("expired", "wrongname"):
        walk(world, name, "--to", "b@to.test", code=1)
        sink = world.sinks[name]
        assert not sink.tried() and not sink.messages
        for s in sink.seen:  # what is offered inside was looked at
            assert s.verbs(s.inside) in ([], ["EHLO", "QUIT"])


def test_no_certificate_of_ours_goes_to_who_has_not_proved_himself(world):
    walk(world, "certbad", code=1)
    sink = world.sinks["certbad"]
    assert not any(s.subject or s.handshakes for s in sink.seen)
    walk(world, "cert")
    assert world.sinks["cert"].seen[-1].subject == HOST


def test_a_wrong_password_is_tried_once_whatever_else_there_is(world):
    sink = world.sinks["two"]
    del sink.seen[:]
    r = world.m.cli("relay", "test", "two", "--all", code=1)
    assert sink.tried() == [("PLAIN", "nobody", False)]
    assert r.stdout.count(" tcp ") == 1


def test_a_stored_credential_is_not_used(world):
    steps, _, text = walk(world, "stored")
    assert "stored, not used" in steps["auth"]["said"]
    assert steps["auth"]["offered"] == ["PLAIN", "LOGIN"]
    assert not world.sinks["stored"].tried()


def test_a_refusal_after_the_message_is_no_success(world):
    steps, _, _ = walk(world, "nodot", "--to", "b@to.test", "--send", code=1)
    assert steps["message"]["code"] == 554
    assert not world.sinks["nodot"].messages


# --- what the settings decide --------------------------------------------------


def test_in_clear_mail_is_tried_in_clear(world):
    """tls = off: TLS was looked at, and mail takes a connection of its own."""
    steps, names, _ = walk(world, "off", "--to", "b@to.test")
    assert names.count("tcp") == 2 and "again" in names
    last = world.sinks["off"].seen[-1]
    assert last.verbs(last.clear) == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]
    assert last.handshakes == 0
    assert passing(steps) == ["off", "preferred", "required"]


ALL = ["off", "preferred", "required", "preferred-verify", "required-verify"]
MODES = [  # relay, dane, modes that would pass
    ("plain", "no", ["off", "preferred", "preferred-verify"]),
    ("plainmust", "no", ["off", "preferred", "preferred-verify"]),
    ("good", "no", ["preferred-verify", "required-verify"]),
    ("expired", "no", []),
    ("shaky", "no", ["off", "preferred"]),
    ("implicit", "no", ALL[1:]),
    ("mismatch", "no", ALL),
    ("mismatch", "yes", ["off"]),
    ("mismatch", "require", []),
    ("dane", "require", ALL[1:]),
    ("unusable", "yes", ALL),
    ("unusable", "require", []),
    ("badtlsa", "yes", ["off"]),
]


@pytest.mark.parametrize("relay, dane, modes", MODES)
def test_the_table_of_modes(world, relay, dane, modes):
    j = world.m.json("relay", "test", relay, code=None)
    steps = {s["step"]: s for s in j}
    assert passing(steps, dane) == modes
    assert sum(m["set"] for m in steps["modes"]["modes"]) == 1
    assert len(steps["modes"]["modes"]) == 15


# --- names, Maildirs, the command line -------------------------------------------


def test_an_alias_is_told_of(world):
    steps, _, text = walk(world, "alias")
    assert steps["dns"]["alias"] is True and "CNAME" in text
    steps, _, _ = walk(world, "dane")
    assert steps["dns"]["alias"] is False


def test_mail_exchangers_of_a_domain(world):
    steps, _, _ = walk(world, "mx", "--to", "b@SAFE.mtqt", code=1)
    assert steps["dns"]["asked"] == "safe.mtqt"
    assert steps["dns"]["targets"][0]["host"] == HOST
    steps, _, _ = walk(world, "mxpublic", "--to", "b@safe.mtqt", code=1)
    assert "5.4.4" in steps["verdict"]["said"]
    r = world.m.cli("relay", "test", "mx", code=64)
    assert "--to ADDRESS" in r.stderr


def test_maildirs(world):
    steps, names, _ = walk(world, "box")
    assert names == ["relay", "maildir", "verdict"]
    assert steps["maildir"]["ok"] is True
    assert os.listdir(world.dir / "box" / "tmp") == ["other"]
    steps, _, _ = walk(world, "newbox")
    assert steps["maildir"]["ok"] is None
    assert not (world.dir / "newbox").exists()
    walk(world, "nobox", code=1)


@pytest.mark.parametrize("words, code", [
    (["test"], 64), (["test", "good", "good"], 64), (["test", "nothing"], 1),
    (["test", "good", "--send"], 64), (["test", "good", "--to", "nobody"], 64),
    (["test", "good", "--from", "a b@c.test"], 64),
    (["test", "good", "--to", "a@b.test\r\nRCPT TO:<x@y.test>"], 64),
    (["test", "good", "--else"], 64)])
def test_what_makes_no_sense_is_refused(world, words, code):
    assert world.m.cli("relay", *words, code=code).stderr


def test_a_wrong_configuration_is_said(world, tmp_path):
    (tmp_path / "conf").write_text("nonsense\n")
    r = subprocess.run([BUILD / "mtq", "-c", tmp_path / "conf", "relay", "test",
                        "x"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 78 and r.stderr


# --- explain and mtq relay ---------------------------------------------------------


@pytest.fixture(scope="module")
def queue(world):
    world.m.cli("init")
    return world.m


def test_explain_names_the_protection_and_looks_it_up(world, queue):
    world.m.write(blocks=world.m.conf["blocks"] + "".join(
        f'route "{n}" {{ priority = {i}  to = {n}.test  via = {n} }}\n'
        for i, n in enumerate(("dane", "stored", "bogus", "mismatch", "badtlsa",
                               "mx", "box"), 1)))

    def explain(name, *words):
        return queue.json("explain", "--to", f"b@{name}.test", *words)[0]

    e = explain("dane")
    assert e["relay"] == "dane" and e["hosts"] is None
    assert "TLS required-verify, for safe.mtqt" in e["security"]
    assert "DANE where DNSSEC proves" in e["security"]
    assert "AUTH as crm" in e["security"]
    assert "credential stored, not used" in explain("stored")["security"]
    host, = explain("dane", "--lookup")["hosts"]
    assert (host["secure"], host["tlsa"], host["used"]) == (True, "usable", True)
    assert "a TLSA record must match" in host["policy"]
    e = explain("bogus", "--lookup")
    assert e["hosts"] == [] and "4.4.3" in e["lookup"]
    host, = explain("badtlsa", "--lookup")["hosts"]
    assert (host["tlsa"], host["used"]) == ("failed", False)
    assert "4.7.5" in host["policy"]
    assert "Maildir" in explain("box", "--lookup")["lookup"]
    text = queue.cli("explain", "--to", "b@mismatch.test", "--lookup").stdout
    assert "Security   mismatch: TLS required" in text and "\nDNS " in text
    assert queue.cli("explain", "0" * 12, "--lookup", code=64).stderr


def test_mtq_relay_tells_of_a_credential(world, queue):
    text = queue.cli("relay", "stored").stdout
    assert "credential stored, not used" in text
    assert queue.json("relay", "stored")[0]["credential"] == "not used"
    assert queue.json("relay", "good")[0]["credential"] == "used"
    assert queue.json("relay", "plain")[0]["credential"] is None


def test_a_relay_that_is_paused_is_tested_and_said_to_be(make):
    m = make()
    assert "state" not in [s["step"] for s in m.json("relay", "test", "out")]
    m.cli("relay", "pause", "out", "--reason", "the key changes")
    j = {s["step"]: s for s in m.json("relay", "test", "out")}
    assert j["verdict"]["ok"] is True and j["state"]["ok"] is None
    assert "paused now" in j["state"]["said"]
    assert "the key changes" in j["state"]["said"]
