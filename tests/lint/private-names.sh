#!/bin/bash
# SPDX-License-Identifier: MIT
# No path of somebody's machine and no host name of a package mirror is in the repository.
set -euo pipefail

readonly paths='(^|[^[:alnum:]_.])/(work|root|home/[a-z]+|Users/[A-Za-z]+)/'
readonly mirrors='(deb|ftp|security|snapshot|archive|httpredir)[a-z0-9.-]*\.(debian|ubuntu)\.(org|com|net)'
status=0
mapfile -t files < <(tests/lint/files '*' | grep -vx 'tests/lint/private-names.sh')
if printf '%s\0' "${files[@]}" | xargs -0 grep -nIE "$paths|$mirrors"; then
	echo "the lines above name a machine's own path or a mirror"
	status=1
fi
exit "$status"
