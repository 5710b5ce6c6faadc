"""The classic forms of relaying through somebody else's server (attacks.md D1),
tried from where this program runs.  One JSON line: what each was answered.

    relay_forms.py ADDRESS PORT ...
"""
import json
import socket
import sys

VICTIM = "victim@other.test"
# What a stranger says he is: it must never matter.
HELLOS = ("mtq.test", "localhost", "[127.0.0.1]", "[192.0.2.10]", "client.test")

SENDERS = {
    "a stranger": "spammer@evil.test",
    "somebody of ours": "ceo@from.test",
    "nobody": "",
    "our host": "postmaster@mtq.test",
    "localhost": "a@localhost",
    "an address of ours": "a@[192.0.2.1]",
    "in quotes": '"a@from.test"@evil.test',
}
RECIPIENTS = {
    "plain": VICTIM,
    "percent": "victim%other.test@mtq.test",
    "percent alone": "victim%other.test",
    "in quotes": '"victim@other.test"',
    "in quotes at ours": '"victim@other.test"@mtq.test',
    "percent in quotes": '"victim%other.test"',
    "a route": "@mtq.test:victim@other.test",
    "a route of two": "@mtq.test,@from.test:victim@other.test",
    "a bang path": "other.test!victim",
    "a bang path at ours": "other.test!victim@mtq.test",
    "two domains": "victim@other.test@mtq.test",
    "our address": "victim@[192.0.2.1]",
    "percent at our address": "victim%other.test@[192.0.2.1]",
    "IPv6 of ours": "victim@[IPv6:2001:db8:1::1]",
    "ours": "victim@mtq.test",
    "a return path's domain": "b+1@returns.test",
    "postmaster": "postmaster",
}
# Said before or between; what they claim must not be believed.
CLAIMS = {
    "nothing": [],
    "PROXY": ["PROXY TCP4 192.0.2.10 192.0.2.1 1234 25"],
    "XCLIENT": ["XCLIENT ADDR=192.0.2.10 LOGIN=joe"],
    "XFORWARD": ["XFORWARD ADDR=192.0.2.10 SOURCE=LOCAL"],
    "AUTH without TLS": ["AUTH PLAIN AGpvZQBzZWNyZXQ="],
    "AUTH anonymous": ["AUTH ANONYMOUS"],
    "AUTH external": ["AUTH EXTERNAL am9l"],
}


class Talk:
    def __init__(self, address, port):
        self.s = socket.create_connection((address, port), timeout=10)
        self.f = self.s.makefile("rb")

    def reply(self):
        line = b""
        while True:
            line = self.f.readline(4096)
            if not line or line[3:4] != b"-":
                return line.decode(errors="replace").strip()

    def say(self, line):
        try:
            self.s.sendall(line.encode() + b"\r\n")
            return self.reply()
        except OSError:
            return ""

    def close(self):
        self.f.close()
        self.s.close()


def attempt(address, port, hello, claim, sender, recipient):
    """The reply to RCPT and to the end of DATA; "" where it did not get to."""
    t = Talk(address, port)
    out = {"banner": t.reply(), "rcpt": "", "end": ""}
    try:
        if out["banner"][:3] != "220":
            return out
        if claim and claim[0].startswith("PROXY"):
            t.say(claim[0])
            claim = claim[1:]
        t.say(f"EHLO {hello}")
        for line in claim:
            if t.say(line)[:3] == "334":
                t.say("*")
        out["mail"] = t.say(f"MAIL FROM:<{sender}>")
        out["rcpt"] = t.say(f"RCPT TO:<{recipient}>")
        # whatever was said so far
        if t.say("DATA")[:3] == "354":
            out["end"] = t.say("From: ceo@from.test\r\nSubject: x\r\n\r\nx\r\n.")
        else:
            out["end"] = t.say("BDAT 3 LAST\r\nx\r")
        t.say("QUIT")
    finally:
        t.close()
    return out


def forms():
    for s in SENDERS:
        for r in ("plain", "percent", "a route"):
            yield "client.test", "nothing", s, r
    for r in RECIPIENTS:
        yield "client.test", "nothing", "a stranger", r
    for h in HELLOS:
        yield h, "nothing", "a stranger", "plain"
    for c in CLAIMS:
        yield "client.test", c, "somebody of ours", "plain"


def main():
    address, ports = sys.argv[1], [int(p) for p in sys.argv[2:]]
    out = []
    for port in ports:
        for hello, claim, sender, recipient in forms():
            got = attempt(address, port, hello, CLAIMS[claim], SENDERS[sender],
                          RECIPIENTS[recipient])
            got.update(port=port, form=f"{hello}, {claim}, {sender}, {recipient}")
            out.append(got)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
