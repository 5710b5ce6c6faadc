"""DKIM signatures of ours: who gets one, and an independent verifier's word."""
import datetime
import os
import pathlib
import re
import shutil
import signal

import pytest

import opendkim
from dkim_tools import Key, Records, signatures, verified
from shapes import shapes
from wait import wait_for
from zones import Zones

MAIL = (b"From: A Person <a@example.com>\r\nTo: b@to.test\r\nSubject:  hi \t there\r\n"
        b" folded\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
        b"\r\nHello  \t world \r\n\r\n.dot\r\n \t lead\r\nlast\r\n\r\n \r\n\r\n")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {"rsa": Key(folder, "rsa", "rsa"), "ed": Key(folder, "ed"),
            "new": Key(folder, "new"), "small": Key(folder, "small", "rsa", 512)}


def day(offset):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


def one(m, sink, body=MAIL, **kw):
    """What left of one message."""
    before = len(sink.messages)
    m.send(body, **kw)
    wait_for("the message", lambda: len(sink.messages) > before)
    return sink.messages[-1].body


def without_ours(message, n):
    """The message behind our signatures and our Received."""
    fields = re.split(rb"\r\n(?![ \t])", message, maxsplit=n + 1)
    assert fields[n].startswith(b"Received: "), fields[n]
    return fields[n + 1]


def both(keys):
    return (keys["rsa"].block("a", "r1", "domain = example.com") +
            keys["ed"].block("b", "e1", "domain = example.com"))


def records(keys):
    return Records({"r1.example.com": keys["rsa"].record, "e1.example.com": keys["ed"].record,
                    "n1.example.com": keys["new"].record})


def test_both_kinds_sign(make, sink, keys):
    """One signature a kind, both valid, and the octets of the CRM behind them."""
    m = make(blocks=both(keys))
    out = one(m, sink)
    assert [(s["a"], s["d"], s["s"]) for s in signatures(out)] == [
        ("rsa-sha256", "example.com", "r1"), ("ed25519-sha256", "example.com", "e1")]
    assert verified(out, records(keys)) == [True, True]
    assert without_ours(out, 2) == MAIL
    for s in signatures(out):
        names = s["h"].split(":")
        assert names.count("From") == 2 and names.count("Subject") == 2
        assert "Received" not in names
    # SIZE is that of what leaves, and long lines are folded.
    assert f"SIZE={len(out)}".encode() in sink.messages[-1].mail_line
    assert max(map(len, out.split(b"\r\n"))) <= 100
    # A From or a Subject that somebody adds, and every other octet, breaks them.
    for bad in (out.replace(b"From: A", b"From: x@evil.test\r\nFrom: A", 1),
                out.replace(b"\r\nSubject:", b"\r\nSubject: x\r\nSubject:", 1),
                out.replace(b"Hello", b"hello"), out.replace(b"2024", b"2025")):
        assert bad != out and verified(bad, records(keys)) == [False, False]


@pytest.mark.parametrize("name, sender, signs", [
    ("the domain", b"a@example.com", True),
    ("in capitals", b"A@EXAMPLE.COM", True),
    ("a domain below it", b"a@mail.example.com", True),
    ("another that ends in it", b"a@badexample.com", False),
    ("the one above it", b"a@com", False),
    ("another", b"a@example.org", False)])
def test_whose_mail(make, sink, keys, name, sender, signs):
    m = make(blocks=keys["ed"].block("example.com", "e1"))
    out = one(m, sink, MAIL.replace(b"a@example.com", sender))
    assert verified(out, records(keys)) == [True] * signs


def test_what_is_signed_already(make, sink, keys):
    """missing: only mail without a signature of this domain; always: all."""
    ours = b"DKIM-Signature: v=1; a=rsa-sha256; D=x;\r\n\td = Example.COM ; s=x; b=eA==\r\n"
    theirs = ours.replace(b"Example.COM", b"example.org")
    m = make(blocks=keys["ed"].block("example.com", "e1"))
    assert [s["s"] for s in signatures(one(m, sink, theirs + MAIL))] == ["e1", "x"]
    out = one(m, sink, ours + MAIL)
    assert without_ours(out, 0) == ours + MAIL
    m.write(blocks=keys["ed"].block("example.com", "e1", "when = always"))
    m.process.send_signal(signal.SIGHUP)
    wait_for("a signature", lambda: len(signatures(one(m, sink, ours + MAIL))) == 2)


def test_selectors_take_turns(make, sink, keys):
    """Of keys of a kind the one that began last signs; others wait or are over."""
    old = "domain = example.com\n\tuntil = "
    m = make(blocks=keys["ed"].block("old", "e1", old + day(2)) +
             keys["new"].block("new", "n1", "domain = example.com\n\tfrom = " + day(2)))
    assert [s["s"] for s in signatures(one(m, sink))] == ["e1"]
    m.write(blocks=keys["ed"].block("old", "e1", old + day(2)) +
            keys["new"].block("new", "n1", "domain = example.com\n\tfrom = " + day(-2)))
    m.process.send_signal(signal.SIGHUP)
    wait_for("the new key", lambda: [s["s"] for s in signatures(one(m, sink))] == ["n1"])
    assert verified(sink.messages[-1].body, records(keys)) == [True]


def test_a_reload_takes_keys_away(make, sink, keys):
    """New secrets come before the new configuration: nothing that must still be
    signed finds its key gone, nothing waits for one."""
    have = (both(keys), keys["new"].block("c", "n1", "domain = example.com"))
    m = make(blocks=have[0])
    for n in range(20):
        m.send(MAIL)
        m.write(blocks=have[(n + 1) % 2])
        m.process.send_signal(signal.SIGHUP)
        wait_for("reloaded", lambda: m.text().count("reloaded ") == n + 1)
    m.empty()
    assert "private key is not there" not in m.text()
    assert "status=deferred" not in m.text()
    assert len(sink.messages) == 20
    for x in sink.messages:
        assert verified(x.body, records(keys)) in ([True], [True, True])


def test_a_closer_domain(make, sink, keys):
    m = make(blocks=keys["ed"].block("example.com", "e1") +
             keys["new"].block("mail.example.com", "n1"))
    out = one(m, sink, MAIL.replace(b"a@example.com", b"a@x.mail.example.com"))
    assert [s["d"] for s in signatures(out)] == ["mail.example.com"]


def test_two_from_fields(make, sink, keys):
    """Whose mail is it?  It is not signed, and somebody is told."""
    m = make(blocks=keys["ed"].block("example.com", "e1"))
    out = one(m, sink, b"From: x@example.com\r\n" + MAIL)
    assert not signatures(out)
    m.wait_log("not signed: it has several header fields From")


def test_shapes(make, sink, keys):
    """No body, no end of line, no header field but From, long headers, UTF-8."""
    m = make(blocks=both(keys))
    head = b"From: a@example.com\r\n"
    for body in (head, head + b"\r\n", head + b"\r\n\r\n\r\n", head + b"\r\n \r\n",
                 head + b"To: x@y\r\nTo: z@y\r\n\r\nbody\r\n",
                 "From: ä <a@example.com>\r\nSubject: Grüße\r\n\r\nStraße\r\n".encode(),
                 head + b"References:" + b"\r\n <0123456789@example.com>" * 2000 + b"\r\n\r\nx\r\n",
                 b"X: 1\r\n" * 2000 + head + b"\r\nx\r\n",
                 head + b"\r\n" + b"a b  c\t\r\n" * 200000):
        assert verified(one(m, sink, body), records(keys)) == [True, True], body[:60]


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("opendkim-testmsg"),
                    reason="needs root and opendkim-tools")
def test_opendkim_agrees(make, sink, keys, tmp_path):
    """A third program's word, on real-world shapes; it knows RSA only."""
    m = make(blocks=keys["rsa"].block("a", "r1", "domain = example.com"))
    tmp_path.chmod(0o755)
    # It wants a Date, which RFC 5322 asks for and the world forgets.
    mail = [MAIL] + [b for b in shapes(40, 9, [b"a@example.com"])
                     if b"\r\nDate: " in b"\r\n" + b and b"\r\n\r\n" in b]
    for i, body in enumerate(mail):
        (tmp_path / f"good{i}").write_bytes(one(m, sink, body))
    (tmp_path / "bad").write_bytes(sink.messages[0].body.replace(b"Hello", b"hello"))
    said = opendkim.judge(tmp_path, {"r1._domainkey.example.com": keys["rsa"].record})
    assert said.pop("bad") != 0
    bad = {k: mail[int(k[4:])][:400] for k, v in said.items() if v}
    assert len(said) == len(mail) and not bad, bad


def test_reports_are_signed(make, sink, keys):
    """What we write ourselves is mail of our own domain."""
    m = make(blocks=keys["ed"].block("mtq.test", "e1"), bounce="enabled = yes")
    sink.reply = lambda verb, arg, h: (b"550 5.1.1 nobody\r\n"
                                       if verb == "RCPT" and b"b@to.test" in arg else None)
    m.send(MAIL)
    wait_for("the report", lambda: sink.messages)
    out = sink.messages[-1].body
    assert b"mailer-daemon@mtq.test" in out.lower()
    assert verified(out, Records({"e1.mtq.test": keys["ed"].record})) == [True]


def test_maildir(make, keys, tmp_path):
    m = make(relay=f'deliver = maildir\n\tdir = "{tmp_path}/box"', blocks=both(keys))
    m.send(MAIL)
    wait_for("the file", lambda: list(pathlib.Path(tmp_path, "box/new").glob("*")))
    text = next(pathlib.Path(tmp_path, "box/new").glob("*")).read_bytes()
    text = text.replace(b"\n", b"\r\n")
    assert text.startswith(b"Return-Path: ")
    assert verified(text, records(keys)) == [True, True]


def test_one_message_is_signed_once(make, sink, keys):
    """Its transactions and its next attempts leave with the same signature."""
    seen = []

    def reply(verb, arg, h):
        if verb == "DOT":
            seen.append(arg.body)
            return b"451 4.3.0 later\r\n" if len(seen) <= 2 else None
    sink.reply = reply
    m = make(blocks=both(keys), workers=1,
             relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\trecipients_per_message = 1")
    m.send(MAIL, to=("b@to.test", "c@to.test"))
    wait_for("both", lambda: len(sink.messages) == 2)
    assert len(seen) == 4 and len(set(seen)) == 1


@pytest.mark.parametrize("text, words", [
    ("none", "dkim example.com: dkim_key from file:"), ("what is no key", "dkim example.com: key"),
    ("small", "RSA of 512 bits, receivers ask for 1024 at least")])
def test_a_key_that_cannot_sign(make, keys, tmp_path, text, words):
    """Nothing starts with it: mail never leaves unsigned by mistake."""
    key = tmp_path / "k.pem"
    if text == "small":
        key.write_bytes(keys["small"].path.read_bytes())
    elif text != "none":
        key.write_text(text)
    if key.exists():
        key.chmod(0o600)
    m = make(start=False, blocks='dkim "example.com" {\n\tselector = a\n\tkey = '
             f'"file:{key}"\n}}')
    m.start(expect=None)
    assert m.process.wait(20) == 78
    assert f"{m.path}:" in m.text() and words in m.text(), m.text()
    m.process = None
    if text != "none":
        assert words in m.cli("check", m.path, code=1).stderr


def test_mtq_dkim(make, keys, tmp_path):
    """What is to be published, and whether it is."""
    def quoted(record):
        return " ".join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))
    with Zones(tmp_path, {"a.mtqt": f"r1._domainkey TXT {quoted(keys['rsa'].record)}\n"
                                    f"e1._domainkey TXT {quoted(keys['new'].record)}"}) as z:
        m = make(start=False, blocks=(
            f'dns {{\n\tforward = "{z.forward}"\n\ttrust_anchor = "{z.anchor}"\n}}\n' +
            keys["rsa"].block("good", "r1", "domain = a.mtqt") +
            keys["ed"].block("other", "e1", "domain = a.mtqt\n\tfrom = " + day(2)) +
            keys["new"].block("none", "n1", "domain = a.mtqt\n\tuntil = " + day(-2))))
        rows = {r["name"]: r for r in m.json("dkim", code=1)}
        assert {n: r["published"] for n, r in rows.items()} == {
            "good": "yes", "other": "no, another record", "none": "no"}
        assert {n: r["state"] for n, r in rows.items()} == {
            "good": "signs", "other": "from " + day(2), "none": "over since " + day(-2)}
        assert rows["good"]["key"] == "rsa 2048" and rows["other"]["key"] == "ed25519 256"
        assert rows["good"]["at"] == "r1._domainkey.a.mtqt"
        assert rows["good"]["record"] == keys["rsa"].record
        assert rows["other"]["record"] == keys["ed"].record
        assert keys["rsa"].record in m.cli("dkim", "good").stdout
        assert "there is no dkim x" in m.cli("dkim", "x", code=1).stderr
