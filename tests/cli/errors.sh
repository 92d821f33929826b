#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot errors: the closed list, and the form of errors.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

test_list_has_every_class() {
	assert_exit 0 chunkboot errors
	for class in 1 2 3 4 5 6 7; do
		assert_match "^CB-E${class}[0-9]{2}  exit" "$dir/out"
	done
	assert_equal "$(grep -c '^CB-E' "$dir/out")" "$(grep '^CB-E' "$dir/out" | cut -d' ' -f1 | sort -u | wc -l)"
	test ! -s "$dir/err"
}

test_json_list() {
	assert_exit 0 chunkboot errors --json
	assert_equal errors "$(json "$dir/out" 'd["type"]')"
	assert_equal True "$(json "$dir/out" 'all(e["code"].startswith("CB-E") and e["message"] for e in d["errors"])')"
	assert_equal True "$(json "$dir/out" 'all(e["exit_code"] in (1,2,3,4,5,6,7,130) for e in d["errors"])')"
}

test_one_code() {
	for form in CB-E203 E203 203; do
		assert_exit 0 chunkboot errors "$form"
		assert_match '^CB-E203  exit 3    metadata has expired$' "$dir/out"
	done
	for wrong in CB-E999 9 000 CB-E20 203x -1x; do
		assert_exit 6 chunkboot errors -- "$wrong"
	done
}

test_usage_errors() {
	assert_exit 2 chunkboot nonsense
	assert_match "^chunkboot: error: unknown verb 'nonsense'$" "$dir/err"
	assert_match "^hint: see 'chunkboot --help'$" "$dir/err"
	test ! -s "$dir/out"
	assert_exit 2 chunkboot --nonsense
	assert_exit 2 chunkboot errors --nonsense
	assert_match '^chunkboot: error: unknown option --nonsense$' "$dir/err"
	assert_exit 2 chunkboot errors one two
	assert_exit 2 chunkboot errors --quiet=yes
	assert_match '^chunkboot: error: --quiet=yes takes no value$' "$dir/err"
}

test_json_error_form() {
	assert_exit 2 chunkboot errors --json --nonsense
	assert_equal "error CB-E704" "$(json "$dir/out" 'd["type"] + " " + d["code"]')"
	assert_equal "['code', 'hint', 'message', 'type']" "$(json "$dir/out" 'sorted(d)')"
	assert_match '^chunkboot: error: ' "$dir/err"
}

test_full_disk_is_an_error() {
	[ -w /dev/full ] || return 0
	status=0
	chunkboot errors >/dev/full 2>"$dir/err" || status=$?
	assert_equal 1 "$status"
	assert_match '^chunkboot: error: standard output: no space left on device$' "$dir/err"
}

test_no_colour_without_terminal() {
	assert_exit 2 chunkboot nonsense
	assert_no_match $'\033' "$dir/err"
}

run_tests "$@"
