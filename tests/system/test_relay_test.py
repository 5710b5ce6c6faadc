"""mtq relay test: each way to a relay, walked against peers that are good, bad
or broken; mtqd does not run."""
import os
import socket
import subprocess

import pytest

from conftest import BUILD, wait_for
from sink_tls import TlsSink
from ways import CANARY, HOST, TOKEN, world  # noqa: F401


def walk(w, *words, code=0):
    """Steps by name; of those that came twice the last."""
    r = w.m.cli("relay", "test", *words, code=code)
    j = w.m.json("relay", "test", *words, code=code)
    for text in (r.stdout + r.stderr, str(j)):
        assert CANARY not in text and TOKEN not in text
        assert "\x1b" not in text and "\x07" not in text
    assert j[0]["step"] == "relay" and j[-1]["step"] == "verdict"
    assert j[-1]["ok"] == (code == 0)
    for s in j:
        assert set(s) >= {"step", "ok", "ms", "said"}
    return {s["step"]: s for s in j}, [s["step"] for s in j], r.stdout


def mode(steps, tls, dane="no"):
    return next(m for m in steps["modes"]["modes"]
                if (m["tls"], m["dane"]) == (tls, dane))


def passing(steps, dane="no"):
    return [m["tls"] for m in steps["modes"]["modes"]
            if m["dane"] == dane and m["pass"]]


# --- ways that mail would go -------------------------------------------------


def test_the_whole_way_by_dane_with_a_credential(world):
    steps, names, text = walk(world, "dane", "--to", "b@to.test")
    assert names == ["relay", "secret", "ca", "dns", "tcp", "banner", "ehlo",
                     "starttls", "tls", "modes", "ehlo", "auth", "mail", "rcpt",
                     "rset", "quit", "verdict"]
    target, = steps["dns"]["targets"]
    assert (target["host"], target["secure"], target["tlsa"]) == \
        (HOST, True, "usable")
    assert target["tlsa_records"][0].startswith("3 1 1 ")
    assert steps["tls"]["version"] == "TLS1.3"
    assert steps["tls"]["cipher"].startswith("TLS_AES_")
    assert steps["tls"]["resumed"] is False
    assert steps["tls"]["by_dane"].startswith("verified")
    assert [c["subject"] for c in steps["tls"]["chain"]] == \
        [f"CN={HOST}", "CN=mtq test intermediate"]
    assert steps["tls"]["chain"][0]["until"].startswith("2045-01-01")
    assert steps["auth"]["mechanism"] == "PLAIN"
    assert steps["auth"]["code"] == 235
    assert all(isinstance(s["ms"], (float, type(None))) for s in steps.values())
    sink = world.sinks["dane"]
    assert len(sink.seen) == 2  # walk() goes twice
    assert sink.tried() == [("PLAIN", "crm", True)] * 2
    assert all(line.split()[0].upper() in (b"EHLO", b"STARTTLS")
               for line in sink.in_clear())
    assert not sink.messages
    assert "* required-verify" in text and "would pass" in text


def test_a_real_message_says_that_it_is_a_test(world):
    sink = world.sinks["good"]
    del sink.messages[:]
    steps, names, _ = walk(world, "good", "--to", "<b@to.test>", "--send",
                           "--from", "crm@from.test")
    assert names[-5:] == ["rcpt", "data", "message", "quit", "verdict"]
    m = sink.messages[-1]
    assert (m.sender, m.recipients) == ("crm@from.test", ["b@to.test"])
    assert b"X-MTQ-Trace: relay-test\r\n" in m.body
    assert b"Subject: mtq relay test of good\r\n" in m.body
    assert len(sink.messages) == 2


def test_without_a_recipient_nobody_is_asked_for(world):
    steps, names, _ = walk(world, "good")
    assert steps["mail"]["ok"] is None and "rcpt" not in names


def test_the_sender_is_postmaster_or_whom_one_names(world):
    steps, _, _ = walk(world, "plain", "--to", "b@to.test")
    assert steps["mail"]["command"] == "MAIL FROM:<postmaster@mtq.test>"
    steps, _, _ = walk(world, "plain", "--to", "b@to.test", "--from", "<>")
    assert steps["mail"]["command"] == "MAIL FROM:<>"


GOES = [  # relay, words of the verdict
    ("plain", "without TLS: the host offers none"),
    ("off", "without TLS: it is off"),
    ("good", "a known CA signed it"),
    ("implicit", "a known CA signed it"),
    ("shaky", "the handshake fails"),
    ("stored", "a known CA signed it"),
    ("oauth", "AUTH XOAUTH2 as crm"),
    ("insecure", "AUTH PLAIN as crm"),
    ("unusable", "the certificate is not checked"),
    ("alias", "the certificate is not checked"),
    ("cert", "a known CA signed it"),
    ("noehlo", "without TLS"),
    ("dirty", "without TLS"),
]


@pytest.mark.parametrize("relay, words", GOES, ids=[g[0] for g in GOES])
def test_mail_would_go(world, relay, words):
    steps, _, text = walk(world, relay)
    assert words in steps["verdict"]["said"]
    assert words in text.splitlines()[-1]


# --- ways that it would not ---------------------------------------------------


STOPS = [  # relay, the step that fails, words of the verdict
    ("plainmust", "modes", "4.7.4 TLS is required and not offered"),
    ("expired", "modes", "expired"),
    ("wrongname", "modes", "for another name"),
    ("mismatch", "modes", "no TLSA record matches"),
    ("badtlsa", "modes", "4.7.5 TLSA lookup failed"),
    ("require", "modes", "4.7.5 DANE is required, TLSA is missing"),
    ("shakymust", "tls", "4.7.5 TLS handshake failed"),
    ("early", "tls", "octets before the TLS handshake"),
    ("wrongpw", "auth", "535 5.7.8 not you"),
    ("nomech", "auth", "AUTH: "),
    ("nosecret", "secret", "No such file"),
    ("opensecret", "secret", "everybody may read"),
    ("bogus", "dns", "4.4.3 host lookup failed"),
    ("broken", "dns", "4.4.3 host lookup failed"),
    ("missing", "dns", "4.4.4 the host has no address"),
    ("strictly", "dns", ""),
    ("gone", "tcp", "Connection refused"),
    ("silent", "banner", "timed out, waiting for the greeting"),
    ("refuses", "banner", "554 5.3.2 go ?[31maway"),
    ("norcpt", "rcpt", "550 5.1.1 no ?]0;such? mailbox"),
    ("shut", "mail", "421 4.3.2 closing"),
    ("drops", "mail", "closed the connection"),
    ("certbad", "tls", "expired"),
]


@pytest.mark.parametrize("relay, step, words", STOPS, ids=[s[0] for s in STOPS])
def test_mail_would_not_go(world, relay, step, words):
    steps, _, text = walk(world, relay, "--to", "b@to.test", code=1)
    assert steps[step]["ok"] is False, steps[step]
    assert words in steps["verdict"]["said"]
    assert "FAIL" in text and "mail would not go" in text.splitlines()[-1]


def test_no_credential_goes_where_the_certificate_is_bad(world):
    for name in ("expired", "wrongname"):
        walk(world, name, "--to", "b@to.test", code=1)
        sink = world.sinks[name]
        assert not sink.tried() and not sink.messages
        for s in sink.seen:  # what is offered inside was looked at
            assert s.verbs(s.inside) in ([], ["EHLO", "QUIT"])


def test_no_certificate_of_ours_goes_to_who_has_not_proved_himself(world):
    walk(world, "certbad", code=1)
    sink = world.sinks["certbad"]
    assert not any(s.subject or s.handshakes for s in sink.seen)
    walk(world, "cert")
    assert world.sinks["cert"].seen[-1].subject == HOST


def test_a_wrong_password_is_tried_once_whatever_else_there_is(world):
    sink = world.sinks["two"]
    del sink.seen[:]
    r = world.m.cli("relay", "test", "two", "--all", code=1)
    assert sink.tried() == [("PLAIN", "nobody", False)]
    assert r.stdout.count(" tcp ") == 1


def test_the_second_password_of_a_rotation(world):
    sink = world.sinks["rotate"]
    steps, _, _ = walk(world, "rotate", code=1)
    assert "--second" in steps["verdict"]["said"]
    steps, _, _ = walk(world, "rotate", "--second")
    assert steps["auth"]["code"] == 235
    assert [good for _, _, good in sink.tried()] == [False] * 2 + [True] * 2
    assert world.m.cli("relay", "test", "good", "--second", code=64).stderr


def test_a_certificate_that_ends_soon_is_pointed_out(make, pki):
    """Of two weeks; conftest's us.pem has nine days."""
    sink = TlsSink(pki / "us.pem", pki / "us.key")
    m = make(start=False, sink_port=sink.port)
    assert "it ends within 14 days" in m.cli("relay", "test", "out").stdout
    sink.close()
    sink = TlsSink(pki / "good.pem", pki / "good.key")
    m.write(relay=f"host = 127.0.0.1\n\tport = {sink.port}")
    assert "14 days" not in m.cli("relay", "test", "out").stdout
    sink.close()


def test_an_ipv6_address(make):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as gone:
        port = gone.getsockname()[1]
    m = make(start=False, relay=f'host = "[::1]"\n\tport = {port}')
    last = m.cli("relay", "test", "out", code=1).stdout.splitlines()[-1]
    assert f"[::1]:{port}: Connection refused" in last


def test_a_stored_credential_is_not_used(world):
    steps, _, text = walk(world, "stored")
    assert "stored, not used" in steps["auth"]["said"]
    assert steps["auth"]["offered"] == ["PLAIN", "LOGIN"]
    assert not world.sinks["stored"].tried()


def test_a_refusal_after_the_message_is_no_success(world):
    steps, _, _ = walk(world, "nodot", "--to", "b@to.test", "--send", code=1)
    assert steps["message"]["code"] == 554
    assert not world.sinks["nodot"].messages


# --- what the settings decide --------------------------------------------------


def test_in_clear_mail_is_tried_in_clear(world):
    """tls = off: TLS was looked at, and mail takes a connection of its own."""
    steps, names, _ = walk(world, "off", "--to", "b@to.test")
    assert names.count("tcp") == 2 and "again" in names
    last = world.sinks["off"].seen[-1]
    assert last.verbs(last.clear) == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]
    assert last.handshakes == 0
    assert passing(steps) == ["off", "preferred", "required"]


ALL = ["off", "preferred", "required", "preferred-verify", "required-verify"]
MODES = [  # relay, dane, modes that would pass
    ("plain", "no", ["off", "preferred", "preferred-verify"]),
    ("plainmust", "no", ["off", "preferred", "preferred-verify"]),
    ("good", "no", ["preferred-verify", "required-verify"]),
    ("expired", "no", []),
    ("shaky", "no", ["off", "preferred"]),
    ("implicit", "no", ALL[1:]),
    ("mismatch", "no", ALL),
    ("mismatch", "yes", ["off"]),
    ("mismatch", "require", []),
    ("dane", "require", ALL[1:]),
    ("unusable", "yes", ALL),
    ("unusable", "require", []),
    ("badtlsa", "yes", ["off"]),
]


@pytest.mark.parametrize("relay, dane, modes", MODES)
def test_the_table_of_modes(world, relay, dane, modes):
    j = world.m.json("relay", "test", relay, code=None)
    steps = {s["step"]: s for s in j}
    assert passing(steps, dane) == modes
    assert sum(m["set"] for m in steps["modes"]["modes"]) == 1
    assert len(steps["modes"]["modes"]) == 15


# --- names, Maildirs, the command line -------------------------------------------


def test_an_alias_is_told_of(world):
    steps, _, text = walk(world, "alias")
    assert steps["dns"]["alias"] is True and "CNAME" in text
    steps, _, _ = walk(world, "dane")
    assert steps["dns"]["alias"] is False


def test_mail_exchangers_of_a_domain(world):
    steps, _, _ = walk(world, "mx", "--to", "b@SAFE.mtqt", code=1)
    assert steps["dns"]["asked"] == "safe.mtqt"
    assert steps["dns"]["targets"][0]["host"] == HOST
    steps, _, _ = walk(world, "mxpublic", "--to", "b@safe.mtqt", code=1)
    assert "5.4.4" in steps["verdict"]["said"]
    r = world.m.cli("relay", "test", "mx", code=64)
    assert "--to ADDRESS" in r.stderr


def test_maildirs(world):
    steps, names, _ = walk(world, "box")
    assert names == ["relay", "maildir", "verdict"]
    assert steps["maildir"]["ok"] is True
    assert os.listdir(world.dir / "box" / "tmp") == ["other"]
    steps, _, _ = walk(world, "newbox")
    assert steps["maildir"]["ok"] is None
    assert not (world.dir / "newbox").exists()
    walk(world, "nobox", code=1)
    walk(world, "deep", code=1)  # the folder above it is not there


@pytest.mark.parametrize("words, code", [
    (["test"], 64), (["test", "good", "good"], 64), (["test", "nothing"], 1),
    (["test", "good", "--send"], 64), (["test", "good", "--to", "nobody"], 64),
    (["test", "good", "--from", "a b@c.test"], 64),
    (["test", "good", "--to", "a@b.test\r\nRCPT TO:<x@y.test>"], 64),
    (["test", "good", "--else"], 64)])
def test_what_makes_no_sense_is_refused(world, words, code):
    assert world.m.cli("relay", *words, code=code).stderr


def test_a_wrong_configuration_is_said(world, tmp_path):
    (tmp_path / "conf").write_text("nonsense\n")
    r = subprocess.run([BUILD / "mtq", "-c", tmp_path / "conf", "relay", "test",
                        "x"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 78 and r.stderr


# --- explain and mtq relay ---------------------------------------------------------


@pytest.fixture(scope="module")
def queue(world):
    world.m.cli("init")
    return world.m


def test_explain_names_the_protection_and_looks_it_up(world, queue):
    world.m.write(blocks=world.m.conf["blocks"] + "".join(
        f'route "{n}" {{ priority = {i}  to = {n}.test  via = {n} }}\n'
        for i, n in enumerate(("dane", "stored", "bogus", "mismatch", "badtlsa",
                               "mx", "box"), 1)))

    def explain(name, *words):
        return queue.json("explain", "--to", f"b@{name}.test", *words)[0]

    e = explain("dane")
    assert e["relay"] == "dane" and e["hosts"] is None
    assert "TLS required-verify, for safe.mtqt" in e["security"]
    assert "DANE where DNSSEC proves" in e["security"]
    assert "AUTH as crm" in e["security"]
    assert "credential stored, not used" in explain("stored")["security"]
    host, = explain("dane", "--lookup")["hosts"]
    assert (host["secure"], host["tlsa"], host["used"]) == (True, "usable", True)
    assert "a TLSA record must match" in host["policy"]
    e = explain("bogus", "--lookup")
    assert e["hosts"] == [] and "4.4.3" in e["lookup"]
    host, = explain("badtlsa", "--lookup")["hosts"]
    assert (host["tlsa"], host["used"]) == ("failed", False)
    assert "4.7.5" in host["policy"]
    assert "Maildir" in explain("box", "--lookup")["lookup"]
    text = queue.cli("explain", "--to", "b@mismatch.test", "--lookup").stdout
    assert "Security   mismatch: TLS required" in text and "\nDNS " in text
    assert queue.cli("explain", "0" * 12, "--lookup", code=64).stderr


def test_mtq_relay_tells_of_a_credential(world, queue):
    text = queue.cli("relay", "stored").stdout
    assert "credential stored, not used" in text
    assert queue.json("relay", "stored")[0]["credential"] == "not used"
    assert queue.json("relay", "good")[0]["credential"] == "used"
    assert queue.json("relay", "plain")[0]["credential"] is None


def test_a_relay_that_is_paused_is_tested_and_said_to_be(make):
    m = make()
    assert "state" not in [s["step"] for s in m.json("relay", "test", "out")]
    m.cli("relay", "pause", "out", "--reason", "the key changes")
    j = {s["step"]: s for s in m.json("relay", "test", "out")}
    assert j["verdict"]["ok"] is True and j["state"]["ok"] is None
    assert "paused now" in j["state"]["said"]
    assert "the key changes" in j["state"]["said"]


# --- and the workers ----------------------------------------------------------------


# References that can't be read: mtqd itself would not start.
UNREADABLE = {"nosecret", "opensecret"}
WOULD = [g[0] for g in GOES]
WOULD_NOT = [s[0] for s in STOPS if s[0] not in UNREADABLE]


def test_workers_do_what_was_said(world, make):
    """One message through each relay: those go that would, the others stay."""
    blocks = world.m.conf["blocks"].split("route ")[0]
    for name in UNREADABLE:
        before, _, rest = blocks.partition(f'relay "{name}" {{')
        blocks = before + rest.partition("\n}\n")[2]
    # Without its folder no worker would start.
    blocks = "".join(line for line in blocks.splitlines(True)
                     if not line.startswith(('relay "nobox"', 'relay "deep"')))
    blocks += "".join(f'route "{n}" {{ priority = {i}  to = {n}.test  via = {n} }}\n'
                      for i, n in enumerate(WOULD + WOULD_NOT, 1))
    m = make(blocks=blocks)
    before = {n: len(s.messages) for n, s in world.sinks.items()}
    for name in WOULD + WOULD_NOT:
        m.send(to=(f"b@{name}.test",))

    def rows():
        return {r["address"].partition("@")[2].removesuffix(".test"): r
                for q in m.queue() for r in q["recipients"]}
    try:
        wait_for("those that would", lambda: not set(rows()) & set(WOULD))
    except AssertionError:
        raise AssertionError(str([n for n in rows() if n in WOULD])
                             + m.text()[-4000:])
    for name in WOULD:
        assert len(world.sinks[name].messages) == before[name] + 1, name
    # A refused credential pauses the relay: no attempt is counted then.
    wait_for("the others to be tried", lambda: all(
        r["attempts"] > 0 or r["relay"] for n, r in rows().items()))
    assert set(rows()) == set(WOULD_NOT)
    for name in WOULD_NOT:
        if name in world.sinks:
            assert len(world.sinks[name].messages) == before[name], name
    paused = {r["name"] for r in m.json("relay") if r["state"] == "paused"}
    assert paused == {"wrongpw"}
