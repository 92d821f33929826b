#!/bin/bash
# SPDX-License-Identifier: MIT
# As tests/lint/two-builds.sh, with the third-party libraries and the tool built in each folder, too.
# timeout: 1800
set -euo pipefail

exec bash tests/lint/two-builds.sh all
