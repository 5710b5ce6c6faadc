"""dkim = require, log, off: what a signature by python3-dkim is worth here, with
keys from a signed zone on loopback and a DNS that lies, fails or keeps silent."""
import base64
import random
import re
import signal
import socket
import subprocess
import sys
import time

import dkim
import pytest

from conftest import ROOT, data, wait_for
from dkim_tools import Key, Records

sys.path.insert(0, str(ROOT / "tests"))
from zones import Zones  # noqa: E402

HEAD = (b"From: A Person <a@crm.mtqt>\r\nTo: b@to.test\r\nSubject: hi \t there\r\n folded\r\n"
        b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@crm.mtqt>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n")
BODY = b"Hello  \t world \r\n\r\n.dot\r\n \t lead\r\n\xc3\xa4\r\nlast\r\n\r\n \r\n"
MAIL = HEAD + b"\r\n" + BODY
PAIRS = [(h, b) for h in (b"simple", b"relaxed") for b in (b"simple", b"relaxed")]


def txt(record):
    return " ".join(f'"{record[i:i + 250]}"' for i in range(0, len(record), 250))


class World:
    """Keys, and the zones that publish them."""

    def __init__(self, folder):
        self.rsa = Key(folder, "rsa", "rsa")
        self.ed = Key(folder, "ed")
        self.weak = Key(folder, "weak", "rsa", 1024)
        self.records = Records({"r1.crm.mtqt": self.rsa.record, "e1.crm.mtqt": self.ed.record,
                                "w1.crm.mtqt": self.weak.record})
        keys = "".join(f"{s}._domainkey TXT {txt(k.record)}\n" for s, k in
                       (("r1", self.rsa), ("e1", self.ed), ("w1", self.weak)))
        ed = self.ed.record
        self.zones = Zones(folder, {
            "crm.mtqt": keys + f"""
revoked._domainkey TXT "v=DKIM1; k=ed25519; p="
tested._domainkey TXT "{ed}; t=y"
twice._domainkey TXT "{ed}"
twice._domainkey TXT "{ed}; n=two"
alias._domainkey CNAME e1._domainkey.other.mtqt.
loop._domainkey CNAME loop._domainkey
spf._domainkey TXT "v=spf1 -all"
""",
            "other.mtqt": f"e1._domainkey TXT {txt(ed)}\n",
            "forged.mtqt": (f"e1._domainkey TXT {txt(ed)}\n", "bogus"),
            "plain.mtqt": (f"e1._domainkey TXT {txt(ed)}\n", "no"),
            "dead.mtqt": ("", "broken")})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("dkim"))
    with w.zones:
        yield w


def seed(key):
    """What dkimpy takes for a private key."""
    if key.kind == "rsa":
        return key.path.read_bytes()
    der = subprocess.run(["openssl", "pkey", "-in", key.path, "-outform", "DER"], check=True,
                         capture_output=True, timeout=30).stdout
    return base64.b64encode(der[-32:])


def sign(key, selector, domain="crm.mtqt", mail=MAIL, pair=(b"relaxed", b"relaxed"), **more):
    kind = b"rsa-sha256" if key.kind == "rsa" else b"ed25519-sha256"
    mail = mail.replace(b"@crm.mtqt", b"@" + more.pop("author", domain).encode())
    return dkim.sign(mail, selector.encode(), domain.encode(), seed(key),
                     canonicalize=pair, signature_algorithm=kind, **more) + mail


def build(make, zones, gate="require", **kw):
    dns = f'dns {{ forward = "{zones.forward}"\n\ttrust_anchor = "{zones.anchor}" }}\n'
    return make(from_ip=f"127.0.0.0/8\n\tdkim = {gate}", blocks=dns, **kw)


def offer(s, body):
    """The reply to a message, in a session that goes on."""
    assert s.mail("a@from.test", ("BODY=8BITMIME",))[0] == 250
    assert s.rcpt("b@to.test")[0] == 250
    code, text = data(s, body)
    return code, text.decode()


def test_the_gate(make, world, sink):
    """One session, one message each: what comes in, and what is said to the rest."""
    w = world
    good = sign(w.ed, "e1")
    rows = [
        ("ed25519", good, "250"),
        ("rsa", sign(w.rsa, "r1"), "250"),
        ("rsa of 1024 bits", sign(w.weak, "w1"), "250"),
        ("a megabyte", sign(w.rsa, "r1", mail=MAIL + b"0123456 89\r\n" * 90000,
                            pair=(b"relaxed", b"simple")), "250"),
        ("both", sign(w.rsa, "r1", mail=good), "250"),
        ("a broken one above a good one",
         sign(w.rsa, "r1").partition(b"From:")[0].replace(b"h=", b"h=x:") + good, "250"),
        ("not signed", MAIL, "550 5.7.20"),
        ("another body", good.replace(b"Hello", b"Hallo"),
         "550 5.7.20 Error: no passing DKIM signature of header From's domain: the body was"),
        ("another subject", good.replace(b"there", b"where"), "550 5.7.20"),
        ("with l=", sign(w.ed, "e1", length=True), "550 5.7.20"),
        ("of another domain", sign(w.ed, "e1", "other.mtqt", author="crm.mtqt"), "550 5.7.20"),
        ("of the parent", sign(w.ed, "e1", author="mail.crm.mtqt"), "250"),
        ("revoked", sign(w.ed, "revoked"), "550 5.7.20"),
        ("in test", sign(w.ed, "tested"), "550 5.7.20"),
        ("two records", sign(w.ed, "twice"), "550 5.7.20"),
        ("no record", sign(w.ed, "nothing"), "550 5.7.20"),
        ("another record", sign(w.ed, "spf"), "550 5.7.20"),
        ("an alias, as CRMs publish keys", sign(w.ed, "alias"), "250"),
        ("an alias of itself", sign(w.ed, "loop"), "451 4.7.5"),
        ("an insecure zone", sign(w.ed, "e1", "plain.mtqt"), "250"),
        ("a zone with forged signatures", sign(w.ed, "e1", "forged.mtqt"), "451 4.7.5"),
        ("a zone without a server", sign(w.ed, "e1", "dead.mtqt"), "451 4.7.5"),
        ("a good one again", good, "250"),
    ]
    m = build(make, world.zones, "require", listen="max_errors = 100")
    taken = 0
    with m.client() as s:
        s.ehlo()
        for name, body, want in rows:
            code, text = offer(s, body)
            assert f"{code} {text}".startswith(want), f"{name}: {code} {text}\n{m.text()[-2000:]}"
            taken += code == 250
    wait_for("all that was taken", lambda: len(sink.messages) == taken)
    # Nothing is added but our own trace field: the signature is still good.
    for got in sink.messages:
        body = got.body[got.body.index(b"DKIM-Signature"):]
        assert body in [row[1] for row in rows]
    for words in ("dkim=pass(crm.mtqt)", "dkim=pass(crm.mtqt, only 1024 bits)",
                  "dkim=policy(l= leaves a part of the body unsigned)"):
        assert words in m.text()


def test_two_verifiers(make, world):
    """Random octets changed in messages of all forms: mtq takes what dkimpy takes."""
    m = build(make, world.zones, "require", listen="max_errors = 1000")
    dice, agreed = random.Random(6376), {True: 0, False: 0}
    with m.client() as s:
        s.ehlo()
        for i in range(240):
            key, selector = dice.choice(((world.rsa, "r1"), (world.ed, "e1"), (world.ed, "e1")))
            mail = HEAD + b"\r\n" + bytes(
                dice.choice(b"abc \t.=") for _ in range(dice.randrange(60))) + b"\r\n" + BODY
            mail = sign(key, selector, mail=mail, pair=PAIRS[i % 4])
            if i % 3:
                at = dice.randrange(len(mail))
                if mail[at] in b"\r\n" or mail[at] ^ 1 in b"\r\n\0":
                    continue
                mail = mail[:at] + bytes((mail[at] ^ 1,)) + mail[at + 1:]
            try:
                theirs = dkim.DKIM(mail).verify(dnsfunc=world.records)
            except (dkim.DKIMException, ValueError):
                theirs = False
            code, text = offer(s, mail)
            assert (code == 250) == theirs, (i, theirs, code, text, mail)
            agreed[theirs] += 1
    assert agreed[True] > 60 and agreed[False] > 100, agreed


@pytest.mark.parametrize("gate, words", [("log", "dkim=fail"), ("off", None)])
def test_not_required(make, world, gate, words):
    """log: only the verdict says it; off: nobody looks, and no resolver runs."""
    m = build(make, world.zones, gate)
    bad = sign(world.ed, "e1").replace(b"Hello", b"Hallo")
    m.send(bad)
    assert (words in m.text()) if words else ("dkim=" not in m.text())
    m.empty()


def test_reload(make, world):
    """A source that asks for signatures from now on."""
    m = build(make, world.zones, "off")
    m.send(MAIL)
    m.write(from_ip="127.0.0.0/8\n\tdkim = require")
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    with m.client() as s:
        s.ehlo()
        assert offer(s, MAIL)[0] == 550
        assert offer(s, sign(world.ed, "e1"))[0] == 250


def test_silence(make, world):
    """A resolver that says nothing: 451 within 15 s, and a client that does not
    wait costs nothing."""
    good = sign(world.ed, "e1")
    with socket.socket(type=socket.SOCK_DGRAM) as quiet:
        quiet.bind(("127.0.0.1", 0))
        dns = (f'dns {{ forward = "127.0.0.1@{quiet.getsockname()[1]}"\n'
               f'\ttrust_anchor = "{world.zones.anchor}" }}\n')
        m = make(from_ip="127.0.0.0/8\n\tdkim = require", blocks=dns)
        for _ in range(3):
            with m.client() as s:
                s.ehlo()
                s.mail("a@from.test")
                s.rcpt("b@to.test")
                s.docmd("DATA")
                s.send(good.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        with m.client() as s:
            s.ehlo()
            begun = time.monotonic()
            code, text = offer(s, good)
            assert code == 451 and time.monotonic() - begun < 15, (code, text)
            assert s.noop()[0] == 250
    assert not re.search("exited|killed", m.text()), m.text()
