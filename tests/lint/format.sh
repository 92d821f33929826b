#!/bin/bash
# SPDX-License-Identifier: MIT
# Every C file has the form that .clang-format gives it.
set -euo pipefail

mapfile -t files < <(tests/lint/files '*.c' '*.h')
[[ ${#files[@]} -gt 0 ]] || { echo "no C files yet"; exit 77; }
clang-format --dry-run -Werror "${files[@]}"
