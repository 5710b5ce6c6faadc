"""A peer that keeps no rules: an SMTP server whose dialogue is a function.

    Evil(lambda p: (p.upto("DOT"), p.say("550 5.7.1 no"), p.on()))

`upto` behaves well up to a command (CONNECT EHLO STARTTLS TLS AUTH MAIL RCPT
DATA DOT BDAT LAST RSET QUIT) and leaves its answer to the script; `on` behaves well from
here to the end.  Each Evil notes what reached it in clear, and what inside TLS.
"""
import os
import socket
import ssl
import threading

OFFERS = ("PIPELINING", "8BITMIME", "SIZE 10000000")
DONE = {"CONNECT": b"220 evil.test ESMTP", "MAIL": b"250 2.1.0 Ok",
        "RCPT": b"250 2.1.5 Ok", "DATA": b"354 go", "DOT": b"250 2.0.0 Ok: taken",
        "RSET": b"250 2.0.0 Ok", "QUIT": b"221 2.0.0 bye",
        "BDAT": b"250 2.0.0 more", "LAST": b"250 2.0.0 Ok: taken",
        "STARTTLS": b"220 2.0.0 go ahead", "AUTH": b"235 2.7.0 you are in",
        "HELO": b"250 evil.test"}
READ_MOST = 1 << 20


class Over(Exception):
    """The client has gone, or the script wants no more of it."""


class Peer:
    """One connection, as the script sees it."""

    def __init__(self, evil, sock):
        self.evil, self.sock, self.buffer = evil, sock, b""
        self.raw = None      # beneath TLS
        self.line = b""      # the last command
        self.body = None
        self.chunks = b""    # of BDAT
        self.greeted = False
        self.asked = None    # the command that waits for its answer
        self.mail = False    # a sender is taken
        self.rcpts = 0       # recipients taken of this message

    # --- octets

    def more(self):
        try:
            piece = self.sock.recv(65536)
        except (OSError, ValueError) as e:
            raise Over from e
        if not piece:
            raise Over
        (self.evil.inside if self.raw else self.evil.clear).append(piece)
        self.buffer += piece
        assert len(self.buffer) < READ_MOST

    def read_line(self):
        while b"\n" not in self.buffer:
            self.more()
        self.line, _, self.buffer = self.buffer.partition(b"\n")
        return self.line

    def send(self, octets):
        try:
            self.sock.sendall(octets)
        except (OSError, ValueError) as e:
            raise Over from e

    def say(self, *lines):
        lines = [x if isinstance(x, bytes) else x.encode() for x in lines]
        if self.asked == "RCPT" and lines and lines[-1].startswith(b"2"):
            self.rcpts += 1
        if self.asked == "BDAT" and lines and not lines[-1].startswith(b"2"):
            self.rcpts = 0  # the transaction is over, more chunks get 554
        if self.asked == "MAIL" and lines:
            self.mail = lines[-1].startswith(b"2")
        self.asked = None
        for line in lines:
            self.send(line + b"\r\n")

    def pieces(self, octets):
        """Each octet in a segment of its own."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(octets)):
            self.send(octets[i:i + 1])

    def drop(self):
        raise Over

    def reset(self):
        """An RST in the place of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             b"\1\0\0\0\0\0\0\0")
        self.sock.close()
        raise Over

    def silent(self):
        """Says nothing more; returns when the client has gone."""
        while True:
            self.more()
            self.buffer = b""

    # --- SMTP

    def verb(self):
        """The next command's name; a message ends as DOT."""
        if not self.greeted:
            self.greeted = True
            return "CONNECT"
        if self.body is not None:
            while True:
                line = self.read_line()
                if line == b".\r":
                    self.evil.bodies.append(self.body)
                    self.body = None
                    return "DOT"
                self.body += line + b"\n"
        words = self.read_line().upper().split()
        if words[:1] == [b"BDAT"]:
            return self.chunk(int(words[1]), words[2:] == [b"LAST"])
        return words[0].decode("latin-1") if words else ""

    def chunk(self, n, last):
        """BDAT, or LAST for the one that ends a message (RFC 3030)."""
        while len(self.buffer) < n:
            self.more()
        self.chunks += self.buffer[:n]
        self.buffer = self.buffer[n:]
        if last:
            if self.rcpts:
                self.evil.bodies.append(self.chunks)
            self.chunks = b""
        return "LAST" if last else "BDAT"

    def answer(self, verb):
        self.asked = verb
        if verb == "EHLO":
            offers = self.evil.inside_offers if self.raw else self.evil.offers
            lines = [b"evil.test", *(o.encode() for o in offers)]
            self.send(b"".join(b"250-" + x + b"\r\n" for x in lines[:-1])
                      + b"250 " + lines[-1] + b"\r\n")
            return
        if verb in ("MAIL", "RSET"):
            self.mail, self.rcpts = False, 0
        if verb == "RCPT" and not self.mail:
            self.say(b"503 5.5.1 MAIL first")
            return
        if verb in ("DATA", "BDAT", "LAST") and not self.rcpts:
            self.say(b"554 5.5.1 no valid recipients")
            return
        self.say(DONE.get(verb, b"500 5.5.2 what?"))
        if verb == "DATA":
            self.body = b""
        if verb == "STARTTLS":
            self.handshake()
        if verb == "QUIT":
            raise Over

    def upto(self, verb, nth=1):
        """Everything before the nth `verb` as it should be; reads that one."""
        while True:
            got = self.verb()
            nth -= got == verb
            if got == verb and nth == 0:
                self.asked = got
                return self
            self.answer(got)

    def on(self):
        while True:
            self.answer(self.verb())

    # --- TLS

    def handshake(self):
        """What came with STARTTLS in clear is not TLS."""
        assert not self.buffer, self.buffer
        self.raw = socket.socket(fileno=os.dup(self.sock.fileno()))
        try:
            self.sock = self.evil.context.wrap_socket(self.sock, server_side=True)
        except (OSError, ValueError) as e:
            raise Over from e
        self.evil.handshakes += 1

    def hello_of_tls(self):
        """Reads ClientHello and leaves it unanswered."""
        self.raw = self.sock
        self.more()
        self.buffer = b""

    def first_flight(self):
        """Our side's first octets of a handshake; the rest never comes."""
        come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.evil.context.wrap_bio(come, go, server_side=True)
        while not go.pending:
            self.more()
            come.write(self.buffer)
            self.buffer = b""
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
        return go.read()

    def beneath(self, octets):
        """On the socket, past TLS."""
        self.raw.sendall(octets)

    def farewell(self):
        """A close_notify, and no more."""
        self.sock.settimeout(1)
        try:
            self.sock.unwrap()
        except (OSError, ValueError):
            pass
        raise Over


class Evil:
    def __init__(self, script, context=None, offers=OFFERS, inside_offers=None,
                 implicit=False):
        self.script, self.context = script, context
        self.offers = tuple(offers) + (("STARTTLS",) if context and not implicit
                                       else ())
        self.inside_offers = offers if inside_offers is None else inside_offers
        self.implicit = implicit
        self.clear, self.inside, self.bodies = [], [], []
        self.sessions = self.handshakes = 0
        self.errors = []
        self.stop = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(sock,),
                             daemon=True).start()

    def session(self, sock):
        sock.settimeout(30)
        self.sessions += 1
        p = Peer(self, sock)
        try:
            if self.implicit:
                p.handshake()
            self.script(p)
        except Over:
            pass
        except Exception as e:  # a script's own mistake fails the test
            self.errors.append(e)
        finally:
            for s in (p.sock, p.raw):
                if s is not None:
                    s.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def context(certificate, key, **kw):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(certificate, key)
    for name, value in kw.items():
        setattr(ctx, name, value)
    return ctx
