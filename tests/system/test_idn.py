"""deliver = mx to domains beyond ASCII: DNS and certificates are asked for the
A-labels, SMTP keeps what the sender wrote (RFC 6531)."""

import pytest

from cells import certs
from conftest import wait_for
from sink import Sink
from sink_tls import TlsSink
from zones import Zones

DOMAIN, LABEL = "m\u00fcnchen.mtqt", "xn--mnchen-3ya"
PLACE = "127.0.0.23"
RECORDS = f"""
{LABEL} MX 10 mx.host
mx.host A {PLACE}
"""
OPTIONS = ("SMTPUTF8",)


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    with Zones(tmp_path_factory.mktemp("zones"), {"mtqt": RECORDS}) as z:
        yield z


def conf(zones, port, more=""):
    return dict(
        relay=f"deliver = mx\nport = {port}\nallow_private = yes\n{more}",
        blocks=f'dns {{ forward = "{zones.forward}"\n'
               f'trust_anchor = "{zones.anchor}" }}',
        retry="intervals = 1h\nlifetime = 1d")


def send(m, *to):
    with m.client() as s:
        s.ehlo()
        s.command_encoding = "utf-8"
        assert s.mail("a@from.test", OPTIONS)[0] == 250
        for r in to:
            code, text = s.rcpt(r)
            assert code == 250, text
        code, text = s.docmd("DATA")
        assert code == 354, text
        s.send(b"Subject: x\r\n\r\nhi\r\n.\r\n")
        assert s.getreply()[0] == 250


def test_the_a_label_is_looked_up(make, zones):
    sink = Sink(address=PLACE)
    try:
        m = make(**conf(zones, sink.port))
        send(m, f"user@{DOMAIN}", f"user@{LABEL}.mtqt",
             "user@M\u00dcNCHEN.mtqt")
        m.empty()
        # The domain as it was written: that is what the server is told.
        assert sorted(r for x in sink.messages for r in x.recipients) == \
            sorted([f"user@{DOMAIN}", f"user@{LABEL}.mtqt",
                    "user@M\u00dcNCHEN.mtqt"])
        assert all(b"SMTPUTF8" in x.mail_line for x in sink.messages)
        assert f"relay=mx.host.mtqt[{PLACE}]" in m.text()
    finally:
        sink.close()


def test_a_server_without_the_extension(make, zones):
    sink = Sink(address=PLACE, extensions=("PIPELINING", "8BITMIME"))
    try:
        m = make(**conf(zones, sink.port))
        send(m, f"user@{DOMAIN}")
        wait_for("a failure", lambda: [
            r["status"] for q in m.queue() for r in q["recipients"]] == ["5.6.7"])
        assert not sink.messages
    finally:
        sink.close()


@pytest.mark.parametrize("domain, status", [
    ("m\u00fcnchen.absent.mtqt", "5.1.2"), ("\U0001f4a9.mtqt", "5.1.2")])
def test_what_is_no_domain(make, zones, sink, domain, status):
    m = make(**conf(zones, sink.port))
    send(m, f"user@{domain}")
    wait_for("a failure", lambda: [
        r["status"] for q in m.queue() for r in q["recipients"]] == [status])


@pytest.mark.parametrize("name, sent", [(f"{LABEL}.mtqt", True),
                                        ("xn--mnchen-4ya.mtqt", False)])
def test_a_certificate_for_the_domain(make, zones, tmp_path, name, sent):
    pki = certs.make(tmp_path / "pki", name)
    sink = TlsSink(pki / "good.pem", pki / "good.key", address=PLACE)
    try:
        m = make(**conf(zones, sink.port, "tls = required-verify\n"
                        f"ca_file = {pki}/root.crt"))
        send(m, f"user@{DOMAIN}")
        if sent:
            m.empty()
            assert len(sink.messages) == 1
        else:
            wait_for("an attempt", lambda: [
                r["status"] for q in m.queue() for r in q["recipients"]
                if r["attempts"]] == ["4.7.5"])
            assert not sink.messages
    finally:
        sink.close()
