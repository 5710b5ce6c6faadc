"""What senders are told of mail that waits, and of mail that arrived."""
import email
import email.policy
import os
import signal

import pytest

from sink import Sink
from wait import wait_for

from test_bounce import parsed, reports

SOON = "delay_after = 1s\n\tkeep_failed = 1d\n\tdelays_per_sender = \"\""
TWO = """\
relay "home" {{ host = 127.0.0.1
 port = {port} }}
route "back" {{ priority = 1
 to = from.test
 via = home }}
route "rest" {{ priority = 2
 via = out }}
"""


def later(verb, line, _):
    if verb == "RCPT" and b"<late" in line:
        return b"451 4.2.1 not now\r\n"
    return None


def send(m, *rcpts, sender="crm@from.test", body=b"Subject: x\r\n\r\nsecret\r\n", **kw):
    """rcpts: (address, parameters)."""
    with m.client() as s:
        s.ehlo()
        assert s.mail(sender, kw.get("options", ()))[0] == 250
        for to, *more in rcpts:
            assert s.rcpt(to, more)[0] == 250
        assert s.data(body)[0] == 250


def test_a_sender_is_told_once_that_mail_waits(make, sink):
    sink.reply = later
    m = make(bounce=SOON)
    send(m, ("late1@to.test",), ("late2@to.test",), ("late3@to.test", "NOTIFY=FAILURE"),
         ("late4@to.test", "NOTIFY=NEVER"), ("late5@to.test", "NOTIFY=DELAY"),
         body=b"Subject: An offer\r\nMessage-ID: <1@from.test>\r\n\r\nsecret\r\n")
    send(m, ("late6@to.test",), sender="")
    wait_for("a report", lambda: reports(sink))
    m.wait_log("sender delay notification")
    wait_for("three attempts more", lambda: m.text().count("to=<late6@to.test>") > 5)
    told = []
    for one in reports(sink):
        assert one.recipients == ["crm@from.test"]
        report, words, _, groups, original = parsed(one)
        assert report["Subject"] == "Delayed mail: An offer"
        assert report["In-Reply-To"] == report["References"] == "<1@from.test>"
        assert "has not reached" in words and "We try until" in words
        assert original.get_content_type() == "text/rfc822-headers"
        assert b"secret" not in one.body
        for g in groups:
            assert (g["Action"], g["Status"]) == ("delayed", "4.2.1")
            until = email.utils.parsedate_to_datetime(g["Will-Retry-Until"])
            assert until > email.utils.parsedate_to_datetime(g["Last-Attempt-Date"])
            told.append(g["Final-Recipient"].split(";")[1].strip())
    assert sorted(told) == ["late1@to.test", "late2@to.test", "late5@to.test"]
    sink.reply = None
    m.empty()
    assert len([x for x in sink.messages if x.sender]) >= 1
    assert m.text().count("non-delivery") == 0


def test_mail_that_nobody_tries_is_told_of_too(make, sink):
    """Its relay is paused: there is no attempt, and still a report."""
    home = Sink()
    try:
        m = make(bounce=SOON, blocks=TWO.format(port=home.port))
        m.cli("relay", "pause", "out")
        send(m, ("a@to.test",), ("b@to.test",))
        wait_for("a report", lambda: home.messages)
        (one,) = home.messages
        _, words, _, groups, _ = parsed(one)
        assert [g["Action"] for g in groups] == ["delayed"] * 2
        assert "paused" in " ".join(words.split()) and "out" in words
        assert not sink.messages
        m.cli("relay", "resume", "out")
        m.empty()
        assert len(home.messages) == 1 and len(sink.messages) >= 1
    finally:
        home.close()


def test_a_start_does_not_tell_again(make, sink):
    sink.reply = later
    m = make(bounce=SOON)
    send(m, ("late@to.test",))
    wait_for("a report", lambda: reports(sink))
    m.wait_log("status=sent")  # else the same report may come once more
    for _ in range(2):
        os.kill(m.process.pid, signal.SIGKILL)
        m.process.wait(10)
        wait_for("the roles are gone", lambda: not m.pids(""))
        m.start()
        wait_for("attempts", lambda: m.text().count("status=deferred") > 1)
    assert len(reports(sink)) == 1


def test_notify_success_is_ours_where_nobody_else_tells(make, sink):
    deaf = Sink(extensions=("PIPELINING", "8BITMIME"))
    try:
        m = make(bounce=SOON, blocks=TWO.format(port=sink.port)
                 .replace("via = out", "via = deaf") + f"""\
relay "deaf" {{ host = 127.0.0.1
 port = {deaf.port} }}
""")
        send(m, ("a@to.test", "NOTIFY=SUCCESS,FAILURE"), ("b@to.test", "NOTIFY=SUCCESS"),
             ("c@to.test", "NOTIFY=FAILURE"), ("d@to.test",), options=["ENVID=q1"])
        wait_for("a report", lambda: reports(sink))
        m.empty()
        (one,) = reports(sink)
        assert one.recipients == ["crm@from.test"]
        _, words, message, groups, original = parsed(one)
        assert message["Original-Envelope-Id"] == "q1"
        assert {g["Final-Recipient"].split(";")[1].strip(): g["Action"] for g in groups} \
            == {"a@to.test": "relayed", "b@to.test": "relayed"}
        assert "passed on" in words
        assert original.get_content_type() == "text/rfc822-headers"
    finally:
        deaf.close()


def test_a_next_hop_that_reports_is_asked_to(make, sink):
    m = make(bounce=SOON)
    send(m, ("a@to.test", "NOTIFY=SUCCESS"))
    m.empty()
    assert len(sink.messages) == 1 and not reports(sink)


@pytest.mark.parametrize("notify, told", [("SUCCESS", True), ("FAILURE", False)])
def test_delivered_into_a_maildir(make, sink, tmp_path, notify, told):
    m = make(bounce=SOON, blocks=TWO.format(port=sink.port).replace("via = out", "via = box")
             + f'relay "box" {{ deliver = maildir  dir = {tmp_path}/box }}\n')
    send(m, ("a@to.test", f"NOTIFY={notify}"))
    wait_for("it is there", lambda: list(tmp_path.glob("box/new/*")))
    m.empty()
    assert len(reports(sink)) == told
    if told:
        *_, groups, _ = parsed(reports(sink)[0])
        assert groups[0]["Action"] == "delivered"
        assert groups[0]["Status"] == "2.0.0"


def test_with_verp_the_client_s_sender_is_told(make, sink):
    """Mail leaves with an address of ours; reports about it don't go there."""
    def reply(verb, line, _):
        if verb == "RCPT" and b"<no" in line:
            return b"550 5.1.1 no such user\r\n"
        return later(verb, line, None)
    sink.reply = reply
    m = make(bounce=SOON, blocks="returns {\n\tdomain = returns.test\n}\n",
             relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\treturn_path = verp")
    send(m, ("no@to.test",), ("late@to.test",), ("a@to.test", "NOTIFY=SUCCESS"))

    def told():
        return sorted(g["Action"] for r in reports(sink) for g in parsed(r)[3])
    wait_for("three reports", lambda: told() == ["delayed", "failed", "relayed"])
    assert {r.recipients[0] for r in reports(sink)} == {"crm@from.test"}
    (mail,) = [x for x in sink.messages if x.sender]
    assert mail.sender.endswith("@returns.test") and mail.recipients == ["a@to.test"]
