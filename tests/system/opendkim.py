"""opendkim-testmsg's word on messages, in namespaces of its own where its resolver
finds the keys: run by `unshare -n -m`, see judge()."""
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]


def judge(folder, records):
    """{file: exit code} for the messages in FOLDER; records: {"s.example.com": TXT}."""
    zone = "\n".join("%s TXT %s" % (name.removesuffix(".example.com"), " ".join(
        f'"{r[i:i + 200]}"' for i in range(0, len(r), 200))) for name, r in records.items())
    out = subprocess.run(["unshare", "-n", "-m", sys.executable, __file__, folder], input=zone,
                         check=True, capture_output=True, text=True, timeout=60).stdout
    return {line.split()[0]: int(line.split()[1]) for line in out.splitlines()}


def forward(to):
    """Port 53 of this namespace: what asks there asks nsd."""
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.bind(("127.0.0.1", 53))
    while True:
        question, peer = door.recvfrom(4096)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(2)
            s.sendto(question, to)
            try:
                door.sendto(s.recv(65535), peer)
            except OSError:
                pass


def main():
    sys.path.insert(0, str(ROOT / "tests"))
    import zones
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    zones.TOP = "com"
    with tempfile.TemporaryDirectory() as d:
        pathlib.Path(d, "resolv.conf").write_text("nameserver 127.0.0.1\n")
        subprocess.run(["mount", "--bind", f"{d}/resolv.conf", "/etc/resolv.conf"], check=True)
        with zones.Zones(d, {"example.com": sys.stdin.read()}) as z:
            host, port = z.forward.split("@")
            threading.Thread(target=forward, args=((host, int(port)),), daemon=True).start()
            for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
                r = subprocess.run(["opendkim-testmsg"], stdin=path.open(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   timeout=30)
                print(path.name, r.returncode, flush=True)
        subprocess.run(["umount", "/etc/resolv.conf"], check=False)


if __name__ == "__main__":
    main()
