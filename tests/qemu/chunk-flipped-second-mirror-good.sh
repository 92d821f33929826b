#!/bin/bash
# SPDX-License-Identifier: MIT
# One flipped bit in a chunk of one mirror, the other one is good: it boots.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
flip_bit "$(some_chunk "$dir/repo")" 1000
serve "$dir/repo"
bad=$port
serve "$shared/repo"
stamp "$shared/repo" "$bad" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
