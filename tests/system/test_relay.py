"""Through to the next hop: what arrives is what was sent, and every way an
attempt can end is one a person can read."""
import random
import subprocess
import time

import pytest

from conftest import data, wait_for


def odd_messages():
    """Shapes that real mail has and that a careless server changes."""
    r = random.Random(7)
    yield b"Subject: plain\r\n\r\nhello\r\n"
    yield b"\r\n"
    yield b""
    yield b"Subject: header only\r\n"
    yield b"no header at all\r\n\r\nbody\r\n"
    yield b"Subject: dots\r\n\r\n.\r\n..\r\n...a\r\n. x\r\n.\r\n"
    yield b"Subject: long\r\n\r\n" + b"x" * 998 + b"\r\n"
    yield b"Subject: long dot\r\n\r\n." + b"x" * 997 + b"\r\n"
    yield b"Subject: eight bit\r\n\r\n" + bytes(range(128, 256)) + b"\r\n"
    yield b"Subject: controls\r\n\r\n" + bytes(
        c for c in range(1, 32) if c not in (10, 13)) + b"\x7f\r\n"
    yield b"Subject: blank lines\r\n\r\n" + b"\r\n" * 500
    yield b"Subject: white space\r\n\r\n \t \r\n\t\r\n   x   \r\n"
    yield b"Subject: folded\r\n and folded\r\n\tagain\r\n\r\nx\r\n"
    yield b"X: " + b"y" * 900 + b"\r\n" + b"X: z\r\n" * 300 + b"\r\nx\r\n"
    yield (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n"
           b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n.\r\n"
           b"--b--\r\n")
    yield b"Subject: chunk border\r\n\r\n" + (b"." * 60 + b"\r\n") * 3000
    for n in (65300, 65400, 65511, 65512, 65513, 131024):
        line = b"a" * 70 + b"\r\n"
        yield (b"S: b\r\n\r\n" + line * (n // 72))[:n - 2].rstrip(b"\r\n") + b"\r\n"
    for i in range(190):
        lines = []
        for _ in range(r.randrange(1, 60)):
            line = bytes(r.choice(b".. \tabc=?-\xc3\xa9\xff")
                         for _ in range(r.randrange(0, 120)))
            lines.append(line)
        yield b"Subject: r%d\r\n\r\n" % i + b"\r\n".join(lines) + b"\r\n"


def test_odd_messages_arrive_octet_for_octet(make, sink):
    m = make()
    sent = list(odd_messages())
    assert len(sent) >= 200
    with m.client() as s:
        s.ehlo()
        for body in sent:
            s.mail("a@from.test", ["BODY=8BITMIME"])
            s.rcpt("b@to.test")
            code, text = data(s, body)
            assert code == 250, (text, body[:80])
    m.empty()
    assert sorted(x.content for x in sink.messages) == sorted(sent)


def test_a_message_of_5_mb_and_one_by_bdat(make, sink):
    m = make()
    big = b"Subject: big\r\n\r\n" + (b"0123456789" * 7 + b"\r\n") * 70000
    m.send(big)
    with m.client() as s:
        s.ehlo()
        s.mail("a@from.test")
        s.rcpt("b@to.test")
        piece = b"Subject: bdat\r\n\r\n" + b"x\r\n" * 30000
        half = len(piece) // 2
        s.send(b"BDAT %d\r\n" % half + piece[:half])
        assert s.getreply()[0] == 250
        s.send(b"BDAT %d LAST\r\n" % (len(piece) - half) + piece[half:])
        assert s.getreply()[0] == 250
    m.empty()
    assert sorted(x.content for x in sink.messages) == sorted([big, piece])


def test_recipients_of_a_message_travel_together(make, sink):
    m = make()
    to = [f"r{i}@to.test" for i in range(50)]
    m.send(to=to)
    m.empty()
    assert [sorted(x.recipients) for x in sink.messages] == [sorted(to)]


def test_recipients_per_message_splits_them(make, sink):
    m = make(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n"
                   "\trecipients_per_message = 20")
    m.send(to=[f"r{i}@to.test" for i in range(50)])
    m.empty()
    assert sorted(len(x.recipients) for x in sink.messages) == [10, 20, 20]


def test_trace_field_names_client_host_and_queue_id(make, sink):
    m = make()
    qid = m.send()
    m.empty()
    head = sink.messages[0].body.split(b"Subject:")[0].decode()
    assert "client.test" in head and "127.0.0.1" in head
    assert "mtq.test" in head and qid in head
    assert f"{qid}: to=<b@to.test>, relay=127.0.0.1" in m.text()
    assert "status=sent (250 2.0.0 Ok: sunk)" in m.text()
    assert f"{qid}: removed" in m.text()


def test_each_recipient_has_its_own_fate(make, sink):
    def reply(verb, arg, h):
        if verb == "RCPT" and b"<no@" in arg:
            return b"550 5.1.1 no such user\r\n"
        if verb == "RCPT" and b"<later@" in arg:
            return b"450 4.2.1 mailbox busy\r\n"
    sink.reply = reply
    m = make(retry="intervals = 1h\n\tjitter = 0%")
    qid = m.send(to=("yes@to.test", "no@to.test", "later@to.test"))
    wait_for("three outcomes", lambda: m.text().count(f"{qid}: to=<") == 3)
    rows = {r["address"]: r for q in m.queue() for r in q["recipients"]}
    assert set(rows) == {"no@to.test", "later@to.test"}
    assert rows["no@to.test"]["state"] == "failed"
    assert rows["no@to.test"]["status"] == "5.1.1"
    assert "no such user" in rows["no@to.test"]["reason"]
    assert rows["later@to.test"]["state"] == "waiting"
    assert rows["later@to.test"]["attempts"] == 1
    assert "mailbox busy" in rows["later@to.test"]["reason"]
    assert sink.messages[0].recipients == ["yes@to.test"]


def test_retry_until_the_lifetime_ends_then_failed_and_shown(make, sink):
    tries = []

    def reply(verb, arg, h):
        if verb == "MAIL":
            tries.append(time.time())
            return b"451 4.3.0 not now\r\n"
    sink.reply = reply
    m = make(retry="intervals = [1s, 1s]\n\tjitter = 0%\n\tlifetime = 3s")
    m.send()
    wait_for("failure", lambda: any(r["state"] == "failed" for q in m.queue()
                                    for r in q["recipients"]))
    row = m.queue()[0]["recipients"][0]
    assert row["status"] == "4.4.7" and "not now" in row["reason"]
    assert 3 <= len(tries) <= 4
    gaps = [b - a for a, b in zip(tries, tries[1:])]
    # the last try comes when the lifetime ends, so perhaps sooner
    assert all(0.9 < g < 2 for g in gaps[:2]), gaps


@pytest.mark.parametrize("verb, answer, state", [
    ("CONNECT", b"", "waiting"),
    ("CONNECT", b"421 4.3.2 too busy\r\n", "waiting"),
    ("CONNECT", b"554 5.7.1 go away\r\n", "waiting"),
    ("CONNECT", b"HTTP/1.1 200 OK\r\n", "waiting"),
    ("EHLO", b"", "waiting"),
    ("MAIL", b"421 4.3.2 closing\r\n", "waiting"),
    ("MAIL", b"553 5.1.8 bad sender\r\n", "failed"),
    ("DATA", b"451 4.3.0 no disk\r\n", "waiting"),
    ("DATA", b"250 what\r\n", "waiting"),
    ("DOT", b"", "waiting"),
    ("DOT", b"452 4.3.1 full\r\n", "waiting"),
    ("DOT", b"554 5.6.0 spam\r\n", "failed"),
    ("DOT", b"354 again?\r\n", "waiting"),
], ids=str)
def test_what_the_peer_may_do(make, sink, verb, answer, state):
    sink.reply = lambda v, arg, h: answer if v == verb else None
    m = make(retry="intervals = 1h")
    qid = m.send()
    wait_for("an outcome", lambda: f"{qid}: to=<b@to.test>" in m.text())
    row = wait_for("the record", lambda: [
        r for q in m.queue() for r in q["recipients"] if r["state"] == state])[0]
    assert row["reason"] and row["status"][0] == ("5" if state == "failed" else "4")


def test_a_relay_that_is_down_then_up(make, sink):
    port = sink.port
    sink.close()
    m = make(relay=f"host = 127.0.0.1\n\tport = {port}\n\tbreaker_open_for = 1s")
    ids = [m.send() for _ in range(20)]
    wait_for("a deferral", lambda: "status=deferred" in m.text())
    assert len(m.queue()) == 20
    from sink import Sink
    again = Sink(port)
    try:
        m.empty()
        assert len(again.messages) == 20
        assert all(f"{i}: removed" in m.text() for i in ids)
    finally:
        again.close()


def test_connections_are_reused_and_never_more_than_allowed(make, sink):
    m = make(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n"
                   "\tconnections = 3\n\tmessages_per_connection = 10")
    with m.client() as s:
        s.ehlo()
        for i in range(100):
            s.mail("a@from.test")
            s.rcpt("b@to.test")
            assert data(s, b"Subject: %d\r\n\r\nx\r\n" % i)[0] == 250
    m.empty()
    assert len(sink.messages) == 100
    assert sink.most_open <= 3
    assert sink.sessions >= 10
    assert all(n <= 10 for n in sink.per_session)


def test_host_by_name_through_the_resolver(make, sink):
    m = make(relay=f"host = localhost\n\tport = {sink.port}\n\tlookup = host")
    m.send()
    m.empty()
    assert "relay=localhost[127.0.0.1]" in m.text()


def test_maildir_keeps_one_file_a_message(make, sink, tmp_path):
    m = make(relay=f"deliver = maildir\n\tdir = {tmp_path}/box")
    m.send(b"Subject: in a box\r\n\r\n.dot\r\n", to=("x@to.test", "y@to.test"))
    m.empty()
    files = list((tmp_path / "box/new").iterdir())
    assert len(files) == 1 and not list((tmp_path / "box/tmp").iterdir())
    text = files[0].read_text()
    assert "Return-Path: <a@from.test>" in text
    assert "Delivered-To: x@to.test" in text and "Delivered-To: y@to.test" in text
    assert text.endswith("Subject: in a box\n\n.dot\n")


def test_a_maildir_that_cannot_be_made_stops_nobody_else(make, sink, tmp_path):
    (tmp_path / "file").write_text("")
    m = make(blocks=f"""relay "box" {{ deliver = maildir
dir = {tmp_path}/file/box }}
route "r" {{ priority = 1
to = [box.test]
via = [box] }}""")
    m.send(to=("x@box.test",))
    m.send(to=("y@to.test",))
    wait_for("the other one", lambda: sink.messages)
    wait_for("words", lambda: [r for q in m.queue() for r in q["recipients"]
                               if "Not a directory" in (r["reason"] or "")])


def test_swaks_hands_over_an_attachment(make, sink, tmp_path):
    m = make()
    blob = tmp_path / "a.bin"
    blob.write_bytes(bytes(range(256)) * 8000)
    r = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{m.port}", "--from", "crm@from.test",
         "--to", "a@to.test,b@to.test", "--header", "Subject: Grüße",
         "--attach", f"@{blob}", "--body", "see there"],
        capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stdout[-2000:]
    m.empty()
    assert len(sink.messages) == 1
    assert sorted(sink.messages[0].recipients) == ["a@to.test", "b@to.test"]


def test_smtputf8_goes_to_a_peer_that_takes_it(make, sink):
    m = make()
    with m.client() as s:
        s.ehlo()
        s.send("MAIL FROM:<jö@from.test> SMTPUTF8\r\n".encode())
        assert s.getreply()[0] == 250
        s.send("RCPT TO:<bü@to.test>\r\n".encode())
        assert s.getreply()[0] == 250
        assert data(s, b"Subject: x\r\n\r\n")[0] == 250
    m.empty()
    assert b"SMTPUTF8" in sink.messages[0].mail_line
    assert sink.messages[0].recipients == ["bü@to.test"]


def test_smtputf8_fails_at_a_peer_that_does_not_take_it(make, sink):
    sink.extensions = ("PIPELINING", "8BITMIME")
    m = make()
    with m.client() as s:
        s.ehlo()
        s.send("MAIL FROM:<jö@from.test> SMTPUTF8\r\n".encode())
        assert s.getreply()[0] == 250
        s.rcpt("b@to.test")
        assert data(s, b"Subject: x\r\n\r\n")[0] == 250
    wait_for("failure", lambda: any(r["status"] == "5.6.7" for q in m.queue()
                                    for r in q["recipients"]))
    assert not sink.messages
