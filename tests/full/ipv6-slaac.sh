#!/bin/bash
# SPDX-License-Identifier: MIT
# A network without IPv4 and without DHCPv6: address and DNS server come by router advertisements alone.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../qemu/lib-namespace.sh"

ip addr add fd00:6::1/64 dev tap0
dns_and_dhcp --host-record=boot.test,fd00:6::1 --enable-ra --dhcp-range=fd00:6::,ra-only
serve "$shared/repo" '[fd00:6::1]:0'
mirror_host=boot.test
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q '^Network: fd00:6::5054:ff:fe12:3456/64, gateway fe80::' "$console" || fail "another address; log: $(keep_log)"
