#!/bin/bash
# SPDX-License-Identifier: MIT
# No disk: the firmware's HTTP Boot fetches the loader from the address that DHCP (dnsmasq) names, and it boots over
# the same card. All of it in a network namespace of its own, for which nobody has to be root.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-namespace.sh"

ip addr add "$guest_view/24" dev tap0
copy_repo "$dir/repo"
serve "$dir/repo" "$guest_view:0"
stamp "$dir/repo" "$port"
mv "$dir/loader.efi" "$dir/repo/chunkboot.efi"
rm "$dir/esp.img"

# UEFI's HTTP Boot is a DHCP client of the vendor class HTTPClient, and wants the same in the answer.
dns_and_dhcp --port=0 --dhcp-range=10.0.2.100,10.0.2.110 \
	--dhcp-vendorclass=set:http,HTTPClient --dhcp-option-force=tag:http,60,HTTPClient \
	--dhcp-boot="tag:http,http://$guest_view:$port/chunkboot.efi"

# shellcheck disable=SC2034  # for boot
machine=(--http-boot tap0)
boot within 60 expect 'Start HTTP Boot over IPv4' "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
