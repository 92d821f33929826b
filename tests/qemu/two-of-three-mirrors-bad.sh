#!/bin/bash
# SPDX-License-Identifier: MIT
# Of three mirrors one has a flipped bit in every chunk, one has no chunks at all, and the third is good: it boots, and
# the mirror that sent wrong bytes is named on screen.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/flipped"
find "$dir/flipped/store.castr" -name '*.cacnk' | while read -r chunk; do
	flip_bit "$chunk" 100
done
serve "$dir/flipped"
flipped=$port
copy_repo "$dir/empty"
rm -r "$dir/empty/store.castr"
serve "$dir/empty"
empty=$port
serve "$shared/repo"
# what is prefetched is not talked about
stamp "$shared/repo" "$flipped" "$empty" "$port" -- --no-prefetch
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q "^Note: a chunk differs from what was signed: http://$guest_view:$flipped/" "$console" ||
	fail "the bad mirror is not named; log: $(keep_log)"
! grep -q "^Note: .*:$port/" "$console" || fail "the good mirror is blamed; log: $(keep_log)"
