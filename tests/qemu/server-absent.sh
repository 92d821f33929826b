#!/bin/bash
# SPDX-License-Identifier: MIT
# No server: a network code; once the server is there, a retry boots.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

port=$(free_port)
stamp "$shared/repo" "$port"
mkfifo "$dir/start" "$dir/ready"
# the server comes up when the error is on the screen
(
	read -r _ <"$dir/start"
	exec "$tool" serve "$shared/repo" --listen "127.0.0.1:$port" --quiet >"$dir/ready"
) &
servers+=($!)
boot expect 'CB-E105 ' expect 'R retry' \
	run "echo go >'$dir/start'; read -r line <'$dir/ready'" \
	key R "${sign_in[@]}" "${comes_up[@]}"
assert_codes CB-E105
assert_booted
# nothing had come from anybody: the retry has asked for an address anew
[[ $(grep -c '^Network: [0-9.]*/' "$console") -eq 2 ]] || fail "the network was not asked anew; log: $(keep_log)"
