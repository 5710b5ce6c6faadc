"""mtq explain and mtq forecast over a running mtqd, and with it stopped."""
import pytest

from conftest import free_port, wait_for

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
    *(["explain", "--to", to] for to in ("bad", "@x", "a@b@c", "", "a b@c.test")),
    ["explain", "--to", "a@b.test", "--from", "bad"],
    ["forecast", "--type"], ["forecast", "--type", "nothing"], ["forecast", "!"],
    ["forecast", "a", "b"]])
def test_what_makes_no_sense_is_refused(m, words):
    assert m.cli(*words, code=64).stderr


def test_what_is_not_there_is_said(m):
    for command in ("explain", "forecast"):
        assert m.cli(command, "0" * 11 + "1", code=1).stderr
    assert "Nothing waits" in m.cli("forecast").stdout


# What keeps mail here, and what is said of it.
KEPT = """
zone = Etc/UTC
source "flows" {{ from_ip = 127.0.0.2 }}
type "individual" {{ lifetime = 30min }}
type "mass" {{ }}
classify {{ priority = 1  by_header = X-Type }}
classify {{ priority = 2  sender = news.test  type = mass }}
quota "few" {{ limit = 0 }}
quota "octets" {{ limit = 20000  unit = bytes }}
relay "shut" {{ deliver = maildir  dir = {dir}/shut  quota = few }}
relay "thin" {{ deliver = maildir  dir = {dir}/thin  quota = octets }}
relay "gone" {{ host = 127.0.0.1  port = {port}  lookup = host }}
route "one" {{ priority = 10  to = one.test  via = shut }}
route "two" {{ priority = 20  to = "*.two.test"  via = shut }}
route "thin" {{ priority = 30  to = thin.test  via = thin }}
route "end" {{ priority = 40  to = end.test  via = shut  on_exhausted = bounce }}
route "gone" {{ priority = 50  to = gone.test  via = gone }}
route "list" {{ priority = 60  to = list.test  via {{ mass = thin }} }}
route "flows" {{ priority = 70  source = flows  type = mass  via = shut }}
"""


@pytest.fixture
def kept(make, tmp_path):
    return make(blocks=KEPT.format(dir=tmp_path, port=free_port()))


def groups(m, *words, **kw):
    return m.json("explain", *words, **kw)


def test_each_route_and_state_is_told_once(kept):
    m = kept
    i = m.send(to=["a@one.test", "b@one.test", "c@x.two.test"])
    got = groups(m, i, code=1)
    assert [(g["route"], g["recipients"]) for g in got] == \
        [("one", ["a@one.test", "b@one.test"]), ("two", ["c@x.two.test"])]
    assert "to one.test" in got[0]["route_why"]
    assert "to *.two.test" in got[1]["route_why"]
    assert got[0]["next"] is None and got[0]["expires"] is not None
    assert "nothing is known" in got[0]["verdict"]
    assert "its lifetime ends" in got[0]["verdict"]
    m.cli("queue", "hold", "--to", "b@one.test", "--reason", "wait for anna")
    held = [g for g in groups(m, i, code=1) if g["state"] == "held"]
    assert [g["recipients"] for g in held] == [["b@one.test"]]
    assert "held back" in held[0]["verdict"]
    assert "wait for anna" in held[0]["verdict"]
    assert f"mtq queue release {i}`; then it waits, and nothing" in held[0]["verdict"]
    text = m.cli("explain", i, code=1).stdout
    assert text.count("State ") == 3
    m.cli("queue", "drop", "--yes", i)


def test_many_recipients_are_all_in_json(kept):
    to = [f"r{n}@one.test" for n in range(700)]
    i = kept.send(to=to)
    got, = groups(kept, i, code=1)
    assert got["recipients"] == to
    assert "and 695 more" in kept.cli("explain", i, code=1).stdout
    kept.cli("queue", "drop", "--yes", i)


def test_a_route_that_gives_up(kept):
    got, = groups(kept, "--to", "a@end.test", code=1)
    assert got["choice"] == "bounce" and "on_exhausted = bounce" in got["verdict"]
    i = kept.send(to=["a@end.test"])
    wait_for("it to fail", lambda: kept.queue()[0]["recipients"][0]["state"] == "failed")
    got, = groups(kept, i, code=1)
    assert got["state"] == "failed" and f"mtq queue retry {i}" in got["verdict"]
    kept.cli("queue", "drop", "--yes", i)


def test_a_relay_that_cannot_be_reached(kept):
    i = kept.send(to=["a@gone.test"])
    def down():
        got = groups(kept, i, code=None)
        return got and got[0]["steps"][0]["state"] == "unreachable" and got[0]
    got = wait_for("the breaker", down)
    assert "one message tries" in got["steps"][0]["why"]
    assert "gone can be reached" in got["verdict"] or "tried again" in got["verdict"]
    kept.stop()
    kept.start()
    kept.cli("queue", "hold", i)
    kept.cli("queue", "drop", "--yes", i)


def test_mail_too_large_for_what_is_left(kept):
    go, = groups(kept, "--to", "a@thin.test", "--size", "10kb")
    assert go["choice"] == "go"
    tight, = groups(kept, "--to", "a@thin.test", "--size", "30kb", code=1)
    assert (tight["choice"], tight["steps"][0]["state"]) == ("wait", "spent")
    assert "more than it ever lets through" in tight["steps"][0]["why"]
    kept.send(b"Subject: x\r\n\r\n" + 150 * (b"x" * 70 + b"\r\n"), to=["a@thin.test"])
    kept.empty()
    tight, = groups(kept, "--to", "a@thin.test", "--size", "15kb")
    assert "too many for what is left" in tight["steps"][0]["why"]
    assert tight["next"] is not None
    i = kept.send(b"Subject: x\r\n\r\n" + 190 * (b"x" * 70 + b"\r\n"), to=["a@thin.test"])
    got, = groups(kept, i, code=None)
    assert "octets: " in got["steps"][0]["why"]
    kept.cli("queue", "drop", "--yes", i)


def test_the_type_then_and_today(kept):
    m = kept
    i = m.send(b"X-Type:\r\n Mass\r\nx-type: individual\r\n\r\nhi\r\n", to=["a@one.test"])
    got, = groups(m, i, code=1)
    assert (got["type"], got["rule"]) == \
        ("mass", "given when it was accepted (today: by the rule with priority 1)")
    m.write(blocks=m.conf["blocks"].replace(
        "by_header = X-Type", "header { X-Type = mass }  type = individual"))
    got, = groups(m, i, code=1)
    assert got["type"] == "mass"
    assert "today it would be individual: by the rule with priority 1" in got["rule"]
    assert not got["moved"]
    m.write(blocks=m.conf["blocks"].replace('type "mass"', 'type "bulk"')
            .replace("type = mass", "type = bulk").replace("mass = thin", "bulk = thin"))
    got, = groups(m, i, code=1)
    assert got["type"] == "individual" and got["moved"]
    assert "no longer has" in got["rule"]
    assert "another configuration sorted it" in m.cli("explain", i, code=1).stdout
    m.cli("queue", "drop", "--yes", i)


def test_conditions_of_thought_mail(kept):
    none, = groups(kept, "--to", "a@list.test")
    assert (none["route"], none["relay"]) == ("list", "out")
    assert "no list for individual: no_match = out" in none["route_why"]
    some, = groups(kept, "--to", "a@list.test", "--type", "mass")
    assert some["relay"] == "thin"
    news, = groups(kept, "--to", "<a@b.test>", "--from", "x@bounce.test", "--source",
                   "flows", "--header", "From: N <n@news.test>", code=1)
    assert (news["author"], news["sender"]) == ("n@news.test", "x@bounce.test")
    assert (news["type"], news["route"]) == ("mass", "flows")
    assert news["recipients"] == ["a@b.test"]
    assert "source flows, type mass" in news["route_why"]
    assert (none["sender"], none["author"]) == (None, "someone@mtq.test")
    assert "the one that the client gives" in none["return_path"]
    null, = groups(kept, "--to", "a@list.test", "--from", "<>")
    assert (null["sender"], null["author"]) == ("", None)
    assert "<>, as the client gave it" in null["return_path"]
    for words in (["--source", "nobody"], ["--listener", "nobody"]):
        assert kept.cli("explain", "--to", "a@b.test", *words, code=64).stderr


def test_mail_that_is_tried_again(make, sink):
    sink.reply = lambda verb, arg, h: \
        b"451 4.7.1 greylisted\r\n" if verb == "RCPT" else None
    m = make(retry="intervals = 5min\n\tjitter = 0%")
    i = m.send(to=["a@one.test", "b@one.test"])
    wait_for("a deferral", lambda: groups(m, i)[0]["verdict"].startswith("is tried again"))
    got, = groups(m, i)
    assert "relay out would take it now" in got["verdict"]
    assert "greylisted" in got["verdict"] and got["choice"] == "go"
    assert got["next"] == m.json("queue", "show", i)[0]["recipients"][0]["next_attempt"]
