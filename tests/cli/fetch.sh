#!/bin/bash
# SPDX-License-Identifier: MIT
# "chunkboot fetch": what it writes, and the exit code for each way in which a repository can be bad.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

# A repository with desk@1 and desk@2; $root is the trusted root, kept outside.
prepare() {
	make_realm
	make_kernel "$dir/vmlinuz" --bytes 2000000
	make_cpio "$dir/initrd" init one two
	publish desk --version 1 --quiet
	publish desk --version 2 --initrd "$dir/initrd" --initrd "$dir/initrd" --exact --cmdline 'quiet x=y' --quiet
	root=$dir/trusted.json
	cp "$repo/metadata/1.root.json" "$root"
}

# fetch IMAGE [OPTION...] from $url to $dir/boot
fetch() {
	chunkboot fetch "$url" "$1" -o "$dir/boot" --root "$root" "${@:2}"
}

# fails CODE PATTERN IMAGE: with this exit code and a message that matches, and nothing is written.
fails() {
	assert_exit "$1" timeout 100 "$tool" fetch "$url" "$3" -o "$dir/boot" --root "$root"
	assert_match "^chunkboot: error: .*$2" "$dir/err"
	assert_match '^hint: ' "$dir/err"
	[ ! -e "$dir/boot" ] || fail "files were written: $(ls "$dir/boot")"
}

biggest_chunk() {
	find "$1/store.castr" -name '*.cacnk' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

# change FILE: another version number in the signed part, as a tamperer might do.
change() {
	sed -i 's/"version":[0-9]*/"version":77/' "$1"
}

test_files() {
	prepare
	start_server "$repo"
	assert_exit 0 fetch desk
	assert_match 'fetched desk@2 to ' "$dir/out"
	assert_equal 'boot.json cmdline initrd-0 initrd-1 kernel manifest.cbm' "$(cd "$dir/boot" && echo *)"
	cmp "$dir/boot/kernel" "$dir/vmlinuz"
	cmp "$dir/boot/initrd-0" "$dir/initrd"
	cmp "$dir/boot/initrd-1" "$dir/initrd"
	assert_equal 'quiet x=y' "$(cat "$dir/boot/cmdline")"
	cmp "$dir/boot/manifest.cbm" "$repo"/manifests/desk/*.2.cbm
	assert_equal desk/2 "$(json "$dir/boot/boot.json" "d['image']")"
	assert_equal "$(sha256sum <"$dir/vmlinuz" | cut -d' ' -f1)" \
		"$(json "$dir/boot/boot.json" "d['segments'][0]['sha256']")"
	assert_equal "$(basename "$repo"/manifests/desk/*.2.cbm .2.cbm)" "$(json "$dir/boot/boot.json" "d['manifest_sha256']")"
	assert_equal 64 "$(json "$dir/boot/boot.json" "len(d['realm'])")"
}

test_a_certain_version() {
	prepare
	start_server "$repo"
	assert_exit 0 fetch desk@1 --json
	assert_equal 'desk/1 desk 1 1' "$(json "$dir/out" "d['image'], d['name'], d['version'], len(d['segments'])" | tr -d "(),'")"
	assert_equal 'boot.json cmdline kernel manifest.cbm' "$(cd "$dir/boot" && echo *)"
	assert_equal True "$(json "$dir/out" "d['body_bytes'] > 0")"
}

test_an_application() {
	prepare
	make_image tool --version 1
	start_server "$repo"
	assert_exit 0 fetch tool
	assert_equal 'application boot.json manifest.cbm' "$(cd "$dir/boot" && echo *)"
	cmp "$dir/boot/application" "$dir/app.efi"
}

test_again_and_dry_run() {
	prepare
	start_server "$repo"
	assert_exit 0 fetch desk --dry-run
	[ ! -e "$dir/boot" ] || fail 'a dry run wrote something'
	assert_exit 0 fetch desk
	echo damaged >"$dir/boot/kernel"
	assert_exit 0 fetch desk
	cmp "$dir/boot/kernel" "$dir/vmlinuz"
}

test_no_such_image() {
	prepare
	start_server "$repo"
	fails 6 'no such image is listed' none
	fails 6 'no such image is listed' desk@3
	fails 6 'no such image is listed' "desk@$(printf 'x%.0s' $(seq 100))"
	assert_exit 6 chunkboot fetch "$url" desk -o "$dir/boot" --root "$dir/none.json"
}

test_usage() {
	assert_exit 2 chunkboot fetch http://127.0.0.1:1/ -o "$dir/boot" --root "$dir/root.json"
	assert_exit 2 chunkboot fetch http://127.0.0.1:1/ desk -o "$dir/boot"
	prepare
	for bad in 127.0.0.1:1 ftp://127.0.0.1/ 'http://127.0.0.1/?x' http:///; do
		assert_exit 2 chunkboot fetch "$bad" desk -o "$dir/boot" --root "$root"
		assert_exit 2 chunkboot fetch http://127.0.0.1:1/ desk --near "$bad" -o "$dir/boot" --root "$root"
	done
	local urls=()
	for i in 1 2 3 4 5 6 7 8; do
		urls+=("http://m$i/" --near "http://n$i/")
	done
	assert_exit 2 chunkboot fetch "${urls[@]}" http://m9/ desk -o "$dir/boot" --root "$root"
	assert_match 'more than 16 mirrors' "$dir/err"
}

test_dead_server() {
	prepare
	start_server "$repo"
	stop_server
	fails 5 'no connection to a mirror' desk
}

test_another_web_server_content() {
	prepare
	mkdir "$dir/www"
	mkdir "$dir/www/metadata"
	echo '<html>' >"$dir/www/metadata/root.json"
	start_server "$dir/www"
	fails 3 'missing on the mirrors' desk
}

test_tampered_metadata() {
	local file
	prepare
	for file in timestamp 3.snapshot 3.targets 1.accounts; do
		cp -r "$repo" "$dir/copy"
		change "$dir/copy/metadata/$file.json"
		start_server "$dir/copy"
		assert_exit 0 chunkboot fetch "$url" desk -o "$dir/saved" --root "$root" --quiet # by the bundle
		stop_server
		rm -r "$dir/saved" "$dir/copy/metadata/bundle.cbb"
		start_server "$dir/copy"
		fails 3 "$file.json: " desk
		stop_server
		rm "$dir/copy/metadata/$file.json"
		start_server "$dir/copy"
		fails 3 "$file.json: " desk
		stop_server
		rm -r "$dir/copy"
	done
}

test_another_realm() {
	prepare
	chunkboot init "$dir/other" --keys "$dir/other-keys" --quiet
	root=$dir/other/metadata/1.root.json
	start_server "$repo"
	fails 3 'not signed by enough trusted keys' desk
}

test_expired() {
	prepare
	start_server "$repo"
	tool=$dir/later
	printf '#!/bin/sh\nexec faketime -f +8d %s "$@"\n' "$CB_BUILD/chunkboot" >"$tool"
	chmod +x "$tool"
	fails 3 'metadata has expired' desk
}

test_tampered_manifest() {
	prepare
	flip_byte "$(echo "$repo"/manifests/desk/*.2.cbm)" 300
	start_server "$repo"
	fails 3 'manifest differs from what was signed' desk
	assert_exit 0 fetch desk@1
}

test_tampered_chunk() {
	prepare
	flip_byte "$(biggest_chunk "$repo")" 1000
	start_server "$repo"
	fails 3 'a chunk differs from what was signed' desk
}

test_truncated_chunk() {
	prepare
	truncate -s -1 "$(biggest_chunk "$repo")"
	start_server "$repo"
	fails 3 'a chunk differs from what was signed' desk
}

test_missing_chunk() {
	prepare
	rm "$(biggest_chunk "$repo")"
	start_server "$repo"
	fails 3 'a chunk is missing on every mirror' desk
}

# One good mirror of three is enough: one is dead, one has bad chunks only.
test_one_good_mirror() {
	prepare
	cp -r "$repo" "$dir/bad"
	find "$dir/bad/store.castr" -name '*.cacnk' | while read -r chunk; do
		flip_byte "$chunk" 100
	done
	start_server "$repo"
	dead=$url
	stop_server
	start_server "$dir/bad"
	bad=$url
	start_server "$repo"
	assert_exit 0 timeout 100 "$tool" fetch "$dead" "$bad" "$url" desk -o "$dir/boot" --root "$root"
	cmp "$dir/boot/kernel" "$dir/vmlinuz"
}

# The image comes from the one nearby; from the other where that one has no chunks.
test_near() {
	prepare
	start_server "$repo" --log "$dir/far.log"
	far=$url
	start_server "$repo" --log "$dir/near.log"
	assert_exit 0 chunkboot fetch "$far" desk --near "$url" -o "$dir/boot" --root "$root"
	cmp "$dir/boot/kernel" "$dir/vmlinuz"
	assert_match '/store.castr/' "$dir/near.log"
	assert_no_match '/store.castr/' "$dir/far.log"
	cp -r "$repo" "$dir/empty"
	rm -r "$dir/empty/store.castr"
	start_server "$dir/empty"
	assert_exit 0 chunkboot fetch "$far" desk --near "$url" -o "$dir/again" --root "$root"
	assert_match '/store.castr/' "$dir/far.log"
	assert_same_tree "$dir/boot/kernel" "$dir/again/kernel"
}

run_tests "$@"
