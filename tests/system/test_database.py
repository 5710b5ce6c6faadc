"""mtq init, verify and backup, as an administrator meets them."""
import json
import os
import subprocess

import pytest

from conftest import BUILD

CONF = """\
instance = {instance}
hostname = mtq.test
state_dir = {state}
user = {user}
queue {{ map_size = 8mb }}
listen "in" {{ address = "127.0.0.1:2525" }}
source "local" {{ from_ip = 127.0.0.0/8 }}
relay "out" {{ host = 127.0.0.1 }}
"""


class Admin:
    def __init__(self, folder, instance="test"):
        self.state, self.conf = folder / "state", folder / "mtq.conf"
        self.write(instance)

    def write(self, instance):
        text = CONF.format(instance=instance, state=self.state,
                           user="root" if os.getuid() == 0 else "")
        self.conf.write_text(text.replace("user = \n", ""))

    def __call__(self, *args):
        r = subprocess.run([BUILD / "mtq", "-c", self.conf, *map(str, args)],
                           capture_output=True, text=True, timeout=30)
        return r.returncode, r.stdout, r.stderr


@pytest.fixture
def admin(tmp_path):
    return Admin(tmp_path)


def test_init_makes_one_queue_and_no_second(admin):
    code, out, err = admin("init")
    assert code == 0 and out == "" and "made an empty queue" in err
    assert (admin.state / "queue.mdb").stat().st_mode & 0o077 == 0
    assert sorted(p.name for p in admin.state.iterdir()) == ["queue.mdb"]
    code, out, err = admin("init")
    assert code == 1 and "already" in err


def test_verify_counts_and_exits_0(admin):
    admin("init")
    code, out, err = admin("verify")
    assert code == 0 and "0  messages" in out and err == ""
    code, out, err = admin("verify", "--json")
    assert code == 0 and json.loads(out)["good"] is True
    code, out, err = admin("verify", admin.state)
    assert code == 0


@pytest.mark.parametrize("how, words", [
    ("cut", "octets but should have"),
    ("empty", "the file is empty"),
    ("foreign", "page 0"),
    ("flipped", "page"),
])
def test_verify_names_the_lie_and_exits_1(admin, how, words):
    admin("init")
    path = admin.state / "queue.mdb"
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[:-100]
    elif how == "empty":
        data = b""
    elif how == "foreign":
        data = b"From MAILER-DAEMON\n" * 1000
    else:
        data[2 * 4096 + 10] ^= 0xff  # the kind of the first page in use
        data[3 * 4096 + 10] ^= 0xff
    path.write_bytes(data)
    for args in ["verify"], ["verify", "--file", path]:
        code, out, err = admin(*args)
        assert code == 1 and words in err, (args, code, err)


def test_verify_without_a_queue(admin):
    code, out, err = admin("verify")
    assert code == 70 and "mtq init" in err and out == ""


def test_wrong_use_is_64(admin):
    for args in ["verify", "--nope"], ["verify", "a", "b"], ["backup"], \
            ["init", "x"], ["verify", "--file", "a", "b"]:
        assert admin(*args)[0] == 64, args


def test_backup_is_a_queue_of_its_own(admin, tmp_path):
    admin("init")
    copy = tmp_path / "copy"
    code, out, err = admin("backup", copy)
    assert code == 0 and "verified" in err
    assert admin("verify", "--file", copy)[0] == 0
    code, out, err = admin("backup", copy)
    assert code == 1 and "never goes over a file" in err


def test_a_queue_of_another_instance_is_not_copied(admin, tmp_path):
    admin("init")
    admin.write("clone")
    code, out, err = admin("backup", tmp_path / "copy")
    assert code == 70 and 'belongs to instance "test"' in err
    assert not (tmp_path / "copy").exists()
