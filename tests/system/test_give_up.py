"""mtq queue bounce: a person ends mail that waits or is held; its sender is told,
with the person's words and without the person's name."""
import json

from conftest import wait_for


def test_a_person_gives_mail_up(make, sink):
    m = make(bounce="enabled = yes")
    m.cli("relay", "pause", "out")
    qid = m.send(sender="crm@from.test", to=("b@to.test", "c@to.test"))
    wait_for("it waits", m.queue)
    m.cli("queue", "bounce", "--yes", "--reason", "wrong list", qid)
    rows = [r for q in m.queue() if q["queue_id"] == qid for r in q["recipients"]]
    assert [r["state"] for r in rows] == ["failed"] * 2
    assert all(r["status"] == "5.0.0" and r["attempts"] == 0 for r in rows), rows
    m.cli("queue", "bounce", "--yes", qid, code=None)  # nothing more happens
    m.cli("relay", "resume", "out")
    wait_for("the report", lambda: sink.messages)
    report = sink.messages[0]
    assert report.recipients == ["crm@from.test"]
    assert report.body.count(b"given up by the administrator: wrong list") >= 2
    assert b"Status: 5.0.0" in report.body and b"uid " not in report.body
    kinds = [json.loads(x) for x in m.cli("events").stdout.splitlines()]
    ends = [x for x in kinds if x["kind"] == "bounced"]
    assert len(ends) == 2, kinds
    assert all(x["who"].startswith("uid ") and x["detail"] == "wrong list" for x in ends), ends
    assert m.text().count("sender non-delivery notification") == 1
