#!/bin/bash
# SPDX-License-Identifier: MIT
# From power-on by way of an existing PXE estate: firmware PXE, Debian's snponly.efi, our script named by DHCP, the
# loader over HTTP, a kiosk account on iPXE's own network device. The script's first addresses are bad, and the
# good one is absent at first: it says why, and tries again.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-namespace.sh"

snponly=$CB_BUILD/debs/ipxe/usr/lib/ipxe/snponly.efi
[[ -f $snponly ]] || snponly=/usr/lib/ipxe/snponly.efi
[[ -f $snponly ]] || skip 'there is no snponly.efi of the package ipxe'

ip addr add "$guest_view/24" dev tap0
copy_repo "$dir/repo"
serve "$dir/repo" "$guest_view:0"
stamp "$dir/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
rm "$dir/esp.img"
mkdir "$dir/tftp"
echo '<html>Please sign in to the guest network</html>' >"$dir/tftp/portal.html"
cp "$CB_TOP/ipxe-embed/chunkboot.ipxe" "$dir/tftp/"
cat >"$dir/tftp/addresses.ipxe" <<SCRIPT
#!ipxe
set url0 http://$guest_view:$(free_port)/chunkboot.efi
set url1 tftp://$guest_view/portal.html
set url2 http://$guest_view:$port/chunkboot.efi
chain chunkboot.ipxe
SCRIPT

# As ipxe-embed/README.md says: the firmware gets iPXE; iPXE, which says so in option 175, the script.
cp "$snponly" "$dir/tftp/"
dns_and_dhcp --port=0 --dhcp-range=10.0.2.100,10.0.2.110 --enable-tftp --tftp-root="$dir/tftp" \
	--dhcp-match=set:ipxe,175 --dhcp-match=set:efi64,option:client-arch,7 --dhcp-match=set:efi64,option:client-arch,9 \
	--dhcp-boot=tag:efi64,tag:!ipxe,snponly.efi --dhcp-boot=tag:ipxe,addresses.ipxe
# shellcheck disable=SC2034  # for boot
machine=(--pxe tap0)
boot within 60 expect 'Start PXE over IPv4' \
	expect 'iPXE initialising devices' \
	expect 'chunkboot: the loader is nowhere to be had:' \
	expect '/chunkboot.efi: error 0x' expect '/portal.html: error 0x' expect "$port/chunkboot.efi: error 0x" \
	expect 'chunkboot: trying again in 3 seconds' run "mv '$dir/loader.efi' '$dir/repo/chunkboot.efi'" \
	expect "fetching http://$guest_view:$port/chunkboot.efi" expect 'Network: ' "${comes_up[@]}"
assert_no_codes
assert_booted
