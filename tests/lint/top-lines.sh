#!/bin/bash
# SPDX-License-Identifier: MIT
# Every source file says on top what its licence is and, in a sentence, what the file is.
set -euo pipefail

status=0
while IFS= read -r file; do
	mapfile -t lines < <(head -n 4 "$file")
	first=0
	[[ ${lines[0]:-} == '#!'* ]] && first=1
	if [[ ${lines[$first]:-} != *'SPDX-License-Identifier: MIT'* ]]; then
		echo "$file: no SPDX line on top"
		status=1
	elif [[ ${lines[$((first + 1))]:-} == '/*' && ${lines[$((first + 2))]:-} == ' * '?* ]]; then
		: # a longer text follows
	elif ! [[ ${lines[$((first + 1))]:-} =~ ^(/\*|//|#|\"\"\"|\ \*|\;)' '?[[:upper:]\"\'_a-z].{8,} ]]; then
		echo "$file: the line after the SPDX line does not say what the file is"
		status=1
	fi
done < <(tests/lint/files '*.c' '*.h' '*.S' '*.sh' '*.py' '*.js' '*.mjs' '*.mk' Makefile)
exit "$status"
