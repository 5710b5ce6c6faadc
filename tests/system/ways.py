"""Relays that are good, bad or broken, each with a sink behind it, for
test_relay_test.py."""
import os
import pathlib
import socket
import sys
import threading

import pytest

from conftest import ROOT, Mtq
from sink_tls import TlsSink
from wait import free_port

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
    w.one("rotate", "good", strict, named, f'auth {{ user = crm  password = '
          f'["file:{w.dir}/wrong", "{pw}"] }}', users=users)
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
        "dirty": {"EHLO": b"250-sink\r\n250-\x1b[2J\x80XX\r\n250 SIZE 100000\r\n"}}
    for name, said in answers.items():
        w.one(name, None, reply=lambda verb, arg, h, said=said: said.get(verb))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("relay-test"))
    build(w)
    boxes = "".join(f'relay "{n}" {{ deliver = maildir  dir = {w.dir}/{d} }}\n'
                    for n, d in (("box", "box"), ("newbox", "newbox"),
                                 ("nobox", "pw/box"), ("deep", "no/box")))
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
