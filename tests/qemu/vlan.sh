#!/bin/bash
# SPDX-License-Identifier: MIT
# A port that is a tagged member of VLAN 42 and nothing else: DHCP, DNS and mirror are in there. DHCP also names a
# mirror nearby, which then sends the image.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-namespace.sh"

ip addr add "$guest_view/24" dev tap0
serve "$shared/repo" "$guest_view:0"
near=$port
dns_and_dhcp --host-record="boot.test,$guest_view" --dhcp-range=10.0.2.100,10.0.2.110 \
	--dhcp-option="224,http://near.test:$near/" --host-record="near.test,$guest_view"
serve "$shared/repo" "$guest_view:0"
mirror_host=boot.test
stamp "$shared/repo" "$port" -- --vlan 42
python3 "$CB_TOP/tests/qemu/driver/vlan.py" 42 tap0 "$dir/host.socket" "$dir/guest.socket" >"$dir/vlan.log" 2>&1 &
servers+=($!)
timeout 60 sed -n '/^ready/q' < <(tail -n +1 -f --pid=$! "$dir/vlan.log")
# shellcheck disable=SC2034  # for boot
machine=(--line)
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q '^Network: 10.0.2.1.*, VLAN 42' "$console" || fail "another line; log: $(keep_log)"
python3 - "$dir/boot.json" "http://near.test:$near/" <<'PYTHON' || fail "another mirror; log: $(keep_log)"
import json, sys
sources = {s["url"]: s["body_bytes"] for s in json.load(open(sys.argv[1]))["sources"]}
print(sources)
near = sources.pop(sys.argv[2])
others = sum(sources.values())
assert len(sources) == 1 and near > 10 * others, sources
PYTHON
