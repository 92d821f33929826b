#!/bin/bash
# SPDX-License-Identifier: MIT
# Every file says on top what its licence is and, in a sentence, what the file is; those that can't are named here.
set -euo pipefail

# has_no_comments FILE: documents, which begin with their title; pictures, JSON, lists of words.
has_no_comments() {
	case $1 in
	LICENSE | *.md | *.png | *.json | .gitignore) ;;
	tests/cli/golden/*.txt | tests/lint/spelling-words.txt | tests/sim/known-failures.txt) ;;
	*) return 1 ;;
	esac
}

status=0
while IFS= read -r file; do
	has_no_comments "$file" && continue
	mapfile -t lines < <(head -n 5 "$file" | tr -d '\0')
	first=0
	[[ ${lines[0]:-} == '#!'* ]] && first=1
	# scdoc takes nothing before the page's name
	[[ $file == *.scd ]] && first=2
	if [[ ${lines[$first]:-} != *'SPDX-License-Identifier: MIT'* ]]; then
		echo "$file: no SPDX line on top"
		status=1
	elif [[ ${lines[$((first + 1))]:-} == '/*' && ${lines[$((first + 2))]:-} == ' * '?* ]]; then
		: # a longer text follows
	elif ! [[ ${lines[$((first + 1))]:-} =~ ^(/\*|//|#|\"\"\"|\ \*|\;)' '?[[:upper:]\"\'_a-z].{8,} ]]; then
		echo "$file: the line after the SPDX line does not say what the file is"
		status=1
	fi
done < <(tests/lint/files '*')
exit "$status"
