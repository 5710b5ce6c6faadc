"""Mail that comes back to a return path of ours, by real processes."""
import os
import pathlib
import signal
import smtplib

import pytest

from conftest import data
from sink import Sink
from wait import DEADLINE, free_port, wait_for

BODY = (b"From: Ann <ann@from.test>\r\nMessage-ID: <m1@crm.test>\r\n"
        b"Subject: x\r\n\r\nhi\r\n")
SAMPLES = pathlib.Path(__file__).resolve().parents[1] / "returned"
STRANGER = ("127.0.0.2", 0)  # no `source` has it


def verp(make, sink, returns="", **conf):
    relay = (f"host = 127.0.0.1\n\tport = {sink.port}\n"
             "\treturn_path = verp")
    blocks = conf.pop("blocks", "")
    return make(relay=conf.pop("relay", relay), from_ip="127.0.0.1",
                blocks=f"returns {{\n\tdomain = returns.test\n{returns}\n}}\n"
                + blocks, **conf)


def left(m, sink, to="bob@example.com"):
    """A message leaves; its queue id and return path."""
    n = len(sink.messages)
    queue_id = m.send(BODY, to=(to,))
    wait_for("a message", lambda: len(sink.messages) > n)
    wait_for("its outcome", lambda: outcome(m, queue_id) == "delivered")
    return queue_id, sink.messages[n].sender


def outcome(m, queue_id):
    rows = m.json("history", queue_id)
    return rows[-1]["outcome"] if rows else ""


def sample(name, path):
    """tests/returned/NAME.eml as it crosses the wire."""
    text = (SAMPLES / f"{name}.eml").read_bytes().split(b"\n=====\n", 1)[1]
    return text.replace(b"\n", b"\r\n").replace(
        b"b+x@returns.example.org", path.encode())


def back(m, path, body, sender="", source=STRANGER):
    """From a host that no source has."""
    with smtplib.SMTP("127.0.0.1", m.port, "mx.example.net", DEADLINE,
                      source_address=source) as s:
        s.ehlo()
        assert s.mail(sender)[0] == 250
        code, text = s.rcpt(path)
        return (code, text) if code != 250 else data(s, body)


def events(m, *kinds):
    return [e for e in m.json("events") if e["kind"] in kinds]


def suppressed(m):
    return {r["address"]: r for r in m.json("suppress", "list")}


def test_a_bounce_is_recorded_and_the_address_suppressed(make, sink):
    m = verp(make, sink)
    queue_id, path = left(m, sink)
    code, text = back(m, path, sample("postfix", path))
    assert (code, text) == (250, b"2.0.0 Ok: recorded")
    returned, listed = events(m, "returned", "suppressed")
    assert returned["queue_id"] == listed["queue_id"] == queue_id
    assert returned["recipient"] == "bob@example.com"
    assert returned["status"] == "5.1.1" and returned["code"] == 550
    assert returned["category"] == "bad-address"
    assert returned["remote"] == "mail.example.com"
    assert "User unknown" in returned["reply"]
    assert listed["previous"] == returned["event"]
    (row,) = m.json("history", queue_id)
    assert [a["kind"] for a in row["attempts"]] == [
        "accepted", "delivered", "returned", "suppressed"]
    assert suppressed(m)["bob@example.com"]["origin"] == "bounce"
    m.wait_log(f"{queue_id}: returned=bounce, to=<bob@example.com>, "
               "from=unknown[127.0.0.2], remote=mail.example.com, dsn=5.1.1")
    # ... and the next mail to it does not leave.
    m.send(BODY, to=("Bob@example.com",))
    m.wait_log("on our suppression list")
    assert len(sink.messages) == 1


@pytest.mark.parametrize("name", ["qmail", "exim", "office365", "gmail-plain",
                                  "sendmail", "base64"])
def test_forms_of_reports(make, sink, name):
    m = verp(make, sink)
    _, path = left(m, sink)
    assert back(m, path.upper(), sample(name, path))[0] == 250
    assert events(m, "returned")[0]["category"] == "bad-address"
    assert "bob@example.com" in suppressed(m)


def test_a_complaint(make, sink):
    m = verp(make, sink)
    queue_id, path = left(m, sink)
    assert back(m, path, sample("arf", path), "fbl@isp.example")[0] == 250
    (complaint,) = events(m, "complaint")
    assert complaint["queue_id"] == queue_id
    assert complaint["recipient"] == "bob@example.com"
    row = suppressed(m)["bob@example.com"]
    assert row["origin"] == row["reason"] == "complaint"
    m.wait_log(f"{queue_id}: returned=complaint, to=<bob@example.com>")


@pytest.mark.parametrize("name", ["postfix-delayed", "postfix-success",
                                  "vacation", "read-receipt", "arf-not-spam"])
def test_what_changes_nothing_is_logged_only(make, sink, name):
    m = verp(make, sink)
    queue_id, path = left(m, sink)
    assert back(m, path, sample(name, path))[0] == 250
    m.wait_log(f"{queue_id}: returned=")
    assert not events(m, "returned", "complaint", "suppressed")
    assert not suppressed(m) and outcome(m, queue_id) == "delivered"


def test_a_report_of_another_mtq(make, sink):
    """The first sends to the second, which can't deliver and reports."""
    end = Sink(reply=lambda verb, line, _: (
        b"550 5.1.1 nobody of that name\r\n" if verb == "RCPT" else None))
    second = make(start=False, sink_port=end.port, bounce="enabled = yes")
    first = verp(make, sink, relay=f"host = 127.0.0.1\n\tport = {second.port}\n"
                 "\treturn_path = verp")
    # Mail to returns.test goes back to the first, all else to the sink.
    second.write(blocks=(
        f"relay \"back\" {{\n\thost = 127.0.0.1\n\tport = {first.port}\n}}\n"
        "route \"r\" {\n\tpriority = 1\n\tto = returns.test\n"
        "\tvia = back\n}\n"))
    second.start()
    queue_id = first.send(BODY, to=("bob@example.com", "amy@example.com"))
    wait_for("both come back", lambda: len(events(first, "returned")) == 2)
    for e in events(first, "returned"):
        assert e["queue_id"] == queue_id and e["status"] == "5.1.1"
        assert e["category"] == "bad-address"
        assert "nobody of that name" in e["reply"]
    assert set(suppressed(first)) == {"bob@example.com", "amy@example.com"}
    wait_for("nothing waits", lambda: {
        r["state"] for q in second.queue() for r in q["recipients"]}
        == {"failed"})
    first.empty()
    # Nothing answers what came back.
    assert not sink.messages and not end.messages
    assert len(events(first, "accepted")) == 1
    assert len(events(second, "accepted")) == 4
    end.close()


def test_forged_and_old_addresses(make, sink):
    m = verp(make, sink)
    _, path = left(m, sink)
    local = path.split("@")[0]
    last = "a" if local[-1] != "a" else "b"
    for wrong in (f"{local[:-1]}{last}", f"{local}a", "b+", "info",
                  "postmaster", local.replace("+", "-")):
        code, text = back(m, f"{wrong}@returns.test", b"x\r\n")
        assert code == 550 and text.startswith(b"5.1.1 "), (wrong, text)
    assert not events(m, "returned", "suppressed", "complaint")
    m.wait_log("reject: RCPT from unknown[127.0.0.2]: 550 5.1.1")


RELAY_TRICKS = ["bob@example.com", "bob%example.com@returns.test",
                "example.com!bob@returns.test", '"bob@example.com"@returns.test',
                "@returns.test:bob@example.com", "bob@[127.0.0.1]", "postmaster",
                "bob@localhost", "bob@mtq.test", "bob@example.com@returns.test",
                "{local}@sub.returns.test", "{local}%example.com@returns.test"]


@pytest.mark.parametrize("trick", RELAY_TRICKS)
def test_strangers_find_no_open_relay(make, sink, trick):
    m = verp(make, sink)
    _, path = left(m, sink)
    for sender in ("", "ann@from.test", path, "x@returns.test"):
        code, text = back(m, trick.format(local=path.split("@")[0]),
                          b"x\r\n", sender)
        assert code in (501, 550), text
    m.empty()
    assert len(sink.messages) == 1


def test_a_listener_for_what_comes_back(make, sink):
    """As docs/returns.md has it: strangers can't take the CRM's places."""
    port = free_port()
    m = verp(make, sink, "\tlistener = back", listen="max_connections = 10",
             blocks=(
        f'listen "back" {{\n\taddress = "127.0.0.1:{port}"\n'
        "\tmax_connections = 1\n}\n"))
    m.write(from_ip="127.0.0.1\n\tlistener = in")
    assert m.stop() == 0
    m.start()
    _, path = left(m, sink)
    with pytest.raises(smtplib.SMTPConnectError) as e:
        smtplib.SMTP("127.0.0.1", m.port, "mx", DEADLINE, ("127.0.0.2", 0))
    assert e.value.smtp_code == 554
    with smtplib.SMTP("127.0.0.1", port, "mx.example.net", DEADLINE) as s:
        # A source of the other listener is a stranger here.
        s.ehlo()
        assert s.mail("")[0] == 250
        assert s.rcpt("bob@example.com")[0] == 550
        assert s.rcpt(path)[0] == 250
        with pytest.raises(smtplib.SMTPConnectError) as e:
            smtplib.SMTP("127.0.0.1", port, "second", DEADLINE)
        assert e.value.smtp_code == 421
        left(m, sink, "amy@example.com")
        assert data(s, sample("postfix", path))[0] == 250
    assert len(events(m, "returned")) == 1


def test_strangers_are_refused_where_nothing_comes_back(make, sink):
    m = make(from_ip="127.0.0.1")
    with pytest.raises(smtplib.SMTPConnectError) as e:
        back(m, "x@returns.test", b"x\r\n")
    assert e.value.smtp_code == 554


def test_what_a_person_writes_is_logged(make, sink):
    """His mail was delivered, and the history goes on saying so."""
    m = verp(make, sink)
    queue_id, path = left(m, sink)
    assert back(m, path, sample("person", path), "bob@example.com")[0] == 250
    m.wait_log(f"{queue_id}: returned=other, to=<bob@example.com>")
    assert outcome(m, queue_id) == "delivered" and not suppressed(m)


def test_a_report_in_unknown_words_is_recorded(make, sink):
    m = verp(make, sink)
    queue_id, path = left(m, sink)
    assert back(m, path, sample("person", path))[0] == 250  # from <>
    (e,) = events(m, "returned")
    assert e["queue_id"] == queue_id and e["category"] == "other"
    assert e["detail"] == "not understood" and e["reply"] == "Re: Your invoice"
    assert not suppressed(m)


def test_what_a_person_writes_can_be_forwarded(make, sink):
    m = verp(make, sink, returns="\tforward = desk@from.test")
    _, path = left(m, sink)
    letter = sample("person", path) + b"x" * 900 + b"\r\n"
    code, text = back(m, path, letter, "bob@example.com")
    assert code == 250 and b"queued as" in text
    wait_for("it at the desk", lambda: len(sink.messages) == 2)
    forwarded = sink.messages[1]
    assert forwarded.recipients == ["desk@from.test"]
    assert forwarded.sender == ""  # nobody is told if it fails
    assert forwarded.content == letter
    # A report is not: it is recorded, though it was larger than a chunk.
    report = sample("postfix", path) + b"junk\r\n" * 40000
    assert back(m, path, report)[0] == 250
    assert [e["status"] for e in events(m, "returned")] == ["5.1.1"]
    m.empty()
    assert len(sink.messages) == 2


def test_reports_survive_a_kill(make, sink):
    """What got its 250 is there afterwards."""
    m = verp(make, sink)
    sent = [left(m, sink, f"u{n}@example.com") for n in range(4)]
    for n, (_, path) in enumerate(sent):
        assert back(m, path, sample("postfix", path))[0] == 250
        if n == 1:
            (pid,) = m.pids("receiver")
            os.kill(pid, signal.SIGKILL)
            wait_for("a new receiver", lambda: m.pids("receiver") not in
                     ([], [pid]))
            wait_for("it listens", lambda: listens(m))
    assert [e["queue_id"] for e in events(m, "returned")] == \
        [queue_id for queue_id, _ in sent]


def listens(m):
    try:
        with smtplib.SMTP("127.0.0.1", m.port, "x", 2):
            return True
    except (OSError, smtplib.SMTPException):
        return False
