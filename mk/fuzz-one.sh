#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs one fuzzer for some seconds from its corpus; what it finds goes to the build folder, not the corpus.
#
# usage: mk/fuzz-one.sh SECONDS PROGRAM
set -euo pipefail

readonly seconds=$1 program=$2
name=$(basename "$program")
short=${name#fuzz_}
state=$(dirname "$program")/state/$name
mkdir -p "$state/found" "$state/crashes"

corpora=("$state/found")
options=()
for dir in "tests/fuzz/corpus/$short" "tests/fuzz/corpus/$name"; do
	[[ -d $dir ]] && corpora+=("$dir")
done
for dict in "tests/fuzz/$short.dict" "tests/fuzz/corpus/$short.dict"; do
	[[ -f $dict ]] && options+=("-dict=$dict")
done

# The corpus itself first: an input that once failed is a regression test.
seeds=$(find "${corpora[@]:1}" -type f 2>/dev/null | wc -l)
echo "$name: $seeds inputs, then $seconds s"
# libFuzzer's own status after a crash is 77, which the runner takes for a skipped test.
exec "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -error_exitcode=1 \
	-artifact_prefix="$state/crashes/" "${options[@]}" "${corpora[@]}"
