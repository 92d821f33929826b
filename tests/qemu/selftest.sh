#!/bin/bash
# SPDX-License-Identifier: MIT
# The primitives inside a UEFI application of the loader's objects: published answers and Wycheproof's vectors.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

mformat -i "$dir/esp.img" -C -T 65536 -h 64 -s 32 ::
mmd -i "$dir/esp.img" ::/EFI ::/EFI/BOOT
mcopy -i "$dir/esp.img" "$CB_BUILD/selftest-x86_64.efi" ::/EFI/BOOT/BOOTX64.EFI
cp /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/vars.fd"
boot within 480 expect 'selftest: ' power-off
grep -E '^(ok|not ok|skip) ' "$console" || true
grep -Eqx 'selftest: [1-9][0-9]* passed, 0 failed' "$console" || fail "an answer is wrong; log: $(keep_log)"
assert_no_codes
assert_not_booted
