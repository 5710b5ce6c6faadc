"""Clients that hold a place and hardly use it: one octet a second each.

    slow.py PORT COUNT TLS_PORT ADDRESSES

Half of them speak TLS (on TLS_PORT; 0: nobody does).  Of each half some stand in
the middle of a command, some of a message, and of the TLS ones some of the
handshake.  Who is cut off comes again.  Prints "ready" when all have been at
their place once, and at the end what it has seen.  Ends when stdin does.
"""
import collections
import selectors
import socket
import ssl
import sys
import time

EHLO = b"EHLO slow.test\r\n"
ENVELOPE = b"MAIL FROM:<slow@from.test>\r\nRCPT TO:<b@to.test>\r\nDATA\r\n"


class Slow:
    """kind: "command", "data", "handshake", "tls command", "tls data"."""

    def __init__(self, world, kind, number):
        self.world, self.kind, self.number = world, kind, number
        self.s = None
        self.begin()

    def begin(self):
        w = self.world
        port = w.tls_port if self.kind[0] in "ht" else w.port
        n = self.number % w.addresses
        raw = socket.socket()
        self.fd = raw
        try:
            raw.bind((f"127.0.{1 + n // 250}.{1 + n % 250}", 0))
            raw.settimeout(5)
            raw.connect(("127.0.0.1", port))
            if self.kind == "handshake":
                raw.sendall(b"\x16\x03\x01\x02\x00\x01")
            else:
                self.talk(raw)
            w.seen[self.kind] += 1
        except (OSError, ValueError, AssertionError) as e:
            w.seen[f"not in ({type(e).__name__})"] += 1
            self.end()
            return
        self.s.settimeout(0) if self.s else raw.settimeout(0)
        self.s = self.s or raw

    def talk(self, raw):
        if self.kind.startswith("tls"):
            raw = self.world.context.wrap_socket(raw)
        self.s = raw
        assert raw.recv(512).startswith(b"220")
        raw.sendall(EHLO)
        while b"250 " not in raw.recv(4096):
            pass
        if self.kind.endswith("data"):
            raw.sendall(ENVELOPE)
            while b"354" not in raw.recv(4096):
                pass

    def end(self):
        (self.s or self.fd).close()
        self.s = None

    def trickle(self):
        if self.s is None:
            self.begin()
            return
        try:
            self.s.send(b"x")
            got = self.s.recv(4096)
            self.world.seen["cut off" if not got else "told"] += 1
            if not got:
                self.end()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.world.seen["cut off"] += 1
            self.end()


class World:
    def __init__(self, port, count, tls_port, addresses):
        self.port, self.tls_port, self.addresses = port, tls_port, addresses
        self.seen = collections.Counter()
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        kinds = ["command", "data"]
        if tls_port:
            kinds += ["handshake", "tls data", "command", "data",
                      "tls command", "tls data"]
        self.all = [Slow(self, kinds[i % len(kinds)], i) for i in range(count)]

    def run(self):
        stdin = selectors.DefaultSelector()
        stdin.register(sys.stdin, selectors.EVENT_READ)
        slices = 20
        while True:
            for k in range(slices):
                begun = time.monotonic()
                for one in self.all[k::slices]:
                    one.trickle()
                rest = 1 / slices - (time.monotonic() - begun)
                if stdin.select(max(rest, 0)):
                    return


if __name__ == "__main__":
    w = World(*map(int, sys.argv[1:5]))
    held = sum(one.s is not None for one in w.all)
    print(f"ready {held}", flush=True)
    w.run()
    print(dict(w.seen), flush=True)
