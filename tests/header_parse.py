"""The authors that the door has checked are those that another reader finds.

    header_parse.py --build DIR [--headers N]

Headers are made of games with fields, folding, colons and addresses, then octets
of them change.  For each that the door does not call odd, Python's email package
must find one field From, and in it no address of a domain that the door has not
seen: what it checks is what people's mail programs show.
"""
import argparse
import email
import email.policy
import email.utils
import pathlib
import random
import subprocess
import sys

NAMES = [b"From", b"from", b"FROM", b"Subject", b"To", b"Sender", b"X-Foo",
         b"Reply-To", b"DKIM-Signature", b"Received", b"X-From", b"Resent-From"]
COLONS = [b":", b": ", b":\t", b" :", b"\t: ", b":\r\n ", b" "]
VALUES = [b"a@good.test", b"<a@good.test>", b"A <a@good.test>", b"x",
          b'"A, B" <a@good.test>', b"a@good.test, b@evil.test", b"b@evil.test",
          b'"a@good.test" <b@evil.test>', b"a@good.test <b@evil.test>",
          b"g: a@good.test, b@evil.test;", b"undisclosed:;", b"(c) a@good.test",
          b"a@good.test (b@evil.test)", b"<@good.test:b@evil.test>",
          b'"b@evil.test"@good.test', b'"a\\" <b@evil.test>" <a@good.test>',
          b"a@good.test\r\n ,b@evil.test", b"a@good.test\r\n\t(x)",
          b"=?utf-8?Q?b=40evil.test?= <a@good.test>", b"", b"a @ good . test",
          b"a@good.test>, <b@evil.test", b'"a@good.test', b"a@[192.0.2.1]",
          b"<a@good.test>;b@evil.test", b"a@good.test b@evil.test"]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\r\n \r\n", b"\r\n\t\r\n", b"\r\nhello\r\n",
        b"\r\n\r\n"]
OCTETS = b' \t:;,<>()@"\\.\r\n=?abFrom\x01\x7f\xc3\xa4'


def header(r):
    out = bytearray()
    names = [b"From" if r.random() < .4 else r.choice(NAMES)
             for _ in range(r.randint(1, 6))]
    if r.random() < .7:  # each once, so that more of it is looked at
        names = list({n.lower(): n for n in [b"From", *names]}.values())
        r.shuffle(names)
    for name in names:
        out += name + (b": " if r.random() < .8 else r.choice(COLONS))
        out += r.choice(VALUES) + (b"\r\n" if r.random() < .9 else r.choice(ENDS))
    for _ in range(r.choice((0, 0, 0, 1, 2, 4))):
        at = r.randrange(len(out) + 1)
        out[at:at + r.randint(0, 1)] = bytes([r.choice(OCTETS)]) if r.random() < .8 else b""
    # What is no line end by itself is refused long before the door.
    text = bytes(out).replace(b"\r\n", b"\0").replace(b"\r", b"").replace(b"\n", b"")
    return text.replace(b"\0", b"\r\n") + b"\r\nbody\r\n"


def domain(address):
    return address.rpartition("@")[2].strip("<> \t").lower()


def others(text):
    """What each reader of Python's finds: how many From, and their domains."""
    m = email.message_from_bytes(text, policy=email.policy.compat32)
    fields = m.get_all("From", [])
    found = email.utils.getaddresses([str(f) for f in fields])
    yield "getaddresses", len(fields), {domain(a) for _, a in found if "@" in a}
    try:
        m = email.message_from_bytes(text, policy=email.policy.SMTPUTF8)
        fields = m.get_all("From", [])
        found = [a.domain for f in fields for a in f.addresses]
    except Exception:  # pylint: disable=broad-except
        return  # it can't read it at all
    yield "headerregistry", len(fields), {d.lower() for d in found if d}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--headers", type=int, default=20000)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    r = random.Random(a.seed)
    headers = [header(r) for _ in range(a.headers)]
    fed = b"".join(b"%d\n%s" % (len(h), h) for h in headers)
    said = subprocess.run([pathlib.Path(a.build) / "tests/door/show"], input=fed,
                          stdout=subprocess.PIPE, check=True, timeout=120).stdout
    lines = said.decode(errors="replace").splitlines()
    assert len(lines) == len(headers), (len(lines), len(headers))
    odd = wrong = checked = 0
    for text, line in zip(headers, lines):
        word, count, *addresses = line.split(" ")
        if word == "odd" or count != "1" or not addresses:
            odd += 1
            continue
        checked += 1
        mine = {domain(x) for x in addresses}
        for name, n, theirs in others(text):
            if n == 1 and theirs <= mine:
                continue
            wrong += 1
            if wrong < 10:
                print(f"header_parse: {text!r}: the door {sorted(mine)}, "
                      f"{name} {n} {sorted(theirs)}")
    print(f"header_parse: {checked} headers read alike, {odd} refused, {wrong} wrong")
    return 1 if wrong or checked < a.headers // 20 else 0


sys.exit(main())
