#!/bin/bash
# SPDX-License-Identifier: MIT
# An initrd of 5 GiB on a machine with 16 GiB: larger than what 32 bits count.
# timeout: 3600
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../qemu/lib.sh"

readonly needed_mib=17500
available_mib=$(($(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 1024))
[[ $available_mib -ge $needed_mib ]] || skip "$available_mib MiB of memory available, $needed_mib needed"
room_mib=$(($(stat -f -c '%a * %S / 1048576' "$shared")))
[[ $room_mib -ge 24000 ]] || skip "$room_mib MiB of disk free, 24000 needed"

publish_large 5120
machine=(--memory 16384)
boot_large within 3000 "${comes_up[@]}"
assert_no_codes
assert_booted
assert_data early
python3 - "$dir/boot.json" <<'PYTHON'
import json, sys
record = json.load(open(sys.argv[1]))
entered = record["stage_entered_ms"]
print(f"{sum(s['bytes'] for s in record['segments'])} bytes; entered, ms: {entered}")
PYTHON
rm -rf "$large"
