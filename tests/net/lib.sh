# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Helpers for tests of a network of their own: a namespace for which nobody has to be root, and lines made by the
# wire program. The first thing a test does is to source this: it goes on in the namespace.

set -euo pipefail
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin
CB_TOP=${CB_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
CB_BUILD=${CB_BUILD:-$CB_TOP/build}
readonly wire=$CB_BUILD/wire

if [[ -z ${CB_IN_NAMESPACE:-} ]]; then
	for program in unshare nsenter ip; do
		command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
	done
	# Who is root stays root, and may put the line before other programs.
	namespaces=-n
	[[ $(id -u) -eq 0 ]] || namespaces=-Urn
	unshare $namespaces true 2>/dev/null || { echo 'no network namespaces for this user'; exit 77; }
	CB_IN_NAMESPACE=1 exec unshare $namespaces bash "$0" "$@"
fi
ip link set lo up
ip tuntap add dev probe0 mode tap 2>/dev/null || { echo 'no /dev/net/tun for this user'; exit 77; }
ip link del probe0

wire_pids=()

# start_wire DIR [WORD...]: the wire program with these words, in the background, with DIR/wire.control for
# wire_control and DIR/wire.json for what it counted. Ends with end_wire.
start_wire() {
	local where=$1
	shift
	: >"$where/wire.json"
	rm -f "$where/wire.control"
	# in time before other programs, where this user may say so
	nice -n -20 "$wire" --control "$where/wire.control" "$@" >>"$where/wire.json" 2>"$where/wire.err" &
	wire_pids+=($!)
	timeout 20 sed '/^ready$/q' < <(tail -n +1 -f --pid=$! "$where/wire.json") >/dev/null || true
	grep -q '^ready$' "$where/wire.json" || { cat "$where/wire.err" >&2; return 1; }
}

# wire_control DIR WORD...: a setting, cut, uncut, or stats
wire_control() {
	"$wire" control "$1/wire.control" "${@:2}"
}

# wire_carried DIR AB-OR-BA BYTES: waits until as much has arrived.
wire_carried() {
	until wire_control "$1" stats | python3 -c 'import json, sys
sys.exit(json.load(sys.stdin)[sys.argv[1]]["out_bytes"] < int(sys.argv[2]))' "$2" "$3"; do
		kill -0 "${wire_pids[0]}"
	done
}

# end_wires: all of them; the last line of wire.json is then the final count.
end_wires() {
	local pid
	for pid in ${wire_pids[@]+"${wire_pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	wire_pids=()
}

# set_up_interface NAME ADDRESS/LEN MAC [PID]: in the namespace of the process PID. Without IPv6, whose own frames would
# disturb what is counted; with a queue that never overflows: that is for the line's own.
set_up_interface() {
	local enter=()
	[[ -z ${4:-} ]] || enter=(nsenter -t "$4" -n)
	${enter[@]+"${enter[@]}"} sh -ec '
		echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6" 2>/dev/null || true
		ip link set dev "$1" address "$3"
		ip address replace "$2" dev "$1"
		ip link set dev "$1" txqueuelen 20000 up' sh "$1" "$2" "$3"
}

# ---- A virtual machine at the end of a line ----

readonly lab_mac=52:54:00:12:34:56 # the machine's
readonly lab_guest=10.0.2.100 # its address by DHCP
readonly lab_host=10.0.2.2 # this end, where servers are
lab_dns_pid=

# start_lab DIR [WORD...]: a line with these settings from interface srv0 ("a" of the wire program) to a QEMU that is
# started with what lab_netdev DIR prints ("b"). lab_seed: of the losses.
start_lab() {
	local where=$1
	shift
	rm -f "$where"/{host,guest}.socket
	start_wire "$where" --seed "${lab_seed:-1}" tap:srv0 "unix:$where/host.socket:$where/guest.socket" "$@"
	set_up_interface srv0 "$lab_host/24" 02:00:00:00:00:01
}

lab_netdev() {
	echo "dgram,id=net0,local.type=unix,local.path=$1/guest.socket,remote.type=unix,remote.path=$1/host.socket"
}

# start_dhcp DIR [OPTION...]: dnsmasq for the machine, with more options than the address.
start_dhcp() {
	local where=$1
	shift
	end_dhcp
	dnsmasq --no-daemon --conf-file=/dev/null --port=0 --user=root --pid-file="$where/dnsmasq.pid" \
		--interface=srv0 --bind-interfaces --dhcp-leasefile="$where/leases" --dhcp-authoritative --no-ping \
		--dhcp-range="$lab_guest,$lab_guest" --dhcp-host="$lab_mac,$lab_guest" "$@" >"$where/dnsmasq.log" 2>&1 &
	lab_dns_pid=$!
}

end_dhcp() {
	[[ $lab_dns_pid ]] || return 0
	kill "$lab_dns_pid" 2>/dev/null || true
	wait "$lab_dns_pid" 2>/dev/null || true
	lab_dns_pid=
}
