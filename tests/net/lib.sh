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
