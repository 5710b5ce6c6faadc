"""mtqd(8) lists every event of daemon/event.h, with its level and meaning."""
import re
import sys

events = re.findall(r'E\((\w+), (\w+), "([^"]*)"\)', open("daemon/event.h").read())
manual = open("docs/man/mtqd.8").read()
listed = re.findall(r"^\.It Li (\w+) Ta (\w+) Ta (.*)$", manual, re.M)
want = [(name, level.lower(), text) for name, level, text in events
        if name not in ("CONNECT", "DISCONNECT")]  # not logged by default
if len(events) < 20:
    sys.exit("events.py: daemon/event.h was not understood")
wrong = [w for w in want if w not in listed] + [x for x in listed if x not in want]
for name, level, text in wrong:
    print(f"mtqd(8) and daemon/event.h disagree: {name} {level}: {text}")
print(f"events: {len(want)} listed, {len(wrong)} wrong")
sys.exit(bool(wrong))
