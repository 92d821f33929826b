#!/bin/bash
# SPDX-License-Identifier: MIT
# The only server stops when half of the image has arrived: the loader says that it waits. Once the server is there
# again the boot goes on by itself.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

half=$(find "$shared/repo/store.castr" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum / 2) }')
serve "$shared/repo"
mkfifo "$dir/start"
relay "$port" "$half" "$dir/start"
# prefetched, nothing of the image would be left to fetch
stamp "$shared/repo" "$port" -- --no-prefetch
boot "${sign_in[@]}" expect 'Waiting for the network' run "echo go >'$dir/start'" "${comes_up[@]}"
assert_no_codes
assert_booted
