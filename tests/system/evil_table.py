"""What every row of the evil peers' tables must show, and the words of their
scripts.

A row: name, script, fate, and what else there is to say.  A fate is "sent",
"paused" (the relay is, and the message waits untried) or a recipient's state
and status ("waiting 4": any of that class); a dict has one a recipient.  Else:
took (how often the peer had all of it), empty (messages without a body),
words (in the reason), lines (of the body), and what Evil or the relay needs.
"""
import base64
import re

from conftest import wait_for
from evil import Evil
from sink import Sink

HOST = "mx.mtq.example"
USER, PASSWORD, TOKEN = "crm", "pw-c4nary-7781", "t0ken.c4nary.5512"
BODY = b"Subject: c4nary-body\r\n\r\n.dots\r\nfor row %d\r\n"
CRLF = b"\r\n"
# What a terminal, a log reader or a header would take for its own.
RUDE = (b"\x1b[2J\x1b]0;x\x07 \x00\x01\x7f\x9b\xff \xe2\x80\xae\xc2\x85 a\rb "
        b"<x@y>, status=sent (250 2.0.0 rude)")


def at(verb, *lines, nth=1, then="on"):
    """Good until `verb`, whose answer is `lines`; then on, drop or silent."""
    def script(p):
        p.upto(verb, nth)
        p.say(*lines)
        getattr(p, then)()
    return script


def split(p):
    """Everything it says comes octet by octet."""
    send = p.send
    p.send = lambda octets: [send(octets[i:i + 1]) for i in range(len(octets))]
    p.on()


def drop_at(verb, nth=1):
    return lambda p: (p.upto(verb, nth), p.drop())


def reset_at(verb):
    return lambda p: (p.upto(verb), p.reset())


def silent_at(verb, *lines):
    return at(verb, *lines, then="silent")


def huge(code, n=1 << 20):
    """n octets of continuation lines."""
    line = b"%d-" % code + b"x" * 95 + CRLF
    return line * (n // len(line)) + b"%d end" % code


def in_data(octets):
    """354, and then this instead of waiting for the message."""
    def script(p):
        p.upto("DATA")
        p.send(b"354 go\r\n" + octets)
        p.silent()
    return script


def inside(script):
    """The handshake went well: the script begins with the EHLO inside."""
    def whole(p):
        p.upto("STARTTLS")
        p.answer("STARTTLS")
        script(p)
    return whole


class Table:
    """A relay and a peer for each row; `rows` as above, `lines` of a relay."""

    def __init__(self, rows):
        self.rows = [(name, script, fate if isinstance(fate, dict)
                      else {"x": fate}, more[0] if more else {})
                     for name, script, fate, *more in rows]
        self.peers, self.blocks = [], []
        self.secret = False  # nothing of a message may be seen in clear
        names = [name for name, *_ in self.rows]
        assert len(set(names)) == len(names)

    def build(self, lines=(), contexts={}, secrets={}, **kw):
        for n, (_, script, _, more) in enumerate(self.rows):
            own = dict(kw)
            own.update({k: more[k] for k in ("offers", "inside_offers",
                                             "implicit") if k in more})
            if "context" in more:
                own["context"] = contexts.get(more["context"])
            peer = Evil(script, **own)
            self.peers.append(peer)
            text = "\n\t".join((
                f'relay "e{n}" {{', "host = 127.0.0.1", f"port = {peer.port}",
                "connect_timeout = 5s", "tls_timeout = 3s", "command_timeout = 3s",
                "data_timeout = 3s", "idle_timeout = 1s", "connections = 1",
                "breaker_failures = 1000",
                *(x for x in lines if x.split(" ")[0] not in
                  {y.split(" ")[0] for y in more.get("relay", ())}),
                *more.get("relay", ())))
            self.blocks.append(f'{text}\n}}\nroute "e{n}" {{\n\tpriority = '
                               f"{n + 1}\n\tto = e{n}.test\n\tvia = e{n}\n}}")
        text = "\n".join(self.blocks)
        for what, path in secrets.items():
            text = text.replace(f"@{what}", str(path))
        return text

    def content(self, n):
        return BODY % n + b"line of a long message\r\n" * self.rows[n][3].get(
            "lines", 0)

    def send(self, m):
        with m.client() as s:
            s.ehlo()
            for n, (_, _, fates, _) in enumerate(self.rows):
                s.sendmail("a@from.test", [f"{who}@e{n}.test" for who in fates],
                           self.content(n))

    def settled(self, m):
        """Each has left, or was put off, or its relay is paused."""
        self.left = {r["address"]: r for q in m.queue()
                     for r in q["recipients"]}
        self.paused = {r["name"] for r in m.json("relay")
                       if r["state"] == "paused"}
        return all(r["attempts"] >= 1 or a.split("@")[1][:-5] in self.paused
                   for a, r in self.left.items())

    def wrong(self, m):
        log = m.log_path.read_bytes()
        return [f"{name}: {e}" for n, (name, *_) in enumerate(self.rows)
                for e in self.check_row(n, log)]

    def check_row(self, n, log):
        name, _, fates, more = self.rows[n]
        peer = self.peers[n]
        for who, fate in fates.items():
            row = self.left.get(f"{who}@e{n}.test")
            got = ("sent" if row is None else "paused"
                   if row["attempts"] == 0 and f"e{n}" in self.paused
                   else f"{row['state']} {row['status']}")
            if not (got == fate or (" " in fate and got.startswith(fate)
                                    and fate[-1] in "45")):
                yield f"{who}: {got}, not {fate}: {row and row['reason']}"
            if row and got != "paused" and not row["reason"]:
                yield f"{who}: no reason"
            if row and more.get("words", "") not in row["reason"]:
                yield f"{who}: {row['reason']}"
            lines = log.count(b" to=<%s@e%d.test>, " % (who.encode(), n))
            if lines != 1:
                yield f"{who}: {lines} lines in the log"
        took = more.get("took", int("sent" in fates.values()))
        whole = [b for b in peer.bodies if b]
        if len(whole) != took:
            yield f"took {len(whole)} copies, not {took}"
        if len(peer.bodies) - len(whole) != more.get("empty", 0):
            yield f"took empty messages: {peer.bodies}"
        for body in whole:
            wire = self.content(n)
            if "CHUNKING" not in peer.offers:
                wire = wire.replace(b"\r\n.", b"\r\n..")
            if not body.startswith(b"Received: from ") or not body.endswith(wire):
                yield f"took another message: {body[:500]}"
        if peer.errors:
            yield f"its script: {peer.errors[0]!r}"
        clear = b"".join(peer.clear)
        if self.secret and (b"c4nary-body" in clear or b"MAIL" in clear):
            yield f"in clear: {clear[:200]}"
        for canary in CANARIES:
            if canary in clear and not more.get("insecure"):
                yield f"a credential in clear: {clear[:200]}"

    def close(self):
        for p in self.peers:
            p.stop.set()
            p.close()


def echoes(secret):
    """As a secret may stand somewhere: itself, and its base64 at each place."""
    s = secret.encode()
    yield s
    for pad in range(3):
        yield base64.b64encode(b"x" * pad + s)[4 if pad else 0:-4]


CANARIES = [c for s in (PASSWORD, TOKEN) for c in echoes(s)]
# Postfix's shape, each line (docs/smtp.md); no remote octet makes one.
LINE = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z mtq(/[a-z]+)?\[\d+\]: [^\x00-\x1f\x7f]+")


def clean(m):
    """The log and what people are shown hold no octet that is not text, no
    line that we did not write, and no credential."""
    log = m.log_path.read_bytes()
    shown = m.cli("queue", "list", "--limit", 0, "--json").stdout.encode() + \
        m.cli("queue", "list", "--limit", 0).stdout.encode()
    for line in log.split(b"\n")[:-1]:
        assert LINE.fullmatch(line), line
    for text in (log, shown):
        text.decode()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]",
                             text.decode()), "a control character"
        for canary in CANARIES:
            assert canary not in text, text[max(0, text.find(canary) - 300):][:600]


def run(make, table, lines=(), **kw):
    blocks = table.build(lines, **kw)
    good = Sink()
    try:
        m = make(blocks=blocks, sink_port=good.port, map_size="512mb",
                 retry="intervals = 1h\n\tjitter = 0%")
        workers = m.pids("worker")
        table.send(m)
        wait_for("every row", lambda: table.settled(m), 40)
        wrong = table.wrong(m)
        assert not wrong, "\n".join([f"{len(wrong)} are wrong:"] + wrong)
        m.send(b"Subject: the next one\r\n\r\n")
        wait_for("the next message", lambda: good.messages)
        assert m.pids("worker") == workers
        clean(m)
        return m
    finally:
        good.close()
        table.close()


def verified(pki):
    return ("tls = required-verify", f"tls_name = {HOST}",
            f"ca_file = {pki}/root.crt")
