#!/bin/bash
# SPDX-License-Identifier: MIT
# The shell scripts pass shellcheck.
set -euo pipefail

# SC1091: sourced files are checked by themselves. SC2016: $ in single quotes is meant. SC2317: trap handlers.
mapfile -t scripts < <(
	tests/lint/files '*.sh'
	tests/lint/files '*' | while IFS= read -r file; do
		[[ $file != *.sh ]] && head -n 1 "$file" | grep -qaE '^#!/bin/(ba)?sh' && printf '%s\n' "$file"
	done || true
)
shellcheck --severity=info --exclude=SC1091,SC2016,SC2317 "${scripts[@]}"
