"""A reply that speaks of the provider's limit, not of the mail: the relay is
closed, the mail stays and goes another way, no attempt is counted."""
import pytest

from conftest import wait_for
from sink import Sink

SES = b"454 Throttling failure: Daily message quota exceeded.\r\n"
FAST = b"454 Throttling failure: Maximum sending rate exceeded.\r\n"
DAY = (b"550-5.4.5 Daily user sending quota exceeded. For more\r\n"
       b"550 5.4.5 information, visit our pages - gsmtp\r\n")
OWN = b"554 5.7.0 no more than 300 a day for this customer\r\n"

BLOCKS = """
relay "other" {
	host = 127.0.0.1
	port = %d
}
route "all" {
	priority = 1
	via = [out, other]
}
"""


def relay(sink, more):
    return f"host = 127.0.0.1\n\tport = {sink.port}\n\t{more}"


@pytest.fixture
def other():
    s = Sink()
    yield s
    s.close()


def state(m, name="out"):
    return next(r for r in m.json("relay") if r["name"] == name)


def recipients(m):
    return [r for q in m.queue() for r in q["recipients"]]


@pytest.mark.parametrize("stage", ["CONNECT", "HELO", "MAIL", "RCPT", "DATA",
                                   "DOT"])
@pytest.mark.parametrize("name, more, reply", [
    ("4xx", "provider = ses  tls = off", SES),
    ("5xx in two lines", "provider = google  tls = off", DAY),
    ("5xx of its own", 'quota_replies = ["554 *300 a day*"]', OWN)])
def test_a_limit_closes_the_relay(make, sink, stage, name, more, reply):
    """At every stage the mail stays, whatever class the reply has."""
    also = "EHLO" if stage == "HELO" else stage
    sink.reply = lambda v, arg, h: reply if v in (stage, also) else None
    m = make(relay=relay(sink, more))
    ids = [m.send(to=("b@to.test", "c@to.test")) for _ in range(3)]
    wait_for("a closed relay", lambda: state(m)["state"] == "closed")
    wait_for("everything back", lambda: all(
        r["state"] == "waiting" for r in recipients(m)))
    row = state(m)
    assert reply.split(b" ")[2].decode() in row["why"]
    assert row["opens_at"]
    assert len(m.queue()) == 3 and len(recipients(m)) == 6
    for r in recipients(m):
        assert r["attempts"] == 0, r
        assert r["state"] == "waiting", r
    assert "status=bounced" not in m.text()
    assert all(f"{i}: removed" not in m.text() for i in ids)
    # The administrator knows better: it opens, and the mail goes.
    sink.reply = None
    m.cli("relay", "resume", "out")
    m.empty()
    assert sorted(r for x in sink.messages for r in x.recipients) == sorted(
        ["b@to.test", "c@to.test"] * 3)


@pytest.mark.parametrize("stage", ["RCPT", "DOT"])
def test_another_relay_takes_over(make, sink, other, stage):
    sink.reply = lambda v, arg, h: DAY if v == stage else None
    m = make(relay=relay(sink, "provider = google  tls = off"),
             blocks=BLOCKS % other.port)
    for _ in range(5):
        m.send()
    m.empty()
    assert len(other.messages) == 5 and not sink.messages
    assert state(m)["state"] == "closed"
    assert state(m, "other")["state"] == "open"
    asked = sink.sessions
    for _ in range(5):
        m.send()
    m.empty()
    assert len(other.messages) == 10
    assert sink.sessions == asked  # nobody knocks at a closed relay


def test_it_stays_closed_over_a_restart(make, sink):
    sink.reply = lambda v, arg, h: SES if v == "DOT" else None
    m = make(relay=relay(sink, "provider = ses  tls = off"))
    m.send()
    wait_for("a closed relay", lambda: state(m)["state"] == "closed")
    before = state(m)
    assert m.stop() == 0
    sink.reply = None
    asked = sink.sessions
    m.start()
    m.send()
    assert state(m)["state"] == "closed"
    assert state(m)["opens_at"] == before["opens_at"]
    assert sink.sessions == asked
    m.cli("relay", "resume", "out")
    m.empty()
    assert len(sink.messages) == 2


def test_it_opens_by_itself_when_the_provider_said_when(make, sink):
    """Too many messages, for 2 s: that is patience, not a closure."""
    told = []

    def reply(verb, arg, h):
        if verb == "MAIL" and len(told) < 1:
            told.append(verb)
            return b"550 Too many messages. Try again in 2 seconds.\r\n"
    sink.reply = reply
    m = make()
    m.send()
    m.wait_log("asks for patience")
    assert recipients(m)[0]["attempts"] == 0
    m.empty()
    assert len(sink.messages) == 1
    assert "status=bounced" not in m.text()


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
def test_too_fast_slows_down(make, sink, stage):
    """The mail goes later through the same relay; no attempt is counted."""
    told = []

    def reply(verb, arg, h):
        if verb == stage and len(told) < 3:
            told.append(verb)
            return FAST
    sink.reply = reply
    m = make(relay=relay(sink, "provider = ses  tls = off"))
    for _ in range(6):
        m.send()
    m.wait_log("asks for patience")
    assert state(m)["state"] == "open"
    assert all(r["attempts"] == 0 for r in recipients(m))
    m.empty()
    assert len(sink.messages) == 6
    assert "status=bounced" not in m.text()


def test_a_full_mailbox_is_no_limit(make, sink):
    def reply(verb, arg, h):
        if verb == "RCPT" and b"full@" in arg:
            return b"452 4.2.2 mailbox full, daily limit exceeded\r\n"
    sink.reply = reply
    m = make(relay=relay(sink, 'quota_replies = "452 *daily limit*"'),
             retry="intervals = 1h")
    m.send(to=("full@to.test", "b@to.test"))
    wait_for("an outcome", lambda: sink.messages)
    wait_for("one left", lambda: len(recipients(m)) == 1)
    assert recipients(m)[0]["attempts"] == 1
    assert state(m)["state"] == "open"


def test_one_recipient_of_a_message_runs_into_it(make, sink):
    """Who was taken has the mail, once; the others wait."""
    def reply(verb, arg, h):
        if verb == "RCPT" and b"late@" in arg:
            return DAY
    sink.reply = reply
    m = make(relay=relay(sink, "provider = google  tls = off"))
    m.send(to=("b@to.test", "late@to.test"))
    wait_for("an outcome", lambda: sink.messages)
    wait_for("one left", lambda: len(recipients(m)) == 1)
    assert recipients(m)[0]["address"] == "late@to.test"
    wait_for("a closed relay", lambda: state(m)["state"] == "closed")
    assert recipients(m)[0]["attempts"] == 0
    sink.reply = None
    m.cli("relay", "resume", "out")
    m.empty()
    assert [x.recipients for x in sink.messages] == [["b@to.test"],
                                                     ["late@to.test"]]
