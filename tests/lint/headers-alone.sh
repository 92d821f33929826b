#!/bin/bash
# SPDX-License-Identifier: MIT
# Each header compiles by itself, under the flags of the part it belongs to.
set -euo pipefail

flags() {
	make --silent --no-print-directory BUILD="$CB_BUILD" NO_DEPS=1 "print-$1"
}

read -r -a efi < <(echo "$(flags EFI_TARGET_x86_64) $(flags EFI_OWN) $(flags EFI_LIBC) $(flags EFI_TP_CPPFLAGS)")
read -r -a gnuefi < <(flags EFI_GNUEFI)
read -r -a lwip < <(flags LWIP_CPPFLAGS)
read -r -a host < <(echo "-std=gnu17 $(flags WARNINGS) $(flags HOST_CPPFLAGS) $(flags TEST_CPPFLAGS)")

n=0
status=0
while IFS= read -r header; do
	args=(-Ichunkboot -I"$CB_BUILD/gen")
	case $header in
	chunkboot/core/*) args+=("${efi[@]}") ;;
	chunkboot/net/lwipopts.h | chunkboot/net/arch/*) continue ;; # lwIP decides when these are read
	chunkboot/net/*) args+=("${efi[@]}" "${lwip[@]}") ;;
	efi/libc/*) args+=("${efi[@]}") ;;
	efi/*) args+=("${efi[@]}" "${lwip[@]}" -Iefi "${gnuefi[@]}") ;;
	*) args+=("${host[@]}" "${lwip[@]}") ;;
	esac
	# Through a file of its own: a header as the main file would warn about its own guard.
	printf '#include "%s"\n' "$PWD/$header" >"$CB_TEST_TMP/one.c"
	n=$((n + 1))
	clang "${args[@]}" -fsyntax-only "$CB_TEST_TMP/one.c" || { echo "$header: does not compile alone"; status=1; }
done < <(tests/lint/files 'chunkboot/*.h' 'efi/*.h' 'tests/*.h')
[[ $n -gt 0 ]] || { echo "no headers yet"; exit 77; }
exit "$status"
