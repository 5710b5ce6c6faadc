#!/usr/bin/env bash
# The real processes: most tests wait more than they work, so two run side by
# side; those that measure time have the machine to themselves.  BUILD names the
# build folder.
set -u
cd "$(dirname "$0")" || exit 1
alone="test_load.py test_rate.py test_escape.py"
pytest=(/usr/bin/python3 -m pytest -q -p no:cacheprovider)
skip=()
for f in $alone; do skip+=("--ignore=$f"); done
"${pytest[@]}" -n "$(nproc)" --dist loadfile "${skip[@]}" .
together=$?
# shellcheck disable=SC2086
"${pytest[@]}" $alone
apart=$?
[ "$together" = 0 ] && [ "$apart" = 0 ]
