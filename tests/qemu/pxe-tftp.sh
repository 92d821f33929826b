#!/bin/bash
# SPDX-License-Identifier: MIT
# No disk: the firmware's PXE fetches the loader itself by TFTP, and it boots over the same card.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

serve "$shared/repo"
stamp "$shared/repo" "$port"
mkdir "$dir/tftp"
mv "$dir/loader.efi" "$dir/tftp/chunkboot.efi"
rm "$dir/esp.img"
machine=(--tftp "$dir/tftp")
boot expect 'Start PXE over IPv4' "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
