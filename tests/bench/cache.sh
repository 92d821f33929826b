#!/bin/sh
# SPDX-License-Identifier: MIT
# The cache: opening 64 GiB with 500,000 chunks, filling, reading; on whatever disk the build folder is.
set -eu
make --no-print-directory "${CB_BUILD#"$CB_TOP/"}/bench/bench_cache"
exec "$CB_BUILD/bench/bench_cache" "$CB_TEST_TMP/cache"
