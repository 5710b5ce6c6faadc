"""Ports, and bounded waiting for what another process does."""
import os
import socket
import time

DEADLINE = float(os.environ.get("DEADLINE", "15"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=DEADLINE):
    """What `condition` returned, once that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def listening(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0
