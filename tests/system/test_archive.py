"""Copies of what was sent, with its outcome (docs/archive.md)."""
import os
import re
import signal
import time

import pytest
from wait import wait_for

BODY = b"Subject: offer\r\nX-Kind: one\r\n\r\nDear\r\n.dot\r\n" + b"y" * 300 + b"\r\n"


def archive(to, more=""):
    return f'archive "law" {{ to = {to} {more} }}'


def box(tmp_path):
    return tmp_path / "law"


def copies(tmp_path):
    new = box(tmp_path) / "new"
    return sorted(p for p in new.iterdir()) if new.exists() else []


def parts(octets):
    """The fields of ours (unfolded), and the message behind them."""
    octets = octets.replace(b"\r\n", b"\n")  # a Maildir's lines end so
    at = re.search(rb"^Received: ", octets, re.M).start()
    front = re.sub(rb"\n[ \t]+", b" ", octets[:at]).decode().splitlines()
    return front, octets[at:]


def content(octets):
    """Without our Received."""
    return re.sub(rb"\AReceived: .*\n([ \t].*\n)*", b"", octets)


def refuse(words):
    def reply(verb, arg, session):
        if verb == "RCPT" and words in arg:
            return b"550 5.1.1 no such user\r\n"
        return None
    return reply


def test_copy_in_a_maildir(make, sink, tmp_path):
    """One copy when all have ended: octet for octet, and what became of each."""
    sink.reply = refuse(b"bad@")
    m = make(blocks=archive(f"maildir:{box(tmp_path)}"))
    m.send(BODY, to=["good@x.test", "bad@x.test"])
    wait_for("the copy", lambda: copies(tmp_path))
    front, rest = parts(copies(tmp_path)[0].read_bytes())
    assert content(rest) == BODY.replace(b"\r\n", b"\n")
    assert front[-1] == "" or front[-1].startswith("X-MTQ-")
    head = [f for f in front if f.startswith("X-MTQ-Archive: id=")]
    assert len(head) == 1 and "; recipients=2" in head[0] and "source=local" in head[0]
    assert "X-MTQ-Sender: <a@from.test>" in front
    rcpts = [f for f in front if f.startswith("X-MTQ-Recipient:")]
    assert [r.split(";")[0] for r in rcpts] == \
        ["X-MTQ-Recipient: <good@x.test>", "X-MTQ-Recipient: <bad@x.test>"]
    assert "; delivered;" in rcpts[0] and "status=2." in rcpts[0]
    assert "; bounced;" in rcpts[1] and "550 5.1.1 no such user" in rcpts[1]
    assert len(copies(tmp_path)) == 1


def test_waits_for_the_others(make, sink, tmp_path):
    """While one recipient waits there is no copy; it is shown as parked."""
    def reply(verb, arg, session):
        return b"451 4.2.0 later\r\n" if verb == "RCPT" and b"slow@" in arg else None
    sink.reply = reply
    m = make(blocks=archive(f"maildir:{box(tmp_path)}"), retry="intervals = 1s")
    m.send(BODY, to=["good@x.test", "slow@x.test"])
    wait_for("the first", lambda: sink.messages)
    wait_for("an attempt at the second", lambda: "status=deferred" in m.text())
    assert not copies(tmp_path)
    parked = m.json("queue", "list", "--state", "parked")
    assert len(parked) == 1, parked
    assert [r["state"] for r in parked[0]["recipients"]
            if r["address"].startswith("law@")] == ["parked"]
    sink.reply = None
    wait_for("the copy", lambda: copies(tmp_path))
    m.empty()
    assert m.cli("verify").returncode == 0


@pytest.mark.parametrize("how, wanted", [("type = mass", 1), ("type = workflow", 0),
                                         ("source = local", 2)])
def test_only_what_is_asked_for(make, sink, tmp_path, how, wanted):
    m = make(blocks=archive(f"maildir:{box(tmp_path)}", how) +
             "\ntype individual { } type mass { } type workflow { }\n"
             "classify { priority = 1 header { X-Mail-Type = mass } type = mass }")
    m.send(b"X-Mail-Type: mass\r\n\r\nx\r\n")
    m.send(b"Subject: y\r\n\r\ny\r\n")
    m.empty()
    assert len(copies(tmp_path)) == wanted


def test_copy_to_an_address(make, sink):
    """By nobody (the null sender), after the message itself."""
    m = make(blocks=archive("boss@law.test"))
    m.send(BODY, to=["good@x.test"])
    m.empty()
    assert [(x.sender, x.recipients) for x in sink.messages] == \
        [("a@from.test", ["good@x.test"]), ("", ["boss@law.test"])]
    front, rest = parts(sink.messages[1].body)
    assert content(rest) == BODY.replace(b"\r\n", b"\n")
    assert any(f.startswith("X-MTQ-Recipient: <good@x.test>; delivered") for f in front)


def test_a_refused_copy_is_held(make, sink):
    """Nobody gives up a copy but a person; no report about it is sent."""
    sink.reply = refuse(b"boss@")
    m = make(blocks=archive("boss@law.test"), bounce="enabled = yes")
    m.send(BODY, to=["good@x.test"])
    wait_for("held", lambda: m.json("queue", "list", "--state", "held"))
    assert m.text().count("refused: held until") == 1
    assert len(sink.messages) == 1
    m.cli("queue", "retry", m.json("queue", "list")[0]["queue_id"])
    wait_for("held again", lambda: m.text().count("refused: held until") == 2)
    sink.reply = None
    m.cli("queue", "release", m.json("queue", "list")[0]["queue_id"])
    m.empty()
    assert sink.messages[-1].recipients == ["boss@law.test"]


def test_dropped_mail_is_told_of(make, sink, tmp_path):
    sink.reply = lambda verb, arg, session: b"451 4.2.0 later\r\n" if verb == "RCPT" else None
    m = make(blocks=archive(f"maildir:{box(tmp_path)}"), retry="intervals = 1h")
    m.send(BODY, to=["slow@x.test"])
    wait_for("an attempt", lambda: "status=deferred" in m.text())
    m.cli("queue", "drop", "--yes", m.json("queue", "list")[0]["queue_id"])
    wait_for("the copy", lambda: copies(tmp_path))
    front, _ = parts(copies(tmp_path)[0].read_bytes())
    assert any("<slow@x.test>; dropped" in f for f in front), front


def reload(m):
    n = m.text().count("reloaded ")
    m.process.send_signal(signal.SIGHUP)
    wait_for("reloaded", lambda: m.text().count("reloaded ") > n)


@pytest.mark.parametrize("how", ["its parent", "itself"])
def test_a_folder_that_came_later(make, sink, tmp_path, how):
    """What was not there when the workers started counts from the next reload on."""
    folder = tmp_path / "later/law"
    m = make(blocks=archive(f"maildir:{folder}"), retry="intervals = 1s")
    m.send(BODY)
    wait_for("an attempt at the copy",
             lambda: re.search("law@.*status=deferred", m.text()))
    if how == "itself":
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True)
    else:
        folder.parent.mkdir()
    reload(m)
    m.empty()
    assert len(list((folder / "new").iterdir())) == 1


@pytest.mark.parametrize("how", ["moved away", "another one there"])
def test_a_folder_is_moved_away(make, sink, tmp_path, how):
    """As its manual says: then a reload; each copy is in one of them."""
    m = make(blocks=archive(f"maildir:{box(tmp_path)}"), retry="intervals = 1s")
    m.send(BODY)
    m.empty()
    box(tmp_path).rename(tmp_path / "law-2026")
    if how == "another one there":
        for part in ("tmp", "new", "cur"):
            (box(tmp_path) / part).mkdir(parents=True)
    reload(m)
    m.send(BODY)
    m.empty()
    assert len(copies(tmp_path)) == 1
    assert len(list((tmp_path / "law-2026/new").iterdir())) == 1


def test_kills_lose_no_copy(make, sink, tmp_path):
    """Each message has a copy, whoever dies when; a second one is possible."""
    m = make(blocks=archive(f"maildir:{box(tmp_path)}"))
    n = 0
    for role in ("scheduler", "worker", "receiver", "scheduler", "worker"):
        for _ in range(8):
            m.send(b"Subject: n%d\r\n\r\nx\r\n" % n)
            n += 1
        os.kill(wait_for(role, lambda: m.pids(role))[0], signal.SIGKILL)
        if role == "receiver":
            wait_for("it serves again", lambda: m.text().count("receiver serves") == 2)
    m.empty()
    seen = {re.search(rb"^Subject: (n\d+)", p.read_bytes(), re.M).group(1)
            for p in copies(tmp_path)}
    assert seen == {b"n%d" % i for i in range(n)}
    assert m.cli("verify").returncode == 0


@pytest.mark.parametrize("how", [["--from", "a@from.test"], ["--all"], ["--state", "waiting"]])
def test_who_clears_a_sender_means_no_copy(make, sink, tmp_path, how):
    """Dropped by a filter: the copy that tells of it stays, now and when it waits."""
    sink.reply = lambda verb, arg, session: b"451 4.2.0 later\r\n" if verb == "RCPT" else None
    m = make(blocks=archive("boss@law.test"), retry="intervals = 1h")
    m.send(BODY, to=["slow@x.test"])
    wait_for("an attempt", lambda: "status=deferred" in m.text())
    m.cli("queue", "drop", "--yes", *how)
    wait_for("the copy waits", lambda: m.text().count("status=deferred") == 2)
    m.cli("queue", "drop", "--yes", *how, code=None)
    left = m.queue()
    assert [r["address"] for r in left[0]["recipients"]] == ["boss@law.test"]
    sink.reply = None
    m.cli("queue", "retry", "--all")
    m.empty()
    assert sink.messages[0].recipients == ["boss@law.test"]
    m.cli("queue", "list")


def test_held_copies_are_released_by_id(make, sink):
    """Also beside a recipient that has failed, and all of them."""
    sink.reply = lambda verb, arg, session: b"550 5.7.1 no\r\n" if verb == "RCPT" else None
    m = make(blocks=archive("boss@law.test") + '\narchive "two" { to = two@law.test }')
    m.send(BODY, to=["dead@x.test"])
    wait_for("both held", lambda: m.text().count("refused: held until") == 2)
    sink.reply = None
    m.cli("queue", "release", m.json("queue", "list")[0]["queue_id"])
    wait_for("both delivered", lambda: sum(len(x.recipients) for x in sink.messages) == 2)
    assert sorted(r for x in sink.messages for r in x.recipients) == ["boss@law.test", "two@law.test"]


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_copy_that_waits_costs_nothing(make, sink):
    """Also on a route that gives other mail up; and it goes when the relay is back."""
    m = make(blocks=archive("boss@law.test") + '\nrelay "box" { host = 127.0.0.1 port = %d }\n'
             'route "law" { priority = 1 to = law.test via = box on_exhausted = bounce }' % sink.port)
    m.cli("relay", "pause", "box")
    m.send(BODY, to=["good@x.test"])
    wait_for("the copy waits", lambda: [r["state"] for x in m.queue() for r in x["recipients"]]
             == ["waiting"])
    pid = m.pids("scheduler")[0]
    time.sleep(1.5)
    before = cpu_s(pid)
    time.sleep(3)
    assert cpu_s(pid) - before < 0.15
    m.cli("relay", "resume", "box")
    m.empty()
    assert sink.messages[-1].recipients == ["boss@law.test"]
