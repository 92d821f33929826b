#!/bin/bash
# SPDX-License-Identifier: MIT
# Our sources pass clang-tidy with the checks of .clang-tidy.
# timeout: 1800
set -euo pipefail

flags() {
	make --silent --no-print-directory BUILD="$CB_BUILD" NO_DEPS=1 "print-$1"
}

read -r -a host < <(echo "-std=gnu17 $(flags HOST_CPPFLAGS) $(flags LWIP_CPPFLAGS)")
read -r -a efi < <(echo "$(flags EFI_TARGET_x86_64) -std=gnu17 -ffreestanding -fshort-wchar -nostdlibinc -Ichunkboot" \
	"-Iefi -I$CB_BUILD/gen $(flags EFI_LIBC) $(flags EFI_TP_CPPFLAGS) $(flags LWIP_CPPFLAGS) $(flags EFI_GNUEFI)")

mapfile -t hosted < <(tests/lint/files 'chunkboot/core/*.c' 'chunkboot/host/*.c' 'chunkboot/cmd/*.c')
mapfile -t loader < <(tests/lint/files 'chunkboot/net/*.c' 'efi/*.c')
status=0
# A result is kept by the contents of the file and of every header, so that a second run is quick.
cache=$CB_BUILD/tidy
mkdir -p "$cache"
common=$(tests/lint/files '*.h' .clang-tidy mk/flags.mk | xargs cat | sha256sum | cut -d' ' -f1)

check() {
	local file=$1 key
	shift
	key=$cache/$( (echo "$common"; cat "$file") | sha256sum | cut -d' ' -f1)
	[[ -f $key ]] && return
	# On stderr it counts the warnings that it does not show; when it fails, the reason is there, too.
	if clang-tidy --quiet "$file" -- "$@" 2>"$key.stderr"; then
		touch "$key"
		rm "$key.stderr"
	else
		printf '%s:\n' "$file"
		cat "$key.stderr"
		rm "$key.stderr"
		return 1
	fi
}
export -f check
export cache common
if [[ ${#hosted[@]} -gt 0 ]]; then
	printf '%s\0' "${hosted[@]}" | xargs -0 -P 2 -I{} bash -c 'check "$@"' check {} "${host[@]}" || status=1
fi
if [[ ${#loader[@]} -gt 0 ]]; then
	printf '%s\0' "${loader[@]}" | xargs -0 -P 2 -I{} bash -c 'check "$@"' check {} "${efi[@]}" || status=1
fi
exit "$status"
