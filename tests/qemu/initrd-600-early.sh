#!/bin/bash
# SPDX-License-Identifier: MIT
# An initrd of 600 MiB on a machine with 2 GiB: decoded while it comes.
# timeout: 1200
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

publish_large 600
machine=(--memory 2048)
boot_large within 300 "${comes_up[@]}"
assert_no_codes
assert_booted
assert_data early
