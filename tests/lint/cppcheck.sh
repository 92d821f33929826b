#!/bin/bash
# SPDX-License-Identifier: MIT
# cppcheck finds no error and nothing suspicious in our sources.
# timeout: 900
set -euo pipefail

mapfile -t files < <(tests/lint/files 'chunkboot/core/*.c' 'chunkboot/host/*.c' 'chunkboot/cmd/*.c' 'chunkboot/net/*.c' \
	'efi/*.c')
[[ ${#files[@]} -gt 0 ]] || { echo "no sources yet"; exit 77; }
mkdir -p "$CB_BUILD/cppcheck"
# cppcheck 2.10 does not parse an attribute between "enum" and its name: it gets a copy without it.
tests/lint/files 'chunkboot/*.[ch]' 'efi/*.[ch]' | xargs cp --parents -t "$CB_TEST_TMP"
find "$CB_TEST_TMP" -name '*.h' -exec sed -i 's/^enum CB_MUST_CHECK /enum /' {} +
cd "$CB_TEST_TMP"
cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 -j 2 \
	--cppcheck-build-dir="$CB_BUILD/cppcheck" --suppress=missingInclude --suppress=missingIncludeSystem \
	--suppress=unmatchedSuppression -Ichunkboot -Iefi "${files[@]}"
