"""Test certificates by certtool: a folder full of good and bad ones.

    certs.make(folder, host="mx.mtq.example")     in Python
    certs.tlsa(folder, "good", 3, 1, 1)           "3 1 1 0123abcd..."
    tests/certs.py FOLDER [HOST]                  in a shell, under 3 s

For each NAME of CERTS: NAME.key and NAME.crt (PEM), NAME.der, NAME.spki (the
public key as TLSA's selector 1 means it), and NAME.pem, the chain as a server
sends it (the own one first, the root left out).  root.crt is
what a client trusts.  DOMAIN is HOST without its first label.  The dates are
fixed, the keys are not; good means good from 2020 to 2045.
"""
import concurrent.futures
import hashlib
import pathlib
import ssl
import subprocess
import sys

GOOD = ("2020-01-01", "2045-01-01")
PAST = ("2020-01-01", "2021-01-01")
AHEAD = ("2044-01-01", "2045-01-01")
CA = "ca\ncert_signing_key\n"
SERVER = "tls_www_server\nsigning_key\n"
HOST = 'dns_name = "{host}"\n'


def san(*names):
    """A subjectAltName extension of raw dNSNames: certtool would stop at NUL."""
    body = b"".join(bytes([0x82, len(n)]) + n for n in names)
    return "add_extension = \"2.5.29.17 0x30%02x%s\"\n" % (len(body), body.hex())


# name: issuer ("" signs itself), subject's CN ("" none), template, more
CERTS = {
    "root": ("", "mtq test root", CA, {}),
    "inter": ("root", "mtq test intermediate", CA, {}),
    "rsainter": ("root", "mtq test RSA intermediate", CA, {"rsa": 2048}),
    "oldinter": ("root", "mtq test old intermediate", CA, {"dates": PAST}),
    "narrow": ("root", "mtq test narrow intermediate",
               CA + 'nc_permit_dns = "elsewhere.example"\n', {}),
    "weakinter": ("root", "mtq test weak intermediate", CA, {"rsa": 1024}),
    "other": ("", "another root", CA, {}),
    "fake": ("", "mtq test root", CA, {}),  # the root's name, not its key
    "good": ("inter", "{host}", HOST + SERVER, {}),
    "rsa": ("inter", "{host}", HOST + SERVER, {"rsa": 2048}),
    "direct": ("root", "{host}", HOST + SERVER, {}),
    "expired": ("inter", "{host}", HOST + SERVER, {"dates": PAST}),
    "notyet": ("inter", "{host}", HOST + SERVER, {"dates": AHEAD}),
    "wrongname": ("inter", "elsewhere.example",
                  'dns_name = "elsewhere.example"\n' + SERVER, {}),
    "wildcard": ("inter", "*.{domain}", 'dns_name = "*.{domain}"\n' + SERVER, {}),
    "barewild": ("inter", "a", 'dns_name = "*.example"\n' + SERVER, {}),
    "starwild": ("inter", "a", 'dns_name = "*"\n' + SERVER, {}),
    "midwild": ("inter", "a", 'dns_name = "mx.*.example"\n' + SERVER, {}),
    "partwild": ("inter", "a", 'dns_name = "m*.{domain}"\n' + SERVER, {}),
    "ip": ("inter", "by address",
           "ip_address = 127.0.0.1\nip_address = ::1\n" + SERVER, {}),
    "iptext": ("inter", "a", 'dns_name = "127.0.0.1"\n' + SERVER, {}),
    "cn": ("inter", "{host}", SERVER, {}),
    "cnip": ("inter", "127.0.0.1", SERVER, {}),
    "cnsan": ("inter", "{host}", 'dns_name = "elsewhere.example"\n' + SERVER, {}),
    "cntwo": ("inter", "{host}", 'dn_oid = "2.5.4.3 elsewhere.example"\n' + SERVER,
              {}),
    "nameless": ("inter", "", 'organization = "nobody"\n' + SERVER, {}),
    "nul": ("inter", "a", "{nul}" + SERVER, {}),
    "rude": ("inter", "a\\nb", "{rude}" + SERVER, {}),
    "dotted": ("inter", "a", 'dns_name = "{host}."\n' + SERVER, {}),
    "upper": ("inter", "a", 'dns_name = "{upper}"\n' + SERVER, {}),
    "many": ("inter", "a", "".join(
        'dns_name = "h%d.example"\n' % i for i in range(100)) + HOST + SERVER, {}),
    "weak": ("inter", "{host}", HOST + SERVER, {"rsa": 1024}),
    "sha1": ("inter", "{host}", HOST + SERVER, {"hash": "SHA1"}),
    "md5": ("rsainter", "{host}", HOST + SERVER, {"hash": "MD5"}),
    "underweak": ("weakinter", "{host}", HOST + SERVER, {}),
    "client": ("inter", "{host}", HOST + "tls_www_client\nsigning_key\n", {}),
    "nouse": ("inter", "{host}", HOST + "signing_key\n", {}),
    "selfsigned": ("", "{host}", HOST + SERVER, {}),
    "selfold": ("", "{host}", HOST + SERVER, {"dates": PAST}),
    "unknown": ("other", "{host}", HOST + SERVER, {}),
    "forged": ("fake", "{host}", HOST + SERVER, {}),
    "underold": ("oldinter", "{host}", HOST + SERVER, {}),
    "undernarrow": ("narrow", "{host}", HOST + SERVER, {}),
    "underleaf": ("good", "{host}", HOST + SERVER, {}),  # its issuer is no CA
}


def certtool(*words):
    done = subprocess.run(["certtool", *map(str, words)], timeout=30,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, errors="replace")
    if done.returncode != 0:
        raise RuntimeError("certtool: " + done.stderr)


def key(folder, name):
    kind = ("ecdsa", "--curve", "secp256r1")
    if "rsa" in CERTS[name][3]:
        kind = ("rsa", "--bits", CERTS[name][3]["rsa"])
    certtool("--generate-privkey", "--key-type", *kind,
             "--outfile", folder / f"{name}.key")


def certificate(folder, name, host):
    issuer, cn, text, more = CERTS[name]
    names = {"host": host, "domain": host.partition(".")[2],
             "upper": host.upper(),
             "nul": san(host.encode() + b"\0.elsewhere.example"),
             "rude": san(b"a\x1b[31m\r\nb\xff")}
    start, end = more.get("dates", GOOD)
    text = (f'cn = "{cn}"\n' if cn else "") + text
    template = folder / f"{name}.template"
    template.write_text(
        text.format(**names) + f'activation_date = "{start} 00:00:00 UTC"\n'
        f'expiration_date = "{end} 00:00:00 UTC"\n'
        f"serial = {list(CERTS).index(name) + 1}\n")
    by = ("--generate-self-signed",)
    if issuer:
        by = ("--generate-certificate",
              "--load-ca-certificate", folder / f"{issuer}.crt",
              "--load-ca-privkey", folder / f"{issuer}.key")
    certtool(*by, "--load-privkey", folder / f"{name}.key",
             "--hash", more.get("hash", "SHA256"), "--template", template,
             "--outder", "--outfile", folder / f"{name}.der")
    (folder / f"{name}.crt").write_text(
        ssl.DER_cert_to_PEM_cert((folder / f"{name}.der").read_bytes()))
    (folder / f"{name}.spki").write_bytes(
        spki((folder / f"{name}.der").read_bytes()))
    template.unlink()


def spki(der):
    """The seventh element of TBSCertificate (RFC 5280 4.1), DER as it stands."""
    def element(at):  # tag and length; where the content begins and ends
        size, head = der[at + 1], 2
        if size & 0x80:
            head += size & 0x7f
            size = int.from_bytes(der[at + 2:at + head], "big")
        return at + head, at + head + size
    at, _ = element(element(0)[0])
    for _ in range(6):  # version, serial, algorithm, issuer, dates, subject
        at = element(at)[1]
    return der[at:element(at)[1]]


def tlsa(folder, name, usage, selector, matching):
    data = (pathlib.Path(folder) / (name + (".spki" if selector else ".der")))
    data = data.read_bytes()
    if matching:
        data = (hashlib.sha256 if matching == 1 else hashlib.sha512)(data).digest()
    return f"{usage} {selector} {matching} {data.hex()}"


def chain(name):
    """The certificates a server with this one sends, its own first."""
    out = [name]
    while CERTS[out[-1]][0] and CERTS[CERTS[out[-1]][0]][0]:
        out.append(CERTS[out[-1]][0])
    return out


def make(folder, host="mx.mtq.example"):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda n: key(folder, n), CERTS):
            pass
        for depth in range(4):  # issuers first
            level = [n for n in CERTS if len(whole(n)) == depth + 1]
            for _ in pool.map(lambda n: certificate(folder, n, host), level):
                pass
    for name in CERTS:
        (folder / f"{name}.pem").write_text(
            "".join((folder / f"{n}.crt").read_text() for n in chain(name)))
    return folder


def whole(name):
    out = [name]
    while CERTS[out[-1]][0]:
        out.append(CERTS[out[-1]][0])
    return out


if __name__ == "__main__":
    make(*sys.argv[1:3])
