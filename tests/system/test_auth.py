"""AUTH to the next hop: every mechanism against a server that really checks it,
what a wrong password costs (one try), and where a credential must not go."""
import base64
import os
import pathlib

import pytest

from cells import HOST, INNOCENT, how, log_line, table
from conftest import wait_for
from peers import Exim, Postfix
from sink import Sink
from sink_tls import TlsSink
from test_dane import World, dns, sink_of

USER, PASSWORD, TOKEN = "crm", "c4nary \u00e9pass=word", "c4nary.t0ken"
WRONG = "c4nary-wrong"
ROOTFUL = pytest.mark.skipif(os.getuid() != 0, reason="servers that start as root")


@pytest.fixture
def secret(tmp_path):
    """secret(text) -> "file:/path"."""
    def write(text, name=None):
        path = tmp_path / (name or f"secret{len(list(tmp_path.iterdir()))}")
        path.touch(mode=0o600)
        path.write_text(text + "\n")
        return f"file:{path}"
    return write


@pytest.fixture
def peer(pki):
    """peer(**kw) -> a TLS sink with the good certificate, closed at the end."""
    made = []

    def build(**kw):
        kw.setdefault("users", {USER: PASSWORD})
        kw.setdefault("must_auth", True)
        made.append(TlsSink(pki / "good.pem", pki / "good.key", **kw))
        return made[-1]
    yield build
    for s in made:
        s.close()


def way(pki, port, auth, *lines, tls="required-verify"):
    return "\n\t".join((
        "host = 127.0.0.1", f"port = {port}", f"tls = {tls}",
        f"tls_name = {HOST}", f"ca_file = {pki}/root.crt",
        f"auth {{\n\t\t{auth}\n\t}}", *lines))


def relay(m, name="out"):
    return next(r for r in m.json("relay") if r["name"] == name)


def recipient(m):
    return m.queue()[0]["recipients"][0]


def reload(m, **changes):
    m.write(**changes)
    m.cli("check")
    before = m.text().count("reload")
    m.process.send_signal(1)
    wait_for("the reload", lambda: m.text().count("reload") > before)


# --- who takes what ---------------------------------------------------------

SINK = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "EXTERNAL")
POSTFIX = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
EXIM = ("PLAIN", "LOGIN", "CRAM-MD5", "EXTERNAL")


def account(mechanism, pki, secret, user=USER):
    """Lines of auth { }, lines of the relay."""
    if mechanism == "EXTERNAL":
        return ("mechanism = EXTERNAL",
                [f"client_cert = {pki}/us.pem",
                 f"client_key = file:{pki}/us.key"])
    if "OAUTH" in mechanism:
        return (f"user = {user}\n\t\ttoken = {secret(TOKEN)}\n\t\t"
                f"mechanism = {mechanism}", [])
    return (f"user = {user}\n\t\tpassword = {secret(PASSWORD)}\n\t\t"
            f"mechanism = {mechanism}", [])


def send_each(make, pki, secret, port, mechanisms, user=USER):
    """A relay per mechanism to one server, a message through each."""
    blocks = []
    for n, mechanism in enumerate(mechanisms):
        auth, more = account(mechanism, pki, secret, user)
        blocks.append(f'relay "r{n}" {{\n\t' + way(pki, port, auth, *more) +
                      f'\n}}\nroute "r{n}" {{\n\tpriority = {n + 1}\n'
                      f"\tto = c{n}.test\n\tvia = r{n}\n}}")
    m = make(blocks="\n".join(blocks))
    for n, mechanism in enumerate(mechanisms):
        m.send(sender=f"{mechanism.lower()}@from.test", to=(f"x@c{n}.test",))
    wait_for("an outcome of each", lambda: all(
        f"to=<x@c{n}.test>" in m.text() for n in range(len(mechanisms))))
    for n, mechanism in enumerate(mechanisms):
        line = [x for x in m.text().splitlines() if f"to=<x@c{n}.test>" in x][-1]
        assert "status=sent" in line, line
        assert f"auth={mechanism}" in line and "verify=name" in line, line
    return m


def test_each_mechanism_with_our_own_server(make, pki, secret, peer):
    s = peer(mechanisms=SINK, tokens=[TOKEN], client_ca=pki / "root.crt")
    send_each(make, pki, secret, s.port, SINK)
    assert sorted(s.tried()) == sorted((x, USER, True) for x in SINK)
    for x in s.seen:
        assert set(x.verbs(x.clear)) <= INNOCENT
        assert x.verbs(x.inside)[0] == "EHLO"


@ROOTFUL
def test_each_mechanism_with_postfix(make, pki, secret, place):
    sink = Sink()
    p = Postfix(place / "postfix", pki / "good.pem", pki / "good.key",
                sink.port, {USER: PASSWORD}).start()
    try:
        who = f"{USER}@{p.realm}"
        send_each(make, pki, secret, p.port, POSTFIX, who)
        for x in POSTFIX:
            assert f"sasl_method={x}, sasl_username={who}" in p.log()
        wait_for("all relayed", lambda: len(sink.messages) == len(POSTFIX))
        for x in sink.messages:
            head = x.body.split(b"\r\n\r\n")[0].decode()
            assert "(using TLSv1.3 with cipher" in head, head
            assert f"(Authenticated sender: {who})" in head
            assert "with ESMTPSA id" in head
    finally:
        p.stop()
        sink.close()


@ROOTFUL
def test_each_mechanism_with_exim(make, pki, secret, place):
    p = Exim(place / "exim", pki / "good.pem", pki / "good.key",
             {USER: PASSWORD}, pki / "root.crt").start()
    names = {"PLAIN": "plain", "LOGIN": "login", "CRAM-MD5": "cram",
             "EXTERNAL": "external"}
    try:
        send_each(make, pki, secret, p.port, EXIM)
        took = {x["from"]: x for x in p.taken()}
        for x in EXIM:
            one = took[f"{x.lower()}@from.test"]
            assert one["P"] == "esmtpsa" and one["X"].startswith("TLS1.3:"), one
            assert one["A"] == f"{names[x]}:{USER}", one
            assert one["CV"] == ("yes" if x == "EXTERNAL" else "no"), one
    finally:
        p.stop()


def test_the_best_of_what_is_offered_is_taken(make, pki, secret, peer):
    s = peer(mechanisms=("LOGIN", "CRAM-MD5", "PLAIN"))
    m = make(relay=way(pki, s.port, f"user = {USER}\n\t\tpassword = "
                       f"{secret(PASSWORD)}"))
    m.send()
    m.empty()
    assert s.tried() == [("PLAIN", USER, True)]


# --- a wrong password costs one try ------------------------------------------

@pytest.mark.parametrize("mechanism", SINK[:-1])
def test_a_wrong_password_is_tried_once(make, pki, secret, peer, mechanism):
    s = peer(mechanisms=SINK, tokens=[TOKEN])
    what = "token" if "OAUTH" in mechanism else "password"
    wrong = secret(WRONG, "credential")
    m = make(relay=way(pki, s.port, f"user = {USER}\n\t\t{what} = {wrong}\n\t\t"
                       f"mechanism = {mechanism}"), workers=2)
    m.send()
    # A token is read again after its first refusal: somebody may have put
    # another one there.
    tries = 2 if what == "token" else 1
    wait_for("the pause", lambda: relay(m)["state"] == "paused")
    for _ in range(5):
        m.send()
    m.cli("queue", "retry", "--all", "--yes", code=None)
    wait_for("all to wait", lambda: len(m.queue()) == 6)
    wait_for("no connection", lambda: s.open == 0)
    assert s.tried() == [(mechanism, USER, False)] * tries
    assert not s.messages
    now = relay(m)
    assert "refused" in str(now), now
    assert "not you" in str(now), now
    assert all(r["attempts"] < tries and r["state"] == "waiting"
               for q in m.queue() for r in q["recipients"])
    alert, = [x for x in m.text().splitlines() if "refused our credential" in x]
    assert "535 5.7.8 not you" in alert and "mtq relay resume out" in alert
    # Somebody looks, repairs it, and resumes.
    secret(TOKEN if what == "token" else PASSWORD, "credential")
    reload(m)
    assert relay(m)["state"] == "paused"
    m.cli("relay", "resume", "out")
    m.empty()
    assert len(s.messages) == 6
    assert [a for a in s.tried() if not a[2]] == \
        [(mechanism, USER, False)] * tries


@pytest.mark.parametrize("workers", [1, 2])
def test_a_wrong_password_in_a_crowd(make, pki, secret, peer, workers):
    """20 messages at once for up to 20 connections: still one try."""
    s = peer()
    m = make(relay=way(pki, s.port, f"user = {USER}\n\t\tpassword = "
                       f"{secret(WRONG)}"), workers=workers)
    with m.client() as c:
        for n in range(20):
            c.sendmail("a@from.test", [f"x{n}@to.test"], b"Subject: x\r\n\r\nx\r\n")
    wait_for("the pause", lambda: relay(m)["state"] == "paused")
    wait_for("no connection", lambda: s.open == 0)
    assert len(m.queue()) == 20
    assert len(s.tried()) == 1, s.tried()


@ROOTFUL
@pytest.mark.parametrize("kind", [Postfix, Exim])
def test_a_wrong_password_at_a_real_server(make, pki, secret, place, kind):
    args = [9] if kind is Postfix else []
    tries = ("authentication failed:" if kind is Postfix
             else "authenticator failed")
    p = kind(place / "peer", pki / "good.pem", pki / "good.key", *args,
             {USER: PASSWORD}).start()
    try:
        m = make(workers=1, relay=way(pki, p.port, f"user = {USER}\n\t\t"
                                      f"password = {secret(WRONG)}"))
        for _ in range(3):
            m.send()
        wait_for("the pause", lambda: relay(m)["state"] == "paused")
        wait_for("the peer's log", lambda: tries in p.log())
        assert p.log().count(tries) == 1, p.log()
        assert len(m.queue()) == 3
    finally:
        p.stop()


def test_trouble_at_auth_is_no_refusal(make, pki, secret, peer):
    """4xx: their database is away.  The relay is tried again by itself."""
    s = peer(users={USER: "other"}, refusal=b"454 4.7.0 try later\r\n")
    m = make(relay=way(pki, s.port, f"user = {USER}\n\t\tpassword = "
                       f"{secret(PASSWORD)}"))
    m.send()
    wait_for("an attempt", lambda: s.tried())
    s.users = {USER: PASSWORD}
    m.empty()
    assert relay(m)["state"] != "paused"


# --- two passwords, tokens -----------------------------------------------------

@pytest.mark.parametrize("known, tries", [
    ("old", [("PLAIN", USER, False), ("PLAIN", USER, True)]),
    ("new", [("PLAIN", USER, True)]),
])
def test_two_passwords_during_a_rotation(make, pki, secret, peer, known, tries):
    s = peer(users={USER: known})
    m = make(workers=1, relay=way(
        pki, s.port, f"user = {USER}\n\t\tpassword = [{secret('new')}, "
        f"{secret('old')}]", "messages_per_connection = 1"))
    m.send()
    m.empty()
    assert s.tried() == tries
    # What worked is tried first from then on.
    m.send()
    m.empty()
    assert s.tried() == tries + [("PLAIN", USER, True)]
    assert relay(m)["state"] != "paused"


def test_two_wrong_passwords_pause(make, pki, secret, peer):
    s = peer(users={USER: "third"})
    m = make(relay=way(pki, s.port, f"user = {USER}\n\t\tpassword = "
                       f"[{secret('new')}, {secret('old')}]"))
    m.send()
    wait_for("the pause", lambda: relay(m)["state"] == "paused")
    assert len(s.tried()) == 2


def test_a_token_from_a_command(make, pki, peer, tmp_path):
    s = peer(mechanisms=("XOAUTH2",), tokens=["first", "second"])
    count, command = tmp_path / "count", tmp_path / "token"
    command.write_text(f"#!/bin/sh\necho x >>{count}\n"
                       "echo '{\"access_token\": \"first\", \"expires_in\": 3600}'\n")
    command.chmod(0o755)
    m = make(workers=2, relay=way(pki, s.port, f"user = {USER}\n\t\t"
                                  f"token = cmd:{command}"))
    for _ in range(3):
        m.send()
    m.empty()
    assert count.read_text() == "x\n"
    assert set(s.tried()) == {("XOAUTH2", USER, True)}


def test_a_refused_token_is_fetched_again_once(make, pki, peer, tmp_path):
    """It was revoked before its time was over."""
    s = peer(mechanisms=("OAUTHBEARER",), tokens=["second"])
    count, command = tmp_path / "count", tmp_path / "token"
    command.write_text(f"#!/bin/sh\nif [ -e {count} ]; then echo second; "
                       f"else echo first; fi\necho x >>{count}\n")
    command.chmod(0o755)
    m = make(workers=1, relay=way(pki, s.port, f"user = {USER}\n\t\t"
                                  f"token = cmd:{command}"))
    m.send()
    wait_for("a refusal", lambda: s.tried())
    m.empty()
    assert s.tried() == [("OAUTHBEARER", USER, False),
                         ("OAUTHBEARER", USER, True)]
    assert count.read_text() == "x\nx\n"
    assert relay(m)["state"] != "paused"


# --- where a credential goes, and where it must not --------------------------------------------

def leaked(s):
    """Lines of a server's sessions that hold a credential."""
    words = [x.encode() for x in (PASSWORD, TOKEN, WRONG)]
    words += [base64.b64encode(b"\0%s\0%s" % (USER.encode(), w))
              for w in words] + [base64.b64encode(w) for w in words]
    return [line for x in s.seen for line in x.clear + x.inside
            if b"AUTH" in line.upper() or any(w in line for w in words)]


NEVER = [  # what it shows, the server, the relay's lines, mode, status
    ("no TLS offered, AUTH offered in clear", dict(offer=False, auth_in_clear=True),
     [], "required-verify", "4.7.4"),
    ("a broken handshake", dict(broken="an alert", auth_in_clear=True), [],
     "required-verify", "4.7.5"),
    ("AUTH in clear only, none inside", dict(mechanisms=()), [],
     "required-verify", "4.7.0"),
    ("nothing that we can", dict(mechanisms=("GSSAPI", "NTLM")), [],
     "required-verify", "4.7.0"),
    ("nothing that may be used", dict(mechanisms=("CRAM-MD5",)), [],
     "required-verify", "4.7.0"),
]


@pytest.mark.parametrize("kw, lines, mode, status", [r[1:] for r in NEVER],
                         ids=[r[0] for r in NEVER])
def test_a_credential_stays_here(make, pki, secret, peer, kw, lines, mode, status):
    s = peer(**kw)
    m = make(retry="intervals = 1h", relay=way(
        pki, s.port, f"user = {USER}\n\t\tpassword = {secret(PASSWORD)}", *lines,
        tls=mode))
    m.send()
    row = wait_for("an outcome", lambda: next(
        (r for q in m.queue() for r in q["recipients"] if r["reason"]), None))
    assert row["status"] == status, row
    assert not leaked(s) and not s.messages


COLUMNS = {
    "required-verify": ["tls = required-verify"],
    "required, dane = require": ["tls = required", "dane = require"],
    "preferred, insecure_auth": ["tls = preferred", "insecure_auth = yes"],
}


def test_every_way_for_a_credential(make, pki, secret, cells, tmp_path):
    expected, world = table("auth"), World(pki)
    password = secret(PASSWORD)
    for row, column in expected:
        host, state = row.split(", ")
        s = sink_of(pki, host, users={USER: PASSWORD}, must_auth=True,
                    auth_in_clear=True)
        cells.add((row, column), s, *world.host(state, host, s.port),
                  *COLUMNS[column], "lookup = host", f"ca_file = {pki}/root.crt",
                  f"auth {{\n\t\tuser = {USER}\n\t\tpassword = {password}\n\t}}")
    with world.zones(tmp_path / "zones") as z:
        m = cells.run(make, dns(z))
        wrong = []
        for key, cell in expected.items():
            got, tried = how(m, cells, key), cells.sinks[key].tried()
            if got[0] != "4":
                got = "auth in clear" if got == "clear" else "auth"
                assert set(tried) == {("PLAIN", USER, True)}, key
            else:
                assert not tried and not leaked(cells.sinks[key]), key
            if got != cell:
                wrong.append(f"{key}: {got}, not {cell}: "
                             f"{log_line(m, cells, key)[-300:]}")
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("certificate", ["expired", "wrongname", "selfsigned",
                                         "unknown"])
def test_a_credential_is_not_shown_to_a_stranger(make, pki, secret, certificate):
    s = TlsSink(pki / f"{certificate}.pem", pki / f"{certificate}.key",
                users={USER: PASSWORD}, auth_in_clear=True)
    try:
        m = make(retry="intervals = 1h", relay=way(
            pki, s.port, f"user = {USER}\n\t\tpassword = {secret(PASSWORD)}"))
        m.send()
        m.wait_log("status=deferred")
        assert recipient(m)["status"] == "4.7.5"
        assert not leaked(s) and not any(x.inside for x in s.seen)
    finally:
        s.close()


@pytest.mark.parametrize("tls, kw, where", [
    ("preferred", dict(offer=False, auth_in_clear=True), "clear"),
    ("off", dict(auth_in_clear=True), "clear"),
    ("required", {}, "inside"),
])
def test_insecure_auth_only_where_the_file_says_so(make, pki, secret, peer, tls,
                                                   kw, where):
    s = peer(**kw)
    auth = f"user = {USER}\n\t\tpassword = {secret(PASSWORD)}"
    m = make(start=False, relay=way(pki, s.port, auth, tls=tls))
    said = m.cli("check", code=None)
    assert said.returncode != 0 and "insecure_auth" in said.stdout + said.stderr
    m.write(relay=way(pki, s.port, auth, "insecure_auth = yes", tls=tls))
    m.start()
    m.send()
    m.empty()
    assert s.tried() == [("PLAIN", USER, True)]
    assert any(b"AUTH PLAIN" in line for x in s.seen for line in getattr(x, where))


def test_a_credential_kept_unused(make, pki, secret, peer):
    s = peer(must_auth=False)
    m = make(relay=way(pki, s.port, f"enabled = no\n\t\tuser = {USER}\n\t\t"
                       f"password = {secret(PASSWORD)}"))
    m.send()
    m.empty()
    assert not s.tried() and not leaked(s)
    assert "AUTH" not in [v for x in s.seen for v in x.verbs(x.inside)]
    assert "auth=" not in m.text() or "auth=no" in m.text()


# --- and where nobody may read it ----------------------------------------------

def memory(pid):
    """What a core of the process would hold."""
    out = []
    with open(f"/proc/{pid}/smaps") as f:
        maps = f.read()
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        at = None
        for line in maps.splitlines():
            word = line.split()
            if "-" in word[0] and not word[0].endswith(":"):
                start, end = (int(x, 16) for x in word[0].split("-"))
                at = (start, end) if "r" in word[1] else None
            elif word[0] == "VmFlags:" and at and "dd" not in word[1:]:
                try:
                    mem.seek(at[0])
                    out.append(mem.read(at[1] - at[0]))
                except (OSError, ValueError, OverflowError):
                    pass  # [vvar] and the like
    return b"\0".join(out)


@pytest.mark.skipif(os.getuid() != 0, reason="other processes' memory")
def test_the_password_is_nowhere_to_be_read(make, pki, secret, peer):
    s = peer()
    m = make(relay=way(pki, s.port, f"user = {USER}\n\t\tpassword = "
                       f"{secret(PASSWORD)}"))
    for _ in range(3):
        m.send()
    m.empty()
    assert s.tried()[0] == ("PLAIN", USER, True)
    said = m.text(0)
    for words in (("config", "show"), ("relay",), ("relay", "show", "out"),
                  ("status",), ("queue", "list"), ("check",), ("log",)):
        r = m.cli(*words, code=None)
        said += r.stdout + r.stderr
    canary = PASSWORD.encode()
    sent = base64.b64encode(b"\0%s\0%s" % (USER.encode(), canary))
    for word in (canary, sent, base64.b64encode(canary)):
        assert word.decode() not in said
        for file in pathlib.Path(m.state).rglob("*"):
            if file.is_file():
                assert word not in file.read_bytes(), file
    pids = [m.process.pid] + [p for role in ("receiver", "scheduler", "worker")
                              for p in m.pids(role)]
    assert len(pids) >= 4
    for pid in pids:
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert "Max core file size        0 " in limits
        core = memory(pid)
        assert b"mtq.test" in core  # we do see what is there
        for word in (canary, sent):
            assert word not in core, pathlib.Path(f"/proc/{pid}/cmdline").read_text()
        line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() \
            + pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        assert canary not in line
