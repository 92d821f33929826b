#!/bin/bash
# SPDX-License-Identifier: MIT
# The only network card has its driver in its own ROM: the boot goes over it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../qemu/lib.sh"

machine=(--nic e1000)
serve "$shared/repo"
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
