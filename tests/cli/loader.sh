#!/bin/bash
# SPDX-License-Identifier: MIT
# "chunkboot loader": what is stamped, what is refused, and that nothing is written then.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

url=http://192.0.2.1:8080/

prepare() {
	make_realm
	make_pe "$dir/base.efi"
}

# stamp [OPTION...]: to $dir/out.efi
stamp() {
	chunkboot loader "$repo" --efi "$dir/base.efi" --url "$url" -o "$dir/out.efi" --quiet "$@"
}

# section FILE: the content of .cbcfg to $dir/section, found without our own code.
section() {
	python3 - "$1" "$dir/section" <<'PYTHON'
import struct, sys
pe = open(sys.argv[1], "rb").read()
at = struct.unpack_from("<I", pe, 0x3C)[0]
n, = struct.unpack_from("<H", pe, at + 6)
optional, = struct.unpack_from("<H", pe, at + 20)
name, size, va, raw_len, raw_at = struct.unpack_from("<8sIIII", pe, at + 24 + optional + 40 * (n - 1))
assert name.rstrip(b"\0") == b".cbcfg", name
assert raw_at + raw_len == len(pe)
assert pe[raw_at + size:] == bytes(raw_len - size)
open(sys.argv[2], "wb").write(pe[raw_at:raw_at + size])
PYTHON
}

assert_in_section() {
	grep -aqF -- "$1" "$dir/section" || fail "the section does not hold '$1'"
}

test_root_and_mirrors_are_stamped() {
	prepare
	stamp --url http://boot.example/realm/ --layout de
	section "$dir/out.efi"
	assert_equal CBCFG001 "$(head -c 8 "$dir/section")"
	assert_in_section "$(cat "$repo/metadata/1.root.json")"
	assert_in_section "$url"
	assert_in_section http://boot.example/realm/
	assert_in_section de
}

# Entry 13 for each, and bit 2 of the flags.
test_mirrors_nearby_are_stamped() {
	prepare
	stamp --near http://192.0.2.80/ --near http://cache.example/boot --no-dhcp-mirror
	section "$dir/out.efi"
	python3 - "$dir/section" <<'PYTHON'
import sys
section = open(sys.argv[1], "rb").read()
for url in b"http://192.0.2.80/", b"http://cache.example/boot":
    assert b"\x0d\0\1\0" + len(url).to_bytes(4, "little") + url in section
assert b"\x08\0\1\0\4\0\0\0\4\0\0\0" in section
PYTHON
	assert_exit 0 chunkboot inspect "$dir/out.efi" --json
	assert_equal "['http://192.0.2.80/', 'http://cache.example/boot'] False" \
		"$(json "$dir/out" "'%s %s' % (d['configuration']['near'], d['configuration']['dhcp_mirror'])")"
	rm "$dir/out.efi"
	local near=()
	for i in 1 2 3 4; do
		near+=(--near "http://n$i/")
	done
	assert_exit 0 stamp "${near[@]}" --dry-run
	refused 2 "${near[@]}" --near http://n5/
	refused 2 --near ftp://n1/
	# what an https mirror is trusted by is wanted here, too
	refused 2 --near https://n1/
}

test_same_time_same_bytes() {
	prepare
	stamp --stamp-time 1800000000 -o "$dir/a.efi" 2>"$dir/err" || true
	now=$(date +%s)
	chunkboot loader "$repo" --efi "$dir/base.efi" --url "$url" -o "$dir/a.efi" --stamp-time "$now" --quiet
	chunkboot loader "$repo" --efi "$dir/base.efi" --url "$url" -o "$dir/b.efi" --stamp-time "$now" --quiet
	cmp "$dir/a.efi" "$dir/b.efi"
	# stamping what is stamped replaces
	chunkboot loader "$repo" --efi "$dir/a.efi" --url "$url" -o "$dir/c.efi" --stamp-time "$now" --quiet
	cmp "$dir/a.efi" "$dir/c.efi"
}

test_json() {
	prepare
	assert_exit 0 chunkboot loader "$repo" --efi "$dir/base.efi" --url "$url" -o "$dir/out.efi" --json
	assert_equal loader "$(json "$dir/out" "d['type']")"
	assert_equal "$dir/out.efi" "$(json "$dir/out" "d['file']")"
	assert_equal "$(stat -c %s "$dir/out.efi")" "$(json "$dir/out" "d['size']")"
	assert_equal 64 "$(json "$dir/out" "len(d['realm'])")"
}

test_dry_run_writes_nothing() {
	prepare
	assert_exit 0 stamp --dry-run
	[ ! -e "$dir/out.efi" ] || fail 'it wrote the file'
}

test_static_address() {
	prepare
	assert_exit 0 stamp --address 192.0.2.7/24 --gateway 192.0.2.1 --dns 192.0.2.2 --dns 192.0.2.3
	section "$dir/out.efi"
	python3 - "$dir/section" <<'PYTHON' || fail 'address, gateway and servers are not in the section'
import sys
assert bytes([192, 0, 2, 7, 192, 0, 2, 1, 24, 2, 192, 0, 2, 2, 192, 0, 2, 3]) in open(sys.argv[1], "rb").read()
PYTHON
}

test_static_ipv6_and_vlan() {
	prepare
	assert_exit 0 stamp --ipv6 2001:db8::7/56,gateway=fe80::1,dns=2001:db8::1,dns=2001:db8::2 --vlan 4094
	section "$dir/out.efi"
	python3 - "$dir/section" <<'PYTHON' || fail 'address, gateway, servers and VLAN are not in the section'
import socket, sys
section = open(sys.argv[1], "rb").read()
six = lambda text: socket.inet_pton(socket.AF_INET6, text)
ipv6 = six("2001:db8::7") + six("fe80::1") + bytes([56, 2]) + six("2001:db8::1") + six("2001:db8::2")
assert b"\x09\0\1\0" + len(ipv6).to_bytes(4, "little") + ipv6 in section
assert b"\x0a\0\1\0\2\0\0\0" + (4094).to_bytes(2, "little") in section
PYTHON
	assert_exit 0 stamp --ipv6 fd00::1/128
}

# refused CODE OPTION...: with this exit code, and without a file.
refused() {
	assert_exit "$1" stamp "${@:2}"
	assert_match '^chunkboot: error: ' "$dir/err"
	[ ! -e "$dir/out.efi" ] || fail "it wrote a file: ${*:2}"
}

test_bad_arguments() {
	prepare
	for address in 192.0.2.7 192.0.2.7/ 192.0.2.7/0 192.0.2.7/33 192.0.2/24 192.0.2.7/2x 2001:db8::1/64; do
		refused 2 --address "$address"
	done
	refused 2 --gateway 192.0.2.1
	refused 2 --dns 192.0.2.1
	refused 2 --address 192.0.2.7/24 --gateway x
	refused 2 --address 192.0.2.7/24 --dns 1.1.1.1 --dns 1.1.1.2 --dns 1.1.1.3
	for ipv6 in '' fd00::1 fd00::1/0 fd00::1/129 192.0.2.7/24 'fd00::1/64,' fd00::1/64,x=1 fd00::1/64,gateway= \
		fd00::1/64,gateway=192.0.2.1 fd00::1/64,dns=fd00::1/64 fd00::1/64,dns=::1,dns=::2,dns=::3 ::1/128 ff02::1/64; do
		refused 2 --ipv6 "$ipv6"
	done
	for vlan in 0 4095 x; do
		refused 2 --vlan "$vlan"
	done
	refused 2 --layout klingon
	refused 2 --url ftp://boot.example/
	refused 2 --url 'http://boot.example/?x'
	refused 2 --url http://user@boot.example/
	refused 2 --autologin kiosk
	refused 2 --passphrase-file "$dir/none"
	local urls=()
	for i in 1 2 3 4 5 6 7 8; do
		urls+=(--url "http://m$i/")
	done
	refused 2 "${urls[@]}" # and $url
	assert_exit 2 chunkboot loader "$repo" --efi "$dir/base.efi" -o "$dir/out.efi"
	assert_exit 2 chunkboot loader "$repo" --efi "$dir/base.efi" --url "$url"
}

test_bad_files() {
	prepare
	assert_exit 6 chunkboot loader "$repo" --efi "$dir/none.efi" --url "$url" -o "$dir/out.efi"
	head -c 700 "$dir/base.efi" >"$dir/short.efi"
	assert_exit 1 chunkboot loader "$repo" --efi "$dir/short.efi" --url "$url" -o "$dir/out.efi"
	assert_match 'short.efi: the EFI file is malformed' "$dir/err"
	assert_exit 6 chunkboot loader "$dir" --efi "$dir/base.efi" --url "$url" -o "$dir/out.efi"
	[ ! -e "$dir/out.efi" ] || fail 'it wrote a file'
}

# A repository that was tampered with, or has expired, gets no loader.
test_metadata_is_verified_first() {
	prepare
	for file in 1.root timestamp 1.snapshot 1.targets 1.accounts; do
		cp -r "$repo" "$dir/copy"
		python3 - "$dir/copy/metadata/$file.json" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read()
at = text.index('"version":') + len('"version":')
open(sys.argv[1], "w").write(text[:at] + "7" + text[at + 1:])
PYTHON
		assert_exit 3 chunkboot loader "$dir/copy" --efi "$dir/base.efi" --url "$url" -o "$dir/out.efi"
		rm -r "$dir/copy"
	done
	mv "$repo/metadata/1.targets.json" "$dir/"
	refused 3
	mv "$dir/1.targets.json" "$repo/metadata/"
	refused 3 --stamp-time "$(date -d '+8 days' +%s)"
	assert_match expired "$dir/err"
}

# An account that may be stamped, and one with a credential.
add_accounts() {
	make_image app
	echo 'kiosk passphrase of no weight' >"$dir/pass"
	echo token >"$dir/token"
	chunkboot account add "$repo" kiosk --keys "$keys" --env app --passphrase-file "$dir/pass" --allow-weak --quiet
	make_linux desk
	chunkboot account add "$repo" rich --keys "$keys" --env desk --passphrase-file "$dir/pass" --allow-weak --quiet \
		--credential "token=$dir/token"
}

test_autologin() {
	prepare
	add_accounts
	stamp --autologin kiosk --passphrase-file "$dir/pass"
	section "$dir/out.efi"
	assert_in_section kiosk
	! grep -aq 'no weight' "$dir/out.efi" || fail 'the passphrase is in the file'
	rm "$dir/out.efi"
	refused 4 --autologin nobody --passphrase-file "$dir/pass"
	refused 4 --autologin kiosk --passphrase-file "$dir/token"
	refused 2 --autologin 'no body' --passphrase-file "$dir/pass"
	refused 6 --autologin kiosk --passphrase-file "$dir/none"
}

test_autologin_with_credentials() {
	prepare
	add_accounts
	refused 2 --autologin rich --passphrase-file "$dir/pass"
	assert_match '--public-key-is-ok' "$dir/err"
	assert_exit 0 stamp --autologin rich --passphrase-file "$dir/pass" --public-key-is-ok
	# from standard input, too
	assert_exit 0 stamp --autologin kiosk --passphrase-file - <"$dir/pass"
}

# The real loader, where it is built: still a good PE file after stamping.
test_the_real_loader() {
	prepare
	[ -f "$CB_BUILD/chunkboot-x86_64.efi" ] || return 0
	chunkboot loader "$repo" --url "$url" -o "$dir/out.efi" --quiet
	section "$dir/out.efi"
	assert_in_section "$url"
}

run_tests "$@"
