#!/usr/bin/env bash
# make check: every test, in the order in which a failure is cheapest to find.
# Each step is a command with a name and a time limit.  A failure prints its
# output, and again at the end, and the run goes on, so that one look shows
# everything that is wrong.  STEPS="unit sim" runs only those.
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=build MAKEFLAGS=
jobs=$(nproc)
san='-fsanitize=address,undefined -fno-sanitize-recover=all'
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

step() { # name, seconds, command...
	local name=$1 limit=$2 begun=$SECONDS log=$said/$1.log
	shift 2
	if [ -n "${STEPS:-}" ] && [[ " $STEPS " != *" $name "* ]]; then
		return
	fi
	if timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null; then
		echo "$name" >>"$said/passed"
		printf '%-10s ok    %4d s  %s\n' "$name" $((SECONDS - begun)) \
			"$(tail -n 1 "$log" | cut -c1-110)"
	else
		echo "$name" >>"$said/failed"
		printf '%-10s FAILED %3d s\n%s\n' "$name" $((SECONDS - begun)) \
			"$(tail -n 60 "$log" | sed 's/^/    /')"
	fi
}

step build 300 make --no-print-directory -s -j"$jobs" all
step clang 300 make --no-print-directory -s -j"$jobs" BUILD=build/clang CC=clang all
step lint 300 make --no-print-directory -s lint
step manual 30 bash -c 'build/mtq manual sample | diff - etc/mtq.conf &&
	build/mtq manual keys | diff - docs/man/mtq.conf.5 &&
	/usr/bin/python3 tests/events.py &&
	echo "sample and manual match the key table"'
step examples 30 tests/examples.sh
step unit 500 make --no-print-directory -s -j"$jobs" unit
step asan 900 make --no-print-directory -s -j"$jobs" BUILD=build/asan \
	HARDENED= WERROR= CFLAGS='-O1 -g' SANITIZE="$san" unit
step reports 200 make --no-print-directory -s reports
step headers 120 make --no-print-directory -s headers
step fuzz 900 make --no-print-directory -s -j"$jobs" fuzz
step sim 600 make --no-print-directory -s sim
step system 1200 make --no-print-directory -s system
step states 400 make --no-print-directory -s states
# Both wait more than they work: side by side.
step kill 1500 make --no-print-directory -s kill &
step sansystem 1500 env BUILD=build/asan bash -c 'make --no-print-directory -s \
	-j2 BUILD=build/asan HARDENED= WERROR= CFLAGS="-O1 -g" SANITIZE="$0" all &&
	BUILD=$PWD/build/asan exec tests/system/run.sh' "$san"
wait
step sabotage 1800 make --no-print-directory -s sabotage
step bench 600 make --no-print-directory -s bench-quick
step demo 120 make --no-print-directory -s demo

count() { if [ -e "$said/$1" ]; then wc -l <"$said/$1"; else echo 0; fi; }
if [ -e "$said/failed" ]; then
	while read -r name; do
		printf '\n%s failed:\n%s\n' "$name" \
			"$(tail -n 12 "$said/$name.log" | cut -c1-200)"
	done <"$said/failed"
fi
echo "$(count passed) passed, $(count failed) failed"
[ ! -e "$said/failed" ] && [ -e "$said/passed" ]
