"""make layers: includes go one way.

Folders: daemon <- queue <- delivery, admin may include all three, tests
everything.  Inside a folder the Makefile lists the files bottom up, and a file
includes only headers of names above its own (or its own).  Each third-party
header is included by exactly one .c file.  Nothing is included twice over.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAY = {
    "daemon": {"daemon"},
    "queue": {"daemon", "queue"},
    "delivery": {"daemon", "queue", "delivery"},
    "admin": {"daemon", "queue", "delivery", "admin"},
}
SEAMS = {  # third-party header: the one file that may include it; a protocol
    # with two sides has one file a side
    "uv.h": "daemon/loop.c",
    "lmdb.h": "queue/env.c",
    "unbound.h": "daemon/validator.c",
    "gnutls/gnutls.h": ("delivery/tls.c", "queue/tls_server.c"),
    "gnutls/x509.h": "daemon/x509.c",
    "gnutls/abstract.h": ("daemon/x509.c", "daemon/pkey.c"),
    "gnutls/crypto.h": "daemon/digest.c",
    "idn2.h": "delivery/idna.c",
    "gsasl.h": ("delivery/sasl.c", "queue/sasl_server.c"),
    "gsasl-mech.h": "delivery/sasl.c",
    "nettle/hmac.h": "daemon/mac.c",
    "nettle/memops.h": "daemon/mac.c",
    "jansson.h": "admin/show.c",
    "libsmartcols.h": "admin/show.c",
    "libsmartcols/libsmartcols.h": "admin/show.c",
}


def order():
    """folder -> {name: place} as the Makefile lists them."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    out = {}
    for folder in MAY:
        m = re.search(r"^%s := (.*)$" % folder.upper(), text, re.M)
        out[folder] = {n: i for i, n in enumerate(m.group(1).split())}
    return out


def main():
    places, bad, files = order(), [], 0
    for folder in MAY:
        for path in sorted((ROOT / folder).glob("*.[ch]")):
            files += 1
            name, rel = path.stem, f"{folder}/{path.name}"
            # cmd_*.c and the header-only tables stand outside the order.
            mine = places[folder].get(name)
            if mine is None and path.suffix == ".c" and not (
                    folder == "admin" and (name.startswith("cmd_") or name == "mtq")):
                bad.append(f"{rel}: not in the Makefile's {folder.upper()} list")
            for line, text in enumerate(path.read_text().splitlines(), 1):
                m = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', text)
                if not m:
                    continue
                inc = m.group(1)
                where = f"{rel}:{line}: "
                own = SEAMS.get(inc, rel)
                if rel not in ([own] if isinstance(own, str) else own):
                    bad.append(where + f"<{inc}> belongs to {own} alone")
                top, _, rest = inc.partition("/")
                if top == "tests":
                    bad.append(where + "nothing includes tests/")
                if top not in MAY:
                    continue
                if not (ROOT / inc).exists():
                    bad.append(where + f"there is no {inc}")
                if top not in MAY[folder]:
                    bad.append(where + f"{folder}/ may not include {top}/")
                elif top == folder and mine is not None:
                    other = places[folder].get(pathlib.Path(rest).stem)
                    if other is not None and other > mine:
                        bad.append(where + f"{inc} stands below {name} in the Makefile")
    for folder, names in places.items():
        for name in names:
            if not (ROOT / folder / f"{name}.c").exists():
                bad.append(f"Makefile: {folder.upper()} lists {name}, there is no {folder}/{name}.c")
    for b in bad:
        print(b, file=sys.stderr)
    print(f"layers: {files} files, {len(bad)} wrong")
    return 1 if bad else 0


sys.exit(main())
