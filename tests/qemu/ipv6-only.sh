#!/bin/bash
# SPDX-License-Identifier: MIT
# A network without IPv4: the router advertises that addresses and DNS servers come by DHCPv6, and the mirror's name
# has an AAAA record only.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-namespace.sh"

ip addr add fd00:6::1/64 dev tap0
dns_and_dhcp --host-record=boot.test,fd00:6::1 --enable-ra --dhcp-range=fd00:6::100,fd00:6::1ff,64,10m
serve "$shared/repo" '[fd00:6::1]:0'
mirror_host=boot.test
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q '^Network: fd00:6::1[0-9a-f][0-9a-f]/128, gateway fe80::' "$console" || fail "another address; log: $(keep_log)"
grep -q 'DHCPREPLY(tap0)' "$dir/dnsmasq.log" || fail 'no lease was given'
grep -q '"network":{"ipv4":{"has_address":false,"connections":0},"ipv6":{"has_address":true,"connections":[1-9]' \
	"$dir/boot.json" || fail "another network in the boot record; log: $(keep_log)"
