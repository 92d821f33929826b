# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What all measurements have in common. To be sourced.
# shellcheck disable=SC2034  # what is set here is for those who source it

skip() {
	echo "$*"
	exit 77
}

# start_serve REPO LOG: our server on a free port of the loopback interface: $server_pid, and $url when it answers
start_serve() {
	: >"$2"
	"$CB_BUILD/chunkboot" serve "$1" --listen 127.0.0.1:0 --log /dev/null >"$2" 2>&1 &
	server_pid=$!
	timeout 20 sed '/listening on/q' < <(tail -n +1 -f --pid=$server_pid "$2") >/dev/null
	url=$(sed -n 's/^listening on //p' "$2")
}
