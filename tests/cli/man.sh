#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual pages say what the tool takes: every verb, its usage, every option, every exit status; their examples work.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

pages=$CB_TOP/docs/man
page=$pages/chunkboot.1.scd

# The verbs of the source, in order.
verbs() {
	grep -o 'X([a-z_]*)' "$CB_TOP/chunkboot/cmd/verbs.h" | sed 's/X(\(.*\))/\1/' | grep -v '^name$'
}

page_of() {
	printf '%s/chunkboot-%s.1.scd' "$pages" "$1"
}

# section HEADING FILE: its lines, up to the next heading of the same depth or a higher one.
section() {
	awk -v heading="$1" '
		/^#/ { depth = index($0, " ") - 1 }
		/^#/ && depth <= index(heading, " ") - 1 { is_in = $0 == heading; next }
		is_in' "$2"
}

# explained SECTION FILE: the long options that are explained there, without dashes.
explained() {
	section "$1" "$2" | sed -nE 's/^(\*-[a-zA-Z]\*, )?\*--([a-z0-9-]+)\*( .*)?$/\2/p'
}

# plain: scdoc's text without its markup.
plain() {
	sed -E 's/\+\+$//; s/[*_\\]//g'
}

test_every_verb_has_a_page() {
	test "$(verbs | wc -l)" -ge 14
	assert_equal "$(verbs | sort)" "$("$tool" --help | sed -n 's/^  \([a-z-][a-z-]*\) .*/\1/p' | grep -vx chunkboot | sort)" \
		"verbs of the tool"
	assert_equal "$(verbs | sort)" "$(find "$pages" -name 'chunkboot-*.1.scd' -printf '%f\n' |
		sed 's/^chunkboot-\(.*\)\.1\.scd$/\1/' | sort)" "verbs with a page"
}

# The page's name is in its title, in NAME with the tool's words, and in chunkboot(1).
test_names() {
	local file name
	assert_exit 0 chunkboot completion bash --json
	for file in "$pages"/*.scd; do
		name=$(basename "$file" .scd)
		assert_match "^${name%.*}\(${name##*.}\) \"chunkboot\" " "$file"
		[ "$file" != "$page" ] || continue
		grep -qF -- "*${name%.*}*(${name##*.})" "$page" || fail "chunkboot(1) does not name ${name%.*}(${name##*.})"
		grep -qF '*chunkboot*(1)' < <(section '# SEE ALSO' "$file") || fail "$name does not name chunkboot(1)"
	done
	for verb in $(verbs); do
		name=$(json "$dir/out" "[v['summary'] for v in d['verbs'] if v['name'] == '$verb'][0]")
		assert_equal "chunkboot-$verb - $name" "$(section '# NAME' "$(page_of "$verb")" | grep .)" "NAME of $verb"
	done
}

# Each page that a page names is there, or another program's.
test_references() {
	local name
	grep -oh '\*chunkboot[a-z-]*\*([0-9])' "$pages"/*.scd | sort -u | sed 's/[*()]/ /g' >"$dir/references"
	test "$(wc -l <"$dir/references")" -gt "$(verbs | wc -l)"
	while read -r name number; do
		test -e "$pages/$name.$number.scd" || fail "there is no $name($number)"
	done <"$dir/references"
	grep -oh 'man:[a-z-]*([0-9])' "$CB_TOP"/docs/examples/systemd/* | sed 's/^man://; s/[()]/ /g' >"$dir/references"
	while read -r name number; do
		test -e "$pages/$name.$number.scd" || fail "a systemd unit names $name($number)"
	done <"$dir/references"
}

test_synopsis_is_the_usage() {
	for verb in $(verbs); do
		# the help breaks long lines and goes on further in
		"$tool" "$verb" --help | sed -n '/^Usage:$/,/^$/p' | sed '1d; $d' |
			awk '/^  chunkboot/ { if (n++) print line; line = substr($0, 3); next } { sub(/^ */, ""); line = line " " $0 }
				END { print line }' >"$dir/usage"
		section '# SYNOPSIS' "$(page_of "$verb")" | plain | grep . >"$dir/synopsis"
		diff "$dir/usage" "$dir/synopsis" >&2 || fail "SYNOPSIS of $verb is not its usage"
	done
}

# options: a line "VERB OPTION" for each option; the common ones with the verb COMMON.
options() {
	python3 - "$1" <<'PYTHON'
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
}

# assert_options VERB SECTION FILE: what is explained there is what the tool takes.
assert_options() {
	diff <(sed -n "s/^$1 //p" "$dir/options" | sort) <(explained "$2" "$3" | sort) >&2 ||
		fail "$(basename "$3") does not explain the options that the tool takes (<)"
}

test_every_option() {
	assert_exit 0 chunkboot completion bash --json
	options "$dir/out" >"$dir/options"
	assert_match '^COMMON json$' "$dir/options"
	assert_match '^publish kernel$' "$dir/options"
	assert_options COMMON '# COMMON OPTIONS' "$page"
	for verb in $(verbs); do
		assert_options "$verb" '# OPTIONS' "$(page_of "$verb")"
	done
}

# An option that a verb must have is called so.
test_required_options() {
	assert_exit 0 chunkboot completion bash --json
	json "$dir/out" '"\n".join("%s %s" % (v["name"], o["name"]) for v in d["verbs"] for o in v["options"] if o["required"])' \
		>"$dir/required"
	assert_match '^publish keys$' "$dir/required"
	while read -r verb option; do
		grep -q 'Required\.$' < <(section '# OPTIONS' "$(page_of "$verb")" | awk -v option="--$option*" '
			/^\*-/ { is_in = index($0, option) } is_in') || fail "$verb: --$option is required"
	done <"$dir/required"
}

# The actions are what the usage has behind the verb's name, in small letters.
test_every_action() {
	local n=0
	for verb in account cache; do
		"$tool" "$verb" --help | sed -n "s/^  chunkboot $verb \([a-z][a-z]*\) .*/\1/p" |
			sort -u >"$dir/actions"
		while read -r action; do
			grep -qx "\*$action\*" < <(section '# DESCRIPTION' "$(page_of "$verb")") || fail "$verb $action"
			n=$((n + 1))
		done <"$dir/actions"
	done
	test "$n" -ge 10
}

test_every_exit_status() {
	assert_equal "0 1 2 3 4 5 6 7 130" "$(section '# EXIT STATUS' "$page" | sed -n 's/^\*\([0-9]*\)\*$/\1/p' | tr '\n' ' ' | sed 's/ $//')"
	assert_exit 0 chunkboot errors --json
	for code in $(json "$dir/out" '" ".join(sorted({str(e["exit_code"]) for e in d["errors"]}))'); do
		grep -qx "\*$code\*" < <(section '# EXIT STATUS' "$page") || fail "exit status $code"
	done
}

test_every_code_is_known() {
	grep -oh 'CB-E[0-9][0-9]*' "$pages"/*.scd | sort -u >"$dir/codes"
	test -s "$dir/codes"
	while read -r code; do
		assert_exit 0 chunkboot errors "$code"
	done <"$dir/codes"
}

# A verb's page has those with a meaning of their own, in order, and all of them are in the transcripts.
test_exit_statuses_of_verbs() {
	for verb in $(verbs); do
		section '# EXIT STATUS' "$(page_of "$verb")" | sed -n 's/^\*\([0-9]*\)\*$/\1/p' >"$dir/statuses"
		test -s "$dir/statuses" || fail "chunkboot-$verb(1) has no exit status"
		sort -cn "$dir/statuses"
		grep -qF '*chunkboot*(1)' < <(section '# EXIT STATUS' "$(page_of "$verb")") || fail "$verb: where are the others?"
		while read -r status; do
			grep -qx "exit $status" "$CB_TOP/tests/cli/golden/$verb.txt" || fail "no transcript has $verb end with $status"
		done <"$dir/statuses"
	done
}

# Each option of "loader" that goes into the configuration is explained there, too.
test_loader_configuration() {
	local file=$pages/chunkboot-loader-config.5.scd option
	for option in $(explained '# OPTIONS' "$(page_of loader)"); do
		case $option in
		output | efi | passphrase-file) continue ;;
		esac
		grep -q -- "\*--$option\*" < <(section '# WHAT IS STAMPED' "$file") || fail "--$option is not among the configuration"
	done
	grep -oh -- '\*--[a-z0-9-]*\*' "$file" | sed 's/[*]//g; s/^--//' | sort -u |
		comm -23 - <(explained '# OPTIONS' "$(page_of loader)" | sort) >"$dir/unknown"
	test ! -s "$dir/unknown" || { cat "$dir/unknown" >&2; fail 'the loader takes no such options'; }
}

# scdoc's paragraphs are more than mandoc thinks necessary; all else that it warns of is wrong.
test_pages_render() {
	local file
	for file in "$pages"/*.scd; do
		scdoc <"$file" >"$dir/page"
		assert_match '^\.TH ' "$dir/page"
		{ mandoc -T lint -W warning "$dir/page" || true; } | { grep -v 'skipping paragraph macro' || true; } >"$dir/err"
		if command -v groff >/dev/null && [ -e /usr/share/groff/current/tmac/an.tmac ]; then
			groff -man -ww -z -Tutf8 -K utf8 "$dir/page" 2>>"$dir/err"
		fi
		test ! -s "$dir/err" || { cat "$dir/err" >&2; fail "$(basename "$file") is not well-formed"; }
		mandoc -T utf8 "$dir/page" | sed 's,.\x08,,g' >"$dir/text"
		assert_match '^SEE ALSO$' "$dir/text"
		# commands are not broken into lines
		assert_no_match '.{81}' "$dir/text"
	done
}

# ---- Examples ----

# commands FILE: what a page shows as commands, as its reader sees and copies them.
commands() {
	scdoc <"$1" | awk '/^\.SH / { is_in = /EXAMPLES/ } is_in && /^\.nf$/ { is_code = 1; next } /^\.fi$/ { is_code = 0 }
		is_code && !/^\.R[SE]/' | sed 's/\\&//g; s/\\-/-/g; s/\\\\/\\/g'
}

# A realm with all that the examples speak of.
make_example_realm() {
	export HOME=$dir/home
	mkdir -p "$HOME" "$dir/srv" "$dir/boot/efi" "$dir/here"
	cd "$dir/here"
	repo=$dir/srv/boot
	keys=$HOME/keys
	chunkboot init "$repo" --keys "$keys" --kdf small --quiet
	make_pe vmlinuz kernel
	make_pe memtest.efi
	echo vmlinuz | cpio --quiet -o -H newc >initrd.img
	echo secret >id_ed25519
	echo 'grove pencil tango mirror cobalt ribbon walnut 7391' >pass.txt
	cp "$repo/metadata/1.root.json" root.json
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=boot.example \
		-keyout key.pem -out cert.pem 2>/dev/null
	for version in 1 20261122.1; do
		chunkboot publish "$repo" desktop --version "$version" --keys "$keys" --kernel vmlinuz --cmdline "$version" --quiet
	done
	chunkboot publish "$repo" memtest --keys "$keys" --efi memtest.efi --quiet
	for account in ada kiosk; do
		chunkboot account add "$repo" "$account" --keys "$keys" --env desktop --passphrase-file pass.txt --quiet
	done
	chunkboot loader "$repo" --url http://boot.example/ --efi memtest.efi -o chunkboot.efi --quiet
	truncate -s 64M "$dir/disk"
	echo 'label: gpt' | /sbin/sfdisk --quiet "$dir/disk"
	cd /
}

# The examples' places are put in place of the machine's, a thousandth of its sizes; verbs that don't end only look at
# their arguments, and there may be no loader here to stamp.
test_examples_work() {
	local file name n=0
	make_example_realm
	start_server "$repo"
	mkdir "$dir/bin"
	cat >"$dir/bin/chunkboot" <<-SCRIPT
		#!/bin/sh
		case "\$*" in
		run*) exec "$tool" "\$@" --dry-run --efi memtest.efi ;;
		serve*) exec "$tool" "\$@" --dry-run ;;
		loader*--efi*) exec "$tool" "\$@" ;;
		loader*) exec "$tool" "\$@" --efi memtest.efi ;;
		*) exec "$tool" "\$@" ;;
		esac
	SCRIPT
	chmod +x "$dir/bin/chunkboot"
	for file in "$pages"/*.scd; do
		name=$(basename "$file" .scd)
		commands "$file" | sed "s,/srv/boot,$dir/now/boot,g; s,~/,$dir/now/home/,g; s,http://boot.example/,$url,g
			s,/dev/sda,$dir/now/disk,g; s,/boot/efi/,$dir/now/here/,g; s,/boot/vmlinuz,vmlinuz,g
			s,/boot/initrd.img,initrd.img,g; s,000000000,000000,g; s,--listen [0-9.:]*,--listen 127.0.0.1:0," >"$dir/example"
		[ -s "$dir/example" ] || fail "$name has no example"
		rm -rf "$dir/now"
		mkdir "$dir/now"
		cp -r "$dir/srv/boot" "$dir/home" "$dir/here" "$dir/disk" "$dir/now/"
		case $name in
		chunkboot-init.1 | chunkboot.1) rm -rf "$dir/now/boot" "$dir/now/home/keys" ;;
		esac
		(cd "$dir/now/here" && HOME=$dir/now/home PATH=$dir/bin:$PATH bash -eu -o pipefail "$dir/example") >"$dir/out" 2>"$dir/err" ||
			{ cat "$dir/example" "$dir/out" "$dir/err" >&2; fail "an example of $name"; }
		n=$((n + 1))
	done
	test "$n" -gt "$(verbs | wc -l)"
}

run_tests "$@"
