#!/usr/bin/env bash
# make demo: two mtq as an ordinary person would meet them.  One stands on the
# CRM's side and hands mail on; the other is the company's relay server and puts
# it into a Maildir.  Everything happens on loopback, in one scratch folder that
# is removed at the end; every wait has a limit.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(cd "${BUILD:-build}" && pwd)
dir=$(mktemp -d /tmp/mtq-demo.XXXXXX)
crm_pid='' company_pid='' caps_pid=''

cleanup() {
	for pid in $crm_pid $company_pid $caps_pid; do
		kill "$pid" 2>/dev/null
	done
	for pid in $crm_pid $company_pid $caps_pid; do
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -9 "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT

say() { printf '\n== %s\n' "$*"; }
run() {
	printf '$ %s\n' "$*" | sed "s|$build/||g; s|$dir|DIR|g"
	"$@" 2>&1 | sed "s|$dir|DIR|g"
	return "${PIPESTATUS[0]}"
}
fail() {
	printf '\nThe demo failed: %s\n' "$*" >&2
	tail -n 20 "$dir"/*.log >&2 2>/dev/null
	exit 1
}
wait_until() { # what, seconds, command...
	local what=$1 end=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "$what did not happen"
		sleep 0.1
	done
}
free_port() { # the first free one from $1 on
	local p
	for p in $(seq "$1" $(($1 + 200))); do
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
	done
	fail "no free port above $1"
}
quietly() { "$@" >"$dir/last.out" 2>&1 || { cat "$dir/last.out"; return 1; }; }

# Started as root mtqd wants somebody to become; a plain user stays itself.
user='' owner=
if [ "$(id -u)" = 0 ]; then
	owner=nobody
	user="user = $owner"
	chown "$owner" "$dir"
fi
crm_port=$(free_port 10025)
company_port=$(free_port $((crm_port + 1)))
maildir=$dir/company/Maildir
mkdir -p "$dir/crm" "$dir/company"
[ -z "$owner" ] || chown "$owner" "$dir/crm" "$dir/company"

cat >"$dir/crm.conf" <<END
instance  = demo-crm
hostname  = crm.example.com
state_dir = $dir/crm/state
$user
listen "smtp"   { address = "127.0.0.1:$crm_port" }
source "crm"    { from_ip = 127.0.0.0/8 }
relay "company" {
	host = 127.0.0.1
	port = $company_port
	breaker_open_for = 2s
}
END
cat >"$dir/company.conf" <<END
instance  = demo-company
hostname  = relay.example.com
state_dir = $dir/company/state
$user
listen "smtp"   { address = "127.0.0.1:$company_port" }
source "crm"    { from_ip = 127.0.0.0/8 }
relay "mailbox" {
	deliver = maildir
	dir = $maildir
}
END
crm() { run "$build/mtq" -c "$dir/crm.conf" "$@"; }
start() { # name
	# A log of its own, so that "started" is said by this start.
	[ ! -f "$dir/$1.log" ] || mv "$dir/$1.log" "$dir/$1.before.log"
	"$build/mtqd" -c "$dir/$1.conf" 2>"$dir/$1.log" &
	eval "$1_pid=$!"
	wait_until "the start of $1" 15 grep -q started "$dir/$1.log"
}
delivered() { find "$maildir/new" -type f 2>/dev/null | wc -l; }
has() { [ "$(delivered)" = "$1" ]; }
send() { # what, swaks options...
	local what=$1
	shift
	quietly timeout 30 swaks --server "127.0.0.1:$crm_port" \
		--helo crm.test --from crm@example.com "$@" || fail "sending $what"
	printf '%-28s %s\n' "$what" "$(grep -h '<-  250 2.0.0 Ok: queued' "$dir/last.out")"
}
# The attachment as the reader's mail program would take it out of the file.
attachment() { perl -MMIME::Base64 -0777 -ne 'print decode_base64($1)
	if /filename="report.bin".*?\n\n(.*?)\n--/s' "$@"; }

say "mtq hands CRM mail to a relay and never loses what it accepted." \
	"This demo runs two of them on loopback."
say "The CRM side's whole configuration"
sed "s|$dir|DIR|" "$dir/crm.conf"
run "$build/mtq" -c "$dir/crm.conf" check || fail "mtq check"
say "Starting the company's relay server (port $company_port, delivers into a" \
	"Maildir) and the CRM side (port $crm_port)"
start company
start crm
echo "both serve"

say "The CRM sends four messages with swaks: a plain one, one with a UTF-8" \
	"subject, one with a 3 MB attachment, one to three people"
head -c 3000000 /dev/urandom >"$dir/report.bin"
send "a plain message" --to anna@example.net \
	--header 'Subject: Your invoice' --body 'Thank you for your order.'
send "a UTF-8 subject" --to jose@example.net \
	--header 'Subject: Grüße aus Köln ✓' --body 'Mit Umlauten: äöü'
send "text, HTML and 3 MB" --to anna@example.net --header 'Subject: Report' \
	--attach-type text/html --attach-body '<p>See the file.</p>' \
	--attach-type application/octet-stream --attach "@$dir/report.bin"
send "one to three people" --to a@example.net,b@example.net,c@example.net \
	--header 'Subject: To all three' --body 'One copy for each of you.'
wait_until "delivery of four messages" 15 has 4
say "Delivered into the company's Maildir"
for file in "$maildir"/new/*; do
	printf '%9d octets  %-26s %s\n' "$(wc -c <"$file")" \
		"$(sed -n 's/^Subject: //p' "$file" | head -n 1)" \
		"$(sed -n 's/^Delivered-To: //p' "$file" | tr '\n' ' ')"
done
attachment "$maildir"/new/* | cmp - "$dir/report.bin" ||
	fail "the attachment is not what was sent"
echo "the attachment is octet for octet what was sent"

say "One of them as it arrived: the CRM side's and the company's trace fields" \
	"are on top, the rest is as it was sent"
file=$(grep -l 'Subject: Your invoice' "$maildir"/new/*)
cat "$file"

say "The company's server goes away; the CRM goes on sending"
kill "$company_pid" && wait "$company_pid" 2>/dev/null
company_pid=''
send "while the relay is down" --to anna@example.net \
	--header 'Subject: While you were away' --body 'This one has to wait.'
waiting() { "$build/mtq" -c "$dir/crm.conf" --json queue list | grep -q 4.4.1; }
wait_until "a first attempt" 10 waiting
say "mtq status, mtq queue list and mtq queue show say what waits and why"
crm status
crm queue list
id=$("$build/mtq" -c "$dir/crm.conf" --json queue list |
	sed -n 's/.*"queue_id": *"\([^"]*\)".*/\1/p' | head -n 1)
[ -n "$id" ] || fail "no queue id"
crm queue show "$id"

say "The company's server is back; instead of waiting for the next attempt," \
	"we ask for one now"
start company
crm queue retry "$id" || fail "retry"
wait_until "delivery of the fifth message" 15 has 5
crm queue list
say "What the CRM side logged for that message"
grep "$id" "$dir/crm.log" | sed "s|$dir|DIR|"

say "Stopping both, in order; then every checksum and counter is verified"
for side in crm company; do
	pid_name=${side}_pid
	kill "${!pid_name}"
	wait "${!pid_name}" || fail "$side did not stop cleanly"
	eval "$pid_name="
	run "$build/mtq" -c "$dir/$side.conf" verify || fail "verify $side"
done
has 5 || fail "not all were delivered"

# --- second part: types, caps, fallback --------------------------------------

caps_port=$(free_port $((company_port + 1)))
mkdir -p "$dir/caps"
[ -z "$owner" ] || chown "$owner" "$dir/caps"
cat >"$dir/caps.conf" <<END
instance  = demo-caps
hostname  = crm.example.com
state_dir = $dir/caps/state
$user
zone      = Etc/UTC
listen "smtp" { address = "127.0.0.1:$caps_port" }
source "crm"  { from_ip = 127.0.0.0/8 }

type "individual" { weight = 6 }
type "workflow"   { weight = 3 }
type "mass"       { weight = 1 }
classify { priority = 10  by_header = X-Mail-Type }   # the CRM says what it is
classify { priority = 99  type = individual }

quota "edition" { limit = 14 }                        # the CRM edition's own limit
quota "company" { limit = 6  cap { mass = 2 } }
quota "partner" { limit = 3 }

# Sandbox relays: each puts its mail into a folder, so that we can count it.
relay "company" { deliver = maildir  dir = $dir/caps/company  quota = [company, edition] }
relay "partner" { deliver = maildir  dir = $dir/caps/partner  quota = [partner, edition] }
relay "crm"     { deliver = maildir  dir = $dir/caps/crm  role = crm  quota = edition }

route "example" {
	priority = 100
	from = [example.com, "*.example.com"]
	via { mass = [company, partner]  "*" = company }
	on_exhausted = crm
}
no_match = crm
expect "newsletter" { from = news@example.com  to = x@example.net  type = mass  relay = company }
END
caps() { run "$build/mtq" -c "$dir/caps.conf" "$@"; }
count() { find "$dir/caps/$1/new" -type f 2>/dev/null | wc -l; }
gone() { echo $(($(count company) + $(count partner) + $(count crm))); }
gone_is() { [ "$(gone)" = "$1" ]; }
burst() { # type, how many, sender
	local i
	for i in $(seq "$2"); do
		quietly timeout 30 swaks --server "127.0.0.1:$caps_port" \
			--helo crm.test --from "$3@example.com" \
			--h-From "$3@example.com" --to "reader$i@example.net" \
			--header "X-Mail-Type: $1" --header "Subject: $1 $i" \
			--body "$1" || fail "sending $1"
	done
	printf '%2d messages of type %s\n' "$2" "$1"
}

say "Second part: two relays and the CRM's own server, each with its daily cap"
sed -n '/^type/,$p' "$dir/caps.conf" | sed "s|$dir|DIR|"
caps check || fail "mtq check"
start caps
say "The quotas before"
caps quota
say "The CRM sends a burst of all three types: 18 messages, and the edition" \
	"allows 14"
burst mass 8 news
burst workflow 4 flow
burst individual 6 anna
wait_until "delivery of all that the caps allow" 20 gone_is 14
sleep 1
gone_is 14 || fail "$(gone) messages left; the edition's cap is 14"
say "Where they went: company first, mass on to partner, the rest to the CRM" \
	"server, and not one more than the edition allows"
for relay in company partner crm; do
	printf '%-8s %2d messages\n' "$relay" "$(count "$relay")"
done
[ "$(count company)" = 6 ] || fail "company took $(count company), not 6"
say "The quotas after, and the relays"
caps quota
caps relay
say "Why does the rest wait, and until when?"
id=$("$build/mtq" -c "$dir/caps.conf" --json queue list |
	sed -n 's/.*"queue_id": *"\([^"]*\)".*/\1/p' | head -n 1)
[ -n "$id" ] || fail "no queue id"
caps explain "$id" || fail "explain"
caps forecast || fail "forecast"
say "The administrator buys two more for today"
caps quota set edition 16 --until tomorrow --reason "end of quarter" ||
	fail "quota set"
wait_until "delivery of two more" 10 gone_is 16
caps quota audit || fail "audit"
kill "$caps_pid"
wait "$caps_pid" || fail "caps did not stop cleanly"
caps_pid=''
caps verify || fail "verify caps"

cleanup
trap - EXIT
[ ! -e "$dir" ] || fail "$dir is still there"
say "Done in $SECONDS s: 5 messages sent and delivered; of 18 more 16 left, as" \
	"many as the caps allow; processes and files are gone."
