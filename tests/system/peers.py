"""Postfix and Exim as relays on loopback, with TLS and AUTH: servers that other
people wrote.  Postfix hands on what it takes to a plain sink, with a Received
field that says how it came in; Exim keeps it and says so in its log.  Each runs
with a folder of its own and is stopped by its process id."""
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading

from wait import free_port, listening, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Exim conflicts with Postfix and wants a user of its own, sasl2-bin brings a
# service: they are unpacked, not installed.
UNPACKED = ROOT / "build" / "peers"
PACKAGES = ("exim4-daemon-light", "sasl2-bin", "libnss-wrapper")


def fetch():
    """Unpacks PACKAGES; does nothing when they are there."""
    for name in PACKAGES:
        done = UNPACKED / name
        if done.exists():
            continue
        UNPACKED.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-qq", "download", name], cwd=UNPACKED,
                       check=True, timeout=120, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        deb = next(UNPACKED.glob(f"{name}_*.deb"))
        part = UNPACKED / f"{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        subprocess.run(["dpkg", "-x", deb, part], check=True, timeout=60)
        shutil.rmtree(part / "etc", ignore_errors=True)
        part.rename(done)
        deb.unlink()


class Postfix:
    """smtpd with STARTTLS on .port and implicit TLS on .port465; AUTH by Cyrus
    SASL.  users: {name: password}; none: no AUTH."""
    realm = "postfix.test"

    def __init__(self, folder, certificate, key, next_port, users=None,
                 mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256",
                 client_ca=None, extra=""):
        fetch()
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(exist_ok=True)
        for d in (self.dir.parent, self.dir):  # its processes run as postfix
            os.chmod(d, 0o755)
        self.port, self.port465 = free_port(), free_port()
        self.etc = self.dir / "etc"
        self.etc.mkdir()
        for name in ("postfix-files", "dynamicmaps.cf"):
            if os.path.exists(f"/etc/postfix/{name}"):
                shutil.copy(f"/etc/postfix/{name}", self.etc)
        for d in ("spool", "data"):
            (self.dir / d).mkdir()
        shutil.chown(self.dir / "data", "postfix")
        for name, path in (("cert", certificate), ("key", key)):
            shutil.copy(path, self.dir / f"{name}.pem")
            os.chmod(self.dir / f"{name}.pem", 0o600)
        if users:
            self.accounts(users, mechanisms)
            extra += f"""
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = {self.realm}
smtpd_sasl_security_options = noanonymous
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""
        if client_ca:
            extra += f"\nsmtpd_tls_ask_ccert = yes\nsmtpd_tls_CAfile = {client_ca}\n"
        self.write(next_port, extra)

    def accounts(self, users, mechanisms):
        # Debian's Postfix looks beside main.cf, whatever
        # cyrus_sasl_config_path says.
        sasl = self.etc / "sasl"
        sasl.mkdir()
        (sasl / "smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
            f"sasldb_path: {sasl}/db\nmech_list: {mechanisms}\n")
        for name, password in users.items():
            subprocess.run(
                [UNPACKED / "sasl2-bin/usr/sbin/saslpasswd2", "-p", "-c", "-f",
                 sasl / "db", "-u", self.realm, name], input=password.encode(),
                check=True, timeout=20)
        shutil.chown(sasl / "db", "postfix")

    def write(self, next_port, extra):
        (self.etc / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {self.dir}/spool
data_directory = {self.dir}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{next_port}
smtp_host_lookup = native
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
maillog_file = {self.dir}/log
maillog_file_prefixes = {self.dir}
alias_maps =
smtpd_tls_security_level = may
smtpd_tls_cert_file = {self.dir}/cert.pem
smtpd_tls_key_file = {self.dir}/key.pem
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtpd_sasl_authenticated_header = yes
smtpd_tls_session_cache_database = btree:{self.dir}/data/sessions
{extra}
""")
        (self.etc / "master.cf").write_text(f"""\
127.0.0.1:{self.port} inet n - n - - smtpd
127.0.0.1:{self.port465} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
""")

    def start(self):
        subprocess.run(["postfix", "-c", self.etc, "start"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, timeout=60)
        wait_for("the start of Postfix", lambda: listening(self.port), 30)
        self.pid = int((self.dir / "spool/pid/master.pid").read_text())
        return self

    def stop(self):
        subprocess.run(["postfix", "-c", self.etc, "stop"], timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the end of Postfix",
                 lambda: not os.path.exists(f"/proc/{self.pid}"))

    def log(self):
        return (self.dir / "log").read_text(errors="replace")


class Exim:
    """exim4-daemon-light (GnuTLS): STARTTLS on .port, implicit on .port465,
    AUTH plain, login and cram_md5, EXTERNAL by client certificate.  It keeps
    what it takes in its spool: taken() says how each message came in."""
    uid = 990  # its user needs to be in no file of the machine, but isn't root

    def __init__(self, folder, certificate, key, users=None, client_ca=None):
        fetch()
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(exist_ok=True)
        os.chmod(self.dir.parent, 0o755)
        self.port, self.port465 = free_port(), free_port()
        (self.dir / "spool").mkdir()
        for name, path in (("cert", certificate), ("key", key),
                           ("ca", client_ca or certificate)):
            shutil.copy(path, self.dir / f"{name}.pem")
        (self.dir / "passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\n"
            f"Debian-exim:x:{self.uid}:{self.uid}::/:/bin/false\n"
            "nobody:x:65534:65534:nobody:/:/bin/false\n")
        (self.dir / "group").write_text(
            f"root:x:0:\nDebian-exim:x:{self.uid}:\nmail:x:8:\n"
            "nogroup:x:65534:\n")
        (self.dir / "users").write_text(
            "".join(f"{u}: {p}\n" for u, p in (users or {}).items()))
        self.config = self.dir / "exim.conf"
        self.config.write_text(self.text(users, client_ca))
        for f in (self.dir, *self.dir.iterdir()):
            if f != self.config:  # this one must be root's
                os.chown(f, self.uid, self.uid)

    def text(self, users, client_ca):
        known = f"lookup{{$auth%d}}lsearch{{{self.dir}/users}}"
        ask = (f"tls_try_verify_hosts = *\ntls_verify_certificates = {self.dir}/ca.pem\n"
               if client_ca else "tls_verify_certificates =\n")
        need = "deny !authenticated = *" if users or client_ca else ""
        methods = f"""
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{${{{known % 2}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if eq{{$auth2}}{{${{{known % 1}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{{known % 1}{{$value}}fail}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
""" if users else ""
        if client_ca:
            methods += """
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${certextract{subject,CN}{$tls_in_peercert}}
  server_condition = ${if and {{bool{$tls_in_certificate_verified}}\
{or {{eq{$auth1}{}}{eq{$auth1}{$auth2}}}}}}
  server_set_id = $auth2
"""
        return f"""\
primary_hostname = exim.test
spool_directory = {self.dir}/spool
log_file_path = {self.dir}/log-%slog
log_selector = +tls_resumption +tls_peerdn +smtp_protocol_error
keep_environment =
queue_only = true
host_lookup =
rfc1413_query_timeout = 0s
daemon_smtp_ports = {self.port} : {self.port465}
local_interfaces = 127.0.0.1
tls_on_connect_ports = {self.port465}
tls_advertise_hosts = *
tls_certificate = {self.dir}/cert.pem
tls_privatekey = {self.dir}/key.pem
tls_resumption_hosts = *
chunking_advertise_hosts = *
{ask}
acl_smtp_rcpt = check
acl_smtp_data = accept
begin acl
check:
  {need}
  accept
begin authenticators
{methods}
"""

    def start(self):
        env = dict(os.environ, NSS_WRAPPER_PASSWD=str(self.dir / "passwd"),
                   NSS_WRAPPER_GROUP=str(self.dir / "group"),
                   LD_PRELOAD=str(next((UNPACKED / "libnss-wrapper").rglob(
                       "libnss_wrapper.so"))))
        exim = UNPACKED / "exim4-daemon-light/usr/sbin/exim4"
        self.out = open(self.dir / "out", "wb")
        self.process = subprocess.Popen(
            [exim, "-C", self.config, "-bdf"], env=env, cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out,
            start_new_session=True)

        def up():
            assert self.process.poll() is None, self.log()
            return listening(self.port)
        wait_for("the start of Exim", up)
        return self

    def stop(self):
        # Its children (a delivery under way) are in its session.
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)
        self.out.close()

    def taken(self):
        """The log's lines of messages taken: P= protocol, X= TLS, CV= client
        certificate verified, A= authenticator and who."""
        return [dict(w.split("=", 1) for w in line.split() if w[:2] in
                     ("P=", "X=", "CV", "A="))
                | {"from": line.split(" <= ")[1].split()[0]}
                for line in self.log().splitlines() if " <= " in line]

    def log(self):
        for name in ("log-mainlog", "out"):
            if (self.dir / name).exists():
                return (self.dir / name).read_text(errors="replace")
        return ""


class Resolver:
    """A validating resolver at port 53 of a loopback address, for programs that
    believe the AD bit: libunbound answers, with the forwarder and the anchor
    that mtq has.  shell: what a command is put behind to use it."""
    def __init__(self, folder, zones):
        self.address = f"127.53.{os.getpid() % 255}.53"
        self.ub = ctypes.CDLL("libunbound.so.8")
        self.ub.ub_ctx_create.restype = ctypes.c_void_p
        self.ctx = ctypes.c_void_p(self.ub.ub_ctx_create())
        self.set("ub_ctx_set_option", "do-not-query-localhost:", "no")
        self.set("ub_ctx_set_fwd", zones.forward)
        self.set("ub_ctx_add_ta_file", zones.anchor)
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        self.conf = pathlib.Path(folder) / "resolv.conf"
        self.conf.write_text(f"nameserver {self.address}\n"
                             "options trust-ad edns0 timeout:5\n")
        self.shell = ["unshare", "-m", "sh", "-c",
                      f"mount --bind {self.conf} /etc/resolv.conf && "
                      'exec "$0" "$@"']
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def set(self, function, *words):
        rc = getattr(self.ub, function)(self.ctx, *(w.encode() for w in words))
        assert rc == 0, (function, words, rc)

    def serve(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            if not packet:
                return
            try:
                self.socket.sendto(self.answer(packet), client)
            except (IndexError, struct.error):
                pass

    def answer(self, packet):
        name, at = [], 12
        while packet[at]:
            name.append(packet[at + 1:at + 1 + packet[at]])
            at += 1 + packet[at]
        kind, = struct.unpack_from("!H", packet, at + 1)
        question = packet[12:at + 5]
        result = ctypes.POINTER(UbResult)()
        rc = self.ub.ub_resolve(self.ctx, b".".join(name) + b".", kind, 1,
                                ctypes.byref(result))
        r = result.contents
        if rc != 0 or r.bogus or r.rcode == 2 or not r.answer_packet:
            out = struct.pack("!2s5H", packet[:2], 0x8182, 1, 0, 0, 0) + question
        else:
            whole = ctypes.string_at(r.answer_packet, r.answer_len)
            flags, = struct.unpack_from("!H", whole, 2)
            flags = (flags & ~0x20) | 0x8180 | (0x20 if r.secure else 0)
            out = packet[:2] + struct.pack("!H", flags) + whole[4:]
        self.ub.ub_resolve_free(result)
        return out

    def close(self):
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.sendto(b"", (self.address, 53))
        self.thread.join(10)
        self.socket.close()
        self.ub.ub_ctx_delete(self.ctx)


class UbResult(ctypes.Structure):  # struct ub_result of <unbound.h>
    _fields_ = [("qname", ctypes.c_char_p), ("qtype", ctypes.c_int),
                ("qclass", ctypes.c_int), ("data", ctypes.c_void_p),
                ("len", ctypes.c_void_p), ("canonname", ctypes.c_char_p),
                ("rcode", ctypes.c_int), ("answer_packet", ctypes.c_void_p),
                ("answer_len", ctypes.c_int), ("havedata", ctypes.c_int),
                ("nxdomain", ctypes.c_int), ("secure", ctypes.c_int),
                ("bogus", ctypes.c_int), ("why_bogus", ctypes.c_char_p),
                ("was_ratelimited", ctypes.c_int), ("ttl", ctypes.c_int)]


def main():
    fetch()


if __name__ == "__main__":
    main()
