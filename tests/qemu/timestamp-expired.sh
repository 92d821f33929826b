#!/bin/bash
# SPDX-License-Identifier: MIT
# A timestamp that is older than its life by the machine's clock: CB-E203; a refreshed one is taken at the retry.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
later=$(($(date +%s) + 8 * 24 * 3600))
machine=(--rtc "$(date -u -d "@$later" +%Y-%m-%dT%H:%M:%S)")
serve "$dir/repo"
stamp "$shared/repo" "$port"
boot expect 'CB-E203 ' expect timestamp.json expect 'R retry' \
	run "'$tool' refresh '$dir/repo' --keys '$shared/keys' --sign-time $later --quiet" \
	key R "${sign_in[@]}" "${comes_up[@]}"
assert_codes CB-E203
assert_booted
