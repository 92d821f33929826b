#!/bin/bash
# SPDX-License-Identifier: MIT
# A person signs in; what was published comes up, with its boot record.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

serve "$shared/repo"
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
! grep -q "$passphrase" "$dir/console.log" || fail 'the passphrase is on the console'
