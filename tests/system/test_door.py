"""What a source asks of its mail, by real processes: refused before the 250, told
in the log, kept with the message; a sandbox's mail never takes another relay."""
import contextlib
import signal

from conftest import data
from sink import Sink
from wait import wait_for

OURS = b"From: Ann <ann@good.test>\r\n"
LK = b"X-SFDC-LK: 00D5e000000AbCd\r\n"
SANDBOX = b"X-SFDC-App: coreapp-sandbox\r\n"
BODY = b"Subject: x\r\n\r\nhi\r\n"
CRM = """source crm {
	from_ip = 127.0.0.1
	require_header { X-SFDC-LK = 00D5e000000AbCdEAK }
	allow_from = good.test
	allow_bounce_domains = "*.bnc.test"
	type = [individual, workflow]
}
classify { priority = 1 type = mass header { Precedence = bulk } }
"""


def answers(m, body, sender="ann@good.test"):
    """The reply to MAIL when it says no, else that to the message."""
    with m.client() as s:
        s.ehlo()
        code, text = s.mail(sender)
        if code == 250:
            s.rcpt("b@to.test")
            code, text = data(s, body)
        return code, text.decode()


def test_what_a_source_asks_for(make, sink):
    m = make(from_ip="127.0.0.2", blocks=CRM)
    rows = (
        (LK + OURS + BODY, {}, 250, "verdict=accepted, source=crm, ip=ok header=ok "
         "X-SFDC-LK=ok sender=ok from=ok type=ok"),
        (LK + OURS + BODY, {"sender": "ann=a__x@y.bnc.test"}, 250, "sender=ok"),
        (LK + OURS + BODY, {"sender": ""}, 250, "sender=ok"),
        (LK + OURS + BODY, {"sender": "a@evil.test"}, 550, "5.7.1"),
        (OURS + BODY, {}, 550, "X-SFDC-LK=fail(missing)"),
        (LK + BODY, {}, 550, "header=fail(no field From)"),
        (LK + b"From: a@evil.test\r\n" + BODY, {}, 550, "from=fail(a@evil.test)"),
        (LK + OURS + b"From: a@evil.test\r\n" + BODY, {}, 550,
         "header=fail(more than one field From)"),
        (LK + OURS + b"Precedence: bulk\r\n" + BODY, {}, 550, "type=fail(mass)"),
        (LK + OURS + SANDBOX + BODY, {}, 550, "sandbox=fail"),
    )
    for body, how, code, words in rows:
        got, text = answers(m, body, **how)
        assert got == code, f"{body}: {got} {text}"
        if code == 250:
            assert "queued as" in text
        m.wait_log(words)
    wait_for("what was taken", lambda: len(sink.messages) == 3)
    m.empty()


def sandboxed(make, sink, box, **relay):
    """Everything goes to `sink`, but for a sandbox's mail."""
    more = "\n\t".join(f"{k} = {v}" for k, v in relay.items())
    blocks = f"relay box {{\n\thost = 127.0.0.1\n\tport = {box.port}\n\t{more}\n}}\n"
    return make(from_ip="127.0.0.2", bounce="enabled = yes", blocks=blocks
                + "source crm { from_ip = 127.0.0.1  sandbox_relay = box }\n")


def put(m, body, sender="ann@good.test"):
    code, text = answers(m, body, sender)
    assert code == 250, text
    return text.split("queued as ")[1].split()[0]


def test_a_sandbox_has_its_own_relay(make, sink):
    with contextlib.closing(Sink()) as box:
        m = sandboxed(make, sink, box)
        put(m, OURS + SANDBOX + BODY)
        put(m, OURS + BODY)
        wait_for("both", lambda: box.messages and sink.messages)
        m.empty()
        assert len(box.messages) == len(sink.messages) == 1
        assert b"X-SFDC-App" in box.messages[0].body
        assert b"X-SFDC-App" not in sink.messages[0].body


def test_what_is_said_about_a_sandboxs_mail_stays_there(make, sink):
    def reply(verb, argument, _):
        if verb == "RCPT" and b"b@to.test" in argument:
            return b"550 5.1.1 no such user\r\n"
        return None

    with contextlib.closing(Sink(reply=reply)) as box:
        m = sandboxed(make, sink, box)
        put(m, OURS + SANDBOX + BODY)
        wait_for("the report", lambda: box.messages)
        wait_for("no mail on its way", lambda: not any(
            r["state"] in ("waiting", "active") for q in m.queue() for r in q["recipients"]))
        assert b"multipart/report" in box.messages[0].body
        assert box.messages[0].recipients and not sink.messages


def test_a_sandbox_waits_when_its_relay_is_gone(make, sink):
    """Down, then no longer in the configuration, then there again."""
    box = Sink()
    port = box.port
    m = sandboxed(make, sink, box)
    box.close()
    put(m, OURS + SANDBOX + BODY)
    m.wait_log("status=deferred")
    with_box = m.conf["blocks"]
    m.write(blocks=with_box.replace("  sandbox_relay = box", ""))
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("reloaded")
    put(m, OURS + BODY)  # what is new goes on
    wait_for("other mail", lambda: sink.messages)
    wait_for("its outcome", lambda: len(m.queue()) == 1)
    assert len(sink.messages) == 1
    m.write(blocks=with_box)
    with contextlib.closing(Sink(port=port)) as box:
        m.process.send_signal(signal.SIGHUP)
        wait_for("the sandbox's mail", lambda: box.messages)
        m.empty()
    assert len(sink.messages) == 1
