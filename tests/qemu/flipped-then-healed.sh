#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
# One flipped bit in a rotated root, timestamp, snapshot, targets, account record and manifest: a code each, and what
# was healed is taken at the next retry. In the end the image boots, under the rotated root.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# rotate_root REPO: its root, as version 2 and signed anew.
rotate_root() {
	python3 - "$1/metadata/root.json" >"$dir/signed" <<'PYTHON'
import json, sys
signed = json.load(open(sys.argv[1]))["signed"]
signed["version"] = 2
print(json.dumps(signed, sort_keys=True, separators=(",", ":")), end="")
PYTHON
	openssl pkeyutl -sign -rawin -inkey "$shared/keys/offline/root.pem" -in "$dir/signed" -out "$dir/signature"
	python3 - "$1/metadata/root.json" "$dir/signed" "$dir/signature" >"$1/metadata/2.root.json" <<'PYTHON'
import json, sys
[keyid] = json.load(open(sys.argv[1]))["signed"]["roles"]["root"]["keyids"]
signed, sig = open(sys.argv[2]).read(), open(sys.argv[3], "rb").read().hex()
print(f'{{"signatures":[{{"keyid":"{keyid}","sig":"{sig}"}}],"signed":{signed}}}', end="")
PYTHON
}

# spoiled FILE SUBJECT CODE [STEP...]: one bit of it is flipped; the boot's next steps are those given, then the
# code with the subject, and a retry with the good file in its place.
spoiled() {
	local file=$dir/repo/$1 subject=$2 code=$3
	cp "$file" "$file.good"
	if [[ $file == *.root.json || $file == */timestamp.json ]]; then
		flip_signature "$file"
	else
		flip_bit "$file" 100
	fi
	steps+=("${@:4}" expect "$code " expect "$subject" expect 'R retry' run "mv '$file.good' '$file'" key R)
}

copy_repo "$dir/repo"
rotate_root "$dir/repo"
# signed anew it is the only record that the shared repository has no link to
chunkboot account renew "$dir/repo" ada --keys "$shared/keys" --quiet
record=$(cd "$dir/repo" && find accounts -type f -links 1)
rm "$dir/repo/metadata/bundle.cbb" # it has good ones
manifest=$(cd "$dir/repo" && echo manifests/minimal/*)
steps=()
spoiled metadata/2.root.json 2.root.json CB-E202
spoiled metadata/timestamp.json timestamp.json CB-E202
spoiled metadata/2.snapshot.json 2.snapshot.json CB-E205
spoiled metadata/2.targets.json 2.targets.json CB-E205
spoiled "$record" 'account record' CB-E403 "${sign_in[@]}"
spoiled "$manifest" manifests/minimal/ CB-E302 "${sign_in[@]}"
serve "$dir/repo"
stamp "$shared/repo" "$port"
boot "${steps[@]}" "${comes_up[@]}"
assert_codes CB-E202 CB-E202 CB-E205 CB-E205 CB-E403 CB-E302
assert_booted
grep -q '"metadata_versions":{"root":2,' "$console" || fail 'it booted under another root'
