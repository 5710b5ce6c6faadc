"""The door: what is refused, with which words, and that nothing of it stays."""
import socket
import time

import pytest

from conftest import DEADLINE, data, wait_for


def talk(port, *pieces, source="127.0.0.1"):
    """Sends pieces one after the other, each after a reply; returns all text."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE,
                                  (source, 0)) as s:
        s.settimeout(DEADLINE)
        got = s.recv(4096)
        try:
            for p in pieces:
                s.sendall(p)
                more = s.recv(65536)
                got += more
                if not more:
                    break
            s.shutdown(socket.SHUT_WR)
            while more := s.recv(65536):
                got += more
        except (ConnectionError, OSError) as e:
            assert not isinstance(e, TimeoutError), got  # it may hang up
        return got.decode()


HEAD = (b"EHLO c.test\r\n", b"MAIL FROM:<a@f.test>\r\n", b"RCPT TO:<b@t.test>\r\n",
        b"DATA\r\n")


@pytest.mark.parametrize("end", [
    b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r",
    b"\0\r\n.\r\n", b"\r\n\0.\r\n", b"\r\0\n.\r\n", b"\r\n.\0\r\n",
    b"\r\n.\r\0\n", b"\r\r\n.\r\n"], ids=repr)
def test_smuggling_is_refused_and_nothing_stays(make, sink, end):
    m = make()
    smuggled = (b"Subject: outer\r\n\r\nx" + end +
                b"MAIL FROM:<evil@f.test>\r\nRCPT TO:<c@t.test>\r\nDATA\r\n"
                b"Subject: inner\r\n\r\ny\r\n.\r\n")
    text = talk(m.port, *HEAD, smuggled)
    assert "queued as" not in text
    assert "5.5.2" in text
    assert not m.queue() and not sink.messages


def test_announces_what_it_does(make):
    m = make(listen="max_message_size = 1mb")
    with m.client() as s:
        s.ehlo()
        assert set(s.esmtp_features) == {
            "pipelining", "size", "8bitmime", "smtputf8", "chunking",
            "enhancedstatuscodes", "dsn"}
        assert s.esmtp_features["size"] == str(1 << 20)


def test_size_declared_and_size_real(make):
    m = make(listen="max_message_size = 100kb")
    with m.client() as s:
        s.ehlo()
        code, text = s.mail("a@f.test", ["SIZE=200000"])
        assert code == 552 and b"5.3.4" in text
        s.mail("a@f.test")
        s.rcpt("b@t.test")
        code, text = data(s, b"x: y\r\n\r\n" + (b"z" * 70 + b"\r\n") * 3000)
        assert code == 552 and b"5.3.4" in text
        assert s.noop()[0] == 250
    assert not m.queue()


def test_too_many_recipients(make):
    m = make(listen="max_recipients = 100")
    with m.client() as s:
        s.ehlo()
        s.mail("a@f.test")
        codes = [s.rcpt(f"r{i}@t.test") for i in range(105)]
        assert [c for c, _ in codes] == [250] * 100 + [452] * 5
        assert b"4.5.3" in codes[-1][1]


def test_a_line_too_long(make):
    m = make()
    with m.client() as s:
        s.ehlo()
        s.mail("a@f.test")
        s.rcpt("b@t.test")
        code, text = data(s, b"S: x\r\n\r\n" + b"y" * 999 + b"\r\n")
        assert code == 550 and b"5.6.0" in text
    assert not m.queue()


def test_too_many_received_fields_is_a_loop(make):
    m = make(listen="max_received = 10")
    with m.client() as s:
        s.ehlo()
        s.mail("a@f.test")
        s.rcpt("b@t.test")
        code, text = data(s, b"Received: x\r\n" * 11 + b"\r\nx\r\n")
        assert code == 554 and b"5.4.6" in text


def test_connections_in_all_and_per_address(make):
    m = make(listen="max_connections = 4\n\tmax_connections_per_address = 2")

    def one(source):
        s = socket.create_connection(("127.0.0.1", m.port), DEADLINE, (source, 0))
        s.settimeout(DEADLINE)
        return s, s.recv(512)
    held = []
    try:
        for source, want in (("127.0.0.1", b"220"), ("127.0.0.1", b"220"),
                             ("127.0.0.1", b"421 4.7.0"), ("127.0.0.2", b"220"),
                             ("127.0.0.3", b"220"), ("127.0.0.4", b"421 4.7.0")):
            s, text = one(source)
            held.append(s)
            assert text.startswith(want), (source, text)
    finally:
        for s in held:
            s.close()
    wait_for("room again", lambda: talk(m.port, b"QUIT\r\n").startswith("220"))


def test_a_silent_client_is_told_and_dropped(make):
    m = make(listen="command_timeout = 1s\n\tdata_timeout = 1s")
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", m.port), DEADLINE) as s:
        s.settimeout(DEADLINE)
        text = b""
        while True:
            more = s.recv(4096)
            if not more:
                break
            text += more
    assert b"421 4.4.2" in text
    assert 0.8 < time.monotonic() - begun < 4


def test_a_slow_command_does_not_stretch_its_deadline(make):
    """One octet every 100 ms: the deadline is the command's, not the read's."""
    m = make(listen="command_timeout = 1s")
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", m.port), DEADLINE) as s:
        s.settimeout(0.1)
        s.recv(512)
        text = b""
        try:
            for _ in range(100):
                s.send(b"N")
                try:
                    more = s.recv(512)
                except TimeoutError:
                    continue
                text += more
                if not more:
                    break
        except OSError:
            pass
    assert time.monotonic() - begun < 4


def test_a_client_no_source_knows(make):
    m = make(from_ip="127.0.0.2/32")
    assert talk(m.port).startswith("554 5.7.1")
    assert talk(m.port, b"QUIT\r\n", source="127.0.0.2").startswith("220")
    assert "reject: " in m.text()


def test_errors_and_idle_commands_are_bounded(make):
    m = make(listen="max_errors = 3\n\tmax_idle_commands = 10")
    text = talk(m.port, *[b"BLAH\r\n"] * 6)
    assert "421 4.7.0" in text
    text = talk(m.port, b"EHLO c.test\r\n", *[b"NOOP\r\n"] * 15)
    assert "421 4.7.0" in text


def test_http_is_cut_off(make):
    m = make()
    text = talk(m.port, b"POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@b.c>\r\n")
    assert "250" not in text


def test_speaking_before_the_greeting(make):
    """Octets that are there before our 220 (A4)."""
    m = make()
    with socket.socket() as s:
        s.settimeout(DEADLINE)
        s.connect(("127.0.0.1", m.port))
        s.sendall(b"EHLO c.test\r\nMAIL FROM:<a@f.test>\r\nRCPT TO:<b@t.test>\r\n"
                  b"DATA\r\nx\r\n.\r\n")
        text = b""
        try:
            while True:
                more = s.recv(4096)
                if not more:
                    break
                text += more
        except ConnectionResetError:
            pass
    assert b"queued as" not in text


def test_an_abandoned_message_leaves_nothing(make):
    m = make()
    with m.client() as s:
        s.ehlo()
        s.mail("a@f.test")
        s.rcpt("b@t.test")
        s.docmd("DATA")
        s.send((b"z" * 70 + b"\r\n") * 20000)
    wait_for("no remains", lambda: "partials" not in str(m.json("status"))
             or m.json("status")[0].get("partials", 0) == 0)
    assert not m.queue()


def test_a_full_map_puts_off_new_mail_and_drains(make, sink):
    """452 4.3.1 above the high-water mark; what is there still goes out."""
    gate = {"open": False}
    sink.reply = lambda v, a, h: (b"451 4.3.0 later\r\n"
                                  if v == "MAIL" and not gate["open"] else None)
    m = make(map_size="4mb", queue="high_water = 60%")
    big = b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 4000
    taken = 0
    with m.client() as s:
        s.ehlo()
        for _ in range(60):
            code, text = s.mail("a@f.test")
            if code == 452:
                assert b"4.3.1" in text
                break
            s.rcpt("b@t.test")
            code, text = data(s, big)
            if code == 452:
                assert b"4.3.1" in text
                break
            assert code == 250, text
            taken += 1
        else:
            raise AssertionError("never full")
    assert taken >= 3
    gate["open"] = True
    m.cli("queue", "retry", "--all", code=None)  # 1: some are under way
    m.empty(30)
    assert len(sink.messages) == taken

    def room():
        with m.client() as s:
            s.ehlo()
            return s.mail("a@f.test")[0] == 250
    wait_for("room again", room)


def test_not_an_open_relay(make, sink):
    """No source, no relaying: classic forms from a stranger's address."""
    m = make(from_ip="127.0.0.2/32")
    for to in ("<b@t.test>", "<\"b@t.test\">", "<b%t.test@mtq.test>",
               "<@mtq.test:b@t.test>", "<t.test!b@mtq.test>", "<b@[127.0.0.1]>"):
        text = talk(m.port, b"EHLO mtq.test\r\n", b"MAIL FROM:<>\r\n",
                    b"RCPT TO:" + to.encode() + b"\r\n", source="127.0.0.5")
        assert "\n250 2.1.5" not in text and text.startswith("554")
    assert not m.queue()
