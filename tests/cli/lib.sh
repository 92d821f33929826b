# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Helpers of the shell tests. A test file sources this, defines functions test_NAME and ends with "run_tests".
# Each test_NAME runs in a subshell of its own under "set -e", in an empty directory $dir that goes away with it;
# background servers started by start_server go away, too.

set -euo pipefail
export LC_ALL=C.UTF-8
CB_TOP=${CB_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
CB_BUILD=${CB_BUILD:-$CB_TOP/build}
# shellcheck disable=SC2034  # for the test files
tool=$CB_BUILD/chunkboot
unset NO_COLOR

chunkboot() {
	"$tool" "$@"
}

fail() {
	printf 'failed: %s\n' "$*" >&2
	exit 1
}

# Ends the whole file as skipped.
skip_all() {
	printf '%s\n' "$*"
	exit 77
}

# Ends the test, not the file, as skipped.
skip_test() {
	printf '%s\n' "$*" >"$dir/skipped"
	exit 77
}

# assert_exit CODE COMMAND...: stdout and stderr go to $dir/out and $dir/err.
assert_exit() {
	local want=$1 got=0
	shift
	"$@" >"$dir/out" 2>"$dir/err" || got=$?
	[ "$got" -eq "$want" ] && return
	cat "$dir/out" "$dir/err" >&2
	fail "exit $got instead of $want: $*"
}

# assert_equal WANT GOT [WHAT]
assert_equal() {
	[ "$1" = "$2" ] || fail "${3:-value}: '$2' instead of '$1'"
}

# assert_match PATTERN FILE: an extended regular expression matches a line.
assert_match() {
	grep -Eq -- "$1" "$2" && return
	cat "$2" >&2
	fail "no line of $2 matches $1"
}

assert_no_match() {
	! grep -Eq -- "$1" "$2" || fail "a line of $2 matches $1"
}

# assert_same_tree DIR DIR: same names and contents.
assert_same_tree() {
	diff -r "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# json FILE EXPRESSION: a Python expression over the document d, as text.
json() {
	python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

# flip_byte FILE OFFSET: inverts the lowest bit of a byte.
flip_byte() {
	python3 - "$1" "$2" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 1]))
PYTHON
}

# make_realm: $dir/repo and $dir/keys, with the cheapest key derivation.
make_realm() {
	repo=$dir/repo
	keys=$dir/keys
	chunkboot init "$repo" --keys "$keys" --title 'Test realm' --kdf small --quiet
}

# make_image NAME [OPTION...]: publishes a small image of kind efi to $repo.
make_image() {
	make_pe "$dir/app.efi"
	chunkboot publish "$repo" "$1" --keys "$keys" --efi "$dir/app.efi" --quiet "${@:2}"
}

# make_linux NAME [OPTION...]: the same of kind linux, with a kernel that no machine can run.
make_linux() {
	make_pe "$dir/vmlinuz" kernel
	chunkboot publish "$repo" "$1" --keys "$keys" --kernel "$dir/vmlinuz" --quiet "${@:2}"
}

# make_pe FILE [kernel]: the smallest thing that passes for an x86-64 EFI application, or Linux with EFI stub.
make_pe() {
	python3 - "$1" "${2:-application}" <<'PYTHON'
import struct, sys
is_kernel = sys.argv[2] == "kernel"
pe_at = 1024
head = bytearray(pe_at)
head[0:2] = b"MZ"
head[60:64] = struct.pack("<I", pe_at)
if is_kernel:
    head[0x1FE:0x208] = struct.pack("<H", 0xAA55) + b"\xeb\x6a" + b"HdrS" + struct.pack("<H", 0x20F)
coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 512, 0, 0, 4096, 4096)
optional += struct.pack("<QIIHHHHHHIIIIHHQQQQII", 0x140000000, 4096, 512, 0, 0, int(is_kernel), 0, 0, 0, 0, 8192, 2048, 0,
                        10, 0, 0, 0, 0, 0, 0, 16) + bytes(128)
section = struct.pack("<8sIIIIIIHHI", b".text", 16, 4096, 512, 2048, 0, 0, 0, 0, 0x60000020)
with open(sys.argv[1], "wb") as file:
    file.write((bytes(head) + coff + optional + section).ljust(2048, b"\0") + b"\xc3".ljust(512, b"\0"))
PYTHON
}

# free_port: one that nobody listens on now.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_server DIR [OPTION...]: "chunkboot serve" on a free port; sets $url and $server_pid once it is ready.
start_server() {
	server_log=$(mktemp "$dir/server-XXXXXX")
	"$tool" serve "$1" --listen 127.0.0.1:0 "${@:2}" >"$server_log" 2>&1 &
	server_pid=$!
	server_pids+=("$server_pid")
	# shellcheck disable=SC2034  # for the test files
	url=$(timeout 30 grep -m 1 -o 'https*://[^ ]*' < <(tail -n +1 -f --pid="$server_pid" "$server_log" 2>/dev/null)) ||
		{ cat "$server_log" >&2; fail 'the server does not come up'; }
}

stop_server() {
	kill "$server_pid" 2>/dev/null || true
	wait "$server_pid" 2>/dev/null || true
}

end_test() {
	local pid
	for pid in ${server_pids[@]+"${server_pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
}

# Runs every test_* function of the file in its order, or those that were named on the command line.
run_tests() {
	local name status n_failed=0 names
	names=${*:-$(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$0")}
	for name in $names; do
		dir=$(mktemp -d "${CB_TEST_TMP:-${TMPDIR:-/tmp}}/test-XXXXXX")
		server_pids=()
		set +e
		(
			trap end_test EXIT
			set -e
			"$name"
		)
		status=$?
		set -e
		if [ "$status" -eq 0 ]; then
			echo "ok $name"
		elif [ "$status" -eq 77 ] && [ -e "$dir/skipped" ]; then
			echo "skip $name $(cat "$dir/skipped")"
		else
			echo "not ok $name"
			n_failed=$((n_failed + 1))
		fi
		rm -rf "$dir"
	done
	[ "$n_failed" -eq 0 ]
}
