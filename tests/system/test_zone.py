"""Days are those of the zone in every process, confined as it is, also behind a
reload: libc takes a zone whose file it can't read for UTC without a word."""
import re
import signal

from conftest import wait_for

# UTC+9 and UTC-5, the whole year: midnights are 10 or 14 hours apart.
ZONES = {"east": "Asia/Tokyo", "west": "America/Bogota"}


def blocks(cycle, folder):
    return "\n".join(
        f'quota "{name}{cycle}" {{ limit = 1  zone = {zone} }}\n'
        f'relay "{name}" {{ deliver = maildir  dir = {folder}/{name}  '
        f'quota = {name}{cycle} }}\n'
        f'route "{name}" {{ priority = {n}  to = {name}.example  via = {name} }}'
        for n, (name, zone) in enumerate(ZONES.items(), 1))


def opens_in(m, cycle):
    """Seconds until each quota has room again, as the scheduler says."""
    def told():
        found = re.findall(r"quota (\w+) has no room.* in (-?\d+) s", m.text())
        found = {name: int(s) for name, s in found if name.endswith(str(cycle))}
        return found if len(found) == len(ZONES) else None
    for name in ZONES:
        for _ in range(2):
            m.send(to=[f"x@{name}.example"])
    return wait_for("both quotas being spent", told)


def test_a_role_knows_its_zones_behind_its_walls(make, tmp_path):
    m = make(blocks=blocks(0, tmp_path))
    for cycle in range(2):
        if cycle:
            m.write(blocks=blocks(cycle, tmp_path))
            m.process.send_signal(signal.SIGHUP)
            m.wait_log("reloaded")
        opens = opens_in(m, cycle)
        apart = abs(opens[f"east{cycle}"] - opens[f"west{cycle}"])
        assert min(abs(apart - h * 3600) for h in (10, 14)) <= 15, opens
