#!/bin/bash
# SPDX-License-Identifier: MIT
# An initrd of 600 MiB with little more memory than Linux itself needs for it: it waits compressed.
# timeout: 1800
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../qemu/lib.sh"

publish_large 600
machine=(--memory 1340)
boot_large within 300 "${comes_up[@]}"
assert_no_codes
assert_booted
assert_data deferred
