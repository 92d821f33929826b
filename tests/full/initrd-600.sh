#!/bin/bash
# SPDX-License-Identifier: MIT
# An initrd of 600 MiB: on 2 GiB decoded while it comes, with little more than Linux itself needs for it deferred.
# timeout: 1800
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../qemu/lib.sh"

publish_large 600
for plan in early deferred; do
	machine=(--memory 2048)
	[[ $plan == early ]] || machine=(--memory 1340)
	boot_large within 300 "${comes_up[@]}"
	assert_no_codes
	assert_booted
	assert_data "$plan"
	rm "$dir/esp.img"
done
