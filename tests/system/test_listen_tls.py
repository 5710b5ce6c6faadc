"""TLS on our listeners: certificates, modes, injection, silence, peers."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from cells import HOST, table
from conftest import data
from wait import DEADLINE, free_port, wait_for

DOMAIN = HOST.partition(".")[2]
BODY = b"Subject: x\r\n\r\nhi\r\n"


def block(pki, *names):
    return "\n".join(f'tls "{n}" {{\n\tcert = file:{pki}/{n}.pem\n'
                     f'\tkey = file:{pki}/{n}.key\n}}' for n in names)


def context(pki, client=None, **kw):
    c = ssl.create_default_context(cafile=pki / "root.crt")
    if client:
        c.load_cert_chain(pki / f"{client}.pem", pki / f"{client}.key")
    for key, value in kw.items():
        setattr(c, key, value)
    return c


class Raw:
    """Octets as they are; replies line by line."""

    def __init__(self, port, greeting=True):
        self.s = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile("rb")
        if greeting:
            assert self.reply().startswith("220")

    def send(self, data):
        self.s.sendall(data)

    def reply(self):
        lines = []
        while True:
            line = self.f.readline().decode()
            lines.append(line)
            if len(line) < 4 or line[3] != "-":
                return "".join(lines)

    def ask(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def wrap(self, ctx, host=HOST):
        self.s = ctx.wrap_socket(self.s, server_hostname=host)
        self.f = self.s.makefile("rb")
        return self

    def starttls(self, ctx, host=HOST):
        assert "250" in self.ask("EHLO c.test")
        assert self.ask("STARTTLS").startswith("220 2.0.0")
        return self.wrap(ctx, host)

    def mail(self, body=BODY):
        assert self.ask("EHLO c.test").startswith("250")
        out = self.ask("MAIL FROM:<a@from.test>")
        if not out.startswith("250"):
            return out
        self.ask("RCPT TO:<b@to.test>")
        self.ask("DATA")
        self.send(body + b".\r\n")
        return self.reply()

    def ended(self):
        """What was still said before the end."""
        try:
            return self.f.read()
        except (ConnectionError, ssl.SSLError):
            return b""

    def close(self):
        self.f.close()
        self.s.close()


@pytest.fixture
def tls(make, pki):
    def build(mode="optional", names=("good",), listen="", **kw):
        blocks = block(pki, *names) + kw.pop("blocks", "")
        shown = f"\n\tcertificate = [{', '.join(names)}]"
        return make(listen=f"tls = {mode}{shown}\n\t{listen}", blocks=blocks,
                    **kw)
    return build


def outcome(reply):
    return "taken" if reply.startswith("250") else reply[:9].strip()


def in_clear(pki, port):
    return Raw(port).mail()


def says_starttls(pki, port):
    c = Raw(port)
    c.ask("EHLO c.test")
    out = c.ask("STARTTLS")
    return c.wrap(context(pki)).mail() if out.startswith("220") else out


def begins_with_tls(pki, port, ctx=None):
    c = Raw(port, greeting=False).wrap(ctx or context(pki))
    assert c.reply().startswith("220")
    return c.mail()


def secured(pki, port, mode, ctx=None):
    c = Raw(port, greeting=False)
    if mode != "implicit":
        assert c.reply().startswith("220")
        return c.starttls(ctx or context(pki))
    c.wrap(ctx or context(pki))
    assert c.reply().startswith("220")
    return c


def inside(line):
    def client(pki, port, mode):
        return secured(pki, port, mode).ask(line)
    return client


def after_mail(pki, port):
    c = Raw(port)
    c.ask("EHLO c.test")
    out = c.ask("MAIL FROM:<a@from.test>")
    return c.ask("STARTTLS") if out.startswith("250") else out


def behind(pki, port):
    c = Raw(port)
    c.ask("EHLO c.test")
    c.send(LINE)
    said = c.ended()
    assert b"evil" not in said and b"250" not in said
    return ""


def old_tls(pki, port, mode):
    ctx = context(pki)
    ctx.set_ciphers("ALL:@SECLEVEL=0")
    ctx.minimum_version = ssl.TLSVersion.TLSv1
    ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    return secured(pki, port, mode, ctx).mail()


def http(pki, port, mode):
    ctx = context(pki)
    ctx.set_alpn_protocols(["http/1.1"])
    return secured(pki, port, mode, ctx).mail()


def stalls(pki, port, mode):
    c = Raw(port, greeting=mode != "implicit")
    if mode != "implicit":
        c.ask("EHLO c.test")
        c.ask("STARTTLS")
    c.send(bytes.fromhex("16030100c8010000c40303"))
    assert b"220" not in c.ended()
    return ""


ROWS = {"sends mail in clear": in_clear, "says STARTTLS": says_starttls,
        "begins with TLS": begins_with_tls,
        "says STARTTLS inside TLS": inside("STARTTLS"),
        "says STARTTLS after MAIL": after_mail,
        "sends octets behind STARTTLS": behind,
        "sends mail inside TLS without a second EHLO":
            inside("MAIL FROM:<a@from.test>"),
        "can do TLS 1.1 only": old_tls, "offers HTTP by ALPN": http,
        "stalls in the handshake": stalls}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_table(make, pki):
    expected = table("listeners")
    ports = {mode: free_port() for _, mode in expected}
    m = make(blocks=block(pki, "good") + "".join(f'''
listen "{mode}" {{
	address = "127.0.0.1:{port}"
	tls = {mode}
	tls_timeout = 1s
}}''' for mode, port in ports.items()))
    for (row, mode), cell in expected.items():
        f = ROWS[row]
        try:
            reply = f(pki, ports[mode], *([mode] if f.__code__.co_argcount == 3
                                          and "mode" in f.__code__.co_varnames
                                          else []))
            got = outcome(reply) or "closed"
        except (OSError, AssertionError):
            got = "closed"
        if got == "closed":  # and mtq lives
            assert m.process.poll() is None
        assert got == cell, (row, mode, got)


# --- modes -------------------------------------------------------------------

def test_optional(tls, pki, sink):
    m = tls("optional")
    with m.client() as s:
        s.ehlo()
        assert s.has_extn("starttls")
        s._host = HOST  # what smtplib asks the certificate for
        s.starttls(context=context(pki))
        s.ehlo()
        assert not s.has_extn("starttls")
        assert s.docmd("STARTTLS")[0] == 503
    m.send()  # in clear
    c = Raw(m.port).starttls(context(pki))
    assert c.mail().startswith("250")
    c.close()
    wait_for("two messages", lambda: len(sink.messages) == 2)
    text = sink.messages[1].body.decode()
    assert "with ESMTPS id" in text and "(using TLSv1.3 with cipher TLS_" in text
    assert "with ESMTP id" in sink.messages[0].body.decode()
    m.wait_log("client=unknown[127.0.0.1], TLSv1.3 with cipher TLS_")


def test_required(tls, pki):
    m = tls("required")
    c = Raw(m.port)
    c.ask("EHLO c.test")
    assert c.ask("MAIL FROM:<a@from.test>") == \
        "530 5.7.0 Must issue a STARTTLS command first\r\n"
    c.starttls(context(pki))
    assert c.mail().startswith("250")
    c.close()


def test_implicit(tls, pki):
    m = tls("implicit")
    c = Raw(m.port, greeting=False).wrap(context(pki))
    assert c.reply() == "220 mtq.test ESMTP mtq\r\n"
    assert "STARTTLS" not in c.ask("EHLO c.test")
    assert c.mail().startswith("250")
    assert c.ask("QUIT").startswith("221")
    assert c.ended() == b""  # with close_notify
    c = Raw(m.port, greeting=False)
    c.send(b"EHLO c.test\r\nMAIL FROM:<a@b.test>\r\n")  # no TLS at all
    assert b"220" not in c.ended() and b"250" not in c.ended()


def test_off(make, pki):
    m = make(blocks=block(pki, "good"))
    c = Raw(m.port)
    assert "STARTTLS" not in c.ask("EHLO c.test")
    assert c.ask("STARTTLS").startswith("502")


# --- certificates ------------------------------------------------------------

def test_the_name_chooses(tls, pki):
    m = tls(names=("good", "wrongname", "wildcard"))
    shown = {}
    for name in (HOST, "elsewhere.example", f"other.{DOMAIN}", "no.test",
                 None):
        ctx = context(pki, check_hostname=False)
        c = Raw(m.port).starttls(ctx, name)
        shown[name] = c.s.getpeercert(True)
        c.close()

    def der(name):
        return (pki / f"{name}.der").read_bytes()
    assert shown[HOST] == der("good")
    assert shown["elsewhere.example"] == der("wrongname")
    assert shown[f"other.{DOMAIN}"] == der("wildcard")
    assert shown["no.test"] == shown[None] == der("good")


def moving(pki, folder, name):
    for end in ("pem", "key"):
        shutil.copy(pki / f"{name}.{end}", folder / f"moving.new{end}")
        os.chmod(folder / f"moving.new{end}", 0o600)
    # the key first: for a moment they don't belong together
    for end in ("key", "pem"):
        os.replace(folder / f"moving.new{end}", folder / f"moving.{end}")


def shows(m, pki):
    c = Raw(m.port).starttls(context(pki, check_hostname=False))
    der = c.s.getpeercert(True)
    c.close()
    return der


def test_certificates_change_under_sessions(make, pki, tmp_path):
    moving(pki, tmp_path, "good")
    m = make(listen="tls = optional", blocks=block(tmp_path, "moving"))
    old = Raw(m.port).starttls(context(pki))
    waiting = Raw(m.port)  # in clear; it will secure itself later
    assert shows(m, pki) == (pki / "good.der").read_bytes()
    moving(pki, tmp_path, "rsa")
    m.wait_log("tls moving: a new certificate")
    wait_for("the new certificate",
             lambda: shows(m, pki) == (pki / "rsa.der").read_bytes())
    assert old.mail().startswith("250")
    moving(pki, tmp_path, "direct")
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    wait_for("the third certificate",
             lambda: shows(m, pki) == (pki / "direct.der").read_bytes())
    assert old.mail().startswith("250")
    waiting.starttls(context(pki))
    assert waiting.s.getpeercert(True) == (pki / "direct.der").read_bytes()
    assert waiting.mail().startswith("250")
    # a half-made change is told once, and the old one goes on
    shutil.copy(pki / "good.key", tmp_path / "moving.key")
    m.wait_log("what was read before is used")
    assert shows(m, pki) == (pki / "direct.der").read_bytes()


WRONG = [
    ("a key of another certificate", "good.pem", "rsa.key", "is not that of"),
    ("no certificate in the file", "good.key", "good.key", "can't be read"),
    ("no such file", "nothing.pem", "good.key", "No such file"),
    ("no key in the file", "good.pem", "private.pem", "can't be read"),
    ("a key for all eyes", "good.pem", "good.pem", "everybody may read"),
]


@pytest.mark.parametrize("cert,key,words", [w[1:] for w in WRONG],
                         ids=[w[0] for w in WRONG])
def test_what_check_and_start_say(make, pki, cert, key, words):
    shutil.copy(pki / "good.pem", pki / "private.pem")
    os.chmod(pki / "private.pem", 0o600)
    m = make(start=False, listen="tls = optional",
             blocks=f'tls "x" {{\n\tcert = file:{pki}/{cert}\n'
                    f"\tkey = file:{pki}/{key}\n}}")
    line = 1 + m.path.read_text()[:m.path.read_text().index(
        "\tkey" if words == "no" else "\tcert")].count("\n")
    out = m.cli("check", code=1).stderr
    assert words in out and f"{m.path}:" in out
    assert f"{m.path}:{line}:" in out or f"{m.path}:{line + 1}:" in out
    m.start(expect=None)
    assert m.process.wait(DEADLINE) == 78
    assert words in m.text() and f"{m.path}:" in m.text()


def test_check_warns_of_the_end(make, pki):
    m = make(start=False, listen="tls = optional", blocks=block(pki, "expired"))
    assert "tls expired: its certificate has expired" in m.cli("check").stderr
    m.start()
    assert "tls expired: its certificate has expired" in m.text()


WORDS = {"none": "no certificate", "client": "holds", "nouse": "holds",
         "expired": "expired", "unknown": "not signed by a CA",
         "good": "not for a client", "forged": "signature|not signed",
         "weak": "weak|not for a client"}


def test_client_certificates(make, pki):
    expected = table("client certificates")
    ports = {mode: free_port() for _, mode in expected}
    m = make(blocks=block(pki, "rsa") + "".join(f'''
listen "{mode}" {{
	address = "127.0.0.1:{port}"
	tls = optional
	client_cert = {mode}
	{"" if mode == "off" else f"client_ca = {pki}/root.crt"}
}}''' for mode, port in ports.items()))
    for (name, mode), cell in expected.items():
        mark = m.log_path.stat().st_size
        ctx = context(pki)
        if name == "weak":
            ctx.set_ciphers("ALL:@SECLEVEL=0")
        if name != "none":
            ctx.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")
        c = Raw(ports[mode]).starttls(ctx)
        assert outcome(c.mail()) == cell, (name, mode)
        wait_for("its line", lambda: "client=unknown" in m.text(mark))
        assert mode == "off" or any(
            w in m.text(mark) for w in WORDS[name].split("|")), m.text(mark)
        c.close()


# --- what is refused ---------------------------------------------------------

def openssl(port, *args, ok):
    r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}",
                        "-starttls", "smtp", "-brief", *args],
                       input=b"QUIT\r\n", capture_output=True, timeout=30)
    text = (r.stdout + r.stderr).decode()
    assert ("CONNECTION ESTABLISHED" in text) is ok, (args, text)
    return text


def test_versions_and_ciphers(tls, pki):
    m = tls(names=("rsa",))
    openssl(m.port, "-tls1_3", ok=True)
    text = openssl(m.port, "-tls1_2", ok=True)
    assert "ECDHE" in text and "GCM" in text
    for bad in (("-tls1",), ("-tls1_1",),
                ("-tls1_2", "-cipher", "AES128-GCM-SHA256"),  # no secrecy ahead
                ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256")):  # CBC
        openssl(m.port, *bad, "-cipher" if len(bad) == 1 else "-quiet",
                *(["ALL:@SECLEVEL=0"] if len(bad) == 1 else []), ok=False)
    assert m.text().count("TLS handshake with unknown[127.0.0.1] failed") == 4


def test_protocols_of_other_services(tls, pki):
    m = tls("implicit")
    for offered, ok in ((["smtp"], True), (["h2", "http/1.1"], False),
                        (["http/1.1", "smtp"], True)):
        ctx = context(pki)
        ctx.set_alpn_protocols(offered)
        c = Raw(m.port, greeting=False)
        try:
            c.wrap(ctx)
            assert c.reply().startswith("220")
            assert ok, offered
        except (ssl.SSLError, AssertionError, ConnectionError):
            assert not ok, offered


def test_renegotiation_ends_it(tls, pki):
    m = tls("optional", names=("rsa",))
    p = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{m.port}", "-starttls",
         "smtp", "-tls1_2", "-crlf"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in p.stdout:
        if b"DSN" in line:  # its handshake is done
            break
    p.stdin.write(b"R\n")
    p.stdin.flush()
    said = p.stdout.read()  # it ends by itself
    p.wait(DEADLINE)
    p.stdin.close()
    assert b"RENEGOTIATING" in said and b"renegotiation" in said, said
    assert m.send()


LINE = b"STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@evil.test>\r\n"


def test_injection_at_every_split(tls, pki, sink):
    """Nothing that was said in clear behind STARTTLS is ever obeyed, wherever
    the segments end; and the connection does not live on."""
    m = tls()
    for at in range(1, len(LINE)):
        c = Raw(m.port)
        c.ask("EHLO c.test")
        c.send(LINE[:at])
        if at >= len(b"STARTTLS\r\n") and at % 2:
            c.reply()  # the 220 has been written: what follows is no TLS
        try:
            c.send(LINE[at:])
        except ConnectionError:
            pass
        said = c.ended()
        assert b"evil" not in said and b"250" not in said, (at, said)
        c.close()
    m.send()  # it lives
    wait_for("the message", lambda: sink.messages)
    assert all(b"evil" not in x.body for x in sink.messages)


def test_starttls_in_two_pieces(tls, pki):
    m = tls()
    for at in range(1, len(b"STARTTLS\r\n")):
        c = Raw(m.port)
        c.ask("EHLO c.test")
        c.send(b"STARTTLS\r\n"[:at])
        wait_for("it is read", lambda: unread(c.s) == 0)
        c.send(b"STARTTLS\r\n"[at:])
        assert c.reply().startswith("220 2.0.0"), at
        assert c.wrap(context(pki)).mail().startswith("250")
        c.close()


def unread(s):
    """Octets that the other end has not read, by /proc/net/tcp."""
    mine, theirs = (f"0100007F:{a[1]:04X}" for a in (s.getsockname(),
                                                    s.getpeername()))
    for line in open("/proc/net/tcp"):
        f = line.split()
        if f[1] == theirs and f[2] == mine:
            return int(f[4].split(":")[1], 16)
    return 0


def test_nothing_said_before_survives(tls, pki):
    m = tls()
    c = Raw(m.port)
    c.ask("EHLO c.test")
    c.starttls(context(pki))
    assert c.ask("MAIL FROM:<a@b.test>").startswith("503")  # EHLO is forgotten
    c.ask("EHLO c.test")
    assert c.ask("RCPT TO:<a@b.test>").startswith("503")
    c = Raw(m.port)
    c.ask("EHLO c.test")
    c.ask("MAIL FROM:<a@b.test>")
    assert c.ask("STARTTLS").startswith("503")
    assert c.ask("STARTTLS now").startswith("501")
    c.ask("RSET")
    c.starttls(context(pki))
    assert c.mail().startswith("250")


BROKEN = [
    ("nothing", b""),
    ("half a hello", bytes.fromhex("16030100c8010000c40303")),
    ("garbage", b"\x00" * 100),
    ("a record of 64 KB", b"\x16\x03\x01\xff\xff" + b"x" * 70000),
    ("an alert", bytes.fromhex("15030100020228")),
    ("SMTP", b"EHLO c.test\r\n" * 10),
]


@pytest.mark.parametrize("mode", ["optional", "implicit"])
def test_broken_handshakes(tls, pki, mode):
    m = tls(mode, listen="tls_timeout = 1s")
    waiting = []
    for name, octets in BROKEN:
        c = Raw(m.port, greeting=mode == "optional")
        if mode == "optional":
            c.ask("EHLO c.test")
            c.ask("STARTTLS")
        try:
            c.send(octets)
        except ConnectionError:
            pass
        waiting.append((name, c))
    for name, c in waiting:  # all of them end by themselves
        assert b"220" not in c.ended(), name
        c.close()
    wait_for("a line each", lambda: m.text().count("TLS handshake with") >=
             len(BROKEN))
    assert m.text().count("it took too long") >= 2


def test_a_hello_in_clear(tls, pki):
    """TLS on a port where it begins with STARTTLS."""
    m = tls()
    c = Raw(m.port)
    c.send(bytes.fromhex("16030100c8010000c40303") + b"\r\n")
    assert c.reply().startswith("500 5.5.1")
    assert c.ended() == b""


def test_the_end_without_a_dot_is_no_message(tls, pki, sink):
    """An attacker who cuts the connection must not shorten a message."""
    m = tls()
    c = Raw(m.port).starttls(context(pki))
    c.ask("EHLO c.test")
    c.ask("MAIL FROM:<a@from.test>")
    c.ask("RCPT TO:<b@to.test>")
    c.ask("DATA")
    c.send(BODY)
    c.s.shutdown(socket.SHUT_WR)
    c.close()
    m.send()
    wait_for("the whole one", lambda: sink.messages)
    assert len(sink.messages) == 1


def test_good_bye_by_close_notify(tls, pki):
    """Alone, and right behind a command in the same segment."""
    m = tls()
    for words in (b"", b"NOOP\r\n"):
        c = Raw(m.port).starttls(context(pki))
        c.ask("EHLO c.test")
        if words:
            c.send(words)
        try:
            c.s.unwrap()  # waits for ours
        except ssl.SSLError as e:  # the reply is read first
            assert words and "APPLICATION_DATA" in str(e)
        c.close()


# --- octets ------------------------------------------------------------------

def test_big_messages_and_slow_readers(tls, pki, sink):
    m = tls()
    body = b"Subject: big\r\n\r\n" + (b"x" * 76 + b"\r\n") * 40000
    c = Raw(m.port).starttls(context(pki))
    assert c.mail(body).startswith("250")
    wait_for("3 MB", lambda: sink.messages, 60)
    assert sink.messages[0].body.endswith(body[16:])
    # replies that fill the socket: nothing is lost, nothing is mixed up
    c.s.settimeout(0.5)
    n = 0
    try:
        for _ in range(2000):
            c.send(b"VRFY x\r\n" * 10)
            n += 10
    except (TimeoutError, ssl.SSLError, OSError):
        pass
    c.s.settimeout(DEADLINE)
    lines = [c.f.readline() for _ in range(20)]
    assert all(x.startswith((b"252", b"421")) for x in lines if x), lines
    c.close()


def test_tiny_records(tls, pki, sink):
    m = tls("implicit")
    c = Raw(m.port, greeting=False).wrap(context(pki))
    c.reply()
    talk = (b"EHLO c.test\r\n", b"MAIL FROM:<a@from.test>\r\nRCPT TO:<b@to.test>"
            b"\r\nDATA\r\n", BODY + b".\r\n")
    for part, replies in zip(talk, (1, 3, 1)):
        for i in range(len(part)):
            c.send(part[i:i + 1])
        for _ in range(replies):
            assert c.reply()[0] in "23"
    wait_for("the message", lambda: sink.messages)


def test_deadlines_inside_tls(tls, pki):
    m = tls("optional", listen="command_timeout = 1s")
    c = Raw(m.port).starttls(context(pki))
    c.ask("EHLO c.test")
    assert b"421 4.4.2" in c.ended()
    m.wait_log("proto=ESMTPS helo=<c.test>")


def test_stop_says_so_inside_tls(tls, pki):
    m = tls("optional")
    c = Raw(m.port).starttls(context(pki))
    c.ask("EHLO c.test")
    half = Raw(m.port)  # in the middle of a handshake: it just ends
    half.ask("EHLO c.test")
    half.ask("STARTTLS")
    assert m.stop() == 0
    assert b"421 4.3.2" in c.ended()
    assert half.ended() == b""


# --- peers -------------------------------------------------------------------

def test_sessions_are_resumed(tls, pki):
    m = tls()
    ctx = context(pki)
    c = Raw(m.port).starttls(ctx)
    c.ask("EHLO c.test")  # a ticket comes with it
    ticket = c.s.session
    c.close()
    c = Raw(m.port)
    c.ask("EHLO c.test")
    c.ask("STARTTLS")
    c.s = ctx.wrap_socket(c.s, server_hostname=HOST, session=ticket)
    assert c.s.session_reused
    c.f = c.s.makefile("rb")
    assert c.mail().startswith("250")
    m.wait_log(", resumed")


@pytest.mark.parametrize("mode", ["optional", "implicit"])
def test_swaks(tls, pki, sink, mode):
    m = tls(mode)
    r = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{m.port}", "--ehlo", "c.test", "--from",
         "a@from.test", "--to", "b@to.test",
         "--tls" if mode == "optional" else "--tls-on-connect"],
        capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    wait_for("the message", lambda: sink.messages)


def test_posttls_finger(tls, pki, tmp_path):
    m = tls()
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    r = subprocess.run(
        ["posttls-finger", "-c", "-l", "verify", "-F", pki / "root.crt", "-P",
         "/none", f"[127.0.0.1]:{m.port}", HOST],
        capture_output=True, text=True, timeout=60,
        env=dict(os.environ, MAIL_CONFIG=str(tmp_path)))
    out = r.stdout + r.stderr
    assert "Verified TLS connection established" in out or \
        "Trusted TLS connection established" in out, out


def test_gnutls_cli(tls, pki):
    m = tls("implicit")
    r = subprocess.run(
        ["gnutls-cli", "--x509cafile", pki / "root.crt", "--sni-hostname", HOST,
         "--verify-hostname", HOST, "--crlf", "-p", str(m.port), "127.0.0.1"],
        input=b"QUIT\n", capture_output=True, timeout=60)
    assert b"221 2.0.0 Bye" in r.stdout, r.stdout + r.stderr
