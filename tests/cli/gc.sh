#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot gc and stats: what nothing needs goes, what is listed stays.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

gc() {
	chunkboot gc "$repo" --keys "$keys" "$@" </dev/null
}

bytes_of() {
	find "$1" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}

# make_versions: desk@1, then desk@2 with one more file, and an account that may boot desk.
make_versions() {
	make_inputs
	publish desk --version 1 --initrd "$dir/initrd" --quiet
	make_cpio "$dir/initrd" init one two three
	publish desk --version 2 --initrd "$dir/initrd" --quiet
	chunkboot account add "$repo" ada --keys "$keys" --quiet >"$dir/passphrase"
}

# Everything that is signed or listed: of the newest versions, and every root and record.
listed() {
	(cd "$repo" && ls metadata/*.root.json metadata/root.json metadata/timestamp.json metadata/bundle.cbb \
		accounts/*/* manifests/desk/*.2.cbm indexes/desk/2.*)
}

test_withdraw_then_gc() {
	make_versions
	listed >"$dir/listed"
	chunkboot withdraw "$repo" desk@1 --keys "$keys" --quiet
	before=$(bytes_of "$repo")
	assert_exit 0 chunkboot verify "$repo" --json
	chunks=$(json "$dir/out" 'd["chunks"]')
	assert_exit 0 gc --yes --json
	assert_equal "gc True 1 2" "$(json "$dir/out" '" ".join(str(d[k]) for k in ("type","removed","manifests","indexes"))')"
	assert_equal True "$(json "$dir/out" 'd["chunks"] > 0 and d["metadata"] > 0 and d["leftovers"] == 0')"
	assert_equal "$((before - $(bytes_of "$repo")))" "$(json "$dir/out" 'd["bytes"]')" "bytes freed"
	assert_equal "$(cat "$dir/listed")" "$(listed)" "listed files"
	test -z "$(find "$repo" -name '*.1.cbm' -o -name '1.*.caibx')" || fail 'the old version is still there'
	assert_equal 3 "$(find "$repo/metadata" -name '[0-9]*.json' ! -name '*.root.json' | wc -l)" "metadata files"
	assert_exit 0 chunkboot verify "$repo" --json
	assert_equal "1 $chunks" "$(json "$dir/out" 'str(d["images"]) + " " + str(d["chunks"])')"
	assert_exit 0 gc --yes
	assert_match '^nothing to remove$' "$dir/out"
	assert_exit 0 chunkboot account list "$repo" --keys "$keys"
	assert_match '^ada +ok ' "$dir/out"
	# The store is alive: the same content comes back, and is what it was.
	make_cpio "$dir/initrd" init one two
	assert_exit 0 publish desk --version 1 --initrd "$dir/initrd" --quiet
	assert_exit 0 chunkboot verify "$repo"
}

test_all_listed_stays() {
	make_versions
	make_pe "$dir/app.efi"
	chunkboot publish "$repo" tool --keys "$keys" --efi "$dir/app.efi" --quiet
	gc --yes --quiet
	(cd "$repo" && find . -type f -printf '%p %T@ %s\n' | LC_ALL=C sort) >"$dir/before"
	assert_exit 0 gc --yes
	assert_match '^nothing to remove$' "$dir/out"
	assert_equal "$(cat "$dir/before")" \
		"$(cd "$repo" && find . -type f -printf '%p %T@ %s\n' | LC_ALL=C sort)" "repository"
	assert_exit 0 chunkboot verify "$repo"
	# A client that is up to date, and one that starts at the first root, both get everything.
	start_server "$repo"
	assert_exit 0 chunkboot fetch "$url" desk -o "$dir/fetched" --root "$repo/metadata/1.root.json"
	cmp "$dir/fetched/kernel" "$dir/vmlinuz"
}

test_dry_run_and_questions() {
	make_versions
	chunkboot withdraw "$repo" desk@1 --keys "$keys" --quiet
	cp -r "$repo" "$dir/before"
	assert_exit 0 gc --dry-run --json
	cp "$dir/out" "$dir/plan"
	assert_equal False "$(json "$dir/plan" 'd["removed"]')"
	assert_exit 0 gc --dry-run
	assert_match '^would remove [0-9]+ files, [0-9.]+ .*B .chunks [0-9]+, manifests 1, ' "$dir/out"
	assert_exit 0 gc --dry-run --yes
	assert_match '^would remove ' "$dir/out"
	# Nobody to ask
	assert_exit 2 gc
	assert_match 'gc needs --yes or --dry-run$' "$dir/err"
	assert_same_tree "$dir/before" "$repo"
	answer() {
		script -qec "$tool gc $repo --keys $keys" /dev/null <<<"$1"
	}
	if command -v script >/dev/null; then
		answer n >"$dir/seen"
		assert_match '\[y/N\]' "$dir/seen"
		assert_same_tree "$dir/before" "$repo"
		answer y >"$dir/seen"
		assert_match 'removed ' "$dir/seen"
		assert_exit 0 gc --dry-run
		assert_match '^nothing to remove$' "$dir/out"
	fi
}

test_leftovers_and_foreign_files() {
	make_versions
	gc --yes --quiet
	chunk=$(find "$repo/store.castr" -name '*.cacnk' | sed -n 1p)
	cp "$chunk" "$chunk.tmp"
	echo x >"$repo/metadata/timestamp.json.tmp-AbC123"
	echo x >"$repo/manifests/desk/$(basename "$(ls "$repo"/manifests/desk/*.2.cbm)").tmp-AbC123"
	stray=$repo/store.castr/abcd/abcd$(printf '0%.0s' {1..60}).cacnk
	mkdir -p "$(dirname "$stray")"
	echo x >"$stray"
	mkdir "$repo/manifests/gone"
	cp "$repo"/manifests/desk/*.2.cbm "$repo/manifests/gone/"
	cp -r "$repo" "$dir/with-garbage"
	# None of ours: names of another form, links, directories that are links.
	for file in README metadata/notes.json metadata/7.root.json metadata/07.mirrors.json manifests/desk/notes.cbm \
		store.castr/abcd/notes store.castr/abcd/0123.cacnk store.castr/readme.cacnk favicon.tmp-AbC123; do
		echo mine >"$repo/$file"
	done
	ln -s ../README "$repo/metadata/9.targets.json"
	mkdir "$dir/shared" && cp "$stray" "$dir/shared/ef01$(printf '0%.0s' {1..60}).cacnk"
	ln -s "$dir/shared" "$repo/store.castr/ef01"
	find "$repo" "$dir/shared" ! -path "$stray" ! -name '*.tmp' ! -name '*?.json.tmp-*' ! -name '*.cbm.tmp-*' \
		! -path '*/gone*' | LC_ALL=C sort >"$dir/expected"
	assert_exit 0 gc --yes --json
	assert_equal "1 3 1 0 0" \
		"$(json "$dir/out" '" ".join(str(d[k]) for k in ("chunks","leftovers","manifests","indexes","metadata"))')"
	assert_equal "$(cat "$dir/expected")" "$(find "$repo" "$dir/shared" | LC_ALL=C sort)" "what is left"
	# A directory that became empty goes as well.
	rm -r "$repo" && mv "$dir/with-garbage" "$repo"
	gc --yes --quiet
	test ! -e "$(dirname "$stray")" || fail 'an empty directory stays'
}

test_damaged_or_foreign_repository_is_left_alone() {
	make_versions
	chunkboot withdraw "$repo" desk@1 --keys "$keys" --quiet
	chunkboot init "$dir/other" --keys "$dir/other-keys" --title Other --kdf small --quiet
	manifest=$(echo "$repo"/manifests/desk/*.2.cbm)
	cp -r "$repo" "$dir/before"
	assert_exit 3 chunkboot gc "$repo" --keys "$dir/other-keys" --yes
	assert_match '^hint: the keys in .* belong to another repository$' "$dir/err"
	assert_exit 6 chunkboot gc "$repo" --keys "$dir/absent" --yes
	assert_exit 6 chunkboot gc "$dir/absent" --keys "$keys" --yes
	assert_exit 2 chunkboot gc "$repo" --yes
	(
		exec 9<"$repo/.lock"
		flock 9
		assert_exit 7 gc --yes
	)
	assert_same_tree "$dir/before" "$repo"
	flip_byte "$manifest" 100
	assert_exit 3 gc --yes
	assert_match 'error: .*\.2\.cbm: ' "$dir/err"
	flip_byte "$manifest" 100
	mv "$manifest" "$dir/manifest"
	assert_exit 3 gc --yes
	assert_match 'error: manifest of desk@2: ' "$dir/err"
	mv "$dir/manifest" "$manifest"
	flip_byte "$repo/metadata/timestamp.json" 100
	assert_exit 3 gc --yes
	flip_byte "$repo/metadata/timestamp.json" 100
	assert_same_tree "$dir/before" "$repo"
}

test_stats() {
	make_realm
	assert_exit 0 chunkboot stats "$repo" --json
	assert_equal "stats 0 0 0 1.0" \
		"$(json "$dir/out" '" ".join(str(d[k]) for k in ("type","images","chunks","stored_bytes","dedup_ratio"))')"
	rm -r "$repo" "$keys"
	make_versions
	assert_exit 0 chunkboot list "$repo" --json
	raw=$(json "$dir/out" 'sum(i["raw_bytes"] for i in d["images"])')
	assert_exit 0 chunkboot stats "$repo" --json
	assert_equal "2 $raw" "$(json "$dir/out" 'str(d["images"]) + " " + str(d["image_bytes"])')"
	assert_equal "$(find "$repo/store.castr" -name '*.cacnk' | wc -l) $(bytes_of "$repo/store.castr")" \
		"$(json "$dir/out" 'str(d["chunks"]) + " " + str(d["stored_bytes"])')"
	assert_equal True "$(json "$dir/out" 'd["chunks_used"] > d["chunks"] and d["image_bytes"] > d["raw_bytes"]')"
	assert_equal True "$(json "$dir/out" 'abs(d["dedup_ratio"] - d["image_bytes"] / d["raw_bytes"]) < 1e-9')"
	assert_exit 0 chunkboot stats "$repo"
	assert_match '^images +[0-9.]+ [KM]?i?B  in 2 images$' "$dir/out"
	assert_match '^different .* different chunks of [0-9]+: [0-9.]+ : 1 by sharing$' "$dir/out"
	# What gc would free
	chunkboot withdraw "$repo" desk@1 --keys "$keys" --quiet
	assert_exit 0 gc --dry-run --json
	unlisted=$(json "$dir/out" 'str(d["files"]) + " " + str(d["bytes"])')
	assert_exit 0 chunkboot stats "$repo" --json
	assert_equal "$unlisted" "$(json "$dir/out" 'str(d["unlisted_files"]) + " " + str(d["unlisted_bytes"])')"
	assert_exit 6 chunkboot stats "$dir/absent"
	assert_exit 2 chunkboot stats
	rm "$repo"/manifests/desk/*.2.cbm
	assert_exit 3 chunkboot stats "$repo"
}

run_tests "$@"
