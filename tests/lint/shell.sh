#!/bin/bash
# SPDX-License-Identifier: MIT
# The shell scripts pass shellcheck, and no pipe ends in a command that may leave before its input has ended: under
# "pipefail" the writer's SIGPIPE would now and then be the pipe's status.
set -euo pipefail

# SC1091: sourced files are checked by themselves. SC2016: $ in single quotes is meant. SC2317: trap handlers.
mapfile -t scripts < <(
	tests/lint/files '*.sh'
	tests/lint/files '*' | while IFS= read -r file; do
		[[ $file != *.sh ]] && grep -qaE '^#!/bin/(ba)?sh' < <(head -n 1 "$file") && printf '%s\n' "$file"
	done || true
)
shellcheck --severity=info --exclude=SC1091,SC2016,SC2317 "${scripts[@]}"

if grep -nE '\| *(head |grep (-[a-zA-Z]* )*-[a-zA-Z]*[qm])' "${scripts[@]}"; then
	echo 'use "sed -n 1p", or give grep its input by <(...)'
	exit 1
fi
