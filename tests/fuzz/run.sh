#!/usr/bin/env bash
# One fuzzer for SECONDS_EACH seconds, from its seeds; its log when it fails.
set -u
f=$1
mkdir -p "$FUZZ/corpus/$f"
seeds=tests/fuzz/seeds/$f
[ -d "$seeds" ] || seeds=
if ! timeout 600 "$FUZZ/$f.fuzz" -max_total_time="$SECONDS_EACH" -timeout=10 \
	-rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$FUZZ/$f-" \
	"$FUZZ/corpus/$f" $seeds >"$FUZZ/$f.log" 2>&1; then
	tail -40 "$FUZZ/$f.log"
	exit 255 # xargs stops
fi
echo "fuzz $f: $(sed -n 's/stat::number_of_executed_units: //p' "$FUZZ/$f.log") runs, clean"
