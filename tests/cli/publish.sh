#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot publish, withdraw, default, list, inspect: what they write, report and refuse.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

snapshot_tree() {
	(cd "$repo" && find . -type f ! -name .lock -printf '%p %T@ %s\n' | LC_ALL=C sort)
}

test_happy_path() {
	make_inputs
	assert_exit 0 publish desk --initrd "$dir/initrd.gz" --cmdline 'console=ttyS0' --cmdline-allow quiet \
		--title 'Büro' --json
	cp "$dir/out" "$dir/report"
	assert_equal "publish desk linux x86_64 1 True False" \
		"$(json "$dir/report" '" ".join(str(d[k]) for k in ("type","name","kind","arch","serial","default","unchanged"))')"
	assert_equal True "$(json "$dir/report" 'd["new_bytes"] == d["update_bytes"] == d["stored_bytes"] > 0')"
	assert_equal 0 "$(json "$dir/report" 'd["reused_bytes"]')"
	assert_equal True "$(json "$dir/report" 'd["ram_need"] > d["raw_bytes"] + d["stored_bytes"]')"
	version=$(json "$dir/report" 'd["version"]')
	assert_match '^20[0-9]{6}\.1$' <(echo "$version")
	test -s "$repo/indexes/desk/$version.kernel.caibx"
	test -s "$repo/indexes/desk/$version.initrd-0.caibx"
	manifest=$(echo "$repo"/manifests/desk/*."$version.cbm")
	assert_equal "$(sha256sum <"$manifest" | cut -d' ' -f1)" "$(basename "$manifest" ".$version.cbm")"
	assert_equal "" "$(find "$repo" -name '*tmp*')"
	assert_exit 0 chunkboot verify "$repo"
	assert_match '^all good: 1 image, ' "$dir/out"
}

test_manifest_says_what_was_asked_for() {
	make_inputs
	publish desk --version 1.0 --initrd "$dir/initrd.gz" --initrd "$dir/initrd" --cmdline 'a=b c' \
		--cmdline-allow quiet --cmdline-allow lang= --title 'A desk' --quiet
	assert_exit 0 chunkboot inspect "$repo"/manifests/desk/*.1.0.cbm --json
	assert_equal "a=b c|A desk|['quiet', 'lang=']" \
		"$(json "$dir/out" 'd["cmdline"] + "|" + d["title"] + "|" + str(d["cmdline_allow"])')"
	assert_equal "['kernel', 'initrd-0', 'initrd-1']" "$(json "$dir/out" '[s["name"] for s in d["segments"]]')"
	assert_equal "[False, True, True]" "$(json "$dir/out" '[s["normalised"] for s in d["segments"]]')"
	# The compressed one is unpacked: equal in content, so equal in chunks.
	assert_equal True "$(json "$dir/out" 'd["segments"][1]["sha256"] == d["segments"][2]["sha256"]')"
	assert_equal "$(sha256sum <"$dir/vmlinuz" | cut -d' ' -f1)" "$(json "$dir/out" 'd["segments"][0]["sha256"]')"
	cmp "$repo/indexes/desk/1.0.initrd-0.caibx" "$repo/indexes/desk/1.0.initrd-1.caibx"
}

test_exact_keeps_bytes() {
	make_inputs
	publish desk --version 1 --initrd "$dir/initrd.gz" --exact --quiet
	assert_exit 0 chunkboot inspect "$repo"/manifests/desk/*.1.cbm --json
	assert_equal "$(sha256sum <"$dir/initrd.gz" | cut -d' ' -f1)" "$(json "$dir/out" 'd["segments"][1]["sha256"]')"
	assert_equal False "$(json "$dir/out" 'd["segments"][1]["normalised"]')"
}

# An image that is made anew, of the same files in directories with other times.
test_no_directory_times() {
	make_inputs
	mkdir -p "$dir/anew/sub"
	seq 40000 >"$dir/anew/sub/file"
	for when in 1 2; do
		find "$dir/anew" -type d -exec touch -d "@170000000$when" {} +
		(cd "$dir/anew" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) >"$dir/anew-$when"
	done
	publish kept --initrd "$dir/anew-1" --quiet
	publish kept --initrd "$dir/anew-2" --json >"$dir/out"
	assert_equal False "$(json "$dir/out" 'd["unchanged"]')"
	publish same --initrd "$dir/anew-1" --no-directory-times --quiet
	publish same --initrd "$dir/anew-2" --no-directory-times --json >"$dir/out"
	assert_equal "True 0" "$(json "$dir/out" 'str(d["unchanged"]) + " " + str(d["new_bytes"])')"
}

test_no_initrd_and_efi() {
	make_inputs
	publish bare --quiet
	make_pe "$dir/app.efi"
	assert_exit 0 chunkboot publish "$repo" tool --keys "$keys" --efi "$dir/app.efi" --json
	assert_equal "efi False" "$(json "$dir/out" 'd["kind"] + " " + str(d["default"])')"
	make_kernel "$dir/vmlinuz" --arch aarch64
	assert_exit 0 publish arm --json
	assert_equal aarch64 "$(json "$dir/out" 'd["arch"]')"
	assert_exit 0 chunkboot verify "$repo"
}

test_idempotent() {
	make_inputs
	publish desk --initrd "$dir/initrd.gz" --quiet
	snapshot_tree >"$dir/before"
	assert_exit 0 publish desk --initrd "$dir/initrd.gz" --json
	assert_equal "0 0 True 1" \
		"$(json "$dir/out" '" ".join(str(d[k]) for k in ("new_bytes","update_bytes","unchanged","serial"))')"
	assert_equal True "$(json "$dir/out" 'd["reused_bytes"] > 0')"
	# The same content in another wrapping is the same image.
	xz -c "$dir/initrd" >"$dir/initrd.xz"
	assert_exit 0 publish desk --initrd "$dir/initrd.xz" --json
	assert_equal True "$(json "$dir/out" 'd["unchanged"]')"
	version=$(json "$dir/out" 'd["version"]')
	assert_exit 0 publish desk --version "$version" --initrd "$dir/initrd.gz"
	assert_equal "$(cat "$dir/before")" "$(snapshot_tree)" "repository"
}

test_new_versions() {
	make_inputs
	publish desk --initrd "$dir/initrd.gz" --quiet
	make_cpio "$dir/initrd2" init one two three
	assert_exit 0 publish desk --initrd "$dir/initrd2" --json
	assert_match '"version":"20[0-9]{6}\.2","serial":2,' "$dir/out"
	assert_equal True "$(json "$dir/out" '0 < d["update_bytes"] == d["new_bytes"] < d["stored_bytes"]')"
	# Another command line alone is another version, without a new chunk.
	assert_exit 0 publish desk --initrd "$dir/initrd2" --cmdline x --json
	assert_equal "0 0 3" "$(json "$dir/out" '" ".join(str(d[k]) for k in ("new_bytes","update_bytes","serial"))')"
	# Back to what was published before: that is not the newest, so it is new.
	assert_exit 0 publish desk --initrd "$dir/initrd.gz" --json
	assert_equal "False 4" "$(json "$dir/out" 'str(d["unchanged"]) + " " + str(d["serial"])')"
	assert_exit 0 chunkboot verify "$repo"
}

test_conflict() {
	make_inputs
	publish desk --version 7 --initrd "$dir/initrd.gz" --quiet
	snapshot_tree | grep -v store.castr >"$dir/before"
	assert_exit 1 publish desk --version 7 --cmdline other --initrd "$dir/initrd.gz"
	assert_match '^chunkboot: error: desk@7: this version exists with other content$' "$dir/err"
	assert_match '^hint: use another --version$' "$dir/err"
	assert_equal "$(cat "$dir/before")" "$(snapshot_tree | grep -v store.castr)" "repository"
	# A withdrawn version keeps its content, too.
	publish desk --version 8 --quiet
	chunkboot withdraw "$repo" desk@7 --keys "$keys" --quiet
	assert_exit 1 publish desk --version 7 --cmdline other --initrd "$dir/initrd.gz"
	assert_exit 0 publish desk --version 7 --initrd "$dir/initrd.gz" --json
	assert_equal 3 "$(json "$dir/out" 'd["serial"]')"
}

test_withdrawn_version_is_not_made_again() {
	make_inputs
	publish desk --quiet
	first=$(chunkboot list "$repo" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["images"][0]["version"])')
	chunkboot withdraw "$repo" "desk@$first" --keys "$keys" --quiet 2>"$dir/err"
	assert_exit 0 publish desk --cmdline other --json
	assert_match '\.2$' <(json "$dir/out" 'd["version"]')
}

test_default_image() {
	make_inputs
	publish one --quiet
	publish two --quiet
	assert_exit 0 chunkboot list "$repo" --json
	assert_equal one "$(json "$dir/out" 'd["default"]')"
	publish two --default --quiet
	assert_exit 0 chunkboot list "$repo" --json
	assert_equal two "$(json "$dir/out" 'd["default"]')"
	assert_exit 0 chunkboot default "$repo" one --keys "$keys" --dry-run
	assert_exit 0 chunkboot list "$repo" --json
	assert_equal two "$(json "$dir/out" 'd["default"]')"
	assert_exit 0 chunkboot default "$repo" one --keys "$keys" --json
	assert_equal "one False" "$(json "$dir/out" 'd["name"] + " " + str(d["unchanged"])')"
	assert_exit 6 chunkboot default "$repo" three --keys "$keys"
	assert_exit 0 chunkboot list "$repo"
	assert_match '^one .* default$' "$dir/out"
	assert_match '^two .* newest$' "$dir/out"
}

test_withdraw() {
	make_inputs
	publish desk --version 1 --quiet
	publish desk --version 2 --cmdline x --quiet
	assert_exit 6 chunkboot withdraw "$repo" desk@3 --keys "$keys"
	assert_match '^chunkboot: error: desk@3: no such image is listed$' "$dir/err"
	assert_exit 2 chunkboot withdraw "$repo" desk --keys "$keys"
	assert_exit 2 chunkboot withdraw "$repo" desk@../x --keys "$keys"
	assert_exit 0 chunkboot withdraw "$repo" desk@2 --keys "$keys" --dry-run
	assert_exit 0 chunkboot withdraw "$repo" desk@2 --keys "$keys" --json
	assert_equal "1 desk" "$(json "$dir/out" 'd["newest"] + " " + d["default"]')"
	assert_exit 0 chunkboot withdraw "$repo" desk@1 --keys "$keys" --json
	assert_equal "None " "$(json "$dir/out" 'str(d["newest"]) + " " + d["default"]')"
	assert_exit 0 chunkboot list "$repo"
	assert_match '^no images$' "$dir/out"
	assert_exit 0 chunkboot verify "$repo"
}

test_dry_run_writes_nothing() {
	make_inputs
	snapshot_tree >"$dir/before"
	assert_exit 0 publish desk --initrd "$dir/initrd.gz" --dry-run --json
	assert_equal True "$(json "$dir/out" 'd["new_bytes"] > 0')"
	assert_equal "$(cat "$dir/before")" "$(snapshot_tree)" "repository"
	test ! -e "$repo/store.castr"
	assert_exit 0 publish desk --initrd "$dir/initrd.gz" --dry-run
	assert_match '^would publish desk@' "$dir/out"
}

test_damaged_initrd() {
	make_inputs
	head -c 5000 "$dir/initrd.gz" >"$dir/cut.gz"
	cp "$dir/initrd.gz" "$dir/flipped.gz"
	flip_byte "$dir/flipped.gz" 4000
	echo text >"$dir/text"
	(cat "$dir/initrd.gz"; echo text) >"$dir/junk.gz"
	gzip -c "$dir/text" >"$dir/text.gz"
	: >"$dir/empty"
	snapshot_tree >"$dir/before"
	for file in cut.gz flipped.gz text junk.gz text.gz empty; do
		assert_exit 3 publish desk --initrd "$dir/$file"
		assert_match "^chunkboot: error: .*/$file, at byte [0-9]+ .*: the initramfs archive is malformed$" "$dir/err"
		assert_match '^hint: .*--exact$' "$dir/err"
	done
	assert_equal "$(cat "$dir/before")" "$(snapshot_tree)" "repository"
	publish desk --initrd "$dir/text" --exact --quiet
}

test_old_kernels() {
	make_inputs
	for options in '--stub 0' '--protocol 20e' '--section .linux' '--arch aarch64 --stub 0'; do
		# shellcheck disable=SC2086  # words
		make_kernel "$dir/vmlinuz" $options
		assert_exit 1 publish desk
		assert_match '^chunkboot: error: .*/vmlinuz: the kernel is too old or of no known kind$' "$dir/err"
	done
	for content in '' MZ 'not a kernel'; do
		printf '%s' "$content" >"$dir/vmlinuz"
		assert_exit 1 publish desk
	done
}

test_missing_things() {
	make_inputs
	assert_exit 6 publish desk --initrd "$dir/none"
	assert_match '^chunkboot: error: .*/none: no such file or directory$' "$dir/err"
	assert_exit 6 chunkboot publish "$repo" desk --keys "$keys" --kernel "$dir/none"
	assert_exit 6 chunkboot publish "$dir/none" desk --keys "$keys" --kernel "$dir/vmlinuz"
	assert_exit 6 chunkboot publish "$repo" desk --keys "$dir/none" --kernel "$dir/vmlinuz"
	assert_exit 6 chunkboot list "$dir"
	assert_exit 6 chunkboot inspect "$dir/none"
}

test_malformed_arguments() {
	make_inputs
	for size in '' 0 64KB 1:2 3:2:1 0:1:2 64K:256K:32M -1 x; do
		assert_exit 2 publish desk "--chunk-size=$size"
	done
	for level in 0 23 x 1.5; do
		assert_exit 2 publish desk --level "$level"
	done
	for budget in 0 x 1X -1 99999999999999999999 2048T; do
		assert_exit 2 publish desk "--budget=$budget"
	done
	for name in '' . .. Desk 'a b' a/b ../x "$(printf 'x%.0s' {1..65})"; do
		assert_exit 2 publish "$name"
		assert_exit 2 publish desk "--version=$name"
	done
	assert_exit 2 chunkboot publish "$repo" desk --kernel "$dir/vmlinuz"
	assert_exit 2 chunkboot publish "$repo" desk --keys "$keys"
	assert_exit 2 publish desk --efi "$dir/vmlinuz"
	assert_exit 2 publish desk --cmdline $'a\nb'
	assert_exit 2 publish desk --cmdline-allow 'a b'
	assert_exit 2 publish desk --cmdline-allow ''
	assert_exit 2 publish desk --title $'\xff'
	assert_exit 2 publish desk --cmdline "$(printf 'x%.0s' {1..2048})"
	assert_exit 0 publish desk --cmdline "$(printf 'x%.0s' {1..2047})"
}

test_budget() {
	make_inputs
	assert_exit 1 publish desk --budget 100K
	assert_exit 1 publish desk --initrd "$dir/initrd.gz" --budget 310K
	assert_match '^hint: .*--budget' "$dir/err"
	assert_exit 1 publish desk --initrd "$dir/initrd.gz" --exact --budget 298K
	assert_exit 0 publish desk --initrd "$dir/initrd.gz" --budget 1M
}

test_second_writer_is_refused() {
	make_inputs
	exec 7>>"$repo/.lock"
	flock 7
	assert_exit 7 publish desk
	assert_exit 7 chunkboot default "$repo" desk --keys "$keys"
	assert_exit 7 chunkboot withdraw "$repo" desk@1 --keys "$keys"
	exec 7>&-
	assert_exit 0 publish desk
}

test_chunk_size_and_level() {
	make_inputs
	publish small --chunk-size 1K:4K:16K --level 1 --quiet
	publish large --chunk-size 1M --level 19 --quiet
	assert_exit 0 chunkboot inspect "$repo"/indexes/small/*.kernel.caibx --json
	assert_equal "1024 4096 16384" "$(json "$dir/out" '"%d %d %d" % (d["chunk_min"], d["chunk_avg"], d["chunk_max"])')"
	assert_equal True "$(json "$dir/out" 'd["chunks"] > 40')"
	assert_exit 0 chunkboot inspect "$repo"/indexes/large/*.kernel.caibx --json
	assert_equal 1 "$(json "$dir/out" 'd["chunks"]')"
	assert_exit 0 chunkboot verify "$repo"
}

test_inspect_recognises() {
	make_inputs
	publish desk --quiet
	for pair in metadata/root.json=metadata metadata/timestamp.json=metadata metadata/bundle.cbb=bundle; do
		assert_exit 0 chunkboot inspect "$repo/${pair%=*}" --json
		assert_equal "${pair#*=}" "$(json "$dir/out" 'd["type"]')"
		assert_exit 0 chunkboot inspect "$repo/${pair%=*}"
	done
	chunk=$(find "$repo/store.castr" -name '*.cacnk' | sed -n 1p)
	assert_exit 0 chunkboot inspect "$chunk" --json
	assert_equal "$(basename "$chunk" .cacnk)" "$(json "$dir/out" 'd["id"]')"
	cp "$chunk" "$dir/$(printf '0%.0s' {1..64}).cacnk"
	assert_exit 3 chunkboot inspect "$dir/$(printf '0%.0s' {1..64}).cacnk"
	assert_exit 0 chunkboot inspect "$dir/vmlinuz" --json
	assert_equal "EFI application" "$(json "$dir/out" 'd["type"]')"
	assert_exit 2 chunkboot inspect "$dir/initrd"
	: >"$dir/empty"
	assert_exit 2 chunkboot inspect "$dir/empty"
	for file in "$repo"/manifests/desk/*.cbm "$repo"/indexes/desk/*.caibx "$repo/metadata/bundle.cbb" "$chunk"; do
		head -c "$(($(stat -c %s "$file") - 1))" "$file" >"$dir/cut"
		assert_exit 3 chunkboot inspect "$dir/cut"
	done
}

run_tests "$@"
