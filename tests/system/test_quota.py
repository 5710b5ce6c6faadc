"""mtq quota, mtq relay and mtq status over a running mtqd: what they show, what
they change, and what they say no to."""
import subprocess
import time

import pytest

from conftest import BUILD, wait_for

BLOCKS = """
zone = Etc/UTC
quota "small" {{ limit = 3  cap {{ mass = 1 }} }}
quota "month" {{ limit = 100k  window = month  zone = Europe/Berlin }}
quota "slide" {{ limit = 50  window = rolling  period = 1h }}
relay "box" {{ deliver = maildir  dir = {dir}/box  quota = [small, month] }}
relay "other" {{ deliver = maildir  dir = {dir}/other  quota = slide }}
route "r" {{ priority = 1  to = box.example  via = box }}
route "o" {{ priority = 2  to = other.example  via = other }}
"""


@pytest.fixture
def m(make, tmp_path):
    return make(blocks=BLOCKS.format(dir=tmp_path))


def quota(m, name):
    return next(q for q in m.json("quota") if q["name"] == name)


def relay(m, name):
    return next(r for r in m.json("relay") if r["name"] == name)


def send(m, n, to="x@box.example"):
    for _ in range(n):
        m.send(to=[to])


def used_is(m, name, n):
    wait_for(f"{n} used of {name}", lambda: quota(m, name)["used"] == n)


def test_what_is_used_is_shown_for_each_quota_and_type(m):
    send(m, 5)
    used_is(m, "small", 3)
    small = quota(m, "small")
    assert (small["unit"], small["limit"], small["free"], small["in_flight"]) == \
        ("recipients", 3, 0, 0)
    assert small["window"] == "day, Etc/UTC"
    assert small["resets_at"].endswith("T00:00:00Z") or \
        small["resets_at"].endswith("T00:00:00.000Z"), small
    assert small["types"]["individual"]["used"] == 3
    assert small["types"]["mass"]["cap"] == 1
    assert quota(m, "month")["used"] == 3
    assert quota(m, "slide")["resets_at"] is None
    m.json("quota", "small")
    assert "Charged by" in m.cli("quota", "small").stdout
    m.cli("quota", "audit")
    assert m.cli("quota", "nothing", code=1).stderr
    box = relay(m, "box")
    assert box["state"] == "spent" and "small" in box["why"]
    assert box["types"]["individual"]["room"] == 0
    status = m.json("status")[0]
    assert any("quota small" in n for n in status["notes"]), status
    assert not status["problems"], status
    m.cli("status", "--check")


def test_a_limit_changes_at_once_and_ends_by_itself(m):
    send(m, 6)
    used_is(m, "small", 3)
    said = m.cli("quota", "set", "small", "5", "--until", "2s", "--reason",
                 "more today").stdout
    assert "until" in said
    used_is(m, "small", 5)
    assert "more today" in quota(m, "small")["origin"]
    time.sleep(2)  # as the administrator said
    wait_for("the end of the change", lambda: quota(m, "small")["limit"] == 3)
    assert quota(m, "small")["free"] == 0
    m.cli("quota", "set", "small", "6")
    used_is(m, "small", 6)
    m.cli("quota", "unset", "small")
    assert quota(m, "small")["limit"] == 3
    m.cli("quota", "unset", "small", code=1)
    m.cli("quota", "audit")


def test_a_change_outlives_a_restart_and_names_who_made_it(m):
    m.cli("quota", "set", "small", "mass", "0", "--reason", "no newsletters")
    m.cli("relay", "pause", "other", "--reason", "maintenance")
    m.stop()
    small = m.json("quota", "small")[0]
    assert small["types"]["mass"]["cap"] == 0
    assert "no newsletters" in m.cli("quota", "small").stdout
    assert relay(m, "other")["state"] == "paused"
    assert m.cli("quota", "set", "small", "1", code=69).stderr
    m.start()
    send(m, 1, "x@other.example")
    wait_for("the message", lambda: len(m.queue()) == 1)
    assert "maintenance" in relay(m, "other")["why"]
    m.cli("relay", "resume", "other")
    m.cli("relay", "resume", "other", code=1)
    m.empty()
    assert relay(m, "other")["state"] == "open"


@pytest.mark.parametrize("words", [
    ["quota", "set"], ["quota", "set", "small"], ["quota", "set", "small", "x"],
    ["quota", "set", "small", "5", "--until", "yesterday"],
    ["quota", "set", "small", "5", "--until", "2020-01-01"],
    ["quota", "set", "small", "mass", "5", "more"],
    ["quota", "unset", "small", "--until", "2h"], ["quota", "a", "b"],
    ["relay", "pause"], ["relay", "resume", "box", "--until", "2h"],
    ["relay", "pause", "box", "--reason", "x" * 300]])
def test_what_makes_no_sense_is_refused(m, words):
    assert m.cli(*words, code=64).stderr
    assert quota(m, "small")["limit"] == 3


def test_what_is_not_there_is_said(m):
    for words in (["quota", "set", "nothing", "5"],
                  ["quota", "set", "small", "nothing", "5"],
                  ["relay", "pause", "nothing"], ["relay", "nothing"]):
        assert m.cli(*words, code=1).stderr


def test_only_root_and_the_daemon_may_change(m):
    if subprocess.run(["id", "-u"], capture_output=True, text=True).stdout != "0\n":
        pytest.skip("needs root to become somebody else")
    (m.state / "control.sock").chmod(0o666)
    for folder in [m.state, *m.state.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o011)
    m.path.chmod(0o644)
    r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534",
                        "--clear-groups", BUILD / "mtq", "-c", m.path,
                        "quota", "set", "small", "100"],
                       capture_output=True, text=True, timeout=30)
    assert r.returncode == 77, r
    assert quota(m, "small")["limit"] == 3
