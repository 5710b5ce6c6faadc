"""The sink with TLS and AUTH.  Each connection leaves a Session: what was said
in clear, what inside TLS, and who the client said it was."""
import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import struct
import warnings

from sink import Sink


class Session:
    def __init__(self):
        self.clear, self.inside = [], []  # lines of the client, as they came
        self.handshakes = 0
        self.resumed = False
        self.early = False  # octets in the same breath as STARTTLS
        self.failed = ""    # why the handshake failed, in OpenSSL's words
        self.version = self.sni = self.subject = None
        self.auth = []      # (mechanism, who, True when taken)

    def verbs(self, where):
        return [line.split()[0].upper().decode() for line in where if line.split()]


def server_context(certificate, key=None, client_ca=None, tls13=True, tls12=True,
                   old=False):
    """Takes what a careless server would: weak keys and signatures too."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.set_ciphers("DEFAULT:@SECLEVEL=0")
    ctx.load_cert_chain(certificate, key)
    if old:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            ctx.minimum_version = ssl.TLSVersion.TLSv1
            ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    if not tls13:
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    if not tls12:
        ctx.minimum_version = ssl.TLSVersion.TLSv1_3
    if client_ca:
        ctx.load_verify_locations(client_ca)
        ctx.verify_mode = ssl.CERT_OPTIONAL
    ctx.sni_callback = note_name
    return ctx


def note_name(sock, name, ctx):
    sock.asked_for = name


# What may stand in the place of a handshake.
BROKEN = {
    "an alert": struct.pack("!BHHBB", 21, 0x0303, 2, 2, 40),
    "garbage": b"\x00\xff\x00 this is no TLS\r\n",
    "nothing": b"",
    "words": b"454 4.7.0 TLS is not available just now\r\n",
}


class TlsSink(Sink):
    """offer: STARTTLS stands in the EHLO reply.  broken: a key of BROKEN.
    users: {name: password or {passwords}}; tokens: those that OAuth takes."""

    def __init__(self, certificate=None, key=None, *, context=None, offer=True,
                 implicit=False, broken=None, client_ca=None, users=None,
                 tokens=(), mechanisms=("PLAIN", "LOGIN"), auth_in_clear=False,
                 refusal=b"535 5.7.8 not you\r\n", must_auth=False, **kw):
        self.context = context
        if certificate:
            self.context = server_context(certificate, key, client_ca)
        self.offer, self.implicit, self.broken = offer, implicit, broken
        self.users, self.tokens = users or {}, set(tokens)
        self.mechanisms, self.auth_in_clear = mechanisms, auth_in_clear
        self.refusal, self.must_auth = refusal, must_auth
        self.seen = []
        super().__init__(**kw)

    # --- TLS

    def talk(self, h):
        h.session, h.secure, h.known = Session(), False, False
        with self.lock:
            self.seen.append(h.session)
        if self.implicit:
            self.handshake(h)
        super().talk(h)

    def handshake(self, h):
        s = h.session
        h.connection.settimeout(20)
        if self.broken:
            h.connection.sendall(BROKEN[self.broken])
            # All of ClientHello is read, so that our octets are not lost in
            # a reset.
            h.connection.shutdown(socket.SHUT_WR)
            while h.connection.recv(65536):
                pass
            raise OSError("told to break the handshake")
        try:
            h.connection = self.context.wrap_socket(h.connection,
                                                    server_side=True)
        except OSError as e:
            s.failed = str(e)
            raise
        s.handshakes += 1
        s.resumed = h.connection.session_reused
        s.version = h.connection.version()
        s.sni = getattr(h.connection, "asked_for", None)
        if self.context.verify_mode != ssl.CERT_NONE:
            them = h.connection.getpeercert()
            if them:
                s.subject = dict(x[0] for x in them["subject"])["commonName"]
        h.secure = True
        h.rfile = h.connection.makefile("rb")
        h.wfile = h.connection.makefile("wb")

    def offers(self, h):
        more = []
        if self.offer and self.context and not h.secure:
            more.append("STARTTLS")
        if self.users or self.tokens or "EXTERNAL" in self.mechanisms:
            if h.secure or self.auth_in_clear:
                more.append("AUTH " + " ".join(self.mechanisms))
        return list(super().offers(h)) + more

    def further(self, h, verb, line):
        (h.session.inside if h.secure else h.session.clear).append(line)
        if verb == b"STAR" and self.offer and not h.secure:
            # Octets that wait behind STARTTLS would be ours to take for TLS.
            h.connection.setblocking(False)
            try:
                h.session.early = bool(h.rfile.peek(1))
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            h.connection.settimeout(60)
            if self.answer(h, "STARTTLS", line,
                           b"220 2.0.0 go ahead\r\n") == b"2":
                self.handshake(h)
            return True
        if verb == b"AUTH":
            self.auth(h, line)
            return True
        if verb == b"MAIL" and self.must_auth and not h.known:
            self.answer(h, "MAIL", line, b"530 5.7.0 authenticate first\r\n")
            return True
        return False

    # --- AUTH (RFC 4954): each mechanism really checks

    def auth(self, h, line):
        words = line.split()
        name = words[1].upper().decode()
        first = words[2] if len(words) > 2 else None
        if name not in self.mechanisms:
            self.answer(h, "AUTH", line, b"504 5.5.4 no such mechanism\r\n")
            return
        try:
            who, good = getattr(self, "auth_" + name.replace("-", "_").lower())(
                h, first)
        except (ValueError, IndexError, UnicodeDecodeError):
            who, good = "?", None
        with self.lock:
            h.session.auth.append((name, who, bool(good)))
        if good is None:
            self.answer(h, "AUTH", line, b"501 5.5.2 can't be read\r\n")
            return
        h.known = good
        self.answer(h, "AUTHENTICATED" if good else "REFUSED", who,
                    b"235 2.7.0 welcome\r\n" if good else self.refusal)

    def ask(self, h, text):
        h.wfile.write(b"334 " + base64.b64encode(text) + b"\r\n")
        h.wfile.flush()
        line = h.rfile.readline(16384)
        (h.session.inside if h.secure else h.session.clear).append(line)
        if line.strip() == b"*":
            raise ValueError("cancelled")
        return base64.b64decode(line.strip(), validate=True)

    def start(self, h, first):
        if first is None:
            return self.ask(h, b"")
        return b"" if first == b"=" else base64.b64decode(first, validate=True)

    def passwords(self, who):
        known = self.users.get(who, set())
        return {known} if isinstance(known, str) else known

    def auth_plain(self, h, first):
        authz, who, password = self.start(h, first).decode().split("\0")
        return who, authz in ("", who) and password in self.passwords(who)

    def auth_login(self, h, first):
        who = (self.ask(h, b"Username:") if first is None
               else self.start(h, first)).decode()
        password = self.ask(h, b"Password:").decode()
        return who, password in self.passwords(who)

    def auth_cram_md5(self, h, first):
        challenge = b"<%d.sink@sink.test>" % int.from_bytes(os.urandom(6), "big")
        who, digest = self.ask(h, challenge).decode().rsplit(" ", 1)
        return who, any(hmac.new(p.encode(), challenge, hashlib.md5).hexdigest()
                        == digest for p in self.passwords(who))

    def auth_external(self, h, first):
        who = self.start(h, first).decode() or h.session.subject
        return who, bool(h.session.subject) and who == h.session.subject

    def auth_xoauth2(self, h, first):
        fields = dict(f.split("=", 1) for f in
                      self.start(h, first).decode().split("\1") if "=" in f)
        return self.oauth(h, fields["user"], fields["auth"])

    def auth_oauthbearer(self, h, first):
        text = self.start(h, first).decode()
        gs2, *rest = text.split("\1")
        assert gs2.startswith("n,") and text.endswith("\1\1"), text
        fields = dict(f.split("=", 1) for f in rest if "=" in f)
        who = next((p[2:] for p in gs2.split(",") if p.startswith("a=")), "")
        return self.oauth(h, who, fields["auth"])

    def oauth(self, h, who, auth):
        kind, token = auth.split(" ", 1)
        if kind == "Bearer" and token in self.tokens:
            return who, True
        # The error is a challenge, to be answered before 535 comes.
        self.ask(h, json.dumps({"status": "401", "schemes": "bearer",
                                "scope": "mail"}).encode())
        return who, False

    # --- what tests ask

    def tried(self):
        """AUTH exchanges of all sessions."""
        with self.lock:
            return [a for s in self.seen for a in s.auth]

    def in_clear(self):
        with self.lock:
            return [line for s in self.seen for line in s.clear]
