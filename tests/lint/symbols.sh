#!/bin/bash
# SPDX-License-Identifier: MIT
# Global symbols start with cb_ but for those named here; the core has no variables, and calls only what it may.
set -euo pipefail

readonly symbols=$CB_TEST_TMP/symbols
status=0

complain() {
	[[ -n $2 ]] || return 0
	printf '%s:\n%s\n' "$1" "$2"
	status=1
}

# read_symbols FOLDER: of its objects, to $symbols. Columns: address, kind, name; undefined ones have no address.
read_symbols() {
	local objects
	mapfile -t objects < <(find "$CB_BUILD/$1" -name '*.o')
	((${#objects[@]} > 0)) || { echo "$CB_BUILD/$1 has no objects"; exit 1; }
	llvm-nm --no-sort "${objects[@]}" >"$symbols"
}

# What compilers make of constants
readonly compilers='\.|__real@|__xmm@|\?\?_C@'

# check_names FOLDER [EXCEPTIONS]: an extended regular expression of whole names
check_names() {
	read_symbols "$1"
	complain "$1: global symbols without cb_" "$(
		awk 'NF == 3 && $2 ~ /^[A-Z]$/ { print $3 }' "$symbols" | sort -u |
			grep -vE "^(cb_|$compilers)${2:+|^($2)\$}" | sed 's/^/\t/'
	)"
}

# What the firmware calls, what compilers call by themselves, and what the libraries need of a C library.
readonly entry='efi_main' runtime='_fltused|__security_(cookie|check_cookie)'
readonly libc='abort|atoi|malloc|calloc|free|mem(chr|cmp|cpy|move|set)|str(chr|cmp|len|ncmp|nlen|rchr)'
# What efi/libsodium.c has of libsodium's own.
readonly sodium='crypto_generichash_blake2b(_init|_update|_final)?|sodium_misuse'

# lwIP asks for its clock by name.
check_names efi-x86_64/chunkboot/net 'sys_now'
check_names efi-x86_64/efi "$entry|$runtime|$libc|$sodium"
check_names host/chunkboot/host
# The command line's variables have names of their own.
check_names host/chunkboot/cmd 'main|arg_[a-z_]+'
check_names efi-x86_64/chunkboot/core

# Last, as these are about the core.
complain "variables (state belongs into a struct that is passed)" \
	"$(awk 'NF == 3 && $2 ~ /^[dDbBC]$/ && $3 !~ /^\./ { print "\t" $3 }' "$symbols" | sort -u)"
complain "calls outside of the core that it may not make" \
	"$(awk '$1 == "U" { print $2 }' "$symbols" | sort -u |
		grep -vE '^(cb_|br_|ZSTD_|crypto_|sodium_|mem(cpy|move|set|cmp|chr)$|str(len|nlen|cmp|ncmp|chr|rchr)$|abort$|_fltused$|__security_(cookie|check_cookie)$)' |
		sed 's/^/\t/')"
exit "$status"
