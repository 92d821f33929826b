#!/bin/bash
# SPDX-License-Identifier: MIT
# A loader stamped with a kiosk account boots without a prompt.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

serve "$shared/repo"
stamp "$shared/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
boot "${comes_up[@]}"
assert_no_codes
assert_booted
! grep -Eq 'Account: |Passphrase: ' "$console" || fail 'it asked'
