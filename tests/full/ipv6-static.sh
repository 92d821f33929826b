#!/bin/bash
# SPDX-License-Identifier: MIT
# Nobody gives addresses: the loader was stamped with one, and the mirror's URL with another.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../qemu/lib-namespace.sh"

ip addr add fd00:6::1/64 dev tap0
serve "$shared/repo" '[fd00:6::1]:0'
mirror_host='[fd00:6::1]'
stamp "$shared/repo" "$port" -- --ipv6 fd00:6::2/64
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q '^Network: fd00:6::2/64, gateway ::' "$console" || fail "another address; log: $(keep_log)"
