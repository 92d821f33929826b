#!/bin/bash
# SPDX-License-Identifier: MIT
# An initrd of 300 MiB where it can't be had twice beside the loader's own needs: it waits compressed. Linux
# itself needs twice its length, too, so that there is little room for less memory than this.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

publish_large 300
machine=(--memory 760)
boot_large "${comes_up[@]}"
assert_no_codes
assert_booted
assert_data deferred
