"""mtq as people and scripts meet it: exit codes, what goes to stdout, and mail
that would like to be more than text."""
import json
import os
import signal
import subprocess

import pytest

from conftest import BUILD, wait_for


@pytest.fixture
def parked(make, sink):
    """A running mtq whose relay puts everything off for an hour."""
    sink.reply = lambda v, a, h: b"451 4.3.0 no\r\n" if v == "MAIL" else None
    m = make(retry="intervals = 1h")

    def park(*args, **kw):
        qid = m.send(*args, **kw)
        n = len(kw.get("to", ("one",)))
        wait_for("a deferral",
                 lambda: m.text().count(f"{qid}: to=<") == n)
        return qid
    m.park = park
    return m


@pytest.mark.parametrize("words", [
    [], ["queues"], ["queue"], ["queue", "lists"], ["queue", "show"],
    ["queue", "show", "08RLLKY1WL7Z", "08RLLKY1WL7Z"],
    ["queue", "show", "--limit", "3", "08RLLKY1WL7Z"],
    ["queue", "show", "not-an-id"],
    ["queue", "list", "--state", "asleep"], ["queue", "list", "--older", "5"],
    ["queue", "list", "--limit", "-1"], ["queue", "list", "more"],
    ["queue", "hold"], ["queue", "hold", "--all", "08RLLKY1WL7Z"],
    ["queue", "hold", "--all", "--domain", "x.test"],
    ["queue", "drop", "--all"], ["status", "now"], ["--nonsense", "status"],
    ["--json", "queue", "show", "--body", "08RLLKY1WL7Z"],
], ids=" ".join)
def test_what_makes_no_sense_is_64_and_changes_nothing(parked, words):
    qid = parked.park()
    r = parked.cli(*words, code=64)
    assert not r.stdout and r.stderr
    assert [q["queue_id"] for q in parked.queue()] == [qid]


def test_help_is_data_and_needs_no_configuration(tmp_path):
    for words in (["help"], ["--help"], ["help", "queue"], ["queue", "--help"],
                  ["--version"]):
        r = subprocess.run([BUILD / "mtq", "-c", tmp_path / "none", *words],
                           capture_output=True, text=True, timeout=20)
        assert r.returncode == 0 and r.stdout and not r.stderr


def test_no_configuration_is_78(tmp_path):
    for words in (["status"], ["queue", "list"], ["queue", "retry", "--all"]):
        r = subprocess.run([BUILD / "mtq", "-c", tmp_path / "none", *words],
                           capture_output=True, text=True, timeout=20)
        assert r.returncode == 78 and "none" in r.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody")
def test_a_stranger_may_neither_look_nor_change(parked):
    qid = parked.park()
    for path in (parked.dir, parked.dir.parent):
        os.chmod(path, 0o755)
    copy = parked.dir / "copy"
    parked.cli("backup", copy)
    os.chmod(copy, 0o600)
    for words in (["queue", "list"], ["status"], ["queue", "drop", "--yes", qid],
                  ["verify"], ["verify", parked.state], ["verify", "--file", copy],
                  ["backup", parked.dir / "other"]):
        r = subprocess.run([BUILD / "mtq", "-c", parked.path, *words],
                           capture_output=True, text=True, timeout=20,
                           user="nobody", group="nogroup", extra_groups=[])
        assert r.returncode == 77, r.stderr
    assert parked.queue()


def test_list_says_how_many_more_and_only_on_stderr(parked):
    ids = {parked.park() for _ in range(5)}
    r = parked.cli("queue", "list", "--limit", 2, "--json")
    assert len(r.stdout.splitlines()) == 2
    assert "3 more" in r.stderr
    r = parked.cli("queue", "list", "--limit", 0, "--json")
    assert {json.loads(x)["queue_id"] for x in r.stdout.splitlines()} == ids
    assert not r.stderr


def test_names_are_the_ones_that_are_promised(parked):
    parked.park(b"Subject: Gr\xc3\xbc\xc3\x9fe\r\nMessage-ID: <m@x>\r\n\r\nhi\r\n")
    (q,) = parked.queue()
    assert list(q)[:7] == ["queue_name", "queue_id", "arrival_time", "message_size",
                           "forced_expire", "sender", "recipients"]
    assert {"type", "source", "route"} <= set(q)
    assert q["queue_name"] == "deferred" and q["subject"] == "Grüße"
    (r,) = q["recipients"]
    assert list(r)[:2] == ["address", "delay_reason"]
    assert set(r) == {"address", "delay_reason", "state", "relay", "attempts",
                      "next_attempt", "status", "reason", "security", "category"}
    assert r["relay"] == "out" and r["attempts"] == 1 and r["status"] == "4.3.0"
    assert q["arrival_time"].endswith("Z") and r["next_attempt"] > q["arrival_time"]
    (again,) = parked.json("queue", "show", q["queue_id"])
    assert {k: again[k] for k in q} == q
    assert set(again) == {*q, "attempts", "attempts_cut"}


def test_the_body_is_the_octets_and_headers_end_at_the_empty_line(parked):
    text = b"Subject: x\r\nX-Y: z\r\n\r\n\x1b[31mred \xff\r\n\r\nend\r\n"
    qid = parked.park(text)
    r = subprocess.run([BUILD / "mtq", "-c", parked.path, "queue", "show", "--body",
                        qid], capture_output=True, timeout=20)
    assert r.returncode == 0 and r.stdout.endswith(text)
    r = subprocess.run([BUILD / "mtq", "-c", parked.path, "queue", "show",
                        "--headers", qid], capture_output=True, timeout=20)
    assert r.stdout.endswith(b"X-Y: z\r\n\r\n") and b"red" not in r.stdout


def test_a_terminal_gets_no_controls(parked):
    """The same through a terminal: script(1) is one."""
    qid = parked.park(b"Subject: \x1b]0;owned\x07\r\n\r\n\x1b[2Jgone \xc2\x9b1m\xff\r\n")
    for words in (f"queue show {qid}", f"queue show --body {qid}", "queue list",
                  "status"):
        r = subprocess.run(["script", "-qec", f"{BUILD}/mtq --no-color -c "
                            f"{parked.path} {words}", "/dev/null"],
                           capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
        assert r.returncode == 0, r.stdout
        out = r.stdout.replace(b"\r\n", b"\n")
        assert not set(out) & (set(range(32)) - {10} | {127}), out
        assert b"\xc2\x9b" not in out and b"\xff" not in out


def test_filters_change_only_the_recipients_that_match(parked):
    qid = parked.park(to=("a@one.test", "b@two.test", "c@two.test"))
    r = parked.json("queue", "hold", "--domain", "two.test", "--reason", "why not")
    assert {x["recipient"] for x in r} == {"b@two.test", "c@two.test"}
    assert all(x["result"] == "held" and x["queue_id"] == qid for x in r)
    state = {r["address"]: r["state"] for q in parked.queue() for r in q["recipients"]}
    assert state == {"a@one.test": "waiting", "b@two.test": "held",
                     "c@two.test": "held"}
    parked.cli("queue", "drop", "--yes", "--state", "held")
    assert [r["address"] for q in parked.queue() for r in q["recipients"]] == [
        "a@one.test"]


def test_ids_on_stdin_as_a_script_pipes_them(parked):
    ids = [parked.park() for _ in range(3)]
    table = parked.cli("queue", "list").stdout.splitlines()[1:]
    parked.cli("queue", "hold", "-", stdin="\n".join(table) + "\n\n")
    assert {r["state"] for q in parked.queue() for r in q["recipients"]} == {"held"}
    r = parked.cli("queue", "drop", "--yes", "-", ids[0].lower(), code=1,
                   stdin="000000000001\nnonsense\n")
    assert "not found" in r.stdout and "nonsense is no queue id" in r.stderr
    assert {q["queue_id"] for q in parked.queue()} == set(ids[1:])


def test_thousands_of_orders_in_one_command(parked):
    to = [f"r{i}@to.test" for i in range(900)]
    for _ in range(3):
        parked.park(to=to)
    out = parked.json("queue", "hold", "--all")
    assert len(out) == 2700 and all(x["result"] == "held" for x in out)
    (status,) = parked.json("status")
    assert status["held"] == 2700 and status["waiting"] == 0
    parked.cli("queue", "drop", "--yes", "--all")
    assert not parked.queue()


def test_nothing_matches_is_no_error(parked):
    parked.park()
    r = parked.cli("queue", "drop", "--yes", "--domain", "nowhere.test")
    assert not r.stdout and "nothing matches" in r.stderr


def test_status_tells_what_is_wrong(parked):
    (s,) = parked.json("status")
    assert s["running"] and s["problems"] == [], s
    assert {r["name"].split("/")[0] for r in s["roles"]} == {
        "receiver", "scheduler", "worker"}
    assert all(r["state"] == "ready" and r["pid"] > 1 for r in s["roles"])
    parked.cli("status", "--check")
    assert parked.stop(signal.SIGTERM) == 0
    (s,) = parked.json("status")
    assert not s["running"] and s["roles"] == []
    assert "not running" in s["problems"][0]
    parked.cli("status")
    parked.cli("status", "--check", code=1)
    parked.cli("queue", "retry", "--all", code=0)  # empty: nothing to ask for


def test_status_names_the_relay_that_is_away(make, sink):
    sink.close()
    m = make(retry="intervals = 1h")
    m.send()
    wait_for("a deferral", lambda: "status=deferred" in m.text())
    (problem,) = m.json("status")[0]["problems"]
    assert problem.startswith("relay out, ") and "refused" in problem


def test_status_before_the_first_start(make):
    m = make(start=False)
    (s,) = m.json("status")
    assert "no queue yet" in " ".join(s["problems"]) and s["messages"] is None
    m.cli("queue", "list", code=1)


def test_a_full_disk_under_the_output_is_no_success(parked):
    parked.park()
    with open("/dev/full", "w") as full:
        for words in (["queue", "list"], ["queue", "list", "--json"], ["status"]):
            r = subprocess.run([BUILD / "mtq", "-c", parked.path, *words],
                               stdout=full, stderr=subprocess.PIPE, timeout=20)
            assert r.returncode == 75, words


def test_descriptors_that_are_closed_are_no_way_into_the_queue(parked):
    parked.park()
    lock = parked.state / "queue.mdb-lock"
    for words in ("events", "queue list", "status", "--version"):
        for closed, code in (("<&- >&-", 75), ("<&- >&- 2>&-", 75), ("<&-", 0)):
            r = subprocess.run(f"{BUILD}/mtq -c {parked.path} {words} {closed}",
                               shell=True, capture_output=True, timeout=20)
            assert r.returncode == code, (words, closed)
            assert b"accepted" not in lock.read_bytes()
    parked.cli("verify")
    parked.park()


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_mtqd_without_standard_descriptors(make, closed):
    m = make(start=False)
    m.process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {BUILD}/mtqd -c {m.path} {closed}"],
        stderr=subprocess.DEVNULL, env=m.env)
    pid = m.process.pid
    wait_for("mail to be taken", lambda: m.cli("status", code=None).returncode == 0
             and m.pids("scheduler") and m.pids("receiver"))
    for p in (pid, *m.pids("scheduler"), *m.pids("receiver")):
        for fd in range(closed.count("&-")):
            assert os.readlink(f"/proc/{p}/fd/{fd}") == "/dev/null", (p, fd)
    assert m.stop() == 0


@pytest.mark.parametrize("says, code", [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_drop_asks_a_person(parked, says, code):
    qid = parked.park()
    person, terminal = os.openpty()
    p = subprocess.Popen([BUILD / "mtq", "-c", parked.path, "queue", "drop", qid],
                         stdin=terminal, stderr=terminal, stdout=subprocess.PIPE)
    os.close(terminal)
    asked = b""
    while b"[y/N]" not in asked:
        asked += os.read(person, 4096)
    assert b"Drop 1 message(s) for good?" in asked
    os.write(person, says.encode())
    p.communicate(timeout=20)
    os.close(person)
    assert p.returncode == code
    assert bool(parked.queue()) == (code != 0)
