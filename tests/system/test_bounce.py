"""What senders are told when mail fails, by real processes."""
import email
import email.policy
import smtplib
import threading

from sink import Sink
from wait import free_port, wait_for

TOLD = "keep_failed = 1d"


def refuse(verb, line, _):
    if verb == "RCPT" and b"<no" in line:
        return b"550-5.1.1 nobody\r\n550 5.1.1 of that name\r\n"
    return None


def reports(sink):
    return [m for m in sink.messages if m.sender == ""]


def parsed(m):
    report = email.message_from_bytes(m.body, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    words, status, original = report.iter_parts()
    groups = status.get_payload()
    return report, words.get_content(), groups[0], groups[1:], original


def test_a_sender_is_told_once_of_all_that_failed(make, sink):
    sink.reply = refuse
    m = make(bounce=TOLD)
    queue_id = m.send(b"Subject: An offer\r\nX-A: b\r\n\r\n.words\r\n",
                      sender="crm@from.test",
                      to=("no1@to.test", "yes@to.test", "no2@to.test"))
    wait_for("a report", lambda: reports(sink))
    m.wait_log("sender non-delivery notification")
    (one,) = reports(sink)
    assert one.recipients == ["crm@from.test"]
    report, words, message, groups, original = parsed(one)
    assert report["Auto-Submitted"].startswith("auto-")
    assert report["From"].endswith("<MAILER-DAEMON@mtq.test>")
    assert report["To"] == "crm@from.test"
    assert message["Reporting-MTA"] == "dns; mtq.test"
    assert sorted(g["Final-Recipient"].split(";")[1].strip() for g in groups) \
        == ["no1@to.test", "no2@to.test"]
    for g in groups:
        assert (g["Action"], g["Status"]) == ("failed", "5.1.1")
        assert "of that name" in g["Diagnostic-Code"]
    assert queue_id in words and "no1@to.test" in words and "An offer" in words
    assert original.get_content_type() == "message/rfc822"
    assert b"\r\nX-A: b\r\n\r\n.words\r\n" in one.body
    failed = [r for q in m.queue() for r in q["recipients"]]
    assert {r["state"] for r in failed} == {"failed"} and len(failed) == 2
    assert len([x for x in sink.messages if x.sender]) == 1


def test_no_report_for_a_report(make, sink):
    """The sender of the report's original can't be reached either."""
    sink.reply = refuse
    m = make(bounce=TOLD)
    m.send(sender="no-sender@from.test", to=("no@to.test",))
    wait_for("both have failed", lambda: len(
        [r for q in m.queue() for r in q["recipients"]
         if r["state"] == "failed"]) == 2)
    assert m.text().count("sender non-delivery notification") == 1
    assert not sink.messages


def test_postmaster_is_told_of_a_report_that_fails(make, sink):
    sink.reply = refuse
    m = make(bounce=f"{TOLD}\n\tpostmaster = pm@pm.test")
    m.send(sender="no-sender@from.test", to=("no@to.test",))
    wait_for("a report", lambda: reports(sink))
    (one,) = reports(sink)
    assert one.recipients == ["pm@pm.test"]
    *_, groups, original = parsed(one)
    assert groups[0]["Final-Recipient"].endswith("no-sender@from.test")


def test_two_servers_that_bounce_at_each_other_stop(make, sink):
    """Each is the other's next hop, and neither has the mailbox."""
    sink.reply = lambda verb, line, _: (
        b"550 5.1.1 no\r\n" if verb == "RCPT" else None)
    m = make(bounce=f"{TOLD}\n\tpostmaster = pm@pm.test")
    for n in range(5):
        m.send(sender=f"a{n}@from.test", to=("b@to.test",))
    # the mail, its report to the sender, that one's to postmaster: no more
    wait_for("all have failed", lambda: len(
        [r for q in m.queue() for r in q["recipients"]
         if r["state"] == "failed"]) == 15)
    assert m.text().count("sender non-delivery notification") == 10
    assert not sink.messages


def test_mail_that_expires_is_told_too(make, sink):
    def later(verb, line, _):
        return b"451 4.3.0 not now\r\n" \
            if verb == "RCPT" and b"<late" in line else None
    sink.reply = later
    m = make(bounce=TOLD,
             retry="intervals = 1s\n\tjitter = 0%\n\tlifetime = 2s")
    m.send(sender="crm@from.test", to=("late@to.test",))
    wait_for("a report", lambda: reports(sink))
    *_, groups, original = parsed(reports(sink)[0])
    assert groups[0]["Status"] == "4.4.7"
    assert "not now" in groups[0].as_string()


def test_notify_never_and_ret_are_kept(make, sink):
    sink.reply = refuse
    m = make(bounce=TOLD)
    with m.client() as s:
        s.ehlo()
        assert s.mail("crm@from.test", ["RET=HDRS", "ENVID=e+2B1"])[0] == 250
        assert s.rcpt("no1@to.test", ["NOTIFY=NEVER"])[0] == 250
        assert s.rcpt("no2@to.test", ["NOTIFY=FAILURE",
                                      "ORCPT=rfc822;old@to.test"])[0] == 250
        assert s.data(b"Subject: x\r\n\r\nsecret words\r\n")[0] == 250
    wait_for("a report", lambda: reports(sink))
    _, _, message, groups, original = parsed(reports(sink)[0])
    assert message["Original-Envelope-Id"] == "e+1"
    assert len(groups) == 1
    assert groups[0]["Original-Recipient"] == "rfc822; old@to.test"
    assert original.get_content_type() == "text/rfc822-headers"
    assert b"secret words" not in reports(sink)[0].body


def test_nothing_of_a_reply_becomes_a_field(make, sink):
    sink.reply = lambda verb, line, _: (
        b"550-5.1.1 x\x1b[31m\tSubject: evil\r\n"
        b"550 5.1.1 \xe2\x80\xaeabc <b>&\x00\r\n"
        if verb == "RCPT" and b"<no" in line else None)
    m = make(bounce=TOLD)
    m.send(sender="crm@from.test", to=("no@to.test",))
    wait_for("a report", lambda: reports(sink))
    body = reports(sink)[0].body
    report, _, _, groups, _ = parsed(reports(sink)[0])
    assert b"\x1b" not in body and b"\x00" not in body and max(body) < 127
    assert len(report.get_all("Subject")) == 1
    assert set(groups[0].keys()) <= {
        "Final-Recipient", "Action", "Status", "Remote-MTA",
        "Diagnostic-Code", "Last-Attempt-Date", "Original-Recipient"}


def test_two_servers_pointed_at_each_other(make, sink):
    """Whatever one is given goes to the other, and back."""
    a_port, b_port = free_port(), free_port()
    a = make(bounce=TOLD, port=a_port, sink_port=b_port)
    b = make(bounce=TOLD, port=b_port, sink_port=a_port)
    for n in range(3):
        a.send(sender=f"a{n}@from.test", to=(f"b{n}@to.test",))
    # one of them sees a loop, its report goes round and ends as a loop, too
    def over():
        states = [r["state"] for m in (a, b) for q in m.queue() for r in q["recipients"]]
        return len(states) == 6 and set(states) == {"failed"}
    wait_for("all have failed", over)
    logs = a.text() + b.text()
    assert logs.count("sender non-delivery notification") == 3
    for m in (a, b):
        for q in m.queue():
            m.cli("queue", "drop", q["queue_id"], "--yes")
        m.empty()
    assert not sink.messages


class Answering(Sink):
    """A mailbox that answers every message, reports too, with one of its own to
    whoever stands in From; `sender` is in the envelope of that."""

    def __init__(self, sender, most):
        super().__init__()
        self.own, self.most, self.answered, self.to = sender, most, 0, None
        self.reply = self.on

    def on(self, verb, arg, _):
        if verb == "RCPT" and b"<MAILER-DAEMON@" in arg:
            return b"550 5.1.1 nobody reads this\r\n"
        if verb == "DOT" and self.answered < self.most:
            self.answered += 1
            to = email.message_from_bytes(arg.body)["From"] or arg.sender
            threading.Thread(target=self.bounce, args=(to,), daemon=True).start()
        return None

    def bounce(self, to):
        with smtplib.SMTP("127.0.0.1", self.to, timeout=15) as s:
            s.sendmail(self.own, [email.utils.parseaddr(to)[1]],
                       "From: box@to.test\r\nSubject: Undeliverable\r\n\r\nno\r\n")


def settled(m):
    return all(r["state"] == "failed" for q in m.queue() for r in q["recipients"])


def test_a_mailbox_that_bounces_bounces(make):
    box = Answering("", most=50)
    try:
        m = make(sink_port=box.port, bounce=TOLD)
        box.to = m.port
        # the report on it goes to a mailbox that bounces whatever it gets
        m.send(b"From: box@to.test\r\n\r\nhi\r\n", sender="box@to.test",
               to=("MAILER-DAEMON@gone.test",))
        wait_for("the report was answered", lambda: box.answered == 1)
        wait_for("all have failed", lambda: len(m.queue()) == 2 and settled(m))
        assert m.text().count("sender non-delivery notification") == 1
        assert len(box.messages) == 1
    finally:
        box.close()


def test_a_mailbox_that_answers_bounces_with_mail(make):
    """Against the RFCs it gives itself a sender, so there is somebody to be told:
    the rate for one sender ends it."""
    box = Answering("box@to.test", most=500)
    try:
        m = make(sink_port=box.port, bounce=f"{TOLD}\n\trate_per_sender = 5/h")
        box.to = m.port
        m.send(b"From: box@to.test\r\n\r\nhi\r\n", sender="box@to.test",
               to=("MAILER-DAEMON@gone.test",))
        m.wait_log("rate_per_sender is reached")
        wait_for("all have failed", lambda: len(m.queue()) == 6 and settled(m))
        assert m.text().count("sender non-delivery notification") == 5
        assert len(box.messages) == box.answered == 5
    finally:
        box.close()


def test_no_more_reports_to_one_sender_than_its_rate(make, sink):
    sink.reply = refuse
    m = make(bounce=f"{TOLD}\n\trate_per_sender = 3/h")
    for n in range(10):
        m.send(sender="crm@from.test", to=(f"no{n}@to.test",))
    m.send(sender="other@from.test", to=("no@to.test",))
    wait_for("all have failed", lambda: len(
        [q for q in m.queue() if q["recipients"][0]["state"] == "failed"]) == 11)
    wait_for("reports", lambda: len(reports(sink)) == 4)
    assert sorted(m.recipients[0] for m in reports(sink)) \
        == ["crm@from.test"] * 3 + ["other@from.test"]
    assert m.text().count("rate_per_sender is reached") == 1
    assert m.text().count("sender non-delivery notification") == 4


def test_each_of_ten_thousand_dead_recipients_is_told_once(make, sink):
    sink.reply = refuse
    m = make(bounce=TOLD, relay=f"host = 127.0.0.1\n\tport = {sink.port}\n"
             "\trecipients_per_message = 100")
    for n in range(20):
        m.send(sender=f"crm{n}@from.test", to=[f"no{n}.{k}@to.test" for k in range(500)])

    def told():
        return [g["Final-Recipient"].split(";")[1].strip()
                for r in reports(sink) for g in parsed(r)[3]]
    wait_for("all are told", lambda: len(told()) >= 10000, 120)
    assert sorted(told()) == sorted(f"no{n}.{k}@to.test" for n in range(20) for k in range(500))
    assert m.text().count("sender non-delivery notification") == len(reports(sink))
    for r in reports(sink):  # each about one message, to its sender
        n = r.recipients[0].removeprefix("crm").partition("@")[0]
        assert all(f" no{n}." in g["Final-Recipient"] for g in parsed(r)[3])
