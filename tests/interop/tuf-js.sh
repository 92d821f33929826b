#!/bin/bash
# SPDX-License-Identifier: MIT
# Another TUF client, npm's tuf-js, reads our repositories, and refuses what is refused here.
# timeout: 900
set -euo pipefail

src=$CB_TOP/tests/interop/tuf-js
modules=$CB_BUILD/interop/tuf-js

for program in node npm; do
	command -v "$program" >/dev/null || { echo "$program is not installed"; exit 77; }
done

mkdir -p "$modules"
if ! cmp -s "$src/package-lock.json" "$modules/installed-lock.json"; then
	cp "$src/package.json" "$src/package-lock.json" "$modules/"
	if ! (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1); then
		cat "$modules/npm.log"
		echo "npm could not install tuf-js"
		exit 77
	fi
	cp "$src/package-lock.json" "$modules/installed-lock.json"
fi

# Node looks for modules from where the script lies.
cp "$src/"*.mjs "$modules/"
exec node "$modules/check.mjs" "$CB_BUILD/chunkboot" "$CB_TEST_TMP"
