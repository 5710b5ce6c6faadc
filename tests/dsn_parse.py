"""make reports: what parsers that are not ours read in our reports.

640 reports of every kind, with what servers really say and with octets chosen
to do harm, are written by tests/dsn/render.c and read by

	Python's email			every field, part and octet
	Mail::DeliveryStatus::BounceParser	recipient, status, action
	Sisimai				recipient, status, action

The Perl modules are Debian's; they know nothing of RFC 6533, so reports with
SMTPUTF8 or with an address beyond ASCII are Python's alone.
"""
import argparse
import email
import email.header
import email.utils
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

COUNT, SEED = 640, 20261121  # 500 and more of them for all three
ACTION = ["failed", "delayed", "delivered", "relayed"]
SUBJECT = ["Undelivered mail", "Delayed mail", "Delivered mail", "Mail passed on"]
GENERAL = ["5.0.0", "4.0.0", "2.0.0", "2.0.0"]
NOW = 1795244544
SAID = {  # status, SMTP code (0: our own words), words
    0: [
        ("5.1.1", 550, "550 5.1.1 <x@y>: Recipient address rejected: User unknown "
                       "in virtual mailbox table (in reply to RCPT TO command)"),
        ("5.1.1", 550, "550-5.1.1 The email account that you tried to reach does not "
                       "exist. Please try 550-5.1.1 double-checking the recipient's "
                       "email address for typos or 550 5.1.1 unnecessary spaces. "
                       "(in reply to RCPT TO command)"),
        ("5.2.2", 552, "552 5.2.2 Mailbox is full / over quota"),
        ("5.7.1", 554, "554 5.7.1 Service unavailable; Client host [192.0.2.1] "
                       "blocked using zen.spamhaus.org"),
        ("5.7.26", 550, "550-5.7.26 This mail has been blocked because the sender is "
                        "unauthenticated. 550 5.7.26 SPF [x] with ip: [192.0.2.1]"),
        ("5.7.0", 550, "550 5.7.0 Message rejected per SPF policy"),
        ("5.3.4", 552, "552 5.3.4 Message size exceeds fixed limit"),
        ("5.6.0", 554, "554 5.6.0 Message contains invalid header"),
        ("5.0.0", 550, "550 Requested action not taken: mailbox unavailable"),
        ("5.4.1", 550, "550 5.4.1 Recipient address rejected: Access denied. "
                       "AS(201806281)"),
        ("5.1.10", 0, "the domain accepts no mail"),
        ("5.1.2", 0, "the domain does not exist"),
        ("4.4.7", 0, "the time allowed ran out (connection failed)"),
        ("4.4.7", 0, "the time allowed ran out (451 4.7.1 Greylisting in action)"),
        ("5.4.6", 0, "mail would come back to us"),
    ],
    1: [
        ("4.2.0", 450, "450 4.2.0 <x@y>: Recipient address rejected: Greylisted"),
        ("4.4.1", 0, "connection failed (timed out)"),
        ("4.7.5", 0, "certificate not verified"),
        ("4.2.2", 452, "452 4.2.2 The recipient's inbox is out of storage space."),
        ("4.7.0", 421, "421-4.7.0 unsolicited mail 421 4.7.0 try later"),
    ],
    2: [("2.0.0", 0, "delivered to the Maildir"),
        ("2.1.5", 250, "250 2.1.5 Delivered")],
    3: [("2.0.0", 250, "250 2.0.0 Ok: queued as 0M5RTX2BK7QD"),
        ("2.6.0", 250, "250 2.6.0 <x@y> [InternalId=1] Queued mail for delivery")],
}
HOSTILE = [
    b"x\r\nAction: delivered\r\nStatus: 2.0.0", b"x\n\nFinal-Recipient: rfc822; z@z.example",
    b"\x00\x01\x1b[2J\x7f", bytes(range(256)), b"\xff\xfe\xc3", b"--=_mtq_x--\r\n",
    "\u202egnp.exe \u2028 \u00fc \u4f60\u597d".encode(), b"=?utf-8?q?=0D=0ABcc:_z@z?=",
    b"==?utf-8?q?x?= ===?",
    b"(comment (", b'"quote', b"a" * 600, b"b " * 300, b" \t  lead and trail \t ", b";;;:::,,,",
    b"<z@z.example>", b"Content-Type: message/rfc822", b"From z@z Sat Nov 21", b".", b"",
]
SUBJECTS = [
    b"Your invoice", b"", b"Re: Fwd: a", "Grüße aus Köln, Straße 5".encode(),
    b"=?UTF-8?B?R3LDvMOfZQ==?= =?UTF-8?Q?aus_K=C3=B6ln?=", b"=?UTF-8?B?R3LDvMOf",
    "你好 世界 =?utf-8?q?x?= ö".encode(), b"word " * 50,
]


def clean(raw, utf8):
    """Octets as they may be shown: the rule of docs/bounces.md."""
    out, i = [], 0
    while i < len(raw):
        for n in (1, 2, 3, 4):
            try:
                c = raw[i:i + n].decode()
            except UnicodeDecodeError:
                continue
            break
        else:
            n, c = 1, "?"
        o = ord(c) if c else 63
        if (o < 0x20 or 0x7f <= o < 0xa0 or o in (0x61c, 0xfeff) or 0x200b <= o <= 0x200f
                or 0x2028 <= o <= 0x202e or 0x2060 <= o <= 0x206f):
            c = "?" * n
        elif o > 0x7f and not utf8:
            c = "?"
        out.append(c)
        i += n
    return "".join(out)


def words(raw, utf8):
    return re.sub(" +", " ", re.sub(r"=+\?", lambda m: "?" * len(m[0]), clean(raw, utf8))).strip(" ")


def unxtext(raw):
    if not re.fullmatch(rb"(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})+", raw):
        return None
    return re.sub(rb"\+(..)", lambda m: bytes([int(m[1], 16)]), raw)


def xtext(raw):
    return b"".join(bytes([c]) if 33 <= c <= 126 and c not in b"+=" else b"+%02X" % c
                    for c in raw)


def queue_id(rnd):
    return "".join(rnd.choice("0123456789BCDFGHJKLMNPQRSTVWXZ") for _ in range(12)).encode()


def make(rnd, i):
    """What shall be in report i."""
    action = 0 if i % 5 < 2 else rnd.randrange(4)
    utf8 = i % 17 == 0
    hostile = i % 3 == 0

    def text(kind):
        return rnd.choice(HOSTILE) if hostile and rnd.random() < 0.5 else kind

    d = {
        "action": action, "utf8": int(utf8), "full": rnd.randrange(2),
        "eightbit": int(rnd.random() < 0.3), "hostname": b"mx1.example.com",
        "id": queue_id(rnd), "original": queue_id(rnd),
        "to": text(rnd.choice([b"crm@example.com", b'"a  b"@example.com',
                               b"name=domain.example__tok+en@x.bnc.example.com"])),
        "envid": text(rnd.choice([b"", b"QQ314159", b"a+2Bb+20c", xtext(b"<1@x> +=")])),
        "subject": text(rnd.choice(SUBJECTS)),
        "message_id": text(rnd.choice([b"", b"<%d@crm.example.com>" % i, b"<a.b=c%[::1]@[x]>",
                                       b"<a @b>", b"<=?utf-8?q?=0D=0A?=@b>", b"<a@b>, <c@d>"])),
        "foreign": int(rnd.random() < 0.1),
        "client": text(rnd.choice([b"", b"crm.example.com", b"[192.0.2.7]"])),
        "now_us": (NOW + i) * 1000000, "arrival_us": (NOW - 60) * 1000000,
    }
    if hostile and rnd.random() < 0.5:
        d["envid"] = xtext(rnd.choice(HOSTILE)[:60])
    rcpt = []
    for k in range(rnd.choice([1] * 14 + [2, 2, 3, 5, 40])):
        status, code, said = rnd.choice(SAID[action])
        address = b"r%d.%d%s@%s.example" % (
            i, k, rnd.choice([b"", b"+tag", b"=x", b"'s", b"_a-b"]), rnd.choice([b"a", b"b-c.d"]))
        if i % 7 == 0 and k == 0:
            address = "jörg%d@bücher.example".encode() % i
        orcpt = rnd.choice([b"", b"rfc822;" + xtext(address.upper()) if i % 7 else b"",
                            b"rfc822;" + xtext(b"alias+x@example.org")])
        if hostile and rnd.random() < 0.4:
            orcpt = rnd.choice([b"rfc822;" + xtext(rnd.choice(HOSTILE)[:150]),
                                rnd.choice(HOSTILE)])
        said = said.replace("x@y", address.decode()).encode()
        if hostile and rnd.random() < 0.5:
            said = (b"%d " % code if code else b"") + rnd.choice(HOSTILE)
        rcpt.append({
            "address": address, "orcpt": orcpt, "status": status.encode(), "reply": said,
            "remote": rnd.choice([b"", b"mx.a.example[192.0.2.9]:25", b"mx.b[2001:db8::1]:25"])
            if not hostile else rnd.choice(HOSTILE + [b"mx.a.example[192.0.2.9]:25"]),
            "code": code, "last_us": (NOW + i - 1) * 1000000,
            "until_us": (NOW + 400000) * 1000000 if action == 1 else 0})
    body = b"Dear customer,\r\n\r\nFinal-Recipient: rfc822; z@z.example\r\n--=_mtq_\r\n"
    d["message"] = (
        b"Received: from crm.example.com ([192.0.2.7])\r\n\tby mx1.example.com (mtq)\r\n"
        b"From: CRM <crm@example.com>\r\nTo: you@example.net\r\nSubject: x\r\n"
        b"Message-ID: <%d@crm.example.com>\r\n\r\n" % i + body * rnd.randrange(3)
        + ("Grüße\r\n".encode() if d["eightbit"] else b"Bye\r\n"))
    d["rcpt"] = rcpt
    return d


def render(tool, plans):
    def line(k, v):
        return f"{k} {v.hex() if isinstance(v, bytes) else v}\n"

    ask = []
    for d in plans:
        ask += [line(k, v) for k, v in d.items() if k not in ("rcpt", "message")]
        for r in d["rcpt"]:
            ask += ["rcpt\n"] + [line(k, v) for k, v in r.items()]
        ask.append(f"end {d['message'].hex()}\n")
    out = subprocess.run([tool], input="".join(ask).encode(), stdout=subprocess.PIPE,
                         check=True, timeout=60).stdout
    reports = []
    while out:
        n, _, out = out.partition(b"\n")
        reports.append(out[:int(n)])
        out = out[int(n):]
    return reports


# --- Python's email -----------------------------------------------------------

def fields(block):
    """[(name, value)] unfolded, blanks at the ends gone."""
    return [(k, v.encode("ascii", "surrogateescape").decode().replace("\r\n", "").strip(" "))
            for k, v in block.raw_items()]


def date(us):
    return email.utils.formatdate(us // 1000000).replace("-0000", "+0000")


def is_host(raw, utf8=False):
    try:
        s = raw.decode("utf-8" if utf8 else "ascii")
    except UnicodeDecodeError:
        return False
    return re.fullmatch(r"\[[0-9.]+\]|[A-Za-z0-9_][\w-]*(\.[A-Za-z0-9_][\w-]*)*", s,
                        0 if utf8 else re.A) is not None and not s.endswith("-") \
        and all(len(x) < 64 for x in s.split("."))


def planned_recipient(d, r):
    utf8, out = d["utf8"], []
    kind, semi, value = r["orcpt"].partition(b";")
    plain = unxtext(value) if semi and re.fullmatch(rb"[A-Za-z0-9-]{1,63}", kind) else None
    if plain is not None:
        out.append(("Original-Recipient", f"{kind.decode()}; {clean(plain, utf8)}".strip(" ")))
    address = r["address"].decode()
    if address.isascii():
        address = "rfc822; " + address
    elif utf8:
        address = "utf-8; " + address
    else:
        address = "utf-8; " + "".join(
            c if c.isascii() and c not in "+=\\" else "\\x{%X}" % ord(c) for c in address)
    out += [("Final-Recipient", address), ("Action", ACTION[d["action"]]),
            ("Status", r["status"].decode())]
    host = r["remote"].split(b"[")[0]
    if is_host(host):
        out.append(("Remote-MTA", "dns; " + host.decode()))
    reply = r["reply"]
    if r["code"] and not reply.startswith(b"%d" % r["code"]):
        reply = b"%d " % r["code"] + reply
    if words(reply, utf8):
        out.append(("Diagnostic-Code",
                    ("smtp; " if r["code"] else "x-mtq; ") + words(reply, utf8)))
    out.append(("Last-Attempt-Date", date(r["last_us"])))
    if d["action"] == 1:
        out.append(("Will-Retry-Until", date(r["until_us"])))
    return out


def planned_message(d):
    out, envid = [], unxtext(d["envid"])
    if envid is not None:
        out.append(("Original-Envelope-Id", clean(envid, d["utf8"]).strip(" ")))
    out.append(("Reporting-MTA", "dns; mx1.example.com"))
    if is_host(d["client"], d["utf8"]):
        out.append(("Received-From-MTA", "dns; " + d["client"].decode()))
    out.append(("Arrival-Date", date(d["arrival_us"])))
    return out


def same(what, got, want):
    if got != want:
        if isinstance(got, list) and isinstance(want, list):
            got, want = [x for x in got if x not in want], [x for x in want if x not in got]
        raise AssertionError(f"{what}: got\n  {got!r}\nplanned\n  {want!r}")


def check_header(d, m):
    thread = re.fullmatch(rb"<[^@<>]+@[^@<>]+>", d["message_id"]) is not None \
        and not re.search(rb"[^!-~]|=\?|[()\\\",;]", d["message_id"])
    same("names", [k for k, _ in m.raw_items()],
         ["From", "To", "Subject", "Date", "Message-ID"] + thread * ["In-Reply-To", "References"]
         + ["Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"])
    f = dict(fields(m))
    if thread:
        same("thread", [f["In-Reply-To"], f["References"]], [d["message_id"].decode()] * 2)
    same("From", email.utils.parseaddr(f["From"]),
         ("Mail Delivery System", "MAILER-DAEMON@mx1.example.com"))
    if f["To"] != "undisclosed-recipients:;":
        same("To", f["To"], "<%s>" % d["to"].decode())
    elif re.fullmatch(rb"[\w.=+]+@[\w.]+", d["to"]):
        raise AssertionError("a sender is missing in To")
    read = f["Subject"]
    if not d["utf8"]:
        read = str(email.header.make_header(email.header.decode_header(read)))
    raw = d["subject"]
    if b"=?" not in raw:
        want = re.sub(" +", " ", clean(raw[:300], True)).strip(" ")
        same("Subject", read, SUBJECT[d["action"]] + (": " + want if want else ""))
    elif any(ord(c) < 32 for c in read) or not read.startswith(SUBJECT[d["action"]]):
        raise AssertionError(f"Subject: {read!r}")
    same("Date", f["Date"], date(d["now_us"]))
    same("report-type", m.get_param("report-type"), "delivery-status")


def check_python(d, report):
    m = email.message_from_bytes(report)
    utf8 = d["utf8"]
    check_header(d, m)
    same("parts", [p.get_content_type() for p in m.get_payload()],
         ["text/plain", "message/global-delivery-status" if utf8 else "message/delivery-status",
          (("message/global" if d["full"] else "message/global-headers") if utf8 else
           ("message/rfc822" if d["full"] else "text/rfc822-headers"))])
    human, status, original = m.get_payload()
    same("defects", [p.defects for p in m.walk() if p.defects], [])
    blocks = status.get_payload()
    if utf8:  # Python knows this type as one message only
        rest = report.split(b"\r\n--" + m.get_boundary().encode())[2]
        rest = rest.split(b"\r\n\r\n", 2)[2]
        blocks = [blocks[0]] + [email.message_from_bytes(b + b"\r\n")
                                for b in rest.split(b"\r\n\r\n") if b]
    blocks = [b for b in blocks if b.keys()]
    same("per message", fields(blocks[0]), planned_message(d))
    same("recipients", len(blocks) - 1, len(d["rcpt"]))
    for block, r in zip(blocks[1:], d["rcpt"]):
        same("per recipient", fields(block), planned_recipient(d, r))
    told = human.get_payload(decode=True).decode()
    for r in d["rcpt"]:
        if r["address"].isascii() and f"<{r['address'].decode()}>\r\n" not in told:
            raise AssertionError(f"{r['address']} is not in the words")
    mark = b"--" + m.get_boundary().encode()
    last = report.split(b"\r\n" + mark)[-2].partition(b"\r\n\r\n")[2]
    want = d["message"] if d["full"] else d["message"].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    same("original", last, want)
    ours = report[:report.rindex(want)]
    if not utf8 and not ours.isascii():
        raise AssertionError("octets beyond ASCII")
    if re.search(rb"[^\r]\n|\r[^\n]|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", ours):
        raise AssertionError("controls")
    if max(map(len, report.split(b"\r\n"))) > 998:
        raise AssertionError("a long line")


# --- the Perl modules ---------------------------------------------------------

PERL = r"""
use strict; use warnings; no warnings 'uninitialized';
use JSON::PP; use Mail::DeliveryStatus::BounceParser; use Sisimai;
my $json = JSON::PP->new->canonical->ascii;
$SIG{__WARN__} = sub {};
for my $path (@ARGV) {
	open my $in, '<:raw', $path or die "$path: $!"; local $/; my $text = <$in>;
	my (@bp, @si);
	my $b = eval { Mail::DeliveryStatus::BounceParser->new($text,
	    {report_non_bounces => 1, prefer_final_recipient => 1}) };
	my $type = $b ? $b->{type} : "died: $@";
	if ($b && $b->is_bounce) {
		@bp = map { [$_->get('email'), $_->get('Status'), $_->get('Action')] } $b->reports;
		for my $x (@bp) { for my $v (@$x) { $v =~ s/\s+\z//; $v =~ s/\A\s+//; $v = lc $v } }
	}
	my $s = Sisimai->make($path, delivered => 1) || [];
	@si = map { [$_->recipient->address, $_->deliverystatus, $_->action] } @$s;
	print $json->encode({bp => \@bp, type => $type, si => \@si}), "\n";
}
"""


def read_perl(folder, paths):
    run = subprocess.run(["perl", "-e", PERL, *map(str, paths)], stdout=subprocess.PIPE,
                         timeout=300, cwd=folder, check=True)
    return [json.loads(x) for x in run.stdout.decode().splitlines()]


def check_perl(d, read):
    want = sorted([r["address"].decode().lower(), r["status"].decode(), ACTION[d["action"]]]
                  for r in d["rcpt"])
    if d["action"] == 0:
        same("BounceParser", sorted(read["bp"]), want)
    else:  # it takes only failures for bounces, and tells what else it is
        same("BounceParser", read["type"], "delivery-status " + ACTION[d["action"]])
    # Sisimai's rule: a status among the words counts more than the field.
    for w, r in zip(want, sorted(d["rcpt"], key=lambda r: r["address"].decode().lower())):
        said = re.search(rb"\b[45]\.\d\.\d+\b", r["reply"])
        w[1] = said[0].decode() if said else w[1]
    same("Sisimai", sorted(read["si"]), want)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--build", default="build")
    ap.add_argument("--keep", help="folder for the reports")
    a = ap.parse_args()
    rnd = random.Random(SEED)
    plans = [make(rnd, i) for i in range(COUNT)]
    reports = render(f"{a.build}/tests/dsn/render", plans)
    same("reports", len(reports), COUNT)
    wrong, perl = 0, []
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(a.keep or tmp)
        folder.mkdir(exist_ok=True)
        for i, (d, report) in enumerate(zip(plans, reports)):
            path = folder / f"{i:03}.eml"
            path.write_bytes(report.replace(b"\r\n", b"\n"))
            if not d["utf8"] and all(r["address"].isascii() for r in d["rcpt"]):
                perl.append((i, path))
            try:
                check_python(d, report)
            except Exception as e:  # a parser that gives up is a failure, too
                wrong += 1
                print(f"report {i}: Python: {type(e).__name__}: {e}", file=sys.stderr)
        for (i, _), read in zip(perl, read_perl(folder, [p for _, p in perl])):
            try:
                check_perl(plans[i], read)
            except AssertionError as e:
                wrong += 1
                print(f"report {i}: {e}", file=sys.stderr)
    if len(perl) < 500:
        wrong += 1
        print("fewer than 500 reports for the Perl modules", file=sys.stderr)
    print(f"{COUNT} reports, {sum(len(d['rcpt']) for d in plans)} recipients: Python's email "
          f"read all, BounceParser and Sisimai {len(perl)}; {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
