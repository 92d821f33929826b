#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
# One machine over three boots: a repository that was put back to an older copy is CB-E204, and a state variable
# that the operating system planted is told of, removed and written over.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# state_is LINE...: the state variables, each NAME ATTRIBUTES LENGTH; 3 is NV|BS, 7 is NV|BS|RT.
state_is() {
	local got
	got=$(python3 "$CB_TOP/tests/qemu/driver/vars.py" "$dir/vars.fd" list)
	[[ $got == "$(printf '%s\n' "$@")" ]] || fail "variables: $got"
}

# serve_instead DIR: on the port of the server before.
serve_instead() {
	kill "${servers[-1]}"
	wait "${servers[-1]}" || true
	unset 'servers[-1]'
	serve "$1" "127.0.0.1:$port"
}

copy_repo "$dir/older"
copy_repo "$dir/repo"
chunkboot refresh "$dir/repo" --keys "$shared/keys" --quiet
serve "$dir/repo"
stamp "$shared/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
boot "${comes_up[@]}"
assert_no_codes
assert_booted
state_is 'CbState0 3 256'

serve_instead "$dir/older"
boot expect 'CB-E204 ' expect timestamp.json expect 'R retry' key B power-off
assert_codes CB-E204
assert_not_booted
state_is 'CbState0 3 256'

serve_instead "$dir/repo"
python3 "$CB_TOP/tests/qemu/driver/vars.py" "$dir/vars.fd" plant CbState1
state_is 'CbState0 3 256' 'CbState1 7 256'
boot expect 'stored rollback state was not written by this loader: CbState1' "${comes_up[@]}"
assert_no_codes
assert_booted
state_is 'CbState0 3 256' 'CbState1 3 256'
