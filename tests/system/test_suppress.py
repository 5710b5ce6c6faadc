"""The suppression list, by real processes."""
import csv
import io
import json

import pytest
from wait import wait_for

OURS = "address,reason,origin,since,until,who,evidence"


def addresses(m, *options):
    return [r["address"] for r in m.json("suppress", "list", *options)]


def test_add_list_remove(make):
    m = make()
    m.cli("suppress", "add", "--reason", "asked to", "--until", "2d",
          "Bob@Example.NET", "@gone.test")
    rows = m.json("suppress", "list")
    assert [r["address"] for r in rows] == ["bob@example.net", "@gone.test"]
    assert rows[0]["reason"] == "asked to" and rows[0]["origin"] == "manual"
    assert rows[0]["until"] > rows[0]["since"]
    assert addresses(m, "--domain", "gone.test") == ["@gone.test"]
    assert addresses(m, "--reason", "else") == []
    assert "bob@example.net" in m.cli("suppress", "list").stdout
    m.cli("suppress", "remove", "bob@example.net")
    assert addresses(m) == ["@gone.test"]
    m.cli("suppress", "remove", "bob@example.net", code=1)
    m.cli("verify")
    assert "suppression list: 2 addresses added by uid" in m.text()
    assert "suppression list: bob@example.net removed by uid" in m.text()


def test_what_is_no_address_is_refused(make):
    m = make()
    for wrong in "bob", "@", "@[192.0.2.1]", "a b@x.test", "":
        m.cli("suppress", "add", wrong, code=64)
    assert addresses(m) == []


def test_rcpt_is_refused(make):
    m = make(blocks="suppress { at_rcpt = refuse }")
    m.cli("suppress", "add", "bob@example.net", "@gone.test")
    with m.client() as s:
        s.ehlo("crm.test")
        s.mail("a@from.test")
        for to in ["BOB@example.net", "x@gone.test"] * 30:
            code, text = s.rcpt(to)  # never too many errors
            assert code == 550 and b"5.7.1" in text and b"suppress" in text
        assert s.rcpt("x@sub.gone.test")[0] == 250
        assert s.rcpt("anna@example.net")[0] == 250


def test_by_default_rcpt_is_taken(make):
    m = make()
    m.cli("suppress", "add", "bob@example.net")
    with m.client() as s:
        s.ehlo("crm.test")
        s.mail("a@from.test")
        assert s.rcpt("bob@example.net")[0] == 250


FORMS = {
    "ses": ('{"SuppressedDestinationSummaries": [\n'
            '{"EmailAddress": "a@x.test", "Reason": "BOUNCE", '
            '"LastUpdateTime": "2020-04-10T21:03:05-07:00"},\n'
            '{"EmailAddress": "b@x.test", "Reason": "COMPLAINT", '
            '"LastUpdateTime": 1586577785.5}], "NextToken": null}',
            ["hard bounce", "complaint"], "2020-04-11T04:03:05"),
    "sendgrid": ('[{"created": 1443651125, "email": "a@x.test", "reason": '
                 '"550 \\"no\\" \\u00fc\\ud83d\\ude00", "status": "5.1.1"},'
                 '{"created": 1443651125, "email": "b@x.test", "ip": "::1"}]',
                 ["sendgrid", "sendgrid"], "2015-09-30T22:12:05"),
    "mailgun": ('{"items": [{"address": "a@x.test", "code": "550", "error": '
                '"No such mailbox", "created_at": '
                '"Fri, 21 Oct 2011 11:02:55 UTC"},{"address":"b@x.test",'
                '"tags":["*"],"created_at":"Fri, 21 Oct 2011 11:02:55 UTC"}],'
                '"paging": {"first": "https://x", "next": "https://y"}}',
                ["mailgun", "mailgun"], "2011-10-21T11:02:55"),
    "postmark": ('{"Suppressions":[{"EmailAddress":"a@x.test",'
                 '"SuppressionReason":"HardBounce","Origin":"Recipient",'
                 '"CreatedAt":"2019-12-10T08:58:33-05:00"},'
                 '{"EmailAddress":"b@x.test","SuppressionReason":'
                 '"SpamComplaint","Origin":"Recipient",'
                 '"CreatedAt":"2019-12-10T08:58:33-05:00"}]}',
                 ["hard bounce", "complaint"], "2019-12-10T13:58:33"),
}


@pytest.mark.parametrize("form", FORMS)
def test_exports_of_services(make, form):
    text, reasons, since = FORMS[form]
    m = make()
    m.cli("suppress", "import", "--format", form, "-", stdin=text)
    rows = m.json("suppress", "list")
    assert [r["address"] for r in rows] == ["a@x.test", "b@x.test"]
    assert [r["reason"] for r in rows] == reasons
    assert rows[0]["since"].startswith(since)
    assert {r["origin"] for r in rows} == {"import"}


def test_csv_of_sendgrid_and_mailgun(make):
    m = make()
    m.cli("suppress", "import", "--format", "sendgrid", "-", stdin=(
        "\ufeffstatus,reason,email,created\r\n"
        '5.1.1,"550 5.1.1 ""no"", such\nuser",a@x.test,1443651125\r\n'))
    m.cli("suppress", "import", "--format", "mailgun", "-", stdin=(
        "address,code,error,created_at\nb@x.test,550,gone,\n"))
    rows = m.json("suppress", "list")
    assert [r["address"] for r in rows] == ["a@x.test", "b@x.test"]
    assert '5.1.1 550 5.1.1 "no", such' in rows[0]["evidence"]
    assert rows[1]["evidence"] == "550 gone"


def test_what_cannot_be_read(make):
    m = make()
    for text in "address,delete_at\na@x.test,1\n", "a@x.test\nb@x.test\n", \
            "a@x.test\n", "a@x.test":
        r = m.cli("suppress", "import", "-", code=1, stdin=text)
        assert "the first line must name the columns" in r.stderr
    m.cli("suppress", "import", "-", stdin="address\n")  # an empty list is one
    m.cli("suppress", "import", "--format", "ses", "-", code=1,
          stdin='[{"EmailAddress": "a@x.test", "Unknown": 1}]')
    for broken in '[{"address": "a@x.test"', '[{"address" "a"}]', "{]", '["\\x"]':
        m.cli("suppress", "import", "-", code=1, stdin=broken)
    assert addresses(m) == []
    # Lines that can't be used are named; the others are taken.
    m.cli("suppress", "import", "-", code=1,
          stdin="address\nb@x.test\nnobody\nc@x.test\n")
    assert addresses(m) == ["b@x.test", "c@x.test"]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_list_comes_back_as_it_was(make, form):
    m = make()
    text = io.StringIO()
    w = csv.writer(text)
    w.writerow(OURS.split(","))
    for i in range(5000):
        w.writerow([f"user{i:05}@d{i % 7}.test", 'a "b", c', "import",
                    "2026-01-02T03:04:05Z", "2036-01-02T03:04:05Z", "x",
                    "550 5.1.1 no, \u00fcser"])
    m.cli("suppress", "import", "-", stdin=text.getvalue())
    out = m.cli("suppress", "export", "--format", form).stdout
    lines = out.splitlines()
    assert len(lines) == 5000 + (form == "csv")
    for line in lines:
        if form == "json":
            json.loads(line)
    domain = m.json("suppress", "list", "--domain", "d3.test", "--limit", "0")
    assert len(domain) == 714
    other = make()
    other.cli("suppress", "import", "--format", form, "-", stdin=out)
    assert other.cli("suppress", "export", "--format", form).stdout == out
    other.cli("verify")
    # What a person said stays when a service says something else.
    other.cli("suppress", "add", "--reason", "mine", "user00000@d0.test")
    other.cli("suppress", "import", "--format", form, "-", stdin=out)
    row = other.json("suppress", "list", "--domain", "d0.test",
                     "--limit", "1")[0]
    assert (row["reason"], row["origin"]) == ("mine", "manual")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_looks_like_a_formula_comes_back_as_it_was(make, form):
    m = make()
    names = ["+a@x.test", "-b@x.test", "=c@x.test", "'=d@x.test", "''+e@x.test",
             "'f@x.test", "@y.test"]
    for name in names:
        m.cli("suppress", "add", "--reason", "@SUM(A1)", "--", name)
    assert sorted(addresses(m)) == sorted(names)
    out = m.cli("suppress", "export", "--format", form).stdout
    if form == "csv":
        for row in csv.reader(io.StringIO(out)):
            assert row[0][0] not in "=+-" and row[1][0] not in "=+-@"
    m.cli("suppress", "remove", "--", *names)
    m.cli("suppress", "import", "-", stdin=out)
    assert sorted(addresses(m)) == sorted(names)
    assert {r["reason"] for r in m.json("suppress", "list")} == {"@SUM(A1)"}


def test_mail_for_them_never_leaves(make, sink):
    m = make(bounce="keep_failed = 1d")
    m.cli("suppress", "add", "--reason", "r", "no1@to.test", "@not.test")
    m.send(to=("no1@to.test", "yes@to.test", "x@not.test"))
    wait_for("the other one", lambda: sink.messages)
    wait_for("two failures", lambda: len(
        [r for q in m.queue() for r in q["recipients"]
         if r["state"] == "failed"]) == 2)
    failed = [r for q in m.queue() for r in q["recipients"]]
    assert {r["status"] for r in failed} == {"5.7.1"}
    assert {r["attempts"] for r in failed} == {0}
    sent = [r for x in sink.messages if x.sender for r in x.recipients]
    assert sent == ["yes@to.test"]


def test_a_hard_bounce_is_learned(make, sink):
    def refuse(verb, line, _):
        if verb == "RCPT" and b"<no@" in line:
            return b"550 5.1.1 no such user\r\n"
        if verb == "RCPT" and b"<full@" in line:
            return b"552 5.2.2 mailbox full\r\n"
        return None

    sink.reply = refuse
    m = make(blocks="suppress { hard_bounce_ttl = 10d }")
    m.send(to=("no@to.test", "full@to.test", "yes@to.test"))
    m.wait_log("on the suppression list from now on")
    (row,) = m.json("suppress", "list")
    assert row["address"] == "no@to.test" and row["origin"] == "bounce"
    assert "no such user" in row["evidence"]
