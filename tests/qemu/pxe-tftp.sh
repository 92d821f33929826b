#!/bin/bash
# SPDX-License-Identifier: MIT
# No disk: the firmware's PXE fetches by TFTP the loader that DHCP (dnsmasq) names, and it boots over the same card.
# All of it in a network namespace of its own, for which nobody has to be root.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-namespace.sh"

ip addr add "$guest_view/24" dev tap0
serve "$shared/repo" "$guest_view:0"
stamp "$shared/repo" "$port"
mkdir "$dir/tftp"
mv "$dir/loader.efi" "$dir/tftp/chunkboot.efi"
rm "$dir/esp.img"
dns_and_dhcp --port=0 --dhcp-range=10.0.2.100,10.0.2.110 \
	--enable-tftp --tftp-root="$dir/tftp" --dhcp-boot=chunkboot.efi

# shellcheck disable=SC2034  # for boot
machine=(--pxe tap0)
boot expect 'Start PXE over IPv4' "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q 'sent .*/tftp/chunkboot.efi to 10.0.2.1' "$dir/dnsmasq.log" || fail 'not by TFTP'
