"""DANE: each row of docs/security.md with real signed zones, real TLSA records
and a server with that certificate."""
import os

import pytest

from cells import HOST, certs, check, one_by_one, table
from conftest import wait_for
from sink_tls import TlsSink
from zones import KEY, Zones

# All cells are HOST, each at its own port; some in other zones:
BARE = "mx.insec.mtqt"  # not signed
BOGUS = "mx.bad.mtqt"   # wrong signatures of TLSA
TYPES = {"3 1 1": (3, 1, 1), "3 0 1": (3, 0, 1), "3 1 2": (3, 1, 2),
         "2 0 1": (2, 0, 1), "2 1 1": (2, 1, 1)}


def sink_of(pki, host, **kw):
    """host: a certificate's name, "no STARTTLS" or "broken"."""
    name = host if host in certs.CERTS else "good"
    return TlsSink(pki / f"{name}.all", pki / f"{name}.key",
                   offer=host != "no STARTTLS",
                   broken="an alert" if host == "broken" else None, **kw)


class World:
    """The zones that the cells of a table need."""

    def __init__(self, pki):
        self.pki = pki
        self.sig, self.insec, self.bad = [], [], []

    def host(self, state, host, port):
        """Adds its records; where it is, as lines of a relay."""
        name = host if host in certs.CERTS else "good"
        at = f"_{port}._tcp.mx TLSA"
        if state in TYPES:
            usage, selector, matching = TYPES[state]
            chain = certs.whole(name)
            of = chain[min(1, len(chain) - 1)] if usage == 2 else name
            self.sig.append(f"{at} "
                            + certs.tlsa(self.pki, of, usage, selector, matching))
        elif state == "3 1 1 other":
            self.sig.append(f"{at} 3 1 1 {KEY}")
        elif state == "unusable":
            self.sig += [f"{at} 0 0 1 {KEY}", f"{at} 1 1 1 {KEY}",
                         f"{at} 3 1 9 {KEY}", f"{at} 7 1 1 {KEY}"]
        elif state == "servfail":
            self.sig.append(f"_{port}._tcp.mx CNAME x.gone.mtqt.")
        elif state == "bogus":
            self.bad.append(f"{at} "
                            + certs.tlsa(self.pki, name, 3, 1, 1))
            return [f"host = {BOGUS}"]
        elif state == "insecure":
            # The name in the certificate is of another zone.
            self.insec.append(f"{at} 3 1 1 {KEY}")
            return [f"host = {BARE}", f"tls_name = {HOST}"]
        else:
            assert state in ("none", "require"), state
        return [f"host = {HOST}"] + (["dane = require"] if state == "require"
                                     else [])

    def zones(self, folder, more=None, **kw):
        address = "mx A 127.0.0.1\n"
        return Zones(folder, {
            "sig.mtqt": address + "\n".join(self.sig),
            "insec.mtqt": (address + "\n".join(self.insec), "no"),
            "bad.mtqt": (address + "\n".join(self.bad), "bogus:TLSA"),
            "gone.mtqt": ("", "broken"), **(more or {})}, **kw)


def dns(z):
    return f"dns {{\n\tforward = \"{z.forward}\"\n\ttrust_anchor = {z.anchor}\n}}\n"


NAMES = sorted({row for row, _ in table("dane")})


@pytest.mark.parametrize("names", [NAMES[0::2], NAMES[1::2]],
                         ids=["half", "other half"])
def test_every_certificate_with_every_kind_of_records(make, pki, cells,
                                                      tmp_path, names):
    expected = {k: v for k, v in table("dane").items() if k[0] in names}
    assert len(expected) == len(names) * 12 >= 60
    world = World(pki)
    for name, state in expected:
        sink = sink_of(pki, name)
        cells.add((name, state), sink, *world.host(state, name, sink.port),
                  "lookup = host", f"ca_file = {pki}/root.crt")
    with world.zones(tmp_path) as z:
        check(cells.run(make, dns(z)), cells, expected)


def test_records_in_every_mode(make, pki, cells, tmp_path):
    expected = table("dane-modes")
    world = World(pki)
    for row, mode in expected:
        state, host = row.split(", ")
        sink = sink_of(pki, host)
        cells.add((row, mode), sink, *world.host(state, host, sink.port),
                  "lookup = host", f"tls = {mode}", f"ca_file = {pki}/root.crt")
    with world.zones(tmp_path) as z:
        check(cells.run(make, dns(z)), cells, expected)


ROWS = [  # what it shows; TLSA at the host; certificate; keys; outcome
    ("dane = no looks at none", "3 1 1 other", "good", ["dane = no"], "tls"),
    ("dane = require with a match", "3 1 1", "selfold", ["dane = require"], "dane"),
    ("dane = require and only unusable ones", "unusable", "good",
     ["dane = require"], "4.7.5"),
    ("dane = require in a zone that is not signed", "insecure", "good",
     ["dane = require"], "4.7.5"),
    ("an address of this host", "3 1 1 other", "good", ["host = 127.0.0.1"], "tls"),
    ("one of several", ["3 1 1 %s" % KEY, "3 1 1"], "good", [], "dane"),
    ("digest agility: a weaker one that matches does not count",
     ["3 1 1", "3 1 2 %s%s" % (KEY, KEY)], "good", [], "4.7.5"),
    ("a usable one beside unusable ones", ["1 1 1 %s" % KEY, "3 1 1"], "good", [],
     "dane"),
    ("EE does not match and TA does", ["3 1 1 %s" % KEY, "2 1 1"], "good", [],
     "dane"),
    ("full key in DNS", ["3 1 0"], "expired", [], "dane"),
    ("full certificate in DNS", ["3 0 0"], "wrongname", [], "dane"),
    ("the CA itself in DNS", ["2 0 0"], "good", [], "dane"),
    ("found by MX: the exchanger's name is in the certificate", "none", "good",
     ["host = by.sig.mtqt", "tls = required-verify"], "verified"),
    ("found by MX: the domain's name alone would do", "none", "good",
     ["host = by.sig.mtqt", "tls = required-verify",
      "tls_name = elsewhere.example"], "4.7.5"),
    ("found by MX: records of the exchanger", "3 1 1", "selfsigned",
     ["host = by.sig.mtqt"], "dane"),
    ("found by MX: records of the exchanger that do not match", "3 1 1 other",
     "good", ["host = by.sig.mtqt"], "4.7.5"),
    ("found by an MX that is not signed", "3 1 1 other", "good",
     ["host = by.insec.mtqt", "tls = required-verify"], "verified"),
    ("found by a forged MX", "none", "good", ["host = by.forged.mtqt"], "4.4.3"),
    ("the address is forged", "none", "good",
     ["host = mx.forged.mtqt", "lookup = host"], "4.4.3"),
    ("an alias: records of where it leads", "3 1 1", "selfsigned",
     ["host = alias.sig.mtqt", "lookup = host"], "dane"),
    ("an alias: DANE-TA takes the name where it leads", "2 1 1", "good",
     ["host = alias.sig.mtqt", "lookup = host"], "dane"),
    ("an alias: PKIX wants the name that was given", "none", "good",
     ["host = alias.sig.mtqt", "lookup = host", "tls = required-verify"],
     "4.7.5"),
    ("an alias in a zone that is not signed", "3 1 1 other", "selfsigned",
     ["host = alias.insec.mtqt", "lookup = host"], "tls"),
    ("the attacker's chain with the real CA's certificate appended",
     ["2 0 1 inter"], "unknown+inter", [], "4.7.5"),
]


def records(pki, state, certificate):
    """Words of a row as record data."""
    name = certificate.split("+")[0]
    for word in state:
        usage, selector, matching, *rest = word.split()
        if rest and rest[0] not in certs.CERTS:
            yield word
            continue
        of = rest[0] if rest else (certs.whole(name)[1] if usage == "2" else name)
        yield certs.tlsa(pki, of, int(usage), int(selector), int(matching))


def test_rows_that_no_table_has(make, pki, cells, tmp_path):
    world = World(pki)
    for name, state, certificate, lines, _ in ROWS:
        own, _, appended = certificate.partition("+")
        chain = pki / f"{own}.all"
        if appended:
            both = tmp_path / f"{certificate}.pem"
            both.write_text(chain.read_text()
                            + (pki / f"{appended}.all").read_text())
            chain = both
        sink = TlsSink(chain, pki / f"{own}.key")
        if isinstance(state, list):
            world.sig += [f"_{sink.port}._tcp.mx TLSA {r}"
                          for r in records(pki, state, certificate)]
            where = [f"host = {HOST}"]
        else:
            where = world.host(state, own, sink.port)
        if any(x.startswith("host =") for x in lines):
            where = []
        if not any(x.startswith("lookup") or "by." in x for x in lines):
            lines = [*lines, "lookup = host"]
        cells.add(name, sink, *where, *lines, f"ca_file = {pki}/root.crt")
    here = f"by MX 10 {HOST}.\nalias CNAME {HOST}.\n"
    world.sig.append(here)
    world.insec.append(here)
    with world.zones(tmp_path, {"forged.mtqt": (here + "mx A 127.0.0.1",
                                                "bogus")}) as z:
        check(cells.run(make, dns(z)), cells, {r[0]: r[4] for r in ROWS})


def test_changed_records_do_not_resume(make, pki, tmp_path):
    """The key in DNS changes; the host keeps its old one and its sessions."""
    sink = sink_of(pki, "selfsigned")
    world = World(pki)
    where = world.host("3 1 1", "selfsigned", sink.port)
    try:
        with world.zones(tmp_path, ttl=1) as z:
            m = make(workers=1, blocks=dns(z), retry="intervals = 1h",
                     relay="\n\t".join((f"port = {sink.port}", *where,
                                        "lookup = host",
                                        "messages_per_connection = 1")))
            one_by_one(m, sink, 2)
            assert [s.resumed for s in sink.seen] == [False, True]
            assert m.text().count("verify=dane") == 2
            z.records["sig.mtqt"] = z.records["sig.mtqt"].replace(
                world.sig[0], f"_{sink.port}._tcp.mx TLSA 3 1 1 {KEY}")
            z.make()
            z.process.send_signal(1)

            def refused():
                if "status=deferred" not in m.text():
                    m.send()
                    return False
                return True
            wait_for("the new record to be seen", refused)
            taken = len(sink.messages)
            last = [s for s in sink.seen if not s.inside]
            assert last and not any(s.resumed for s in last)
            m.send()
            wait_for("a second refusal",
                     lambda: m.text().count("status=deferred") >= 2)
            assert len(sink.messages) == taken
    finally:
        sink.close()


MX = [  # what it shows, the domain's zone, hosts: (TLSA, certificate), outcome
    ("secure MX, match", "secure", {"a": ("3 1 1", "selfsigned")}, "dane"),
    ("secure MX, no match", "secure", {"a": ("3 1 1 other", "good")}, "4.7.5"),
    ("secure MX, the first does not match, the second does", "secure",
     {"a": ("3 1 1 other", "good"), "b": ("3 1 1", "selfsigned")}, "dane"),
    ("secure MX, the first's records are bogus, the second has none", "secure",
     {"a": ("bogus", "good"), "b": ("none", "selfsigned")}, "tls"),
    ("secure MX, all bogus", "secure", {"a": ("bogus", "good")}, "4.7.5"),
    ("secure MX, no records", "secure", {"a": ("none", "selfsigned")}, "tls"),
    ("insecure MX to a signed host: nobody knows that it is the right one",
     "insecure", {"a": ("3 1 1 other", "selfsigned")}, "tls"),
]


MX_VERIFIED = [
    ("for the exchanger's name", "secure", {"a": ("none", "wildcard")}, "name"),
    ("for another name, then for the right one", "insecure",
     {"a": ("none", "good"), "b": ("none", "wildcard")}, "name"),
    ("for another name", "secure", {"a": ("none", "good")}, "4.7.5"),
    ("DANE asks for no name", "secure", {"a": ("3 1 1", "good")}, "dane"),
]


@pytest.mark.parametrize("tls, MX", [("preferred", MX),
                                     ("required-verify", MX_VERIFIED)],
                         ids=["preferred", "required-verify"])
def test_mail_exchangers(make, pki, tmp_path, tls, MX):
    """deliver = mx: hosts at port 25 of loopback addresses of their own."""
    zones = {"sig": [], "insec": [], "bad": []}
    sinks, n = {}, 0
    net = f"127.25.{os.getpid() % 255}"  # beside others who test here
    try:
        for k, (name, zone, hosts, _) in enumerate(MX):
            for pref, (letter, (state, certificate)) in enumerate(hosts.items()):
                n += 1
                at = f"{net}.{n}"
                sinks[name, letter] = sink_of(pki, certificate, port=25, address=at)
                where = "bad" if state == "bogus" else "sig"
                host = f"{letter}{k}.{where}.mtqt."
                zones["sig" if zone == "secure" else "insec"].append(
                    f"d{k} MX {pref} {host}")
                zones[where].append(f"{host} A {at}")
                if state == "3 1 1 other":
                    record = f"3 1 1 {KEY}"
                else:
                    record = certs.tlsa(pki, certificate, 3, 1, 1)
                if state != "none":
                    zones[where].append(f"_25._tcp.{host} TLSA {record}")
    except PermissionError:
        pytest.skip("port 25 is for root")
    with Zones(tmp_path, {
            "sig.mtqt": "\n".join(zones["sig"]),
            "insec.mtqt": ("\n".join(zones["insec"]), "no"),
            "bad.mtqt": ("\n".join(zones["bad"]), "bogus:TLSA")}) as z:
        try:
            m = make(relay=f"deliver = mx\n\tallow_private = yes\n\ttls = {tls}\n"
                     f"\tca_file = {pki}/root.crt", blocks=dns(z),
                     retry="intervals = 1h")
            domains = [f"d{k}.{'sig' if row[1] == 'secure' else 'insec'}.mtqt"
                       for k, row in enumerate(MX)]
            for d in domains:
                m.send(to=(f"x@{d}",))
            wait_for("all outcomes", lambda: all(f"to=<x@{d}>" in m.text()
                                                 for d in domains), 30)
            rows = {r["address"]: r["status"] for q in m.queue()
                    for r in q["recipients"]}
            for (name, _, hosts, outcome), d in zip(MX, domains):
                took = [h for h in hosts if sinks[name, h].messages]
                if outcome[0] == "4":
                    assert rows[f"x@{d}"] == outcome and not took, name
                    continue
                assert took == [list(hosts)[-1]], (name, rows, m.text()[-3000:])
                line = [x for x in m.text().splitlines() if f"to=<x@{d}>" in x][-1]
                assert f"verify={'no' if outcome == 'tls' else outcome}" in line
            for (name, letter), s in sinks.items():
                for x in s.seen:
                    assert set(x.verbs(x.clear)) <= {"EHLO", "STARTTLS", "QUIT"}
        finally:
            for s in sinks.values():
                s.close()
