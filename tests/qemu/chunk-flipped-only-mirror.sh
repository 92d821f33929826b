#!/bin/bash
# SPDX-License-Identifier: MIT
# One flipped bit in a chunk of the only mirror: CB-E303, and nothing boots.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
flip_bit "$(some_chunk "$dir/repo")" 1000
serve "$dir/repo"
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" expect 'CB-E303 ' expect 'R retry' key B power-off
assert_codes CB-E303
assert_not_booted
