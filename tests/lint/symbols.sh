#!/bin/bash
# SPDX-License-Identifier: MIT
# The core's global symbols start with cb_, it has no variables, and it calls only what it may.
set -euo pipefail

readonly core=$CB_BUILD/efi-x86_64/chunkboot/core
compgen -G "$core/*.o" >/dev/null || { echo "the core has no sources yet"; exit 77; }
llvm-nm --no-sort "$core"/*.o >"$CB_TEST_TMP/symbols"

status=0
complain() {
	[[ -n $2 ]] || return 0
	printf '%s:\n%s\n' "$1" "$2"
	status=1
}
# Columns: address, kind, name; undefined ones have no address.
complain "global symbols without cb_" \
	"$(awk 'NF == 3 && $2 ~ /^[A-Z]$/ && $3 !~ /^(cb_|\.|__real@|__xmm@|\?\?_C@)/ { print "\t" $3 }' "$CB_TEST_TMP/symbols" | sort -u)"
complain "variables (state belongs into a struct that is passed)" \
	"$(awk 'NF == 3 && $2 ~ /^[dDbBC]$/ && $3 !~ /^\./ { print "\t" $3 }' "$CB_TEST_TMP/symbols" | sort -u)"
complain "calls outside of the core that it may not make" \
	"$(awk '$1 == "U" { print $2 }' "$CB_TEST_TMP/symbols" | sort -u |
		grep -vE '^(cb_|br_|ZSTD_|crypto_|sodium_|mem(cpy|move|set|cmp|chr)$|str(len|nlen|cmp|ncmp|chr|rchr)$|abort$|_fltused$|__security_(cookie|check_cookie)$)' |
		sed 's/^/\t/')"
exit "$status"
