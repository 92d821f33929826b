#!/bin/bash
# SPDX-License-Identifier: MIT
# The power goes while the cache is being filled and the state is written, at ten moments at random: with the disk and the
# variables as they were then, the machine always starts the next time.
# timeout: 1800
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../net/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
command -v dnsmasq >/dev/null || skip 'dnsmasq is not installed'

readonly n=10

copy_repo "$dir/repo"
chunkboot account set "$dir/repo" kiosk --keys "$shared/keys" --offline-days 7 --quiet
# small segments: in each of them something is sure
make_cache --size 64000000
# 13 MB take four seconds: writes are spread over all of them
start_lab "$dir" rate=30e6 queue=190e3
servers+=("${wire_pids[@]}")
start_dhcp "$dir"
servers+=("$lab_dns_pid")
serve "$dir/repo" "$guest_view:0"
stamp "$dir/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
# shellcheck disable=SC2034  # for boot
machine=(--line --disk cache.img)
boot expect 'Looking up the account' keep "$n:7:$dir/kept" "${comes_up[@]}"
assert_no_codes
assert_booted

n_chunks=()
for ((i = 1; i <= n; i++)); do
	cp --sparse=always "$dir/kept/$i/cache.img" "$dir/kept/$i/vars.fd" "$dir/"
	n_chunks+=("$(chunkboot cache inspect "$dir/cache.img" --json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["records"]["chunks"])')")
	end_dhcp
	end_wires
	start_lab "$dir" queue=8e6
	start_dhcp "$dir"
	servers+=("${wire_pids[@]}" "$lab_dns_pid")
	boot "${comes_up[@]}"
	assert_no_codes
	assert_booted
	chunkboot cache check "$dir/cache.img" --quiet
done
echo "chunks in the cache at the $n moments: ${n_chunks[*]}"
[[ ${n_chunks[0]} -lt ${n_chunks[n - 1]} ]] || fail 'no moment was while the cache was filled'
