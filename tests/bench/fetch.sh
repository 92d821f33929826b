#!/bin/bash
# SPDX-License-Identifier: MIT
# "chunkboot fetch" over a line of 1 Gbit/s: goodput against what the line can carry. RUNS (3), RATE (bit/s), MIB (400).
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../net/lib.sh"

readonly dir=$CB_BUILD/bench/fetch
readonly tool=$CB_BUILD/chunkboot
readonly rate=${RATE:-1e9} mib=${MIB:-400}
server=''

end_all() {
	end_wires
	[[ -z $server ]] || kill "$server" "$holder" 2>/dev/null || true
}
trap end_all EXIT

rm -rf "$dir"
mkdir -p "$dir"
head -c $((mib << 20)) /dev/urandom >"$dir/initrd"
"$tool" init "$dir/repo" --keys "$dir/keys" --kdf small --quiet
"$tool" publish "$dir/repo" large --keys "$dir/keys" --kernel "$CB_BUILD/images/minimal/vmlinuz" --initrd "$dir/initrd" \
	--exact --level 1 --quiet

unshare -n sleep 3600 &
holder=$!
until [[ $(readlink "/proc/$holder/ns/net") != $(readlink /proc/self/ns/net) ]]; do :; done
start_wire "$dir" "tap:far0@/proc/$holder/ns/net" tap:near0 "rate=$rate" queue=1e6
set_up_interface far0 10.9.0.1/24 02:00:00:00:00:01 "$holder"
set_up_interface near0 10.9.0.2/24 02:00:00:00:00:02
nsenter -t "$holder" -n ip link set lo up
nsenter -t "$holder" -n ip route change 10.9.0.0/24 dev far0 congctl cubic src 10.9.0.1
: >"$dir/serve.log"
nsenter -t "$holder" -n "$tool" serve "$dir/repo" --listen 10.9.0.1:80 >"$dir/serve.log" 2>&1 &
server=$!
timeout 20 sed '/10\.9\.0/q' < <(tail -n +1 -f --pid=$server "$dir/serve.log") >/dev/null

for ((run = 1; run <= ${RUNS:-3}; run++)); do
	rm -rf "$dir/out"
	"$tool" fetch http://10.9.0.1/ large -o "$dir/out" --root "$dir/repo/metadata/root.json" --json >"$dir/run.json"
	python3 - "$dir" "$rate" <<-'END'
		import json, sys
		where, rate = sys.argv[1], float(sys.argv[2])
		t = json.load(open(where + "/out/boot.json"))
		ms = t["stage_entered_ms"]
		stored = t["sources"][0]["body_bytes"]
		s = (ms["handover"] - ms["fetch"]) / 1000
		line = rate / 8 * 1448 / 1538  # TCP with time stamps, Ethernet's own bytes included
		print(f"{stored / 1e6:.1f} MB in {s:.2f} s: {stored / s / 1e6:.1f} MB/s, {100 * stored / s / line:.1f} % of the line")
	END
done
