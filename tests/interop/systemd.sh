#!/bin/bash
# SPDX-License-Identifier: MIT
# systemd takes the example units as they are, and finds them well locked in.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../cli/lib.sh"

command -v systemd-analyze >/dev/null || skip_all 'no systemd-analyze'

# The units, with the tool of this build in the place of the installed one.
copy_units() {
	local unit
	for unit in "$CB_TOP"/docs/examples/systemd/*; do
		sed "s|/usr/local/bin/chunkboot|$tool|" "$unit" >"$dir/$(basename "$unit")"
	done
}

test_verify() {
	copy_units
	systemd-analyze verify --man=no "$dir"/*.service "$dir"/*.timer >"$dir/out" 2>&1 || { cat "$dir/out" >&2; fail 'refused'; }
	# what it warns of in other people's units is not our affair
	! grep -F "$dir/" "$dir/out" >&2 || fail 'warnings'
	! grep chunkboot "$dir/out" >&2 || fail 'warnings'
}

# Exposure from 0 (none) to 100.
test_security() {
	copy_units
	local unit
	for unit in "$dir"/*.service; do
		systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" >"$dir/out" 2>&1 ||
			{ cat "$dir/out" >&2; fail "$(basename "$unit") is too open"; }
	done
}

# The verbs and options in the units are there.
test_commands() {
	copy_units
	local line words
	while read -r line; do
		read -ra words <<<"${line#ExecStart=}"
		make_realm
		[ -e "$dir/cache" ] || "$tool" cache create "$dir/cache" --size 1000000 --quiet
		words=("${words[@]/#\/srv\/boot/$repo}")
		words=("${words[@]/#\/etc\/chunkboot\/keys/$keys}")
		words=("${words[@]/#\/etc\/chunkboot\/root.json/$repo/metadata/1.root.json}")
		words=("${words[@]/#\/dev\/disk\/by-partlabel\/chunkboot-cache/$dir/cache}")
		assert_exit 0 "${words[@]}" --dry-run
		rm -rf "$repo" "$keys"
	done < <(grep -h '^ExecStart=' "$dir"/*.service)
}

run_tests "$@"
