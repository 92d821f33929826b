#!/bin/bash
# SPDX-License-Identifier: MIT
# https: "serve --tls", "fetch" with an authority or a pin, what "loader" stamps, and everything that is refused.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

# authority NAME [OPTION...]
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$1.key" -out "$dir/$1.pem" \
		-days 30 -subj '/CN=Test CA' -addext basicConstraints=critical,CA:TRUE "${@:2}" 2>"$dir/openssl.log"
}

# certificate NAME SAN [COMMAND...]: by the authority "ca"; COMMAND runs the signing.
certificate() {
	openssl req -newkey rsa:2048 -nodes -keyout "$dir/$1.key" -out "$dir/$1.csr" -subj /CN=server 2>"$dir/openssl.log"
	"${@:3}" openssl x509 -req -in "$dir/$1.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 20 -out "$dir/$1.pem" \
		-extfile <(echo "subjectAltName=$2") 2>"$dir/openssl.log"
}

pin_of() {
	openssl x509 -in "$1" -pubkey -noout | openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1
}

prepare() {
	make_realm
	make_kernel "$dir/vmlinuz" --bytes 2000000
	publish desk --version 1 --quiet
	root=$dir/trusted.json
	cp "$repo/metadata/1.root.json" "$root"
	authority ca
	certificate server DNS:localhost,IP:127.0.0.1
}

# serve_tls NAME: sets $port
serve_tls() {
	start_server "$repo" --tls "$dir/$1.pem" "$dir/$1.key"
	port=${url##*:}
	port=${port%/}
}

# fetch HOST [OPTION...]
fetch() {
	timeout 100 "$tool" fetch "https://$1:$port/" desk -o "$dir/boot" --root "$root" "${@:2}"
}

# fails PATTERN HOST [OPTION...]: exit 5 with that message, and nothing is written.
fails() {
	assert_exit 5 fetch "${@:2}"
	assert_match "^chunkboot: error: .*$1" "$dir/err"
	[ ! -e "$dir/boot" ] || fail "files were written: $(ls "$dir/boot")"
}

test_authority_and_pin() {
	prepare
	serve_tls server
	case $url in https://127.0.0.1:*) ;; *) fail "announced as $url" ;; esac
	assert_exit 0 fetch localhost --tls-ca "$dir/ca.pem"
	cmp "$dir/boot/kernel" "$dir/vmlinuz"
	rm -r "${dir:?}/boot"
	assert_exit 0 fetch 127.0.0.1 --tls-ca "$dir/ca.pem"
	assert_exit 0 fetch localhost --tls-pin "$(pin_of "$dir/server.pem")"
	assert_exit 0 fetch localhost --tls-ca "$dir/ca.pem" --tls-pin "$(pin_of "$dir/server.pem")"
	# what others say
	curl -sS --tls-max 1.2 --cacert "$dir/ca.pem" "https://localhost:$port/metadata/root.json" | cmp - "$repo/metadata/root.json"
}

# What goes over the wire: the cheaper curve, and bodies (ranges, too) in records of full length.
test_records() {
	prepare
	head -c 100000 /dev/urandom >"$repo/store.castr/noise"
	serve_tls server
	(printf 'GET /store.castr/noise HTTP/1.1\r\nHost: x\r\n\r\n' && printf \
		'GET /store.castr/noise HTTP/1.1\r\nHost: x\r\nRange: bytes=70000-\r\nConnection: close\r\n\r\n') |
		timeout 60 openssl s_client -connect "127.0.0.1:$port" -tls1_2 -curves P-256:X25519 -msg -ign_eof \
			>"$dir/session" 2>&1 || true # however it ends: what came is looked at
	grep -aq '^Server Temp Key: X25519' "$dir/session" || fail 'another curve'
	grep -aq 'Cipher is .*AES128-GCM' "$dir/session" || fail 'another cipher'
	python3 - "$dir/session" <<'PYTHON' || fail 'other records'
import re, sys
text = open(sys.argv[1], errors="replace").read()
inner = re.findall(r"<<< TLS 1.2, RecordHeader .length 0005.\n    17 03 03 (..) (..)", text)
lengths = [int(a + b, 16) for a, b in inner]
print(lengths)
whole = max(lengths)
assert 16384 < whole <= 16384 + 32 and lengths.count(whole) == 7
overhead = whole - 16384
assert lengths.count(100000 % 16384 + overhead) == 1 and lengths.count(30000 % 16384 + overhead) == 1
assert len(lengths) == 7 + 2 + 2 # and a head each
PYTHON
	curl -sS --tls-max 1.2 --cacert "$dir/ca.pem" -r 70000- "https://localhost:$port/store.castr/noise" |
		cmp - <(tail -c +70001 "$repo/store.castr/noise")
}

test_not_trusted() {
	prepare
	authority other
	serve_tls server
	fails 'certificate is not trusted' localhost
	fails 'certificate is not trusted' localhost --tls-ca "$dir/other.pem"
	fails 'certificate is not trusted' localhost --tls-pin "$(pin_of "$dir/other.pem")"
	fails 'certificate is not trusted' localhost --tls-ca "$dir/ca.pem" --tls-pin "$(pin_of "$dir/ca.pem")"
}

test_name_and_dates() {
	prepare
	certificate elsewhere DNS:boot.example
	certificate old DNS:localhost faketime '40 days ago'
	serve_tls elsewhere
	fails 'certificate is for another name' localhost --tls-ca "$dir/ca.pem"
	stop_server
	serve_tls old
	fails 'has expired or is not yet valid' localhost --tls-ca "$dir/ca.pem"
}

test_no_tls_there() {
	prepare
	start_server "$repo"
	port=${url##*:}
	port=${port%/}
	fails 'TLS connection to a mirror failed' localhost --tls-ca "$dir/ca.pem"
}

# A bad mirror behind https is as bad as any: the signatures decide.
test_only_privacy() {
	prepare
	sed -i 's/"version":[0-9]*/"version":77/' "$repo/metadata/timestamp.json"
	rm "$repo/metadata/bundle.cbb"
	serve_tls server
	assert_exit 3 fetch localhost --tls-ca "$dir/ca.pem"
}

# refused PATTERN OPTION...: usage errors of what is to be trusted, by both verbs, and no file.
refused() {
	for verb in "loader $repo --efi $dir/base.efi --url https://boot.example/ -o $dir/out.efi" \
		"fetch https://127.0.0.1:1/ desk -o $dir/boot --root $root"; do
		# shellcheck disable=SC2086  # words
		assert_exit 2 chunkboot $verb "${@:2}"
		assert_match "^chunkboot: error: .*$1" "$dir/err"
		[ ! -e "$dir/out.efi" ] || fail 'it wrote a loader'
	done
}

test_bad_arguments() {
	prepare
	make_pe "$dir/base.efi"
	openssl req -x509 -newkey rsa:1024 -nodes -keyout "$dir/k" -out "$dir/weak.pem" -days 9 -subj /CN=x \
		-addext basicConstraints=critical,CA:TRUE 2>"$dir/openssl.log"
	faketime '90 days ago' openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/k" -out "$dir/old.pem" -days 30 \
		-subj /CN=x -addext basicConstraints=critical,CA:TRUE 2>"$dir/openssl.log"
	cat "$dir/ca.pem" "$dir/ca.pem" "$dir/ca.pem" "$dir/ca.pem" "$dir/ca.pem" >"$dir/five.pem"
	refused 'not the certificate of an authority' --tls-ca "$dir/server.pem"
	refused 'unsuitable key' --tls-ca "$dir/weak.pem"
	refused 'expired or not yet valid' --tls-ca "$dir/old.pem"
	refused 'more than 4 certificates' --tls-ca "$dir/five.pem"
	refused 'no certificate in PEM format' --tls-ca "$dir/server.key"
	refused 'not 64 lower-case' --tls-pin 00
	refused 'not 64 lower-case' --tls-pin "$(printf 'A%.0s' $(seq 64))"
	assert_exit 6 chunkboot fetch https://127.0.0.1:1/ desk -o "$dir/boot" --root "$root" --tls-ca "$dir/none.pem"
	# nobody to trust
	assert_exit 2 chunkboot loader "$repo" --efi "$dir/base.efi" --url https://boot.example/ -o "$dir/out.efi"
	assert_match '^hint: .*--tls-ca.*--tls-pin' "$dir/err"
}

test_stamped() {
	prepare
	make_pe "$dir/base.efi"
	pin=$(pin_of "$dir/server.pem")
	assert_exit 0 chunkboot loader "$repo" --efi "$dir/base.efi" --url https://boot.example/ -o "$dir/out.efi" \
		--tls-ca "$dir/ca.pem" --tls-pin "$pin"
	assert_exit 0 chunkboot inspect "$dir/out.efi" --json
	assert_equal "1 $pin" \
		"$(json "$dir/out" "'%d %s' % (d['configuration']['tls_authorities'], d['configuration']['tls_pins'][0])")"
	python3 - "$dir/out.efi" "$dir/ca.pem" "$pin" <<'PYTHON' || fail 'authority or pin are not in the file'
import subprocess, sys
pe = open(sys.argv[1], "rb").read()
spki = subprocess.run(["openssl", "x509", "-in", sys.argv[2], "-noout", "-pubkey"], capture_output=True).stdout
der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=spki, capture_output=True).stdout
assert der[-65:] in pe and b"Test CA" in pe and bytes.fromhex(sys.argv[3]) in pe
PYTHON
}

test_serve_refuses() {
	prepare
	authority other
	assert_exit 2 chunkboot serve "$repo" --listen 127.0.0.1:0 --dry-run --tls "$dir/server.pem"
	assert_exit 2 chunkboot serve "$repo" --listen 127.0.0.1:0 --dry-run --tls "$dir/server.key" "$dir/server.pem"
	assert_match 'not a certificate and its key' "$dir/err"
	assert_exit 2 chunkboot serve "$repo" --listen 127.0.0.1:0 --dry-run --tls "$dir/server.pem" "$dir/other.key"
	assert_exit 6 chunkboot serve "$repo" --listen 127.0.0.1:0 --dry-run --tls "$dir/none.pem" "$dir/server.key"
	assert_exit 0 chunkboot serve --tls "$dir/server.pem" "$dir/server.key" "$repo" --listen 127.0.0.1:0 --dry-run
}

run_tests "$@"
