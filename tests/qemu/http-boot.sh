#!/bin/bash
# SPDX-License-Identifier: MIT
# No disk: the firmware's HTTP Boot fetches the loader from the address that DHCP (dnsmasq) names, and it boots over
# the same card. All of it in a network namespace of its own, for which nobody has to be root.

if [[ -z ${CB_IN_NAMESPACE:-} ]]; then
	for program in unshare ip dnsmasq; do
		PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
	done
	unshare -Urn true 2>/dev/null || { echo 'no user namespaces here'; exit 77; }
	CB_IN_NAMESPACE=1 PATH=$PATH:/usr/sbin:/sbin exec unshare -Urn "$0" "$@"
fi

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

ip link set lo up
ip tuntap add dev tap0 mode tap 2>/dev/null || skip 'no /dev/net/tun for this user'
ip addr add "$guest_view/24" dev tap0
ip link set tap0 up

copy_repo "$dir/repo"
serve "$dir/repo" "$guest_view:0"
stamp "$dir/repo" "$port"
mv "$dir/loader.efi" "$dir/repo/chunkboot.efi"
rm "$dir/esp.img"

# UEFI's HTTP Boot is a DHCP client of the vendor class HTTPClient, and wants the same in the answer.
dnsmasq --no-daemon --conf-file=/dev/null --port=0 --user=root --pid-file="$dir/dnsmasq.pid" \
	--interface=tap0 --bind-interfaces --dhcp-leasefile="$dir/leases" --dhcp-range=10.0.2.100,10.0.2.110 \
	--dhcp-vendorclass=set:http,HTTPClient --dhcp-option-force=tag:http,60,HTTPClient \
	--dhcp-boot="tag:http,http://$guest_view:$port/chunkboot.efi" >"$dir/dnsmasq.log" 2>&1 &
servers+=($!)

# shellcheck disable=SC2034  # for boot
machine=(--http-boot tap0)
boot within 60 expect 'Start HTTP Boot over IPv4' "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
