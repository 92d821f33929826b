#!/bin/sh
# SPDX-License-Identifier: MIT
# Simulated boots an hour on one core, and the engine's goodput in virtual time over simulated lines.
# Without sanitizers, key derivation stubbed at the seam.
set -eu
bench="${CB_BUILD#"$CB_TOP/"}/bench"
make --no-print-directory "$bench/bench_boot" "$bench/bench_goodput"
taskset -c 0 "$CB_BUILD/bench/bench_boot" 2000
taskset -c 0 "$CB_BUILD/bench/bench_goodput"
