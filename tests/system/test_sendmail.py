"""mtq send, sendmail, mailq and the maildrop (docs/sendmail.md)."""
import email
import os
import pwd
import re
import signal
import subprocess

import conftest
import pytest
from wait import wait_for

NOBODY = os.getuid() == 0 and "nobody"


@pytest.fixture
def host(make, sink, tmp_path_factory):
    """mtq with a Unix socket and a maildrop, and sendmail beside it."""
    folder = tmp_path_factory.mktemp("host")
    for f in [folder, *folder.parents]:
        if f.stat().st_uid == os.getuid() and len(f.parts) > 2:
            f.chmod(f.stat().st_mode | 0o055)
    drop = folder / "drop"
    drop.mkdir()
    drop.chmod(0o1733)
    for name in ("sendmail", "mailq", "newaliases"):
        (folder / name).symlink_to(conftest.BUILD / "mtq")

    def build(source='auth_user = "unix:*"', more="", **kw):
        m = make(blocks=f'listen "local" {{ address = "unix:{folder}/submit.sock"\n{more}\n}}\n'
                        f'source "users" {{ listener = local {source} }}\n'
                        f"maildrop = {drop}", **kw)
        m.conf_for_all = folder / "mtq.conf"
        m.conf_for_all.write_text(m.path.read_text())
        m.conf_for_all.chmod(0o644)
        m.folder, m.drop = folder, drop
        return m
    return build


def run(m, *args, text=b"", name="sendmail", user=None):
    return subprocess.run([m.folder / name, *args], input=text, capture_output=True, timeout=60,
                          env={"MTQ_CONFIG": str(m.conf_for_all), "TZ": "UTC"}, user=user or None)


def sent(m, sink, *args, text, n=1, user=None):
    r = run(m, *args, text=text, user=user)
    assert r.returncode == 0 and not r.stderr, r
    wait_for("delivered", lambda: len(sink.messages) >= n)
    return sink.messages[n - 1]


def test_cron(host, sink):
    """As Debian's cron calls it, attached arguments and all."""
    m = host()
    x = sent(m, sink, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
             text=b"From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nout\n.\nmore\n")
    me = pwd.getpwuid(os.getuid()).pw_name
    assert (x.sender, x.recipients) == (f"{me}@mtq.test", ["root@mtq.test"])
    assert x.body.endswith(b"\r\n\r\nout\r\n.\r\nmore\r\n")
    assert f"sasl_method=EXTERNAL, sasl_username=unix:{me}" in m.text()


def test_recipients_of_the_header(host, sink):
    """As PHP calls it: -t; Bcc gets the message and stands nowhere in it."""
    m = host()
    x = sent(m, sink, "-t", "-i", "more@x.test",
             text=b'To: "Doe, J." <a@x.test>,\n b@x.test\r\nBcc: c@x.test,\n d@x.test\n'
                  b"Cc: root\nSubject: t\n\nbody\n")
    assert sorted(x.recipients) == ["a@x.test", "b@x.test", "c@x.test", "d@x.test", "more@x.test",
                                    "root@mtq.test"]
    assert b"Bcc" not in x.body and b"c@x.test" not in x.body and b"d@x.test" not in x.body
    got = email.message_from_bytes(x.body)
    assert got["Date"] and re.fullmatch(r"<\S+@mtq.test>", got["Message-ID"])
    assert got["From"] == f"<{x.sender}>"


def test_a_lone_dot_ends_without_i(host, sink):
    x = sent(host(), sink, "a@x.test", text=b"Subject: s\n\none\n.\ntwo\n")
    assert x.body.endswith(b"\r\n\r\none\r\n")


def test_what_scripts_send(host, sink):
    """No header, CR alone, NUL, 8 bits, long lines: all of it is mail."""
    x = sent(host(), sink, "-i", "a@x.test",
             text=b"progress 1\rprogress 2\r\n\0\xe4\n" + b"w " * 2000 + b"\n" + b"z" * 3000)
    body = x.body.split(b"\r\n\r\n", 1)[1]
    assert body.startswith(b"progress 1\r\nprogress 2\r\n \xe4\r\n")
    assert all(len(line) <= 998 for line in x.body.split(b"\r\n"))
    assert body.count(b"z") == 3000 and body.count(b"w") == 2000
    assert b"BODY=8BITMIME" in x.mail_line


def test_dsn_and_sender(host, sink):
    x = sent(host(), sink, "-f", "<>", "-N", "never", "-R", "hdrs", "-V", "id+2Bx", "a@x.test",
             text=b"Subject: s\n\nx\n")
    assert x.sender == "" and b"RET=HDRS" in x.mail_line and b"ENVID=id+2Bx" in x.mail_line


@pytest.mark.parametrize("args, text, code", [
    (["-bd"], b"", 64), (["-Z"], b"", 64), (["-bv", "a@x.test"], b"", 64), ([], b"x\n", 64),
    (["a b@x.test"], b"x\n", 65), (["-t"], b"To: <a@x.test\n\nx\n", 65),
    (["-N", "sometimes", "a@x.test"], b"x\n", 64), (["-bi"], b"", 0)])
def test_exit_codes(host, sink, args, text, code):
    m = host()
    r = run(m, *args, text=text)
    assert r.returncode == code, r
    assert (code == 0) == (r.stderr == b"")
    assert not sink.messages


def test_smtp_on_stdin(host, sink):
    m = host()
    r = run(m, "-bs", text=b"EHLO x\r\n")
    assert b"220 mtq.test" in r.stdout and b"250 DSN" in r.stdout


def test_users_are_told_apart(host, sink):
    """The kernel says who it is: one user may, the other may not."""
    if not NOBODY:
        pytest.skip("needs root")
    m = host(source="auth_user = unix:nobody\nallow_from = [shop.test]")
    r = run(m, "a@x.test", text=b"Subject: s\n\nx\n")
    assert r.returncode == 77 and b"5.7.1" in r.stderr, r
    r = run(m, "-f", "me@other.test", "a@x.test", text=b"Subject: s\n\nx\n", user=NOBODY)
    assert r.returncode == 77, r
    x = sent(m, sink, "-f", "me@shop.test", "a@x.test",
             text=b"From: me@shop.test\nSubject: s\n\nx\n", user=NOBODY)
    assert x.sender == "me@shop.test"
    assert "sasl_username=unix:nobody" in m.text()
    assert "sasl_username=unix:root" not in m.text()


def test_left_while_mtqd_is_down(host, sink):
    """By root and by nobody, each as itself, once, whole; nobody can list it."""
    m = host(source="auth_user = [unix:nobody, unix:root]")
    m.stop()
    users = [None, NOBODY] if NOBODY else [None]
    for i, user in enumerate(users):
        r = run(m, "-i", "a@x.test", text=b"Subject: n%d\n\n.\nx\n" % i, user=user)
        assert r.returncode == 0, r
    if NOBODY:
        r = subprocess.run(["ls", m.drop], capture_output=True, user=NOBODY)
        assert r.returncode != 0
    assert len(list(m.drop.iterdir())) == len(users)
    m.start()
    wait_for("all taken in", lambda: len(sink.messages) == len(users))
    wait_for("nothing left", lambda: not list(m.drop.iterdir()))
    assert all(x.body.endswith(b"\r\n\r\n.\r\nx\r\n") for x in sink.messages)
    for user in users:
        assert f"sasl_username=unix:{user or 'root'}" in m.text()


def test_what_is_no_message_stays(host, sink):
    """Garbage, a link, a refused one: kept under another name, told once."""
    m = host(source="auth_user = [unix:root]\nallow_from = [good.test]")
    (m.drop / "drop-1").write_bytes(b"mtq-drop 1\nF a@good.test\nT b@x.test\n\nno end")
    (m.drop / "drop-2").symlink_to("/etc/passwd")
    (m.drop / "drop-3").write_bytes(b"mtq-drop 1\nF a@evil.test\nT b@x.test\n\nSubject: x\r\n\r\nx\r\n")
    (m.drop / "drop-4").write_bytes(b"mtq-drop 1\nF a@good.test\nT b@x.test\n\n"
                                    b"From: a@good.test\r\n\r\nx\n.\nMAIL FROM:<s@good.test>\r\n")
    (m.drop / "drop-0").mkdir()
    wait_for("all looked at", lambda: m.text().count("kept as") == 3)
    assert sorted(p.name for p in m.drop.iterdir()) == \
        ["bad-1", "drop-0", "drop-2", "refused-3", "refused-4"]
    assert not sink.messages and not m.queue()


def test_killed_while_taking_in(host, sink):
    """A receiver that dies over and over loses none; a second copy is possible."""
    m = host()
    m.stop()
    n = 30
    for i in range(n):
        assert run(m, "a@x.test", text=b"Subject: n%d\n\nx\n" % i).returncode == 0
    m.start()
    for _ in range(4):
        before = len(sink.messages)
        wait_for("some", lambda: len(sink.messages) > before or not list(m.drop.iterdir()))
        pid = m.pids("receiver")
        if pid:
            os.kill(pid[0], signal.SIGKILL)
    wait_for("nothing left", lambda: not list(m.drop.iterdir()))
    m.empty()
    seen = {re.search(rb"^Subject: (n\d+)", x.body, re.M).group(1) for x in sink.messages}
    assert seen == {b"n%d" % i for i in range(n)}


def test_mailq(host, sink):
    """Postfix's shape."""
    sink.reply = lambda verb, arg, h: b"451 4.2.0 later\r\n" if verb == "RCPT" else None
    m = host(retry="intervals = 1h")
    assert run(m, name="mailq").stdout == b"Mail queue is empty\n"
    assert run(m, "a@x.test", text=b"Subject: s\n\nx\n").returncode == 0
    wait_for("an attempt", lambda: "status=deferred" in m.text())
    out = run(m, "-bp").stdout.decode().splitlines()
    assert out[0] == "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"
    assert re.fullmatch(r"[0-9A-Z]{12}[ *!] +\d+ [A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d  "
                        r"\S+@mtq.test", out[1]), out[1]
    assert out[2].startswith("(host 127.0.0.1") and "451 4.2.0 later" in out[2]
    assert out[3] == " " * 41 + "a@x.test"
    assert re.fullmatch(r"-- \d+ Kbytes in 1 Request\.", out[5])
    held = m.send(b"Subject: held\r\n\r\nx\r\n")
    wait_for("its attempt", lambda: m.text().count("status=deferred") == 2)
    m.cli("queue", "hold", held)
    assert run(m, "-q").returncode == 0
    wait_for("tried again", lambda: m.text().count("status=deferred") == 3)
    assert m.json("queue", "list", "--state", "held")[0]["queue_id"] == held
    assert run(m, name="newaliases").returncode == 0


def test_too_many_recipients(host, sink):
    """Never "later": they would be as many for ever."""
    m = host(more="max_recipients = 100")
    r = run(m, "-t", text=b"To: " + b",\n ".join(b"a%d@x.test" % i for i in range(101)) + b"\n\nx\n")
    assert r.returncode == 65 and b"too many recipients" in r.stderr, r
    assert not list(m.drop.iterdir()) and not sink.messages


def test_what_cannot_go_is_not_sent(host, sink):
    """A folder whose files we can't rename: nothing leaves, and a person is told."""
    if not NOBODY:
        pytest.skip("needs root")
    m = host(user=NOBODY, start=False)
    for f in (m.dir, m.dir.parent):
        f.chmod(0o755)
    m.state.mkdir()
    os.chown(m.state, pwd.getpwnam(NOBODY).pw_uid, -1)
    m.start()
    m.drop.chmod(0o1777)  # of root: mtq's user may not touch others' files in it
    (m.drop / "drop-1").write_bytes(b"mtq-drop 1\nF a@b.test\nT c@x.test\n\nSubject: x\r\n\r\nx\r\n")
    wait_for("told", lambda: "has to wait" in m.text())
    assert not sink.messages and not m.queue()
    m.drop.chmod(0o777)
    wait_for("sent", lambda: sink.messages)
    wait_for("gone", lambda: not list(m.drop.iterdir()))


def test_held_by_a_receiver_that_died(host, sink):
    m = host()
    m.stop()
    (m.drop / "busy-1").write_bytes(b"mtq-drop 1\nF a@b.test\nT c@x.test\n\nSubject: x\r\n\r\nx\r\n")
    m.start()
    wait_for("sent", lambda: sink.messages)
    wait_for("gone", lambda: not list(m.drop.iterdir()))
