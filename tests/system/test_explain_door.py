"""mtq explain --client says what the running receiver then says; network sets."""
import datetime
import signal

import pytest

from conftest import data, wait_for

DAY = str(datetime.date.today() - datetime.timedelta(days=20))
LK = "00D4x000004z0H4"
BLOCKS = """
tls "good" {{ cert = file:{pki}/good.pem  key = file:{pki}/good.key }}
network_sets = {dir}/networks
source "crm" {{
	from_ip = @crm
	require_header {{ X-SFDC-LK = {lk} }}
	allow_from = from.test
	allow_bounce_domains = *.bnc.test
	type = [individual, workflow]
	sandbox_relay = box
}}
source "tls" {{ from_ip = 127.0.0.3  require_tls = yes }}
source "signed" {{ from_ip = 127.0.0.4  dkim = require }}
classify {{ priority = 1  by_header = X-Type }}
relay "box" {{ deliver = maildir  dir = {dir}/box }}
"""
GOOD = {"From": "Anna <a@from.test>", "To": "b@to.test", "Subject": "x",
        "X-SFDC-LK": LK + "EAE"}
# (client, fields that differ, envelope sender, source, accepted)
CASES = {
    "a good one": ("127.0.0.2", {}, "a@from.test", "crm", True),
    "a VERP of the CRM": ("127.0.0.2", {}, "x=y__1@z.bnc.test", "crm", True),
    "no org": ("127.0.0.2", {"X-SFDC-LK": None}, "a@from.test", "crm", False),
    "another org": ("127.0.0.2", {"X-SFDC-LK": "00D4x000004z0H5EAE"},
                    "a@from.test", "crm", False),
    "another sender": ("127.0.0.2", {}, "a@other.test", "crm", False),
    "another author": ("127.0.0.2", {"From": "a@other.test"}, "a@from.test",
                       "crm", False),
    "a type it may not send": ("127.0.0.2", {"X-Type": "mass"}, "a@from.test",
                               "crm", False),
    "a sandbox's": ("127.0.0.2", {"X-SFDC-App": "coreapp-sandbox"},
                    "a@from.test", "crm", True),
    "a line that begins with a dot": ("127.0.0.2", {"X": "y\r\n\r\n.hidden"},
                                      "a@from.test", "crm", True),
    "no TLS": ("127.0.0.3", {}, "a@from.test", "tls", False),
    "not signed": ("127.0.0.4", {}, "a@from.test", "signed", False),
    "anybody here": ("127.0.0.9", {}, "a@other.test", "local", True),
}


def mail(changes):
    fields = {**GOOD, **changes}
    return "".join(f"{k}: {v}\r\n" for k, v in fields.items()
                   if v is not None).encode() + b"\r\nhi\r\n"


def network_set(folder, *networks, day=DAY):
    (folder / "networks").mkdir(exist_ok=True)
    (folder / "networks" / "crm.conf").write_text(
        f"# as of {day}\n# source: https://crm.test/ips\n" +
        "".join(f"{n}\n" for n in networks))


@pytest.fixture
def m(make, tmp_path, pki):
    network_set(tmp_path, "127.0.0.2", "192.0.2.0/25", "192.0.2.128/25")
    return make(listen="tls = optional",
                blocks=BLOCKS.format(dir=tmp_path, lk=LK, pki=pki))


def real(m, client, sender, body):
    """(last reply, queue id)"""
    with m.client(source_address=(client, 0)) as s:
        s.ehlo()
        code, text = s.mail(sender)
        if code == 250:
            code, text = s.rcpt("b@to.test")
        if code == 250:
            code, text = data(s, body)
        s.docmd("QUIT")
        text = text.decode()
        return f"{code} {text}", text.partition("queued as ")[2] or None


def test_what_is_said_beforehand_is_what_happens(m, tmp_path):
    path = tmp_path / "mail.eml"
    m.cli("relay", "pause", "out")
    m.cli("relay", "pause", "box")
    for name, (client, changes, sender, source, good) in CASES.items():
        body = mail(changes)
        path.write_bytes(body.replace(b"\r\n", b"\n"))  # as people keep them
        said, *way = m.json("explain", "--client", client, "--helo", "client.test",
                            "--from", sender, "--to", "b@to.test",
                            "--message", path, "--no-dns", code=None)
        reply, queued = real(m, client, sender, body)
        assert (said["source"], said["accepted"]) == (source, good), (name, said)
        assert good == bool(queued), (name, reply)
        if not good:
            assert said["reply"] == reply, name
            assert not way, name
            continue
        shown = m.json("queue", "show", queued)[0]
        assert said["verdict"] == shown["verdict"], name
        assert (said["type"], shown["account"]) == (shown["type"], None), name
        assert way[0]["source"] == source, name
        relay = "box" if "sandbox" in name else "out"
        assert [s["relay"] for s in way[0]["steps"]] == [relay], name
        assert said["sandbox"] == (relay == "box"), name
    refused = m.text(0).count("refused, source=crm")
    assert refused == sum(not c[4] and c[3] == "crm" and c[2] != "a@other.test"
                          for c in CASES.values())


def test_people_read_why(m, tmp_path):
    path = tmp_path / "mail.eml"
    path.write_bytes(mail({"X-SFDC-LK": None}))
    text = m.cli("explain", "--client", "127.0.0.2", "--message", path, code=1).stdout
    assert "in none of its networks" in text and "this one" in text
    assert "X-SFDC-LK fail" in text and "missing" in text
    assert "So         it is refused: 550 5.7.1" in text
    text = m.cli("explain", "--client", "198.51.100.1", code=1).stdout
    assert "it is refused: 554 5.7.1" in text
    text = m.cli("explain", "--client", "127.0.0.9", "--auth", "nobody").stdout
    assert "not offered: it goes on without" in text
    assert "this client may send as source local" in text
    queued = real(m, "127.0.0.2", "a@from.test", mail({}))[1]
    text = m.cli("queue", "show", queued, code=None).stdout
    assert "CHECK" in text or "not in the queue" in text
    m.cli("explain", "--client", "127.0.0.9", "--type", "mass", code=64)
    m.cli("explain", "--client", "127.0.0.0/8", code=64)
    m.cli("explain", "--client", "127.0.0.9", "--listener", "none", code=64)


def test_a_set_of_networks_is_read_at_reload(m, tmp_path):
    shown = m.cli("config", "show").stdout
    line = next(x for x in shown.splitlines() if "127.0.0.2" in x)
    assert "[127.0.0.2, 192.0.2.0/24]" in line and f"@crm of {DAY}" in line
    r = m.cli("check")
    assert f"@crm, 2 networks as of {DAY}, " in r.stdout and "warning" not in r.stderr
    assert real(m, "127.0.0.5", "a@other.test", mail({}))[1]  # local's
    network_set(tmp_path, "127.0.0.5", day="2020-01-01")
    r = m.cli("check")
    assert "networks of @crm are" in r.stderr and "days old" in r.stderr
    m.process.send_signal(signal.SIGHUP)
    wait_for("the new set", lambda: real(
        m, "127.0.0.5", "a@other.test", mail({}))[0].startswith("550"))
    network_set(tmp_path, "everybody")
    r = m.cli("check", code=1)
    assert "crm.conf:3: 'everybody' is not a network" in r.stderr
    (tmp_path / "networks" / "crm.conf").rename(tmp_path / "networks" / "crn.conf")
    assert "there is no set @crm" in m.cli("check", code=1).stderr
    network_set(tmp_path, "127.0.0.2")
