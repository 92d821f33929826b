# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For boots on a network of the test's own: sourced first, it runs the test again in a network namespace, for which
# nobody has to be root, and then lib.sh. There are lo and tap0 for QEMU ($machine), up and without addresses;
# dns_and_dhcp OPTION... runs dnsmasq there. QEMU's own network is not there.

if [[ -z ${CB_IN_NAMESPACE:-} ]]; then
	for program in unshare ip dnsmasq; do
		PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
	done
	unshare -Urn true 2>/dev/null || { echo 'no user namespaces here'; exit 77; }
	CB_IN_NAMESPACE=1 PATH=$PATH:/usr/sbin:/sbin exec unshare -Urn "$0" "$@"
fi

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../qemu
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ip link set lo up
ip tuntap add dev tap0 mode tap 2>/dev/null || skip 'no /dev/net/tun for this user'
# Without this the addresses are tentative until QEMU plugs in, and nobody can listen on them.
echo 0 >/proc/sys/net/ipv6/conf/tap0/accept_dad 2>/dev/null || skip 'no IPv6 here'
ip link set tap0 up
# shellcheck disable=SC2034  # for boot
machine=(--tap tap0)

dns_and_dhcp() {
	dnsmasq --no-daemon --conf-file=/dev/null --user=root --pid-file="$dir/dnsmasq.pid" --no-resolv --no-hosts \
		--interface=tap0 --bind-dynamic --dhcp-leasefile="$dir/leases" --log-dhcp "$@" >"$dir/dnsmasq.log" 2>&1 &
	servers+=($!)
}
