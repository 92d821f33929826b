#!/bin/bash
# SPDX-License-Identifier: MIT
# With a second processor the key is derived there, and the prefetch goes on meanwhile. When Linux starts, the loader has
# left neither what the person typed nor a key made of it in the machine's memory.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

machine=(--smp 2 --memory 512)
serve "$shared/repo"
slow "$port" 1500000
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" expect 'Checking the passphrase ...' memory typed expect 'Signed in' memory signed-in \
	expect 'EFI stub: ' memory started expect 'chunkboot-minimal: up' memory up expect 'chunkboot-minimal: end' power-off
assert_no_codes
assert_booted
assert_derived other some

# The firmware keeps what was typed in a queue of its keyboard's driver, once in each of three forms; that is not ours.
found=$(python3 "$CB_TOP/tests/qemu/driver/secrets.py" "$shared/repo" ada "$passphrase" "$dir"/{typed,signed-in,started,up})
printf '%s\n' "$found"
grep -q '^typed passphrase [2-9]$' <<<"$found" || fail 'the passphrase was not found where it must be'
grep -q '^signed-in KEK ' <<<"$found" || fail 'a key was not found where it must be'
! grep -Ev '^(typed|signed-in) |^(started|up) passphrase[^ ]* 1$' <<<"$found" || fail 'secrets are left'
