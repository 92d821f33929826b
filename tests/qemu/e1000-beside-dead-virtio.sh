#!/bin/bash
# SPDX-License-Identifier: MIT
# Of two network cards the first has a link and nobody who answers: the boot goes over the second.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

machine=(--dead-nic virtio --nic e1000)
serve "$shared/repo"
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
# QEMU numbers its cards from 56 on
grep -q '^Network: .* adapter 52:54:00:12:34:57' "$console" || fail "another card; log: $(keep_log)"
grep -q '^Adapter 52:54:00:12:34:56: no address from DHCP or router; trying the next one' "$console" || fail "no word; log: $(keep_log)"
