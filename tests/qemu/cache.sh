#!/bin/bash
# SPDX-License-Identifier: MIT
# A cache partition over the life of a machine: the first boot fills it, the second one gets a few kilobytes over the wire,
# without a cable it boots all the same; what was tampered with is not used, but fetched again when the cable is in;
# and after the account's days it is over.
# timeout: 1200
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../net/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
command -v dnsmasq >/dev/null || skip 'dnsmasq is not installed'

readonly days=7

copy_repo "$dir/repo"
chunkboot account set "$dir/repo" kiosk --keys "$shared/keys" --offline-days $days --quiet
make_cache --size 200000000
start_lab "$dir" queue=8e6
servers+=("${wire_pids[@]}")
start_dhcp "$dir"
servers+=("$lab_dns_pid")
serve "$dir/repo" "$guest_view:0"
stamp "$dir/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"

# next_line: for the next machine, a wire of its own
next_line() {
	end_dhcp
	end_wires
	start_lab "$dir" queue=8e6
	start_dhcp "$dir"
	servers+=("${wire_pids[@]}" "$lab_dns_pid")
}

# to_the_machine: bytes of all frames that have come to it
to_the_machine() {
	wire_control "$dir" stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["ab"]["out_bytes"])'
}

# says TEXT: in the boot record
says() {
	grep -q "$1" "$dir/boot.json" || fail "the boot record does not say $1: $(cat "$dir/boot.json")"
}

# shellcheck disable=SC2034  # for boot
machine=(--line --disk cache.img)
boot "${comes_up[@]}"
assert_no_codes
assert_booted
! grep -Eq 'Account: |Passphrase: ' "$console" || fail 'it asked'
says '"cache":{"body_bytes":0,'
chunkboot cache check "$dir/cache.img" --quiet
echo 'ok filled'

next_line
boot "${comes_up[@]}"
assert_no_codes
assert_booted
n=$(to_the_machine)
echo "$n bytes to the machine, DHCP and all frame headers included"
[[ $n -le 16384 ]] || fail "$n bytes over the wire for an unchanged image"
says '"written_bytes":0,'
grep -q ' were here$' "$console" || fail "nothing about the cache on the screen; log: $(keep_log)"
echo 'ok unchanged'

# the cable is out
machine=(--line --disk cache.img --no-link)
boot "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q '^Offline: no network link' "$console" || fail "nothing about it on the screen; log: $(keep_log)"
says '"offline":{"network":false,'
echo 'ok offline'

# another machine's system has changed a byte of a chunk: not started; with the cable in, that chunk alone is fetched
next_line
chunk=$(some_chunk "$dir/repo")
python3 - "$dir/cache.img" "$chunk" <<'PYTHON'
import sys
chunk = open(sys.argv[2], "rb").read()
with open(sys.argv[1], "r+b") as disk:
    at = disk.read().index(chunk) + len(chunk) // 2
    disk.seek(at)
    disk.write(bytes([chunk[len(chunk) // 2] ^ 4]))
PYTHON
: >"$(echo "$dir"/server-*.access)"
boot expect 'CB-E119 ' expect 'store.castr/' expect 'It is tried again by itself' link on "${comes_up[@]}"
assert_codes CB-E119
assert_booted
says '"bad_records":1,'
asked=$(grep -c 'GET /store.castr/' "$dir"/server-*.access)
[[ $asked -eq 1 ]] || fail "$asked chunks were asked for"
echo 'ok tampered'

# too long without the network: told, and as soon as there is one it goes on
next_line
machine=(--line --disk cache.img --no-link --rtc "$(date -u -d "now + $((days * 24 + 1)) hours" +%Y-%m-%dT%H:%M:%S)")
boot expect 'CB-E414 ' expect 'It is tried again by itself' link on expect 'CB-E203 ' expect 'R retry' \
	run "'$tool' refresh '$dir/repo' --keys '$shared/keys' --quiet --sign-time $(($(date +%s) + (days * 24 + 1) * 3600))" \
	key R "${comes_up[@]}"
assert_codes CB-E414 CB-E203
assert_booted
echo 'ok too long offline'
