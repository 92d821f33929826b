#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual page says what the tool takes: every verb, every option, every exit status.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

page=$CB_TOP/docs/man/chunkboot.1.scd

# The verbs of the source, in order.
verbs() {
	grep -o 'X([a-z_]*)' "$CB_TOP/chunkboot/cmd/verbs.h" | sed 's/X(\(.*\))/\1/' | grep -v '^name$'
}

# section HEADING FILE: its lines, up to the next heading.
section() {
	awk -v heading="$1" '/^#/ { is_in = $0 == heading; next } is_in' "$2"
}

test_every_verb_in_order() {
	test "$(verbs | wc -l)" -ge 14
	assert_equal "$(verbs)" "$(sed -n 's/^## chunkboot //p' "$page")" "verbs of the page"
	assert_equal "$(verbs | sort)" "$("$tool" --help | sed -n 's/^  \([a-z-][a-z-]*\) .*/\1/p' | grep -vx chunkboot | sort)" \
		"verbs of the tool"
}

test_every_option() {
	assert_exit 0 chunkboot completion bash --json
	python3 - "$dir/out" >"$dir/options" <<'PYTHON'
import json, sys
verbs = json.load(open(sys.argv[1]))["verbs"]
common = set.intersection(*(set(o["name"] for o in v["options"]) for v in verbs))
for name in sorted(common):
    print("COMMON", name)
for verb in verbs:
    for option in verb["options"]:
        if option["name"] not in common:
            print(verb["name"], option["name"])
PYTHON
	assert_match '^COMMON json$' "$dir/options"
	assert_match '^publish kernel$' "$dir/options"
	while read -r verb option; do
		heading="## chunkboot $verb"
		[ "$verb" != COMMON ] || heading='# COMMON OPTIONS'
		section "$heading" "$page" | grep -Eq "^(\*-[a-zA-Z]\*, )?\*--$option\*( |$)" ||
			fail "'$heading' does not explain --$option"
	done <"$dir/options"
	# and nothing that the tool does not take
	for verb in $(verbs); do
		section "## chunkboot $verb" "$page" | { grep -Eo '^(\*-[a-zA-Z]\*, )?\*--[a-z-]+\*' || true; } |
			sed 's/.*--\([a-z-]*\)\*/\1/' >"$dir/explained"
		while read -r option; do
			grep -qx -- "$verb $option" "$dir/options" || fail "$verb has no --$option"
		done <"$dir/explained"
	done
}

test_every_action_of_account() {
	for action in add set renew revoke show list; do
		section '## chunkboot account' "$page" | grep -q "^\*chunkboot account\* \*$action\* " || fail "account $action"
	done
}

test_every_exit_status() {
	assert_equal "0 1 2 3 4 5 6 7 130" "$(section '# EXIT STATUS' "$page" | sed -n 's/^\*\([0-9]*\)\*$/\1/p' | tr '\n' ' ' | sed 's/ $//')"
	assert_exit 0 chunkboot errors --json
	for code in $(json "$dir/out" '" ".join(sorted({str(e["exit_code"]) for e in d["errors"]}))'); do
		section '# EXIT STATUS' "$page" | grep -qx "\*$code\*" || fail "exit status $code"
	done
}

# Each option of "loader" that goes into the configuration is explained there, too.
test_loader_configuration() {
	section "# THE LOADER'S CONFIGURATION" "$page" >"$dir/configuration"
	for option in $(section '## chunkboot loader' "$page" | sed -nE 's/^(\*-[a-z]\*, )?\*--([a-z-]*)\*.*/\2/p'); do
		case $option in
		output | efi | passphrase-file) continue ;;
		esac
		grep -q -- "\*--$option\*" "$dir/configuration" || fail "--$option is not among the configuration"
	done
}

test_page_renders() {
	local page
	for page in "$CB_TOP"/docs/man/*.scd; do
		scdoc <"$page" >"$dir/page"
		assert_match '^\.TH ' "$dir/page"
		if command -v groff >/dev/null && [ -e /usr/share/groff/current/tmac/an.tmac ]; then
			groff -man -ww -z -Tutf8 -K utf8 "$dir/page" 2>"$dir/err"
			test ! -s "$dir/err" || { cat "$dir/err" >&2; fail "groff has complaints about $page"; }
		fi
	done
}

run_tests "$@"
