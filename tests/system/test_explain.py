"""mtq explain and mtq forecast over a running mtqd, and with it stopped."""
import pytest

from conftest import wait_for

BLOCKS = """
zone = Etc/UTC
classify {{ priority = 1  by_header = X-Type }}
quota "small" {{ limit = 2 }}
quota "crm" {{ limit = 1  cap {{ mass = 0 }} }}
relay "box" {{ deliver = maildir  dir = {dir}/box  quota = small }}
relay "crm" {{ deliver = maildir  dir = {dir}/crm  quota = crm  role = crm }}
route "r" {{ priority = 5  from = from.test  via = box  on_exhausted = crm }}
"""


@pytest.fixture
def m(make, tmp_path):
    return make(blocks=BLOCKS.format(dir=tmp_path))


def send(m, n, kind="individual"):
    return [m.send(f"X-Type: {kind}\r\nSubject: x\r\n\r\nhi\r\n".encode())
            for _ in range(n)]


def explain(m, *words, **kw):
    return m.json("explain", *words, **kw)[0]


def test_mail_that_waits_is_explained_with_its_numbers(m):
    last = send(m, 5)[-1]
    wait_for("two to wait", lambda: len(m.queue()) == 2)
    e = explain(m, last)
    assert (e["queue_id"], e["type"], e["route"], e["choice"]) == \
        (last, "individual", "r", "wait")
    assert [(s["relay"], s["state"], s["by_trigger"]) for s in e["steps"]] == \
        [("box", "spent", False), ("crm", "spent", True)]
    assert "quota small: 2 of 2" in e["steps"][0]["why"]
    assert e["next"] is not None
    text = m.cli("explain", last).stdout
    assert "waits until" in text and "priority 5" in text
    m.stop()
    assert m.cli("explain", last).stdout.split("accepted")[1:]
    f = {x["kind"]: x for x in m.json("forecast") if x["kind"] != "type"}
    assert f["all"]["waiting"] == 2 and f["all"]["expiring"] == 0
    assert f["all"]["through_at"] == e["next"]
    assert m.json("forecast", last)[0]["through_at"] == e["next"]
    m.start()


def test_mail_that_is_only_thought_of(m):
    go = explain(m, "--from", "a@from.test", "--to", "b@to.test")
    assert (go["choice"], go["relay"], go["route"], go["queue_id"]) == \
        ("go", "box", "r", None)
    no_route = explain(m, "--from", "a@other.test", "--to", "b@to.test")
    assert (no_route["relay"], no_route["route"]) == ("out", None)
    assert "no_match" in no_route["route_why"]
    mass = explain(m, "--from", "a@from.test", "--to", "b@to.test",
                   "--header", "X-Type: mass")
    assert (mass["type"], mass["rule"]) == ("mass", "by the rule with priority 1")
    send(m, 2)
    m.empty()
    mass = explain(m, "--from", "a@from.test", "--to", "b@to.test", "--type", "mass")
    assert mass["choice"] == "wait"
    assert "cap of 0" in mass["steps"][1]["why"]


def test_a_pause_is_explained_and_foreseen(m):
    m.cli("relay", "pause", "box", "--reason", "works")
    m.cli("relay", "pause", "crm")
    last = send(m, 1)[0]
    wait_for("one to wait", lambda: len(m.queue()) == 1)
    e = explain(m, last, code=1)
    assert e["choice"] == "wait" and e["next"] is None
    assert "works" in e["steps"][0]["why"]
    assert m.cli("forecast", last, code=1).stdout
    m.cli("relay", "resume", "box")
    m.empty()


@pytest.mark.parametrize("words", [
    ["explain"], ["explain", "--from", "a@b.test"], ["explain", "x", "--to", "a@b"],
    ["explain", "--to", "a@b.test", "--type", "nothing"],
    ["explain", "--to", "a@b.test", "--header", "nothing"],
    ["explain", "--to", "a@b.test", "--size", "5"], ["explain", "!"],
    ["forecast", "--type"], ["forecast", "--type", "nothing"], ["forecast", "!"],
    ["forecast", "a", "b"]])
def test_what_makes_no_sense_is_refused(m, words):
    assert m.cli(*words, code=64).stderr


def test_what_is_not_there_is_said(m):
    for command in ("explain", "forecast"):
        assert m.cli(command, "0" * 11 + "1", code=1).stderr
    assert "Nothing waits" in m.cli("forecast").stdout
