#!/bin/bash
# Every sample, and what README shows, is a configuration without an error or a doubt.  What is not in
# the tree, certificates and installed sets of networks, is put in its place.
# BUILD says which mtq is asked.
set -eu
build=${BUILD:-build}
folder=$(mktemp -d "${TMPDIR:-/tmp}/mtq-examples-XXXXXX")
trap 'rm -rf "$folder"' EXIT
names=DNS:relay.example.com,DNS:relay.zylker.com,DNS:mail.example.com
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	-keyout "$folder/key.pem" -out "$folder/fullchain.pem" -days 400 \
	-subj /CN=relay.example.com -addext "subjectAltName=$names" 2>/dev/null
openssl genrsa -out "$folder/dkim.pem" 2048 2>/dev/null
chmod 600 "$folder"/*.pem
for name in sf-relay zoho-relay; do
	"$build/mtq" account add --generate --file "$folder/accounts" $name >/dev/null
done
mkdir "$folder/of"
sed -n '/^## A configuration/,/^[^ ].*messages a day/s/^    //p' README.md \
	>"$folder/of/README.md.conf"
grep -q 'quota ' "$folder/of/README.md.conf"
bad=0 n=0
for f in etc/mtq.conf etc/examples/*.conf "$folder/of/README.md.conf"; do
	copy=$folder/$(basename "$f")
	# One line, so that the numbers of the others stay nearly right.
	{ echo "network_sets = $PWD/etc/networks"
	sed -E "s|/etc/mtq/(fullchain\|key\|dkim)[.]pem|$folder/\1.pem|g
		s|/etc/mtq/accounts|$folder/accounts|g" "$f"
	} >"$copy"
	said=$("$build/mtq" -c "$copy" check 2>&1) || true
	if [ "$(grep -v ': @' <<<"$said")" != "$copy: ok, 0 warnings" ]; then
		printf '%s\n%s\n' "$f" "$said"
		bad=1
	fi
	n=$((n + 1))
done
[ "$bad" = 0 ] || exit 1
echo "$n files without an error or a warning"
