#!/bin/sh
# SPDX-License-Identifier: MIT
# Simulated boots an hour on one core, without sanitizers, key derivation stubbed at the seam.
set -eu
make --no-print-directory "${CB_BUILD#"$CB_TOP/"}/bench/bench_boot"
exec taskset -c 0 "$CB_BUILD/bench/bench_boot" 2000
