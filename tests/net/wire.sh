#!/bin/bash
# SPDX-License-Identifier: MIT
# The wire program between two network namespaces does what it is told: delay, rate, queue, loss, order, cut.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

dir=$CB_TEST_TMP
unshare -n sleep 3600 &
other=$!
trap 'end_wires; kill "$other"' EXIT
until [[ $(readlink "/proc/$other/ns/net") != $(readlink /proc/self/ns/net) ]]; do :; done
there=/proc/$other/ns/net

# line SETTING...: a new line between the two.
line() {
	end_wires
	start_wire "$dir" "$@"
	connect
}

# Fixed addresses, so that nobody asks for them on the line: each frame there is is the test's own.
connect() {
	set_up_interface near0 10.9.0.1/24 02:00:00:00:00:01
	set_up_interface far0 10.9.0.2/24 02:00:00:00:00:02 "$other"
	ip neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev near0
	nsenter -t "$other" -n ip neighbour replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev far0
}

probe() {
	python3 "$CB_TOP/tests/net/driver/probe.py" "$there" "$@"
}

# check NAME CONDITION [JSON]: a Python expression of `it`, the JSON, and `wire`, what the program has counted.
check() {
	local counted
	counted=$(wire_control "$dir" stats)
	if python3 -c 'import json, sys
it, wire = json.loads(sys.argv[2]), json.loads(sys.argv[3])
sys.exit(not eval(f"({sys.argv[1]})"))' "$2" "${3:-null}" "$counted"; then
		echo "ok $1"
	else
		echo "not ok $1"
		printf '  not so: %s\n  with %.600s\n  counted %s\n' "$2" "${3:-}" "$counted"
	fi
}

line tap:near0 "tap:far0@$there"
check 'an idle line is quick' 'it["lost"] == 0 and it["median_ms"] < 5' "$(probe rtt 50)"
check 'each way is counted' '[wire[way]["out_frames"] for way in ("ab", "ba")] == [50, 50]'
probe there 2 >"$dir/rate"
# Of the processor's time rather than of the clock's, which belongs to other tests too: 60 MB/s take half a core at most.
check 'an unlimited line takes little of the processor' \
	'wire["ba"]["out_bytes"] + wire["ab"]["out_bytes"] > 120e6 * wire["cpu_seconds"]' "$(cat "$dir/rate")"
check 'nothing is lost where nothing is limited' 'not any(wire["ab"]["dropped"].values())'

line tap:near0 "tap:far0@$there" delay=20 ba.delay=5
check 'delay' 'it["lost"] == 0 and 25 <= it["min_ms"] < 27' "$(probe rtt 30)"

# A segment of 1,448 bytes takes 1,538 bytes' time on Ethernet.
line tap:near0 "tap:far0@$there" ab.rate=50e6 ba.rate=20e6 queue=400000
check 'rate from here to there' '0.95 < it["bytes_s"] / (50e6 / 8 * 1448 / 1538) < 1.05' "$(probe there 2)"
check 'rate from there to here' '0.95 < it["bytes_s"] / (20e6 / 8 * 1448 / 1538) < 1.05' "$(probe here 2)"

# A frame of 976 bytes and 24 of overhead each millisecond.
line tap:near0 "tap:far0@$there" rate=8e6 queue=50000
check 'the queue delays' 'it["numbers"] == list(range(50)) and 48 < it["ms"] < 52' "$(probe count 50 976 0)"
check 'and was as long as that' '40 * 976 < wire["ab"]["max_queue_bytes"] <= 50000'
wire_control "$dir" queue=20000
check 'a full queue drops what comes' \
	'it["numbers"][:20] == list(range(20)) and 20 <= len(it["numbers"]) < 30 and len(it["numbers"]) +
	wire["ab"]["dropped"]["queue"] == 100' "$(probe count 100 976 0)"

line --seed 7 tap:near0 "tap:far0@$there" ab.loss=0.05
first=$(probe count 4000 100 0.1)
check 'loss' '120 < 4000 - len(it["numbers"]) < 280 and wire["ab"]["dropped"]["loss"] == 4000 - len(it["numbers"])' \
	"$first"
check 'a lost frame took its time on the line' 'wire["ab"]["sent_frames"] == 4000'
line --seed 7 tap:near0 "tap:far0@$there" ab.loss=0.05 ab.delay=3
check 'the same seed loses the same frames' 'it[0]["numbers"] == it[1]["numbers"]' "[$first, $(probe count 4000 100 0.1)]"
line --seed 8 tap:near0 "tap:far0@$there" ab.loss=0.05
check 'another seed loses others' 'it[0]["numbers"] != it[1]["numbers"]' "[$first, $(probe count 4000 100 0.1)]"

line tap:near0 "tap:far0@$there" ab.duplicate=0.1
check 'duplicates' 'sorted(set(it["numbers"])) == list(range(1000)) and 60 < len(it["numbers"]) - 1000 < 140 and
	len(it["numbers"]) - 1000 == wire["ab"]["duplicated"]' "$(probe count 1000 100 0.1)"
line tap:near0 "tap:far0@$there" ab.reorder=0.1 hold=3
check 'order' 'sorted(it["numbers"]) == list(range(1000)) and 60 < wire["ab"]["reordered"] < 140 and
	sum(a > b for a, b in zip(it["numbers"], it["numbers"][1:])) > 30' "$(probe count 1000 100 0.2)"

line tap:near0 "tap:far0@$there" delay=100
wire_control "$dir" ba.cut
check 'cut in one direction' 'it["numbers"] == list(range(5))' "$(probe count 5 100 1)"
wire_control "$dir" cut
check 'cut' 'it["lost"] == 2 and wire["ab"]["dropped"]["cut"] == 2' "$(probe rtt 2)"
wire_control "$dir" uncut
check 'uncut' 'it["lost"] == 0' "$(probe rtt 2)"

# What QEMU has: one line ends in the socket that the other begins with.
mkdir "$dir/far"
end_wires
start_wire "$dir" tap:near0 "unix:$dir/near.socket:$dir/far.socket"
start_wire "$dir/far" "unix:$dir/far.socket:$dir/near.socket" "tap:far0@$there"
connect
check 'through sockets' 'it["lost"] == 0' "$(probe rtt 50)"
# a receiver that stops for a moment: its socket takes a few frames, and the line keeps the others
kill -STOP "${wire_pids[1]}"
probe count 200 1000 0 >"$dir/numbers" &
until [[ $(wire_control "$dir" stats) == *'"ab":{"in_frames":250,'* ]]; do :; done
kill -CONT "${wire_pids[1]}"
wait $!
check 'a receiver that takes no more is waited for' 'it["numbers"] == list(range(200))' "$(cat "$dir/numbers")"
kill "${wire_pids[1]}"
wait "${wire_pids[1]}" || true
rm "$dir/far.socket" "$dir/far/wire.control"
wire_control "$dir" ab.delay=0
ip neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev near0
python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", ("10.9.0.2", 7777))'
check 'nobody there' 'wire["ab"]["dropped"]["absent"] == 1'
start_wire "$dir/far" "unix:$dir/far.socket:$dir/near.socket" "tap:far0@$there"
connect
check 'somebody there again' 'it["lost"] == 0' "$(probe rtt 5)"

n_accepted=0
for word in delay=-1 delay=x loss=1.1 rate= hold nonsense=1 ab. ''; do
	! wire_control "$dir" "$word" 2>/dev/null || n_accepted=$((n_accepted + 1))
done
check 'no such setting' "$n_accepted == 0"
