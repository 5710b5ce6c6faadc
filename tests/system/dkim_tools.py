"""DKIM keys, and an independent verifier: python3-dkim."""
import base64
import pathlib
import re
import subprocess

import dkim


class Key:
    """A private key in FOLDER, and the TXT record that publishes it."""

    def __init__(self, folder, name, kind="ed25519", bits=2048):
        self.kind = kind
        self.path = pathlib.Path(folder) / f"{name}.pem"
        size = ["--bits", str(bits)] if kind == "rsa" else []
        subprocess.run(["certtool", "--generate-privkey", "--key-type", kind, *size,
                        "--no-text", "--outfile", self.path],
                       check=True, capture_output=True, timeout=60)
        self.path.chmod(0o600)

    @property
    def record(self):
        out = subprocess.run(["certtool", "--load-privkey", self.path, "--pubkey-info"],
                             check=True, capture_output=True, text=True, timeout=60).stdout
        p = re.search("-----BEGIN PUBLIC KEY-----(.*?)-----END", out, re.S).group(1)
        p = p.replace("\n", "")
        if self.kind == "ed25519":
            p = base64.b64encode(base64.b64decode(p)[-32:]).decode()
        return f"v=DKIM1; k={self.kind}; p={p}"

    @property
    def seed(self):
        """Of Ed25519, as dkim.sign wants it."""
        p = "".join(self.path.read_text().splitlines()[1:-1])
        return base64.b64encode(base64.b64decode(p)[-32:])

    def block(self, title, selector, more=""):
        return (f'dkim "{title}" {{\n\tselector = {selector}\n'
                f'\tkey = "file:{self.path}"\n\t{more}\n}}\n')


class Records(dict):
    """{"selector.domain": record}, as a resolver for dkim.verify."""

    def __call__(self, name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        selector, _, domain = name.rstrip(".").partition("._domainkey.")
        record = self.get(f"{selector}.{domain}")
        return record.encode() if record else None


def signatures(message):
    """Values of the DKIM-Signature fields, from the top, as {tag: value}."""
    header = message.partition(b"\r\n\r\n")[0]
    fields = re.split(rb"\r\n(?![ \t])", header)
    out = []
    for f in fields:
        name, _, value = f.partition(b":")
        if name.strip().lower() == b"dkim-signature":
            value = re.sub(rb"\s", b"", value).decode()
            out.append(dict(t.split("=", 1) for t in value.split(";") if t))
    return out


def verified(message, records):
    """For each signature: is it valid?"""
    def is_valid(i):
        try:
            return dkim.DKIM(message).verify(idx=i, dnsfunc=records)
        except dkim.DKIMException:
            return False
    return [is_valid(i) for i in range(len(signatures(message)))]
