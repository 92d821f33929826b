#!/bin/bash
# SPDX-License-Identifier: MIT
# A revoked account cannot sign in, not even where a mirror still has its record: CB-E404.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
chunkboot account revoke "$dir/repo" ada --keys "$shared/keys" --quiet
cp -a --remove-destination "$shared/repo/accounts" "$dir/repo"
serve "$dir/repo"
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" expect 'CB-E404 ' expect 'R retry' key B power-off
assert_codes CB-E404
assert_not_booted
