#!/bin/bash
# SPDX-License-Identifier: MIT
# With a second processor the key is derived there, and the prefetch goes on meanwhile.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

machine=(--smp 2)
serve "$shared/repo"
slow "$port" 1500000
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" expect 'Checking the passphrase ...' "${comes_up[@]}"
assert_no_codes
assert_booted
assert_derived other some
