#!/bin/bash
# SPDX-License-Identifier: MIT
# The cable is out for 30 s when 90 % have come: the boot waits, goes on by itself, and asks again only for what was on
# the way.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../net/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
command -v dnsmasq >/dev/null || skip 'dnsmasq is not installed'

start_lab "$dir" rate=16e6 queue=100e3 delay=5
servers+=("${wire_pids[@]}")
start_dhcp "$dir"
servers+=("$lab_dns_pid")
copy_repo "$dir/repo"
serve "$dir/repo" "$guest_view:0"
stamp "$dir/repo" "$port" -- --no-prefetch
total=$(find "$dir/repo/store.castr" -name '*.cacnk' -printf '%s\n' | awk '{ n += $1 } END { print n }')
n_chunks=$(find "$dir/repo/store.castr" -name '*.cacnk' | wc -l)

pull_the_cable() {
	wire_carried "$dir" ab $((total * 9 / 10))
	wire_control "$dir" cut
	sleep 30
	wire_control "$dir" uncut
}

pull_the_cable &
servers+=($!)
# shellcheck disable=SC2034  # for boot
machine=(--line)
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted

n_asked=$(cat "$dir"/server-*.access | grep -c 'GET /store.castr/')
echo "$n_chunks chunks, $n_asked requests for them"
# eight connections, each with an answer on the way and the next one asked for; the last ones perhaps once more
[[ $n_asked -le $((n_chunks + 18)) ]] || fail "$n_asked requests for $n_chunks chunks"
# that much was lost, or it was no cut
[[ $(wire_control "$dir" stats) == *'"cut":'[1-9]* ]] || fail 'nothing was cut'
