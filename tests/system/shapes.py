"""Messages as they come from the world, and stranger ones: shapes(n, seed)."""
import base64
import quopri
import random

CHUNK = 65512  # octets of a chunk of the queue
CHARSETS = ["us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "koi8-r",
            "shift_jis", "iso-2022-jp", "gb2312", "big5", "euc-kr", "windows-1251", "utf-16le"]
WORDS = {"koi8-r": "Привет мир", "windows-1251": "Привет мир", "shift_jis": "こんにちは",
         "iso-2022-jp": "こんにちは", "gb2312": "你好世界", "big5": "你好", "euc-kr": "안녕하세요",
         "utf-8": "Grüße ✓ 𝄞", "utf-16le": "Grüße", "us-ascii": "Hello"}
KINDS = ["mixed", "alternative", "related", "signed", "report", "digest", "parallel",
         "form-data", "encrypted"]
# Fields that are odd and allowed.
FIELDS = [
    b"X-Empty:", b"X-Blank: ", b"X-Tab:\t\tx\t", b"X-Trailing: x   \t ", b"x-lower:x",
    b"X-NoBlank:value:with:colons", b"X-Two:  a  \t b", b"X-Folded: a\r\n\tb\r\n   c",
    b"X-Fold-First:\r\n a", b"X-Fold-Blanks: a \t\r\n \t b", b"X-Long: " + b"x" * 990,
    b"X-Comment: (a (nested) comment) x", b"X-Quoted: \"a \\\" b\"",
    b"X-Word: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?B?Z3L832U=?=",
    "X-Raw: Grüße \u202e".encode(), b"X-Latin: gr\xfc\xdfe", b"X-High: \x80\xff\xfe",
    b"X-Control: a\x01b\x7f", b"X-Dot: .", b".X-Dot-Name: x",
    b"Received: from a.test by b.test;\r\n\tMon, 1 Jan 2024 00:00:00 +0000",
    b"Return-Path: <x@y.test>", b"Delivered-To: x@y.test", b"Bcc: hidden@y.test",
    b"Comments: one", b"Comments: two", b"Keywords: a, b",
    b"Resent-From: r@y.test", b"Resent-Date: Mon, 1 Jan 2024 00:00:00 +0000",
    b"List-Unsubscribe: <https://x.test/u?a=1&b=2>,\r\n <mailto:u@x.test>",
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click", b"Precedence: bulk",
    b"X-SFDC-LK: 00D000000000062", b"X-SFDC-User: 005000000000001",
    b"Auto-Submitted: auto-generated", b"Content-Language: de",
    b"References: " + b"\r\n ".join(b"<%d@x.test>" % i for i in range(40)),
]


def text_part(r, charset):
    words = WORDS.get(charset, "grüße")
    text = "\r\n".join(words * r.randrange(1, 9) for _ in range(r.randrange(12)))
    raw = text.encode(charset, "replace")
    how = "base64" if b"\0" in raw else r.choice(["8bit", "quoted-printable", "base64"])
    if how == "base64":
        raw = base64.encodebytes(raw).replace(b"\n", b"\r\n")
    elif how == "quoted-printable":
        raw = quopri.encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    kind = r.choice(["plain", "html", "calendar"])
    return (f"Content-Type: text/{kind}; charset={charset}\r\n"
            f"Content-Transfer-Encoding: {how}\r\n").encode(), raw


def blob_part(r):
    data = base64.encodebytes(r.randbytes(r.choice([0, 1, 57, 1000, 40000])))
    name = r.choice(["a.pdf", '"x y.png"', "=?utf-8?Q?=C3=A4.doc?=", "*0*=utf-8''%C3%A4"])
    return (f"Content-Type: application/octet-stream; name={name}\r\n"
            "Content-Transfer-Encoding: base64\r\n"
            "Content-Disposition: attachment\r\n").encode(), data.replace(b"\n", b"\r\n")


def mime(r, depth):
    """(header, body) of a part, nested up to `depth`."""
    if depth == 0 or r.random() < 0.3:
        return text_part(r, r.choice(CHARSETS)) if r.random() < 0.7 else blob_part(r)
    if r.random() < 0.2:
        head, body = mime(r, depth - 1)
        return (b"Content-Type: message/rfc822\r\n",
                b"From: inner@x.test\r\nSubject: inner\r\n" + head + b"\r\n" + body)
    mark = r.choice([b"=_b%d", b"----=_NextPart_%d", b"(%d)'+_,-./:=?", b"%d"]) % r.randrange(10**9)
    body = r.choice([b"", b"This is a multi-part message.\r\n"])
    for _ in range(r.randrange(1, 4)):
        head, inner = mime(r, depth - 1)
        body += b"--" + mark + b"\r\n" + head + b"\r\n" + inner + b"\r\n"
    body += b"--" + mark + b"--" + r.choice([b"", b"\r\n", b"\r\nepilogue\r\n", b"  \r\n\r\n\r\n"])
    return (b"MIME-Version: 1.0\r\nContent-Type: multipart/" + r.choice(KINDS).encode() +
            b";\r\n\tboundary=\"" + mark + b'"\r\n'), body


def octets(r, n):
    return bytes(r.choice(range(1, 256)) for _ in range(n)).translate(None, b"\r\n")


def plain(r):
    """A body that is no MIME."""
    kind = r.randrange(14)
    if kind == 0:
        return b""
    if kind == 1:
        return b"\r\n" * r.randrange(1, 50)
    if kind == 2:
        return b"".join(b"." * r.randrange(5) + b"\r\n" for _ in range(20))
    if kind == 3:
        return b"".join(octets(r, r.randrange(200)) + b"\r\n" for _ in range(30))
    if kind == 4:
        return b"".join(b"x" * n + b"\r\n" for n in (1, 76, 77, 996, 997, 998))
    if kind == 5:
        return b"".join(r.choice([b" ", b"\t", b"a ", b" a", b"a  \t b", b""]) + b"\r\n"
                        for _ in range(40))
    if kind == 6:
        return b"From here\r\n>From there\r\n.\tdot\r\n..\r\n" + b"-- \r\nsignature\r\n"
    if kind == 7:  # around the border of a chunk
        n = CHUNK - 700 + r.randrange(1400)
        return (b"0123456789" * 7 + b".\r\n") * (n // 73) + b"." * (n % 73) + b"\r\n"
    if kind == 8:
        return (b"x \r\n\r\n.\r\n" * 20000)[:r.randrange(1, 200000) // 9 * 9]
    if kind == 9:
        return b"begin 644 a\r\n" + b"M" + b"A" * 60 + b"\r\n`\r\nend\r\n"
    if kind == 10:
        return "".join(chr(r.randrange(0x80, 0x2fff)) for _ in range(300)).encode() + b"\r\n"
    if kind == 11:
        return b"a\r\n \r\n\t\r\n" + b"\r\n" * r.randrange(3)
    if kind == 12:
        return b"x" * r.randrange(1, 995) + b" \t \r\n"
    return b"Hello\r\n"


def shape(r, i, sender):
    """A whole message; it ends with CRLF."""
    head = [b"From: " + r.choice([b"%s", b"\"A, B\" <%s>", b"<%s>", b"A (c) <%s>",
                                  b"=?utf-8?Q?=C3=84?=\r\n\t<%s>"]) % sender]
    if r.random() < 0.9:
        head.append(b"To:" + r.choice([b" ", b"", b"\r\n "]) + b"x@y.test, z@y.test")
    if r.random() < 0.9:
        head.append(b"Subject: " + r.choice([b"test %d", b" two  blanks %d ", b"a\r\n\tb %d",
                                             b"=?utf-8?B?w6Q=?= %d"]) % i)
    if r.random() < 0.9:
        head.append(b"Date: Mon, 1 Jan 2024 00:00:%02d +0000" % (i % 60))
    if r.random() < 0.9:
        head.append(b"Message-ID: <%d@x.test>" % i)
    head += r.sample(FIELDS, r.randrange(8))
    r.shuffle(head)
    if r.random() < 0.5:
        fields, body = mime(r, r.randrange(4))
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        return b"\r\n".join(head) + b"\r\n" + fields + b"\r\n" + body
    header = b"\r\n".join(head) + b"\r\n"
    if r.random() < 0.03:
        return header  # and no body, nor the line before it
    return header + b"\r\n" + plain(r)


def shapes(n, seed, senders):
    r = random.Random(seed)
    return [shape(r, i, r.choice(senders)) for i in range(n)]
