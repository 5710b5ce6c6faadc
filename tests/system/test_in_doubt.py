"""The reply to the final dot is lost: each type's policy says what follows, and
the place on the quota stays used in all three."""
import json
import os
import signal
import threading

import pytest

from conftest import wait_for

BLOCKS = """
type "again" {{ in_doubt = resend }}
type "kept" {{ in_doubt = hold }}
type "gone" {{ in_doubt = assume-sent }}
"""
BLOCKS = BLOCKS.replace("{{", "{").replace("}}", "}") + """
classify { priority = 1 sender = "again@from.test" type = again }
classify { priority = 2 sender = "kept@from.test" type = kept }
classify { priority = 3 sender = "gone@from.test" type = gone }
quota "day" { limit = 100 window = day }
"""


def lose_the_reply(sink):
    """The first reply to a dot never comes; the mail is taken."""
    lost = threading.Event()

    def reply(verb, arg, h):
        if verb == "DOT" and not lost.is_set():
            lost.set()
            return b""
    sink.reply = reply
    return lost


def events(m):
    return [json.loads(x) for x in m.cli("events").stdout.splitlines()]


def kinds(m, qid):
    return [e["kind"] for e in events(m) if e.get("queue_id") == qid]


def used(m):
    return next(q["used"] for q in m.json("quota") if q["name"] == "day")


@pytest.mark.parametrize("way", ["reply", "worker"])
@pytest.mark.parametrize("policy, follows", [
    ("again", ["in_doubt", "delivered"]),
    ("kept", ["in_doubt", "held"]),
    ("gone", ["in_doubt", "delivered"]),
])
def test_policy(make, sink, policy, follows, way):
    m = make(workers=1, blocks=BLOCKS,
             relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\tquota = day")
    if way == "reply":
        lose_the_reply(sink)
    else:
        reached, go_on = threading.Event(), threading.Event()

        def reply(verb, arg, h):
            if verb == "DOT" and not reached.is_set():
                reached.set()
                go_on.wait(15)
                return b""
        sink.reply = reply
    qid = m.send(sender=f"{policy}@from.test")
    if way == "worker":
        assert reached.wait(10)
        os.kill(m.pids("worker")[0], signal.SIGKILL)
        go_on.set()
    wait_for("what follows", lambda: len(kinds(m, qid)) >= 3)
    assert kinds(m, qid) == ["accepted", *follows]
    assert "no answer after the final dot" in m.text()
    if policy == "kept":
        row = m.queue()[0]["recipients"][0]
        assert row["state"] == "held", row
        assert row["reason"].startswith("held, it may have arrived"), row
        assert used(m) == 1
        m.cli("queue", "drop", "--yes", qid)
        assert kinds(m, qid)[-1] == "dropped"
    m.empty()
    assert used(m) == (2 if policy == "again" else 1)
    if policy == "gone":
        last = events(m)[-1]
        assert last["status"] == "2.0.0", last
        assert last["reply"].startswith("assumed: no reply after the final dot")
        assert "taken as delivered" in m.text()
