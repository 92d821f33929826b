#!/bin/bash
# SPDX-License-Identifier: MIT
# The loader's fetch engine and TCP over lines as people have them: long, lossy, cut, several, one of them bad.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

readonly dir=$CB_TEST_TMP
readonly tool=$CB_BUILD/chunkboot
readonly line_MB_s='(1460 / 1538 * 12.5)' # of a 100 Mbit/s line: its largest segments, Ethernet's own bytes included
server_pids=()

end_all() {
	local pid
	end_wires
	for pid in ${server_pids[@]+"${server_pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	server_pids=()
	ip link del bridge0 2>/dev/null || true
}
trap end_all EXIT

# 24 MiB that compress to about two thirds.
make_repository() {
	python3 - "$dir/initrd" <<-'END'
		import random, sys
		r = random.Random(5)
		open(sys.argv[1], "wb").write(b"".join(r.randbytes(683) + bytes(341) for _ in range(24 << 10)))
	END
	"$tool" init "$dir/repo" --keys "$dir/keys" --kdf small --quiet
	"$tool" publish "$dir/repo" lines --keys "$dir/keys" --kernel "$CB_BUILD/images/minimal/vmlinuz" \
		--initrd "$dir/initrd" --exact --quiet
}

# server I SETTING...: a namespace with a web server on 10.9.0.1I, at the end of a line with these settings.
server() {
	local i=$1 where=$dir/server$1 holder
	shift
	mkdir -p "$where"
	unshare -n sleep 3600 &
	holder=$!
	server_pids+=("$holder")
	until [[ $(readlink "/proc/$holder/ns/net") != $(readlink /proc/self/ns/net) ]]; do :; done
	start_wire "$where" "tap:far0@/proc/$holder/ns/net" "tap:near$i" "$@"
	set_up_interface far0 "10.9.0.1$i/24" "02:00:00:00:00:1$i" "$holder"
	nsenter -t "$holder" -n ip route change 10.9.0.0/24 dev far0 congctl cubic src "10.9.0.1$i"
	ip link set dev "near$i" master bridge0 txqueuelen 20000 up
	: >"$where/serve.log"
	nsenter -t "$holder" -n "$tool" serve "$dir/repo" --listen "10.9.0.1$i:80" >"$where/serve.log" 2>&1 &
	server_pids+=($!)
	timeout 20 sed '/10\.9\.0/q' < <(tail -n +1 -f --pid=$! "$where/serve.log") >/dev/null
}

# begin: no servers, and a bridge for them.
begin() {
	end_all
	ip link add bridge0 type bridge
	ip link set dev bridge0 up
}

# fetch URL...: a client that is connected to the bridge without limits.
fetch() {
	mkdir -p "$dir/client"
	rm -f "$dir"/{ours,theirs}.socket
	start_wire "$dir/client" tap:client0 "unix:$dir/theirs.socket:$dir/ours.socket" queue=8e6
	ip link set dev client0 master bridge0 txqueuelen 20000 up
	"$CB_BUILD/wire-client" "$dir/ours.socket:$dir/theirs.socket" 10.9.0.9/24 "$dir/repo/metadata/root.json" lines "$@"
	kill "${wire_pids[-1]}"
	wait "${wire_pids[-1]}" || true
	unset 'wire_pids[-1]'
}

# check NAME CONDITION JSON [JSON]: a Python expression of `it` and `other`.
check() {
	if python3 -c 'import json, sys
it, other = json.loads(sys.argv[2]), json.loads(sys.argv[3])
sys.exit(not eval(f"it[\"err\"] == 0 and ({sys.argv[1]})"))' "$2" "$3" "${4:-null}"; then
		echo "ok $1"
	else
		echo "not ok $1"
	fi
	printf '  %s: %s %s\n' "$1" "$3" "${4:-}"
}

make_repository
one=http://10.9.0.11/

begin
server 1 rate=100e6 queue=625e3 delay=20
check 'a long line is filled' "it['MB_s'] > 0.8 * $line_MB_s" "$(fetch $one)"

wire_control "$dir/server1" loss=0.01 >/dev/null
check 'losses cost half, not nine tenths' 'it["MB_s"] > 3.2' "$(fetch $one)"

wire_control "$dir/server1" loss=0 >/dev/null
fetch $one >"$dir/cut.json" &
fetcher=$!
half() {
	wire_control "$dir/server1" stats |
		python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["ab"]["out_bytes"] < float(sys.argv[1]))' "$1"
}
sent=$(wire_control "$dir/server1" stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["ab"]["out_bytes"])')
until half "$((sent + 15000000))"; do :; done
wire_control "$dir/server1" cut >/dev/null
sleep 12 # the cut itself: what is tested is that it lasts
wire_control "$dir/server1" uncut >/dev/null
wait $fetcher || true
check 'a cut line goes on, and little comes twice' \
	'it["ms"] > 12000 and it["ms"] < 25000 and it["body"] < it["stored"] + 3e6' "$(cat "$dir/cut.json")"

begin
server 1 rate=30e6 queue=200e3 delay=5
server 2 rate=30e6 queue=200e3 delay=5
server 3 rate=30e6 queue=200e3 delay=5
alone=$(fetch $one)
check 'three mirrors are nearly three times as fast' 'it["MB_s"] > 2.7 * other["MB_s"]' \
	"$(fetch $one http://10.9.0.12/ http://10.9.0.13/)" "$alone"

begin
server 1 rate=100e6 queue=625e3 delay=5
server 2 rate=1e6 queue=50e3 delay=50
check 'a dead and a slow mirror hold nothing up' "it['MB_s'] > 0.7 * $line_MB_s" \
	"$(fetch http://10.9.0.19/ http://10.9.0.12/ $one)"
