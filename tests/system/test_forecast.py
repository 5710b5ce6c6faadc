"""mtq forecast over a real queue: by type, by quota, by message, in words and as
JSON, with mtqd running and stopped."""
import datetime
import time

import pytest

from conftest import wait_for

BLOCKS = """
zone = Etc/UTC
type "individual" {{ weight = 6  lifetime = 30d }}
type "workflow" {{ weight = 3  lifetime = 1min }}
type "mass" {{ weight = 1  lifetime = 30d }}
classify {{ priority = 1  by_header = X-Type }}
quota "two" {{ limit = 2  cap {{ mass = 0 }} }}
quota "month" {{ limit = 100k  window = month  zone = Europe/Berlin }}
quota "none" {{ limit = 0 }}
relay "box" {{ deliver = maildir  dir = {dir}/box  quota = [two, month] }}
relay "shut" {{ deliver = maildir  dir = {dir}/shut  quota = none }}
relay "crm" {{ deliver = maildir  dir = {dir}/crm  role = crm }}
route "r" {{ priority = 5  from = from.test  via = {via} }}
route "f" {{ priority = 6  from = fall.test  via = box  on_exhausted = crm }}
"""


@pytest.fixture
def m(make, tmp_path):
    m = make(blocks=BLOCKS.format(dir=tmp_path, via="box"))
    m.folder = tmp_path
    return m


def send(m, n, kind="individual", **kw):
    return [m.send(f"X-Type: {kind}\r\nSubject: x\r\n\r\nhi\r\n".encode(), **kw)
            for _ in range(n)]


def waits(m, n):
    wait_for(f"{n} to wait", lambda: len(m.queue()) == n)


def forecast(m, *words, **kw):
    rows = m.json("forecast", *words, **kw)
    return {(r["kind"], r.get("type") or r.get("quota")): r for r in rows}


def midnight(days):
    """The n-th one from now on, as mtq prints it."""
    day = datetime.datetime.now(datetime.timezone.utc).date()
    day += datetime.timedelta(days=days)
    return day.isoformat() + "T00:00:00.000Z"


def seconds(when):
    return datetime.datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp()


def test_two_a_day_seven_wait(m):
    if "T23:59" in time.strftime("T%H:%M", time.gmtime()):
        pytest.skip("the day turns in the midst of it")
    ids = send(m, 7)
    waits(m, 5)  # two have gone
    f = forecast(m)
    mine = f["type", "individual"]
    assert (mine["waiting"], mine["expiring"], mine["through_at"]) == \
        (5, 0, midnight(3))
    assert f["type", "mass"]["waiting"] == 0
    assert f["type", "mass"]["through_at"] is None
    assert f["all", None]["through_at"] == midnight(3)
    assert f["quota", "two"]["opens_at"] == midnight(1)
    assert seconds(f["quota", "two"]["full_at"]) <= time.time()
    assert f["quota", "month"]["full_at"] is None
    assert f["quota", "none"]["opens_at"] is None
    assert m.json("forecast", ids[2])[0]["through_at"] == midnight(1)
    assert m.json("forecast", ids[-1])[0]["through_at"] == midnight(3)
    assert list(forecast(m, "--type", "mass"))[0] == ("type", "mass")
    text = m.cli("forecast").stdout
    assert "All that waits will be through on" in text
    assert "Assumed: no further mail" in text
    m.stop()
    assert forecast(m)["all", None] == f["all", None]
    m.start()


def test_what_can_never_go_misses_its_lifetime(m):
    mass = send(m, 3, "mass")
    waits(m, 3)
    f = forecast(m, code=1)
    row = f["type", "mass"]
    assert (row["waiting"], row["expiring"], row["through_at"]) == (3, 3, None)
    first = seconds(row["expires_first_at"]) - time.time()
    assert 29.9 * 86400 < first <= 30 * 86400
    assert "3 of type mass will miss their lifetime" in \
        m.cli("forecast", "--type", "mass", code=1).stdout
    assert "will miss its lifetime" in m.cli("forecast", mass[0], code=1).stdout
    assert m.json("forecast", mass[0], code=1)[0]["expiring"] == 1
    m.cli("forecast", "--type", "individual")  # nothing of that waits
    # What is held is no part of it.
    m.cli("queue", "hold", *mass)
    assert forecast(m)["all", None]["waiting"] == 0
    assert m.cli("forecast", mass[0], code=1).stderr


def test_some_go_and_some_expire(m):
    m.cli("relay", "pause", "box", "--until", "3h")
    send(m, 2, "individual")
    send(m, 1, "workflow")
    waits(m, 3)
    f = forecast(m, code=1)
    assert f["type", "workflow"]["expiring"] == 1
    through = seconds(f["type", "individual"]["through_at"]) - time.time()
    assert 3 * 3600 - 60 < through <= 3 * 3600 + 1
    text = m.cli("forecast", code=1).stdout
    assert "What can go will be through on" in text
    assert "1 of type workflow will miss" in text


def test_a_message_goes_when_it_was_said(m):
    m.cli("relay", "pause", "box", "--until", "3s")
    last = send(m, 1)[0]
    at = seconds(m.json("forecast", last)[0]["through_at"])
    wait_for("it to go", lambda: not m.queue())
    assert at - 1 <= time.time() <= at + 5


def test_what_is_over_goes_through_the_crm(m):
    m.cli("relay", "pause", "crm", "--until", "2h")
    ids = send(m, 5, sender="a@fall.test")
    waits(m, 3)
    through = seconds(forecast(m)["all", None]["through_at"]) - time.time()
    now = datetime.datetime.now(datetime.timezone.utc)
    turns = seconds(midnight(1)) - time.time()
    assert through <= 2 * 3600 + 1
    if now.hour < 21:  # the pause ends before the day does
        assert through > 2 * 3600 - 60 and turns > through
    m.cli("relay", "resume", "crm")
    m.empty()
    assert m.cli("forecast", ids[-1], code=1).stderr


def test_several_recipients_are_one_message(m):
    [one] = send(m, 1, to=[f"r{i}@to.test" for i in range(5)])
    wait_for("three to wait",
             lambda: forecast(m)["all", None]["waiting"] == 3)
    got = m.json("forecast", one)[0]
    assert (got["kind"], got["waiting"], got["through_at"]) == \
        ("message", 3, midnight(2))


def test_a_new_configuration_counts_at_once(m):
    """Rows still lie in the lanes of the old one: mtqd is stopped."""
    send(m, 4)
    waits(m, 2)
    m.stop()
    m.write(blocks=BLOCKS.format(dir=m.folder, via="shut"))
    assert forecast(m, code=1)["type", "individual"]["expiring"] == 2
    m.write(blocks=BLOCKS.format(dir=m.folder, via="crm"))
    assert forecast(m)["type", "individual"]["expiring"] == 0
    m.start()
    m.empty()


def test_a_bounce_is_foreseen(m):
    m.stop()
    m.write(blocks=BLOCKS.format(dir=m.folder, via="box"))
    m.start()
    send(m, 5)
    waits(m, 3)
    m.stop()
    m.write(blocks=BLOCKS.format(dir=m.folder, via="shut  on_exhausted = bounce"))
    got = forecast(m, code=1)
    assert got["all", None]["bouncing"] == 3
    assert "will be bounced by their route" in m.cli("forecast", code=1).stdout
