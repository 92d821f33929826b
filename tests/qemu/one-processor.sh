#!/bin/bash
# SPDX-License-Identifier: MIT
# A machine with one processor boots like one with two, which all the other boots have.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

machine=(--smp 1)
serve "$shared/repo"
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
