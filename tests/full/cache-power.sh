#!/bin/bash
# SPDX-License-Identifier: MIT
# As tests/sim/test_cache_power.c in the first tier, with 200,000 power cuts.
# timeout: 3600
set -euo pipefail

CB_CUTS=200000 exec "$CB_BUILD/san/sim/test_cache_power"
