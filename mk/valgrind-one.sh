#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs one test program (without sanitizers) under valgrind: no invalid access, no undefined value, no leak.
#
# usage: mk/valgrind-one.sh PROGRAM
set -euo pipefail

command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
# A few runs of each campaign are enough here.
export SIM_SEEDS=${SIM_SEEDS:-1-40}
# The counters of "make coverage" are of no interest here.
LLVM_PROFILE_FILE=/dev/null exec valgrind --quiet --error-exitcode=99 --leak-check=full \
	--show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible "$1"
