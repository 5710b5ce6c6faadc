"""Zones signed in every right and wrong way, served by nsd on loopback.

    with Zones(folder, {"a.mtqt": "@ MX 10 mx\\nmx A 127.0.0.2",
                        "b.mtqt": ("@ A 127.0.0.3", "no")}) as z:
        z.forward   "127.0.0.1@5300", for dns { forward = }
        z.anchor    a file with the DS of "mtqt", for dns { trust_anchor = }

    tests/zones.py FOLDER      serves WORLD, prints forward and anchor on one
                               line, ends when its input ends

Nothing stands above the zone "mtqt.", which is made and signed here with a
delegation for each zone of the caller, and takes the caller's records too when
it is named.  A zone is its text, or its text and how it is signed:

    yes        secure (the default)
    nsec3      secure, and what is not there is proved by NSEC3
    no         no DS in the parent: insecure
    bogus      every signature but those of the zone's keys is damaged
    bogus:X    only those over records of the type X, or of NAME/X
    expired    signed for some days in 2020
    future     signed for some days from 2040 on
    stripped   without NSEC: what is not there can't be proved
    unsigned   a DS in the parent, and not a signature in the zone
    wrongds    a DS in the parent that is another key's
    broken     no zone behind its delegation (insecure): SERVFAIL

The text has no SOA and no NS of its own; a name without a final dot is below
the zone.  Keys stay in FOLDER/keys for the next time.  About 1 s for WORLD.
"""
import concurrent.futures
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time

TOP = "mtqt"
HEAD = """$TTL {ttl}
$ORIGIN {name}.
@ SOA ns.{top}. root.{top}. 1 3600 600 86400 {ttl}
@ NS ns.{top}.
"""
CONF = """server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  logfile: "{folder}/nsd.log"
  server-count: 1
  tcp-count: 50
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
"""
DATES = {"expired": ("20200101000000", "20200109000000"),
         "future": ("20400101000000", "20400109000000")}
WAYS = {"yes", "nsec3", "no", "bogus", "expired", "future", "stripped", "unsigned",
        "wrongds", "broken"}
KEY = "0123456789abcdef" * 4  # a digest for TLSA that nobody's key has


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          timeout=60, **more).stdout


def free_port():
    """One that is free for UDP and TCP."""
    while True:
        with socket.socket() as tcp, \
                socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


def spoil(line):
    """A signature that is one only in its form."""
    at = line.rindex(" ") if " " in line[-20:] else len(line) - 8
    swap = "A" if line[at - 4] != "A" else "B"
    return line[:at - 4] + swap + line[at - 3:]


def damaged(text, name, what):
    """what: "*", "TYPE" or "NAME/TYPE"; lines are whole records."""
    owner, _, kind = what.rpartition("/")
    out = []
    for line in text.splitlines():
        word = line.split()
        if len(word) > 4 and word[3] == "RRSIG" and word[4] != "DNSKEY" \
                and kind in ("*", word[4]) \
                and owner in ("", word[0].removesuffix(f".{name}.")):
            line = spoil(line)
        out.append(line)
    return "\n".join(out) + "\n"


def stripped(text):
    return "".join(line + "\n" for line in text.splitlines()
                   if line.split()[3:4] not in (["NSEC"], ["NSEC3"])
                   and line.split()[3:5] not in (["RRSIG", "NSEC"],
                                                 ["RRSIG", "NSEC3"]))


class Zone:
    def __init__(self, folder, name, text, way, ttl):
        self.name, self.text, self.ttl = name, text, ttl
        self.way, _, self.what = way.partition(":")
        if self.way not in WAYS:
            raise ValueError(f"{name}: no way to sign is called {way}")
        self.folder, self.keys = folder, folder / "keys"
        self.served = folder / f"{name}.zone"
        self.ds = ""

    def key(self):
        if self.way in ("no", "broken"):
            return
        if not list(self.keys.glob(f"K{self.name}.+*.key")):
            run("dnssec-keygen", "-q", "-K", self.keys, "-a",
                "ECDSAP256SHA256", "-f", "KSK", self.name)
        key, = self.keys.glob(f"K{self.name}.+*.key")
        self.ds = run("dnssec-dsfromkey", "-2", str(key))
        if self.way == "wrongds":
            self.ds = " ".join(self.ds.split()[:-1] + [KEY]) + "\n"

    def make(self, delegations=""):
        head = HEAD.format(ttl=self.ttl, name=self.name, top=TOP)
        plain = head + self.text + "\n" + delegations
        if self.way == "broken":
            self.served.unlink(missing_ok=True)
            return
        if self.way in ("no", "unsigned"):
            self.served.write_text(plain)
            return
        source = self.folder / f"{self.name}.plain"
        source.write_text(plain)
        more = []
        if self.way in DATES:
            start, end = DATES[self.way]
            more = ["-s", start, "-e", end]
        if self.way == "nsec3":
            more = ["-3", "-"]
        # One key signs all; -O full: a record is a line.
        run("dnssec-signzone", "-q", "-S", "-z", "-P", "-O", "full",
            "-K", self.keys, "-d", self.folder, *more, "-o", self.name,
            "-f", self.served, source)
        text = self.served.read_text()
        if self.way == "bogus":
            text = damaged(text, self.name, self.what or "*")
        elif self.way == "stripped":
            text = stripped(text)
        self.served.write_text(text)


class Zones:
    def __init__(self, folder, records=None, ttl=300):
        self.folder = pathlib.Path(folder).resolve()
        self.records = dict(WORLD if records is None else records)
        self.ttl = ttl
        self.port = free_port()
        self.forward = f"127.0.0.1@{self.port}"
        self.anchor = str(self.folder / "anchor.ds")
        self.process = None

    def parent(self, name, names):
        while "." in name:
            name = name.partition(".")[2]
            if name in names:
                return name
        raise ValueError(f"not below {TOP}")

    def make(self):
        (self.folder / "keys").mkdir(parents=True, exist_ok=True)
        self.records.setdefault(TOP, "")
        zones = {}
        for name, zone in self.records.items():
            text, way = (zone, "yes") if isinstance(zone, str) else zone
            if name == TOP:
                text += "\nns A 127.0.0.1\n"
            zones[name] = Zone(self.folder, name, text, way, self.ttl)
        below = {name: "" for name in zones}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(Zone.key, zones.values()))
            for name, zone in zones.items():
                if name != TOP:
                    below[self.parent(name, zones)] += \
                        f"{name}. NS ns.{TOP}.\n{zone.ds}"
            list(pool.map(lambda n: zones[n].make(below[n]), zones))
        pathlib.Path(self.anchor).write_text(zones[TOP].ds)
        conf = CONF.format(port=self.port, folder=self.folder)
        for zone in zones.values():
            conf += f"zone:\n  name: {zone.name}\n" \
                    f"  zonefile: \"{zone.served}\"\n"
        (self.folder / "nsd.conf").write_text(conf)

    def answers(self):
        """Is there a reply to the SOA of the top?"""
        name = b"".join(bytes([len(p)]) + p.encode() for p in TOP.split("."))
        ask = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + b"\0\0\6\0\1"
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.settimeout(0.05)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(ask)
                return s.recv(512)[:2] == ask[:2]
            except OSError:
                return False

    def start(self):
        nsd = shutil.which("nsd", path=f"{os.environ['PATH']}:/usr/sbin")
        self.process = subprocess.Popen(
            [nsd, "-d", "-c", self.folder / "nsd.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + 15
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                log = (self.folder / "nsd.log").read_text()
                raise RuntimeError(f"nsd does not answer:\n{log}")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def __enter__(self):
        self.make()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


# What tests/delivery/resolve.c asks for.  9.0.0.0/8 and 2a00::/16 stand for
# the public Internet: nothing is ever sent there.
HOSTS = f"""
@ MX 10 mx1
mx1 A 9.0.0.1
mx1 AAAA 2a00::1
_25._tcp.mx1 TLSA 3 1 1 {KEY}
plain A 9.0.0.2
"""
WORLD = {
    "secure.mtqt": HOSTS + f"""
xn--bcher-kva MX 10 mx1
xn--tda A 9.0.0.31
order MX 30 mx3
order MX 10 mx1
order MX 20 plain
mx3 A 9.0.0.3
two MX 10 plain
two MX 20 mx.bogus.mtqt.
allbad MX 10 mx1.bogus.mtqt.
allbad MX 20 mx1.expired.mtqt.
intoinsecure MX 10 mx1.insecure.mtqt.
intobroken MX 10 mx.broken.mtqt.
null MX 0 .
nullplus MX 0 .
nullplus MX 10 mx1
nowhere MX 10 missing
noaddress MX 10 notes
notes TXT "no address"
badname MX 10 a\\032b
implicit A 9.0.0.4
_25._tcp.implicit TLSA 3 1 1 {KEY}
own MX 10 me.mtqt.
own MX 20 mx1
ownlast MX 10 mx1
ownlast MX 20 ME.mtqt.
ownlast MX 20 plain
ownlast MX 30 mx3
private MX 10 host10
private MX 20 host127
host10 A 10.0.0.1
host127 A 127.0.0.1
host127 AAAA ::1
partly MX 10 host10
partly MX 20 plain
privatebad MX 10 host10
privatebad MX 20 mx1.bogus.mtqt.
mapped A 9.0.0.5
mapped AAAA ::ffff:9.0.0.5
alias CNAME mx1
second CNAME alias
out CNAME mx1.insecure.mtqt.
outtlsa CNAME mx1.insecure.mtqt.
_25._tcp.outtlsa TLSA 3 1 1 {KEY}
intobad CNAME mx1.bogus.mtqt.
aliasown CNAME plain
_25._tcp.aliasown TLSA 3 1 1 {KEY}
loop CNAME loop2
loop2 CNAME loop
viaalias MX 10 alias
viaout MX 10 outtlsa
domainalias CNAME order
_25._tcp.unusable TLSA 0 0 1 {KEY}
_25._tcp.unusable TLSA 1 1 1 {KEY}
unusable A 9.0.0.6
mixed A 9.0.0.7
_25._tcp.mixed TLSA 1 0 1 {KEY}
_25._tcp.mixed TLSA 2 0 1 {KEY}
tlsaalias A 9.0.0.8
_25._tcp.tlsaalias CNAME _25._tcp.mx1
tlsaout A 9.0.0.9
_25._tcp.tlsaout CNAME _25._tcp.mx1.insecure.mtqt.
tlsaloop A 9.0.0.10
_25._tcp.tlsaloop CNAME _25._tcp.tlsaloop
tlsabad A 9.0.0.11
_25._tcp.tlsabad CNAME _25._tcp.mx1.bogus.mtqt.
*.wild MX 10 mx1
tlsabroken A 9.0.0.12
_25._tcp.tlsabroken CNAME x.broken.mtqt.
""" + "".join(f"many MX {500 - i} mx{i}.many\nmx{i}.many A 9.1.0.{i}\n"
              for i in range(1, 101))
        + "".join(f"crowd A 9.2.0.{i}\n" for i in range(1, 31))
        + "".join(f"broad MX 10 b{i}.broad\n" for i in range(1, 7))
        + "".join(f"b{i}.broad A 9.3.{i}.{k}\n"
                  for i in range(1, 7) for k in range(1, 11))
        + "tlsamany A 9.0.0.13\n"
        + "".join(f"_25._tcp.tlsamany TLSA 3 1 1 {i:064x}\n"
                  for i in range(40)),
    "insecure.mtqt": (HOSTS + """
intosecure MX 10 mx1.secure.mtqt.
""", "no"),
    "nsec3.mtqt": (HOSTS + "w.plain A 9.0.0.21\n", "nsec3"),
    "bogus.mtqt": (HOSTS, "bogus"),
    "expired.mtqt": (HOSTS, "expired"),
    "future.mtqt": (HOSTS, "future"),
    "stripped.mtqt": (HOSTS + "onlya A 9.0.0.20\n", "stripped"),
    "unsigned.mtqt": (HOSTS, "unsigned"),
    "wrongds.mtqt": (HOSTS, "wrongds"),
    "broken.mtqt": ("", "broken"),
    "badtlsa.mtqt": (HOSTS + "@ MX 20 plain\n", "bogus:TLSA"),
    "bada.mtqt": (HOSTS, "bogus:A"),
    "baddenial.mtqt": (HOSTS, "bogus:NSEC"),
    "badmx.mtqt": (HOSTS, "bogus:MX"),
}


def main():
    with Zones(sys.argv[1]) as z:
        print(z.forward, z.anchor, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
