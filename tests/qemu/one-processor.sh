#!/bin/bash
# SPDX-License-Identifier: MIT
# A machine with one processor boots like one with two, which all the other boots have. While it derives the key it
# can't do anything else, and says so.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

machine=(--smp 1)
serve "$shared/repo"
slow "$port" 1500000
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" expect 'Checking the passphrase; the download pauses for a moment ...' "${comes_up[@]}"
assert_no_codes
assert_booted
assert_derived own none
