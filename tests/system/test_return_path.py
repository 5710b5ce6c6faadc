"""The envelope sender that mail leaves with, by each mode of a relay."""
import re

import pytest

from wait import wait_for

CRM = "bob=to.test__0-Ab1Cd2Ef3@x-9Z8Y7.bnc.salesforce.com"
OURS = re.compile(r"b\+[a-z2-7]{48}@returns\.test\Z")
BODY = b"From: Ann <ann@from.test>\r\nSubject: x\r\n\r\nhi\r\n"


def relay(sink, mode):
    return f"host = 127.0.0.1\n\tport = {sink.port}\n\treturn_path = {mode}"


def returns(**kw):
    return dict(blocks="returns {\n\tdomain = returns.test\n}\n", **kw)


def arrived(sink, n):
    wait_for(f"{n} messages", lambda: len(sink.messages) == n)
    return sink.messages


@pytest.mark.parametrize("mode, sender, out", [
    ("keep", CRM, CRM),
    ("keep", "", ""),
    ("from", CRM, "ann@from.test"),
    ("from", "", ""),
    ('"bounce@shop.test"', "a@from.test", "bounce@shop.test"),
    ('"bounce@shop.test"', "", ""),
    ("verp", "", ""),
])
def test_a_relay_chooses_the_sender(make, sink, mode, sender, out):
    m = make(**returns(relay=relay(sink, mode)))
    m.send(BODY, sender=sender, to=("b@to.test", "c@to.test"))
    (one,) = arrived(sink, 1)
    assert one.mail_line.startswith(f"MAIL FROM:<{out}>".encode()), one.mail_line
    assert one.recipients == ["b@to.test", "c@to.test"]


def test_verp_gives_each_recipient_its_own(make, sink):
    m = make(**returns(relay=relay(sink, "verp")))
    m.send(BODY, sender=CRM, to=("b@to.test", "c@to.test"))
    messages = arrived(sink, 2)
    assert sorted(x.recipients for x in messages) \
        == [["b@to.test"], ["c@to.test"]]
    assert all(OURS.match(x.sender) for x in messages), \
        [x.sender for x in messages]
    assert messages[0].sender != messages[1].sender
    assert all(b"From: Ann <ann@from.test>\r\n" in x.body for x in messages)


def test_all_attempts_have_one_sender(make, sink):
    """Or a greylisting server would never know us again."""
    seen = []

    def greylist(verb, line, _):
        if verb == "MAIL":
            seen.append(line)
            if len(seen) < 3:
                return b"451 4.7.1 come back later\r\n"
        return None

    sink.reply = greylist
    m = make(**returns(relay=relay(sink, "verp")))
    m.send(BODY)
    arrived(sink, 1)
    assert len(seen) == 3 and len(set(seen)) == 1, seen


@pytest.mark.parametrize("from_backup", [False, True])
def test_the_key_outlives_a_restart(make, sink, tmp_path, from_backup):
    """It lies in the queue and in its backup: what left yesterday can come back
    today."""
    seen = []

    def later(verb, line, _):
        if verb == "MAIL":
            seen.append(line)
            return b"451 4.3.0 later\r\n"
        return None

    sink.reply = later
    m = make(**returns(relay=relay(sink, "verp")))
    m.send(BODY)
    wait_for("an attempt", lambda: seen)
    m.cli("backup", tmp_path / "copy.mdb")
    assert m.stop() == 0
    if from_backup:
        (m.state / "queue.mdb").write_bytes((tmp_path / "copy.mdb").read_bytes())
    sink.reply = None
    m.start()
    (one,) = arrived(sink, 1)
    assert seen[0].startswith(f"MAIL FROM:<{one.sender}>".encode()), \
        (seen[0], one.sender)


def test_where_there_is_no_from_the_sender_stays(make, sink):
    m = make(**returns(relay=relay(sink, "from")))
    queue_id = m.send(b"Subject: no author\r\n\r\nhi\r\n", sender="a@from.test")
    (one,) = arrived(sink, 1)
    assert one.sender == "a@from.test"
    m.wait_log(f"{queue_id}: relay=out: the client's envelope sender stays: "
               "header From has no address")


def test_a_report_goes_to_the_client_s_sender(make, sink):
    """Not to the address that the mail left with, and not with one of ours."""
    def refuse(verb, line, _):
        if verb == "RCPT" and b"<no@" in line:
            return b"550 5.1.1 nobody\r\n"
        return None

    sink.reply = refuse
    m = make(**returns(relay=relay(sink, "verp"), bounce="keep_failed = 1d"))
    m.send(BODY, sender="crm@from.test", to=("no@to.test",))
    (report,) = arrived(sink, 1)
    assert report.sender == "" and report.recipients == ["crm@from.test"]
