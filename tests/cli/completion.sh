#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot completion: every verb, action and option is offered by bash.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

verbs() {
	"$tool" --help | sed -n 's/^  \([a-z-][a-z-]*\) .*/\1/p' | grep -vx chunkboot
}

# complete_line WORD...: what bash offers with the cursor at the end of the last word.
complete_line() {
	bash --norc -c '
		source "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_chunkboot
		printf "%s\n" ${COMPREPLY[@]+"${COMPREPLY[@]}"}
	' bash "$dir/script" "$@"
}

make_script() {
	assert_exit 0 chunkboot completion bash
	cp "$dir/out" "$dir/script"
	test ! -s "$dir/err"
}

test_script_is_valid() {
	make_script
	bash -n "$dir/script"
	assert_match '^complete .*_chunkboot chunkboot$' "$dir/script"
	shellcheck "$dir/script"
}

test_every_verb() {
	make_script
	assert_equal "$( (verbs; echo --help; echo --version) | sort)" "$(complete_line chunkboot '' | sort)"
	assert_equal publish "$(complete_line chunkboot pub)"
	assert_equal "" "$(complete_line chunkboot nonsense '')"
}

test_every_option() {
	make_script
	for verb in $(verbs); do
		"$tool" "$verb" --help | sed -n '/^Options:$/,/^$/p' |
			sed -nE 's/^  (-([a-zA-Z]), )?(--[a-z0-9-]+).*/\3 -\2/p' | tr ' ' '\n' | grep -vx -- - | sort >"$dir/want"
		complete_line chunkboot "$verb" - | sort >"$dir/got"
		diff "$dir/want" "$dir/got" || fail "options of $verb"
		grep -qx -- --json "$dir/got"
	done
	assert_equal "--kernel" "$(complete_line chunkboot publish repo name --ker)"
}

test_actions_and_files() {
	make_script
	assert_equal "add list renew revoke set show" "$(complete_line chunkboot account '' | sort | tr '\n' ' ' | sed 's/ $//')"
	assert_equal bash "$(complete_line chunkboot completion b)"
	cd "$dir"
	mkdir repository
	touch kernel-6.1
	assert_equal repository "$(complete_line chunkboot account add rep)"
	assert_equal repository "$(complete_line chunkboot verify rep)"
	assert_equal repository "$(complete_line chunkboot gc x --keys rep)"
	assert_equal kernel-6.1 "$(complete_line chunkboot publish x y --kernel kern)"
	# Free text and numbers are the person's own.
	assert_equal "" "$(complete_line chunkboot publish x y --cmdline kern)"
	assert_equal "" "$(complete_line chunkboot account add x y --valid-days kern)"
}

test_tables_as_json() {
	assert_exit 0 chunkboot completion bash --json
	assert_equal "$(verbs | sort)" "$(json "$dir/out" '"\n".join(sorted(v["name"] for v in d["verbs"]))')"
	assert_equal True "$(json "$dir/out" 'all(o["help"] for v in d["verbs"] for o in v["options"])')"
}

test_refuses() {
	assert_exit 2 chunkboot completion
	assert_exit 2 chunkboot completion tcsh
	assert_match "^chunkboot: error: no completion for the shell 'tcsh'$" "$dir/err"
	assert_exit 2 chunkboot completion bash zsh
}

run_tests "$@"
