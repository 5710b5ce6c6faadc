"""An SMTP server for tests: keeps what it gets, octet for octet, and answers
as it is told.  One thread a connection; everything on loopback."""
import socket
import socketserver
import threading


class Message:
    def __init__(self, sender, recipients, body, mail_line):
        self.sender, self.recipients = sender, recipients
        self.body = body  # as it crossed the wire, dot-stuffing removed
        self.mail_line = mail_line

    @property
    def content(self):
        """Without the Received field that mtq put in front."""
        lines = self.body.split(b"\r\n")
        assert lines[0].startswith(b"Received: from "), lines[0]
        n = 1
        while lines[n][:1] in (b" ", b"\t"):
            n += 1
        return b"\r\n".join(lines[n:])


class Sink:
    """reply(verb, argument, session) -> bytes or None may overrule any answer:
    verbs are CONNECT EHLO MAIL RCPT DATA DOT; b"" drops the connection."""

    def __init__(self, port=0, reply=None, address="127.0.0.1", extensions=("PIPELINING", "8BITMIME",
                 "SMTPUTF8", "SIZE 104857600", "ENHANCEDSTATUSCODES", "DSN")):
        self.messages, self.reply, self.extensions = [], reply, extensions
        self.lock = threading.Lock()
        self.sessions = 0
        self.open = 0
        self.most_open = 0
        self.per_session = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 60

            def handle(self):
                with outer.lock:
                    outer.sessions += 1
                    outer.open += 1
                    outer.most_open = max(outer.most_open, outer.open)
                try:
                    outer.talk(self)
                except (OSError, ValueError):
                    pass
                finally:
                    outer.leave(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server((address, port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.05,), daemon=True)
        self.thread.start()

    def leave(self, h):
        """Once a session: it is over for the client when QUIT is answered."""
        with self.lock:
            if not getattr(h, "left", False):
                h.left = True
                self.open -= 1

    def answer(self, h, verb, arg, default):
        r = self.reply(verb, arg, h) if self.reply else None
        if r is None:
            r = default
        if r == b"":
            h.connection.shutdown(socket.SHUT_RDWR)
            raise OSError("told to drop the connection")
        h.wfile.write(r)
        h.wfile.flush()
        return r[:1]

    def offers(self, h):
        return self.extensions

    def further(self, h, verb, line):
        """For those who know more verbs: True when it was one of theirs."""
        return False

    def talk(self, h):
        self.answer(h, "CONNECT", b"", b"220 sink.test ESMTP\r\n")
        sender, rcpts, mail_line, count = None, [], b"", 0
        while True:
            line = h.rfile.readline(16384)
            if not line:
                return
            verb = line[:4].upper()
            if self.further(h, verb, line):
                continue
            if verb == b"EHLO":
                text = [b"sink.test"] + [e.encode() for e in self.offers(h)]
                ehlo = b"".join(b"250-%s\r\n" % t for t in text[:-1])
                self.answer(h, "EHLO", line, ehlo + b"250 " + text[-1] + b"\r\n")
            elif verb == b"HELO":
                self.answer(h, "HELO", line, b"250 sink.test\r\n")
            elif verb == b"MAIL":
                sender = None
                if self.answer(h, "MAIL", line, b"250 2.1.0 Ok\r\n") == b"2":
                    sender, rcpts, mail_line = between(line), [], line
            elif verb == b"RCPT":
                if sender is None:
                    self.answer(h, "?", line, b"503 5.5.1 need MAIL\r\n")
                elif self.answer(h, "RCPT", line, b"250 2.1.5 Ok\r\n") == b"2":
                    rcpts.append(between(line))
            elif verb == b"DATA":
                if sender is None or not rcpts:
                    self.answer(h, "DATA", line, b"554 5.5.1 no recipients\r\n")
                    continue
                if self.answer(h, "DATA", line, b"354 go\r\n") != b"3":
                    continue
                body = self.data(h)
                count += 1
                with self.lock:
                    message = Message(sender, rcpts, body, mail_line)
                    if self.answer(h, "DOT", message,
                                   b"250 2.0.0 Ok: sunk\r\n") == b"2":
                        self.messages.append(message)
                sender, rcpts = None, []
            elif verb == b"RSET":
                sender, rcpts = None, []
                self.answer(h, "RSET", line, b"250 2.0.0 Ok\r\n")
            elif verb == b"QUIT":
                self.per_session.append(count)
                self.leave(h)
                self.answer(h, "QUIT", line, b"221 2.0.0 bye\r\n")
                return
            else:
                self.answer(h, "?", line, b"500 5.5.2 what?\r\n")

    @staticmethod
    def data(h):
        lines = []
        while True:
            line = h.rfile.readline()
            if not line:
                raise OSError("lost in DATA")
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line[:1] == b"." else line)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def between(line):
    return line[line.index(b"<") + 1:line.index(b">")].decode()
