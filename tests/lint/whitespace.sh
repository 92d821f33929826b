#!/bin/bash
# SPDX-License-Identifier: MIT
# Text files have no trailing blanks, no carriage returns, and end with a line end; no marks for later are left.
set -euo pipefail

status=0
mapfile -t files < <(tests/lint/files '*')
text=()
for file in "${files[@]}"; do
	[[ -s $file ]] && grep -qI . "$file" && text+=("$file")
done
if grep -nE '[[:blank:]]+$|'$'\r' "${text[@]}"; then
	echo "trailing blanks or carriage returns in the lines above"
	status=1
fi
# Spelled so that this line does not find itself.
if grep -nwE 'TO''DO|FIX''ME|XX''X' "${text[@]}"; then
	echo "marks for later in the lines above"
	status=1
fi
for file in "${text[@]}"; do
	if [[ -n $(tail -c 1 "$file") ]]; then
		echo "$file: no line end at the end"
		status=1
	fi
done
exit "$status"
