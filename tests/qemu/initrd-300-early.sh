#!/bin/bash
# SPDX-License-Identifier: MIT
# An initrd of 300 MiB on a machine with 2 GiB: decoded while it comes.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

publish_large 300
machine=(--memory 2048)
boot_large "${comes_up[@]}"
assert_no_codes
assert_booted
assert_data early
