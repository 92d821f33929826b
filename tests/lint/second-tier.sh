#!/bin/bash
# SPDX-License-Identifier: MIT
# The second tier, which runs seldom, has something of each suite, and its runner takes what it is given.
set -euo pipefail

make --no-print-directory plan-full BUILD="$CB_BUILD" >"$CB_TEST_TMP/plan"
for suite in full campaign coverage valgrind-full; do
	grep -q "^$suite/" "$CB_TEST_TMP/plan" || { echo "the second tier has nothing of: $suite"; exit 1; }
done
