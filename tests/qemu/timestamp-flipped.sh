#!/bin/bash
# SPDX-License-Identifier: MIT
# One flipped bit in the timestamp, and no bundle that has a good one: CB-E202, before anybody is asked to sign in.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
flip_signature "$dir/repo/metadata/timestamp.json"
rm "$dir/repo/metadata/bundle.cbb"
serve "$dir/repo"
stamp "$shared/repo" "$port"
boot expect 'CB-E202 ' expect 'R retry' key B power-off
assert_codes CB-E202
assert_not_booted
