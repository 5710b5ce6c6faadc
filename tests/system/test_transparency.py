"""What comes in goes out: thousands of messages of every shape, octet for octet, by DATA
and BDAT on both sides; signatures of the CRM stay valid, and ours are (P8)."""
import collections
import concurrent.futures
import hashlib
import random
import re
import socket

import dkim
import pytest

from dkim_tools import Key, Records, signatures, verified
from shapes import shapes
from sink import Sink
from wait import wait_for

MESSAGES = 2400
CLIENTS = 8
CANONS = [(h, b) for h in (b"simple", b"relaxed") for b in (b"simple", b"relaxed")]


class Both(Sink):
    """Every second session offers CHUNKING; what comes is kept by recipient."""

    def __init__(self):
        self.got, self.by = {}, collections.Counter()
        super().__init__(reply=self.note)

    def offers(self, h):
        return self.extensions + (("CHUNKING",) if self.sessions % 2 else ())

    def note(self, verb, arg, h):
        if verb == "RCPT":
            h.rcpt = arg
        elif verb == "DOT":
            self.take(h, arg.body, "DATA")

    def take(self, h, body, how):
        n = int(re.search(rb"<n(\d+)@", h.rcpt).group(1))
        assert n not in self.got
        self.got[n] = body
        self.by[how] += 1

    def further(self, h, verb, line):
        if verb != b"BDAT":
            return False
        words = line.split()
        h.chunks = getattr(h, "chunks", b"") + h.rfile.read(int(words[1]))
        if words[2:] == [b"LAST"]:
            self.take(h, h.chunks, "BDAT")
            h.chunks = b""
        h.wfile.write(b"250 2.0.0 Ok\r\n")
        return True


class Client:
    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.s.makefile("rb")
        self.reply(b"220")
        self.s.sendall(b"EHLO crm.test\r\n")
        self.reply(b"250")

    def reply(self, code):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        assert line.startswith(code), line

    def send(self, n, body, r):
        mail = b"MAIL FROM:<a@from.test> BODY=8BITMIME\r\nRCPT TO:<n%d@to.test>\r\n" % n
        if n % 2:
            stuffed = re.sub(rb"(?m)^\.", b"..", body)
            self.s.sendall(mail + b"DATA\r\n")
            for code in (b"250", b"250", b"354"):
                self.reply(code)
            self.s.sendall(stuffed + b".\r\n")
            self.reply(b"250")
            return
        cuts = sorted(r.randrange(len(body) + 1) for _ in range(r.randrange(3)))
        parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)])]
        out = b"".join(b"BDAT %d%s\r\n%s" % (len(p), b" LAST" * (i == len(parts) - 1), p)
                       for i, p in enumerate(parts))
        self.s.sendall(mail + out)
        for _ in range(2 + len(parts)):
            self.reply(b"250")


def sign(r, body, key, domain):
    """As a CRM would: in front, of one kind, one of the four ways; b"": this
    library can't sign such a message."""
    try:
        return dkim.sign(body, b"s", domain, key.path.read_bytes()
                         if key.kind == "rsa" else key.seed, canonicalize=r.choice(CANONS),
                         signature_algorithm=key.kind.encode() + b"-sha256",
                         include_headers=[b"from", b"to", b"subject"])
    except dkim.DKIMException:
        return b""


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    made = {"rsa": Key(folder, "rsa", "rsa"), "ed": Key(folder, "ed"),
            "crm": Key(folder, "crm", "rsa", 1024), "crm2": Key(folder, "crm2")}
    return made


def load(r, keys):
    """The messages; every second one with a signature of the CRM."""
    out = []
    for n, body in enumerate(shapes(MESSAGES, 6, [b"a@example.com", b"a@other.test",
                                                  b"a@mail.example.com"])):
        head = b""
        if n % 4 == 0:
            head = sign(r, body, keys["crm"], b"crm.test")
        elif n % 4 == 1:
            head = sign(r, body, keys["crm2"], b"crm2.test")
        body = head + body
        if n % 2 == 0 and r.random() < 0.1:  # BDAT may end in the middle of a line
            body = body[:-2]
        out.append(body)
    return out


def test_in_is_out(make, keys):
    r, sink = random.Random(7), Both()
    mail = load(r, keys)
    m = make(sink_port=sink.port, blocks=(
        keys["rsa"].block("a", "r1", "domain = example.com") +
        keys["ed"].block("b", "e1", "domain = example.com")))
    m.write(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\tmessages_per_connection = 40")

    def client(k):
        c, mine = Client(m.port), random.Random(k)
        for n in range(k, MESSAGES, CLIENTS):
            c.send(n, mail[n], mine)
        c.s.close()
    try:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(client, range(CLIENTS)))
        wait_for("all messages", lambda: len(sink.got) == MESSAGES)
    finally:
        sink.close()
    assert min(sink.by["DATA"], sink.by["BDAT"]) > MESSAGES // 10, sink.by
    look(mail, sink.got, Records({
        "r1.example.com": keys["rsa"].record, "e1.example.com": keys["ed"].record,
        "s.crm.test": keys["crm"].record, "s.crm2.test": keys["crm2"].record}))


def look(mail, got, records):
    count = collections.Counter()
    for n, body in enumerate(mail):
        ours = 2 if b"example.com>" in body or b"example.com\r\n" in body else 0
        fields = re.split(rb"\r\n(?![ \t])", got[n], maxsplit=4)
        first = [f.startswith(b"Received: ") for f in fields].index(True)
        rest = b"\r\n".join(re.split(rb"\r\n(?![ \t])", got[n], maxsplit=first + 1)[first + 1:])
        # DATA ends a line that BDAT left open.
        same = {hashlib.sha256(x).digest() for x in (body, body + b"\r\n" *
                                                     (not body.endswith(b"\r\n")))}
        assert hashlib.sha256(rest).digest() in same, f"message {n}: {body[:300]}"
        names = [s["s"] for s in signatures(got[n])]
        count.update(names)
        valid = verified(got[n], records)
        assert all(valid), f"message {n}: {names} {valid} {body[:300]}"
    print(count)
    assert min(count[s] for s in ("r1", "e1")) > MESSAGES // 4, count
    assert count["s"] > MESSAGES // 3, count
