#!/bin/bash
# SPDX-License-Identifier: MIT
# codespell finds no misspelled word; spelling-words.txt has the ones that it knows better than we do.
set -euo pipefail

mapfile -t files < <(tests/lint/files '*.c' '*.h' '*.sh' '*.py' '*.mk' '*.md' '*.scd' '*.txt' '*.js' Makefile 'images/*' |
	grep -vx 'chunkboot/host/words.c') # the passphrase words are as they are
codespell --ignore-words tests/lint/spelling-words.txt "${files[@]}"
