#!/bin/bash
# SPDX-License-Identifier: MIT
# An initrd of 300 MiB that can't fit: said with the numbers that publish named, before any of it is fetched.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

publish_large 300
machine=(--memory 400)
boot_large expect 'CB-E502' expect 'are free'
assert_codes CB-E502
assert_not_booted
need=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["ram_need"] // 1000000)' <"$large/report")
grep -q "It needs $need MB of memory" "$console" || fail "not $need MB; log: $(keep_log)"
! grep -q 'store.castr' "$dir"/server-*.access || fail 'chunks were asked for'
