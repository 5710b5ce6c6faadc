"""A worker dies: after the final dot the delivery is in doubt, before it it is
not.  Either way the mail arrives."""
import os
import signal
import threading

import pytest

from conftest import wait_for


@pytest.mark.parametrize("verb, doubt", [("MAIL", False), ("DOT", True)])
def test_a_worker_dies_while_the_peer_thinks(make, sink, verb, doubt):
    reached, go_on = threading.Event(), threading.Event()

    def reply(v, arg, h):
        if v == verb and not reached.is_set():
            reached.set()
            go_on.wait(15)
            return b""
    sink.reply = reply
    m = make(workers=1)
    qid = m.send()
    assert reached.wait(10)
    os.kill(m.pids("worker")[0], signal.SIGKILL)
    go_on.set()
    m.empty()
    lines = [x for x in m.text().splitlines() if qid in x]
    assert any("possible duplicate" in x for x in lines) == doubt, lines
    assert any("status=deferred" in x for x in lines)
    assert any("status=sent" in x for x in lines)
    assert len(sink.messages) == 1
