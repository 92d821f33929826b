#!/bin/bash
# SPDX-License-Identifier: MIT
# Every verb's help: at most 80 columns, on stdout only, with examples; -h is --help.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

verbs() {
	"$tool" --help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | grep -vx chunkboot
}

assert_help_form() {
	assert_exit 0 chunkboot "$@"
	test ! -s "$dir/err" || fail "chunkboot $*: output on stderr"
	assert_match '^Usage:$' "$dir/out"
	assert_match '^Examples:$' "$dir/out"
	assert_no_match '.{81}' "$dir/out"
	assert_no_match '[[:blank:]]$' "$dir/out"
	assert_no_match $'\t' "$dir/out"
}

test_global_help() {
	assert_help_form --help
	cp "$dir/out" "$dir/long"
	assert_help_form -h
	cmp "$dir/long" "$dir/out"
}

test_every_verb() {
	n=0
	for verb in $(verbs); do
		assert_help_form "$verb" --help
		cp "$dir/out" "$dir/long"
		assert_match "^  chunkboot $verb" "$dir/out"
		assert_match '^  --json ' "$dir/out"
		assert_help_form "$verb" -h
		cmp "$dir/long" "$dir/out"
		n=$((n + 1))
	done
	test "$n" -ge 1
}

test_every_example_names_its_verb() {
	for verb in $(verbs); do
		"$tool" "$verb" --help | sed '1,/^Examples:$/d' >"$dir/examples"
		assert_match "chunkboot $verb" "$dir/examples"
	done
}

test_every_option_is_explained() {
	for verb in $(verbs); do
		"$tool" "$verb" --help | sed -n '/^Usage:$/,/^$/p' | { grep -o -- '--[a-z-]*' || true; } |
			sort -u >"$dir/used"
		while read -r option; do
			grep -Eq -- "$option( |$)" < <("$tool" "$verb" --help | sed '1,/^Options:$/d') ||
				fail "$verb: $option is in the usage, not among the options"
		done <"$dir/used"
	done
}

test_help_wins_over_missing_operands() {
	for verb in $(verbs); do
		assert_exit 0 chunkboot "$verb" --help extra operands here
	done
}

test_no_argument_and_version() {
	assert_exit 0 chunkboot
	assert_match 'chunkboot --help' "$dir/out"
	test ! -s "$dir/err"
	assert_exit 0 chunkboot --version
	assert_match '^chunkboot [0-9]+\.[0-9]+\.[0-9]+$' "$dir/out"
}

run_tests "$@"
