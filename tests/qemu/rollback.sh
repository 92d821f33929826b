#!/bin/bash
# SPDX-License-Identifier: MIT
# One machine over two boots: a repository that was put back to an older copy is CB-E204, and a state variable that the
# operating system planted is told of, removed and written over.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# state_is LINE...: the state variables, each NAME ATTRIBUTES LENGTH; 3 is NV|BS, 7 is NV|BS|RT.
state_is() {
	local got
	got=$(python3 "$CB_TOP/tests/qemu/driver/vars.py" "$dir/vars.fd" list)
	[[ $got == "$(printf '%s\n' "$@")" ]] || fail "variables: $got"
}

copy_repo "$dir/repo"
cp -a "$dir/repo/metadata" "$dir/older"
chunkboot refresh "$dir/repo" --keys "$shared/keys" --quiet
serve "$dir/repo"
stamp "$shared/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
boot "${comes_up[@]}"
assert_no_codes
assert_booted
state_is 'CbState0 3 256'

mv "$dir/repo/metadata" "$dir/newer"
cp -a "$dir/older" "$dir/repo/metadata"
python3 "$CB_TOP/tests/qemu/driver/vars.py" "$dir/vars.fd" plant CbState1
state_is 'CbState0 3 256' 'CbState1 7 256'
boot expect 'stored rollback state was not written by this loader: CbState1' \
	expect 'CB-E204 ' expect timestamp.json expect 'R retry' \
	run "rm -r '$dir/repo/metadata' && mv '$dir/newer' '$dir/repo/metadata'" key R "${comes_up[@]}"
assert_codes CB-E204
assert_booted
state_is 'CbState0 3 256' 'CbState1 3 256'
