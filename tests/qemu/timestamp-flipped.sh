#!/bin/bash
# SPDX-License-Identifier: MIT
# One flipped bit in the timestamp: CB-E202, before anybody is asked to sign in.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
# a decimal digit inside the signature, so that the file stays well-formed
at=$(python3 -c '
import re, sys
text = open(sys.argv[1]).read()
sig = re.search(r"\"sig\":\"([0-9a-f]{128})\"", text)
print(next(i for i in range(sig.start(1), sig.end(1)) if text[i] in "23456789"))
' "$dir/repo/metadata/timestamp.json")
flip_bit "$dir/repo/metadata/timestamp.json" "$at"
serve "$dir/repo"
stamp "$shared/repo" "$port"
boot expect 'CB-E202 ' expect 'R retry' key B power-off
assert_codes CB-E202
assert_not_booted
