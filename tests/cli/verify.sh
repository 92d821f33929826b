#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot verify: every kind of damage is found, named, and ends with exit 3.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

# make_repo: a repository with one image of several chunks.
make_repo() {
	make_inputs
	publish desk --version 1 --initrd "$dir/initrd.gz" --chunk-size 4K:16K:64K --quiet
	chunk=$(find "$repo/store.castr" -name '*.cacnk' | LC_ALL=C sort | sed -n 1p)
	manifest=$(echo "$repo"/manifests/desk/*.1.cbm)
}

# assert_found CODE OBJECT: verify names it, in words and as JSON.
assert_found() {
	assert_exit 3 chunkboot verify "$repo"
	assert_match "^chunkboot: error: .*$2" "$dir/err"
	assert_exit 3 chunkboot verify "$repo" --json
	assert_match "\"type\":\"error\",\"code\":\"$1\"" "$dir/out"
}

# assert_problem CODE OBJECT: the same, and the report lists exactly this problem.
assert_problem() {
	assert_found "$@"
	head -1 "$dir/out" >"$dir/report"
	assert_equal "False 1 $1 $2" \
		"$(json "$dir/report" '" ".join(map(str, (d["good"], d["n_problems"], d["problems"][0]["code"], d["problems"][0]["object"])))')"
}

test_all_good() {
	make_repo
	publish other --quiet
	assert_exit 0 chunkboot verify "$repo"
	assert_match '^all good: 2 images, [0-9]+ chunks, ' "$dir/out"
	assert_exit 0 chunkboot verify "$repo" --json
	assert_equal "True 2 0 []" \
		"$(json "$dir/out" '" ".join(map(str, (d["good"], d["images"], d["n_problems"], d["problems"])))')"
}

test_empty_repository() {
	make_realm
	assert_exit 0 chunkboot verify "$repo"
	assert_exit 6 chunkboot verify "$dir"
}

test_chunk_flipped_at_every_part() {
	make_repo
	cp "$chunk" "$dir/good"
	size=$(stat -c %s "$chunk")
	for at in 0 5 $((size / 2)) $((size - 1)); do
		cp "$dir/good" "$chunk"
		flip_byte "$chunk" "$at"
		assert_problem CB-E303 "${chunk#"$repo/"}"
	done
}

test_chunk_missing_cut_longer_or_other() {
	make_repo
	cp "$chunk" "$dir/good"
	rm "$chunk"
	assert_problem CB-E306 "${chunk#"$repo/"}"
	head -c 100 "$dir/good" >"$chunk"
	assert_problem CB-E303 "${chunk#"$repo/"}"
	(cat "$dir/good"; echo) >"$chunk"
	assert_problem CB-E303 "${chunk#"$repo/"}"
	# a good chunk under another's name
	other=$(find "$repo/store.castr" -name '*.cacnk' | LC_ALL=C sort | tail -1)
	cp "$other" "$chunk"
	assert_problem CB-E303 "${chunk#"$repo/"}"
	# publishing again repairs it
	assert_exit 0 publish desk --version 1 --initrd "$dir/initrd.gz" --chunk-size 4K:16K:64K
	assert_match '1 chunk files that loaders could not use were made again' "$dir/err"
	assert_exit 0 chunkboot verify "$repo"
}

test_every_damaged_chunk_is_listed() {
	make_repo
	for file in $(find "$repo/store.castr" -name '*.cacnk' | LC_ALL=C sort | sed -n 1,3p); do
		flip_byte "$file" 20
	done
	assert_exit 3 chunkboot verify "$repo" --json
	head -1 "$dir/out" >"$dir/report"
	assert_equal "3 3" "$(json "$dir/report" '"%d %d" % (d["n_problems"], len(set(p["object"] for p in d["problems"])))')"
	assert_match 'hint: 3 problems in all' "$dir/err"
}

test_manifest() {
	make_repo
	cp "$manifest" "$dir/good"
	flip_byte "$manifest" 200
	assert_problem CB-E302 "${manifest#"$repo/"}"
	head -c 100 "$dir/good" >"$manifest"
	assert_problem CB-E302 "${manifest#"$repo/"}"
	rm "$manifest"
	assert_problem CB-E206 "${manifest#"$repo/"}"
}

test_index() {
	make_repo
	index=indexes/desk/1.initrd-0.caibx
	cp "$repo/$index" "$dir/good"
	flip_byte "$repo/$index" 80
	assert_problem CB-E305 $index
	head -c 100 "$dir/good" >"$repo/$index"
	assert_problem CB-E301 $index
	cp "$repo/indexes/desk/1.kernel.caibx" "$repo/$index"
	assert_problem CB-E305 $index
	rm "$repo/$index"
	assert_problem CB-E206 $index
}

test_metadata() {
	make_repo
	cp -r "$repo/metadata" "$dir/good"
	for name in timestamp 2.snapshot 2.targets 1.accounts 1.root; do
		rm -rf "$repo/metadata"
		cp -r "$dir/good" "$repo/metadata"
		size=$(stat -c %s "$repo/metadata/$name.json")
		flip_byte "$repo/metadata/$name.json" $((size - 30))
		assert_found 'CB-E20[125]' "metadata/$name.json"
	done
	for name in timestamp 2.snapshot 2.targets 1.accounts; do
		rm -rf "$repo/metadata"
		cp -r "$dir/good" "$repo/metadata"
		rm "$repo/metadata/$name.json"
		assert_found CB-E206 "metadata/$name.json"
	done
	rm -rf "$repo/metadata"
	cp -r "$dir/good" "$repo/metadata"
	flip_byte "$repo/metadata/root.json" 50
	assert_problem CB-E205 metadata/root.json
}

test_expired_metadata() {
	make_repo
	# shellcheck disable=SC2154  # set by lib.sh
	assert_exit 0 faketime '+6 days' "$tool" verify "$repo"
	assert_exit 3 faketime '+8 days' "$tool" verify "$repo"
	assert_match '^chunkboot: error: .*metadata/timestamp.json: metadata has expired$' "$dir/err"
}

test_account_record() {
	make_repo
	chunkboot account add "$repo" ada --keys "$keys" --env desk --quiet >"$dir/passphrase"
	assert_exit 0 chunkboot verify "$repo" --json
	assert_equal 1 "$(json "$dir/out" 'd["records"]')"
	record=$(find "$repo/accounts" -type f)
	cp "$record" "$dir/good"
	flip_byte "$record" 1000
	assert_problem CB-E202 "${record#"$repo/"}"
	head -c 100 "$dir/good" >"$record"
	assert_problem CB-E201 "${record#"$repo/"}"
	cp "$dir/good" "${record%?}$(basename "$record" | tail -c 2 | tr 0-9a-f 1-9a-f0)"
	cp "$dir/good" "$record"
	assert_exit 3 chunkboot verify "$repo"
}

run_tests "$@"
