#!/bin/bash
# SPDX-License-Identifier: MIT
# A wrong passphrase is refused with one code, and the right one is taken afterwards.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

serve "$shared/repo"
stamp "$shared/repo" "$port"
boot expect 'Account: ' type ada expect 'Passphrase: ' type 'not this one' expect 'CB-E401 ' \
	"${sign_in[@]}" "${comes_up[@]}"
assert_codes CB-E401
assert_booted
