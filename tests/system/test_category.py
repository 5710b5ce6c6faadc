"""Why mail failed or waits, in one word; and `reply` blocks, which may say
otherwise and also change what follows."""
import pytest

from conftest import wait_for

BLOCKS = """
reply "busy-not-gone" {
	priority = 10
	match = "550 5.1.1 *mailbox being moved*"
	then = retry
	category = system
}
reply "never-again" {
	priority = 20
	match = ["450 *no such user*", "451 *go away*"]
	then = fail
}
reply "elsewhere" {
	priority = 5
	match = "550 *"
	relay = other
	category = other
}
relay "other" {
	host = 127.0.0.1
	port = 9
}
"""
MOVED = b"550-5.1.1 This mailbox being\r\n550 5.1.1 moved, user unknown\r\n"
DAY = b"550 5.4.5 Daily user sending quota exceeded\r\n"

# reply at a stage -> state, category
TABLE = [
    ("RCPT", b"550 5.1.1 user unknown\r\n", "failed", "bad-address"),
    ("RCPT", b"550 5.4.1 Recipient address rejected: Access denied\r\n",
     "failed", "bad-address"),
    ("RCPT", b"452 4.2.2 over quota\r\n", "waiting", "mailbox-full"),
    ("MAIL", b"421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred\r\n",
     "waiting", "blocked"),
    ("CONNECT", b"554 5.7.1 blocked using zen.spamhaus.org\r\n", "waiting",
     "blocked"),
    ("DOT", b"554 5.7.9 Message not accepted for policy reasons\r\n", "failed",
     "policy"),
    ("DOT", b"550-5.7.26 This mail is unauthenticated\r\n"
            b"550 5.7.26 DMARC\r\n", "failed", "authentication"),
    ("DOT", b"554 5.7.1 Spam message rejected\r\n", "failed", "content"),
    ("RCPT", b"450-4.2.1 The user is receiving mail too\r\n"
             b"450 4.2.1 quickly\r\n", "waiting", "quota"),
    ("RCPT", b"451 4.3.0 Temporary lookup failure\r\n", "waiting", "system"),
    ("RCPT", b"450 4.0.0 hm\r\n", "waiting", "other"),
]


def one(m):
    (q,) = m.queue()
    (r,) = q["recipients"]
    return r


def sent(make, sink, stage, reply, **conf):
    sink.reply = lambda v, arg, h: reply if v == stage else None
    m = make(retry="intervals = 1h", **conf)
    m.send()
    wait_for("an attempt", lambda: m.queue() and one(m).get("category"))
    return m, one(m)


@pytest.mark.parametrize("stage, reply, state, category", TABLE,
                         ids=[f"{t[3]}-{t[0]}" for t in TABLE])
def test_each_reply_has_its_category(make, sink, stage, reply, state, category):
    m, r = sent(make, sink, stage, reply)
    assert (r["state"], r["category"]) == (state, category), r


def test_what_no_server_said(make):
    m = make(sink_port=1, retry="intervals = 1h")
    m.send()
    wait_for("an attempt", lambda: one(m).get("category"))
    assert one(m)["category"] == "network", one(m)


def test_a_failure_becomes_a_deferral(make, sink):
    m, r = sent(make, sink, "RCPT", MOVED, blocks=BLOCKS)
    assert (r["state"], r["category"]) == ("waiting", "system"), r
    assert "status=deferred" in m.text() and "status=bounced" not in m.text()
    assert "dsn=4.1.1" in m.text()
    # A server that thinks again takes it.
    sink.reply = None
    m.cli("queue", "retry", "--all")
    m.empty()
    assert len(sink.messages) == 1


def test_the_lifetime_ends_what_a_block_retries(make, sink):
    sink.reply = lambda v, arg, h: MOVED if v == "RCPT" else None
    m = make(retry="intervals = 1s\n\tjitter = 0%\n\tlifetime = 3s",
             blocks=BLOCKS)
    m.send()
    wait_for("its end", lambda: one(m)["state"] == "failed")
    assert one(m)["category"] == "expired", one(m)
    assert "status=deferred" in m.text() and "dsn=4.4.7" in m.text()


def test_a_deferral_becomes_a_failure(make, sink):
    m, r = sent(make, sink, "RCPT", b"450 4.2.1 no such user\r\n",
                blocks=BLOCKS)
    assert (r["state"], r["category"]) == ("failed", "bad-address"), r
    assert "dsn=5.2.1" in m.text() and "status=bounced" in m.text()


def test_a_block_is_for_its_relays_only(make, sink):
    m, r = sent(make, sink, "RCPT", b"550 5.1.1 user unknown\r\n",
                blocks=BLOCKS)
    assert (r["state"], r["category"]) == ("failed", "bad-address"), r


def test_a_limit_of_the_provider_comes_first(make, sink):
    """A block that would fail it has no say: the relay is closed."""
    block = ('reply "all" {\n\tpriority = 1\n\tmatch = "550 *"\n'
             '\tthen = fail\n\tcategory = other\n}\n')
    m, r = sent(make, sink, "RCPT", DAY, blocks=block,
                relay=f"host = 127.0.0.1\n\tport = {sink.port}\n"
                      "\tprovider = google\n\ttls = off")
    assert (r["state"], r["category"]) == ("waiting", "quota"), r
    assert r["attempts"] == 0


def test_a_wrong_block_is_refused_with_its_place(make):
    m = make(start=False, blocks='reply "x" {\n\tpriority = 1\n'
                                 '\tmatch = "5.7.1 spam"\n\tthen = retry\n}\n')
    r = m.cli("check", code=None)
    assert r.returncode != 0
    line = m.path.read_text().split("\n").index('\tmatch = "5.7.1 spam"') + 1
    assert f"mtq.conf:{line}: match: '5.7.1 spam'" in r.stdout + r.stderr
