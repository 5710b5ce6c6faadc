"""What became of mail: mtq history, mtq bounces, the attempts in mtq queue show,
and what mtq status and mtq explain know of it."""
import subprocess

import pytest

from conftest import BUILD, wait_for

BODY = b"Message-ID: <m1@from.test>\r\nSubject: x\r\n\r\nhi\r\n"


@pytest.fixture
def mixed(make, sink):
    """good@ is taken; bad@, full@ and spam@ are refused; later@ waits 1 s."""
    replies = {b"bad": b"550 5.1.1 no such user\r\n",
               b"full": b"552 5.2.2 mailbox full\r\n",
               b"spam": b"550 5.7.1 blocked \x1b[31m using x.example\r\n",
               b"later": b"451 4.2.1 greylisted\r\n"}

    def reply(verb, arg, session):
        if verb == "RCPT":
            for word, answer in replies.items():
                if word in arg:
                    return answer
    sink.reply = reply
    m = make()
    m.replies = replies
    return m


def outcomes(m, *args):
    return {r["recipient"]: r["outcome"] for r in m.json("history", *args)}


def wait_until(m, qid, **want):
    def look():
        got = {k.split("@")[0]: v for k, v in outcomes(m, qid).items()}
        return all(got.get(k) == v for k, v in want.items())
    wait_for(f"{qid}: {want}", look)


def test_each_recipient_of_a_message(mixed):
    qid = mixed.send(BODY, to=("good@to.test", "bad@to.test", "later@to.test"))
    wait_until(mixed, qid, good="delivered", bad="bounced")
    del mixed.replies[b"later"]
    wait_until(mixed, qid, later="delivered")
    rows = {r["recipient"].split("@")[0]: r for r in mixed.json("history", qid)}
    assert set(rows) == {"good", "bad", "later"}
    for r in rows.values():
        assert r["queue_id"] == qid and r["message_id"] == "<m1@from.test>"
        assert r["sender"] == "a@from.test" and r["relay"] == "out"
        assert r["source"] == "local" and r["size"] > 0 and not r["cut"]
        steps = r["attempts"]
        assert steps[0]["kind"] == "accepted"
        assert [s["event"] for s in steps] == sorted(s["event"] for s in steps)
        for before, step in zip(steps, steps[1:]):
            assert step["previous"] == before["event"]
    assert rows["good"]["status"] == "2.0.0" and rows["good"]["code"] == 250
    assert rows["bad"]["category"] == "bad-address"
    assert "no such user" in rows["bad"]["reply"]
    assert rows["later"]["tries"] == len(rows["later"]["attempts"]) - 1 >= 2
    steps = rows["later"]["attempts"][1:]
    assert [s["kind"] for s in steps[:-1]] == ["deferred"] * (len(steps) - 1)
    assert steps[-1]["kind"] == "delivered" and steps[0]["next_attempt"]
    assert steps[-1]["queued_ms"] >= 1000 and steps[-1]["remote"]
    text = mixed.cli("history", qid).stdout
    assert "greylisted" in text and "delivered" in text and "DELAYS" in text


def test_by_address_and_by_message_id(mixed):
    ids = [mixed.send(BODY, to=("Good@to.test", "bad@to.test")),
           mixed.send(to=("good@TO.test",))]
    for qid in ids:
        wait_for("delivery", lambda: "delivered" in outcomes(mixed, qid).values())
    rows = mixed.json("history", "gOOD@to.TEST")
    assert [r["queue_id"] for r in rows] == ids
    assert {r["outcome"] for r in rows} == {"delivered"}
    rows = mixed.json("history", "<m1@from.test>")
    assert {(r["queue_id"], r["recipient"]) for r in rows} == {
        (ids[0], "Good@to.test"), (ids[0], "bad@to.test")}
    assert len(mixed.json("history", "good@to.test", "--since", "1h")) == 2
    assert len(mixed.json("history", "good@to.test", "--since", "today")) in (0, 2)
    text = mixed.cli("history", "good@to.test").stdout
    assert len(text.splitlines()) == 3 and "accepted" not in text
    text = mixed.cli("history", "--attempts", "good@to.test").stdout
    assert text.count("accepted") == 2 and text.count("delivered") == 2


def test_mail_that_was_never_tried_is_found(make):
    m = make()
    m.cli("relay", "pause", "out")
    qid = m.send(to=("good@to.test",))
    (r,) = m.json("history", "good@to.test")
    assert r["queue_id"] == qid and r["outcome"] == "waiting" and r["tries"] == 0
    for pattern in "*@to.test", "go*@to.test":  # a * is a letter of an address
        m.cli("history", pattern, code=1)
    m.cli("queue", "hold", "--reason", "wait for Anna", qid)
    assert outcomes(m, qid) == {"good@to.test": "held"}
    assert any("1 recipients are held" in n for n in m.json("status")[0]["notes"])
    m.cli("queue", "release", qid)
    assert outcomes(m, qid) == {"good@to.test": "waiting"}
    m.cli("queue", "drop", "--yes", qid)
    (r,) = m.json("history", qid)
    assert r["outcome"] == "dropped"
    assert [s["kind"] for s in r["attempts"]] == ["accepted", "held", "released",
                                                  "dropped"]
    held = r["attempts"][1]
    assert held["who"] and "wait for Anna" in (held["reply"] or "") + \
        (held["detail"] or "") + held["who"]


@pytest.mark.parametrize("words, code", [
    (["history"], 64), (["history", "a@b.test", "c@d.test"], 64),
    (["history", "nonsense"], 64), (["history", "@to.test"], 64),
    (["history", "a@b.test", "--since", "tomorrow"], 64),
    (["history", "<>"], 64), (["history", "0BRLQZHT1WZH"], 1),
    (["history", "<none@x>"], 1), (["history", "nobody@to.test"], 1),
    (["bounces", "more"], 64), (["bounces", "--by", "moon"], 64),
    (["bounces", "--category", "none-such"], 64),
    (["bounces", "--since", "2h30"], 64), (["bounces", "--limit", "x"], 64),
], ids=lambda x: " ".join(x) if isinstance(x, list) else str(x))
def test_what_makes_no_sense_or_is_not_known(mixed, words, code):
    r = mixed.cli(*words, code=code)
    assert not r.stdout and r.stderr


def test_it_outlives_a_restart_and_mtqd(mixed):
    qid = mixed.send(BODY, to=("good@to.test", "bad@to.test"))
    wait_until(mixed, qid, good="delivered", bad="bounced")
    before = mixed.json("history", qid)
    assert mixed.stop() == 0
    assert mixed.json("history", qid) == before
    mixed.start()
    assert mixed.json("history", qid) == before


def test_bounces_and_their_sums(mixed):
    qid = mixed.send(to=("bad1@a.test", "bad2@a.test", "full@a.test",
                         "spam@b.test", "good@b.test"))
    rows = wait_for("four failures",
                    lambda: len(r := mixed.json("bounces")) == 4 and r)
    assert [r["event"] for r in rows] == sorted(r["event"] for r in rows)
    assert {r["queue_id"] for r in rows} == {qid}
    assert {r["recipient"]: r["category"] for r in rows}["full@a.test"] == \
        "mailbox-full"
    def who(*args):
        return sorted(r["recipient"] for r in mixed.json("bounces", *args))
    assert who("--domain", "B.test") == ["spam@b.test"]
    assert who("--category", "bad-address") == ["bad1@a.test", "bad2@a.test"]
    assert who("--category", "bad-address,mailbox-full", "--domain", "*.test") == \
        ["bad1@a.test", "bad2@a.test", "full@a.test"]
    assert who("--type", "individual") == sorted(r["recipient"] for r in rows)
    assert who("--type", "edition") == []
    r = mixed.cli("bounces", "--limit", 1, "--json")
    assert rows[-1]["event"] in r.stdout and "3 older" in r.stderr
    sums = mixed.json("bounces", "--by", "domain")
    assert [(s["name"], s["failures"]) for s in sums] == [("a.test", 3), ("b.test", 1)]
    assert {c["category"]: c["count"] for c in sums[0]["categories"]} == {
        "bad-address": 2, "mailbox-full": 1}
    (s,) = mixed.json("bounces", "--by", "relay")
    assert s["name"] == "out" and s["failures"] == s["bounced"] == 4
    assert {s["name"] for s in mixed.json("bounces", "--by", "category")} >= {
        "bad-address", "mailbox-full"}


def test_words_of_a_remote_do_nothing_to_a_terminal(mixed):
    qid = mixed.send(to=("spam@to.test",))
    wait_until(mixed, qid, spam="bounced")
    for words in (["history", qid], ["bounces"], ["queue", "show", qid],
                  ["bounces", "--by", "domain"], ["events"]):
        r = mixed.cli(*words)
        assert "blocked" in r.stdout and "\x1b" not in r.stdout, words


def test_queue_show_has_each_attempt(mixed):
    qid = mixed.send(to=("later@to.test", "later2@to.test"))
    q = wait_for("two attempts each", lambda: len((q := mixed.json(
        "queue", "show", qid)[0])["attempts"]) >= 4 and q)
    assert not q["attempts_cut"]
    assert {s["recipient"] for s in q["attempts"]} == {"later@to.test",
                                                       "later2@to.test"}
    assert all("greylisted" in s["reply"] for s in q["attempts"])
    assert all(r["category"] for r in q["recipients"])
    text = mixed.cli("queue", "show", qid).stdout
    assert text.count("greylisted") >= 4 and "CATEGORY" in text
    (q,) = mixed.queue()
    assert "attempts" not in q and q["recipients"][0]["category"]
    assert q["recipients"][0]["category"] in mixed.cli("queue", "list").stdout


def test_queue_bounce_asks_and_gives_up(mixed):
    qid = mixed.send(to=("later@to.test",))
    wait_for("an attempt", lambda: mixed.json("history", qid)[0]["tries"])
    r = mixed.cli("queue", "bounce", qid, code=64)
    assert "--yes" in r.stderr and mixed.queue()[0]["recipients"][0]["state"] != "failed"
    for _ in range(50):  # it may be with a worker just then
        r = mixed.json("queue", "bounce", "--yes", "--reason", "wrong link", qid,
                       code=None)
        if r[0]["result"] == "bounced":
            break
    assert r[0]["changed"] == 1
    (r,) = mixed.json("history", qid)
    assert r["outcome"] == "bounced" and "wrong link" in r["reply"]
    assert r["attempts"][-1]["who"]
    (b,) = mixed.json("bounces")
    assert b["queue_id"] == qid and b["who"]


def test_explain_says_sender_doubt_and_suppression(make):
    m = make(blocks='type "individual" {\n\tin_doubt = hold\n}')
    m.cli("suppress", "add", "--reason", "asked us to", "gone@to.test")
    (x,) = m.json("explain", "--to", "b@to.test", "--from", "a@from.test")
    assert "a@from.test" in x["return_path"] and "keep" in x["return_path"]
    assert "hold" in x["in_doubt"] and x["suppressed"] is None
    (x,) = m.json("explain", "--to", "gone@to.test", "--from", "a@from.test",
                  code=1)
    assert "asked us to" in x["suppressed"]
    text = m.cli("explain", "--to", "gone@to.test", "--from", "<>", code=1).stdout
    assert "none was given" not in text
    text = m.cli("explain", "--to", "gone@to.test", code=1).stdout
    assert "From       none was given" in text and "<>" not in text
    assert "suppression list" in text and "In doubt" in text and "Sender" in text
    (status,) = m.json("status")
    assert status["suppressed"] == 1 and status["reports_withheld"] == 0


def test_an_address_of_ours_names_its_recipient(make, sink):
    m = make(relay=f"host = 127.0.0.1\n\tport = {sink.port}\n\treturn_path = verp",
             blocks="returns {\n\tdomain = back.test\n}")
    qid = m.send(to=("one@to.test", "two@to.test"))
    m.empty()
    by = {x.recipients[0]: x.sender for x in sink.messages}
    assert set(by) == {"one@to.test", "two@to.test"}
    for to, sender in by.items():
        (r,) = m.json("history", sender.upper())
        assert r["queue_id"] == qid and r["recipient"] == to
        assert r["outcome"] == "delivered"
    assert "delivered" in m.cli("history", by["one@to.test"]).stdout
    ours = by["one@to.test"]
    forged = ours[:10] + ("a" if ours[10] != "a" else "b") + ours[11:]
    r = m.cli("history", forged, code=1)
    assert "signature" in r.stderr and not r.stdout


def test_help_names_the_new_commands():
    r = subprocess.run([BUILD / "mtq", "help"], capture_output=True, text=True,
                       timeout=20)
    for word in ("events", "history", "bounces"):
        assert f"\n  {word} " in r.stdout
