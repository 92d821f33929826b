#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot init and refresh: new repositories, exit codes, a second writer, openssl's keys.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

readonly start=1800000000 day=86400

snapshot_of() {
	find "$@" -type f -exec sha256sum {} + | sort -k 2
}

# make_repo: $dir/repo and $dir/keys, signed at $start
make_repo() {
	assert_exit 0 chunkboot init "$dir/repo" --keys "$dir/keys" --sign-time "$start"
}

test_init() {
	cd "$dir"
	assert_exit 0 chunkboot init "$dir/repo" --keys "$dir/keys" --title "Test \"realm\"" --kdf large --json
	assert_equal init "$(json "$dir/out" 'd["type"]')"
	assert_equal "$(cat "$dir/keys/online/realm")" "$(json "$dir/out" 'd["realm"]')"
	python3 - "$dir/repo/metadata" <<-'END'
		import hashlib, json, sys
		root = open(sys.argv[1] + "/root.json", "rb").read()
		targets = json.load(open(sys.argv[1] + "/1.targets.json"))
		assert json.loads(root)["signed"]["x-chunkboot"]["title"] == 'Test "realm"'
		assert targets["signed"]["x-chunkboot"]["kdf"] == [{"m_kib": 524288, "t": 3}]
		canonical = json.dumps(json.loads(root), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
		assert canonical.encode() == root
	END
	assert_exit 0 chunkboot list "$dir/repo"
}

test_init_twice() {
	cd "$dir"
	make_repo
	snapshot_of repo keys >before
	assert_exit 1 chunkboot init "$dir/repo" --keys "$dir/keys"
	assert_match '^chunkboot: error: .*repo: it exists already$' "$dir/err"
	assert_exit 1 chunkboot init "$dir/repo" --keys "$dir/keys2"
	assert_exit 1 chunkboot init "$dir/repo2" --keys "$dir/keys"
	assert_match "^hint: give each repository" "$dir/err"
	snapshot_of repo keys >after
	assert_equal "$(cat before)" "$(cat after)"
	test ! -e keys2
	test ! -e repo2
}

test_init_usage() {
	cd "$dir"
	assert_exit 2 chunkboot init "$dir/repo"
	assert_exit 2 chunkboot init "$dir/repo" --keys "$dir/keys" --kdf huge
	assert_match '^chunkboot: error: --kdf huge: not small, default or large$' "$dir/err"
	assert_exit 2 chunkboot init "$dir/repo" --keys "$dir/repo/keys"
	assert_exit 2 chunkboot init "$dir/repo" --keys "$dir/keys" --title ""
	test ! -e repo
	test ! -e keys
	assert_exit 0 chunkboot init "$dir/repo" --keys "$dir/keys" --dry-run
	test ! -e repo
	test ! -e keys
}

test_openssl_keys() {
	cd "$dir"
	command -v openssl >/dev/null || skip_all "openssl is not installed"
	mkdir -p keys/offline
	openssl genpkey -algorithm ed25519 -out keys/offline/root.pem
	cp keys/offline/root.pem root.pem
	make_repo
	cmp root.pem keys/offline/root.pem
	openssl pkey -in keys/online/timestamp.pem -noout
	openssl pkey -in keys/offline/root.pem -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n' >public
	assert_match "$(cat public)" repo/metadata/root.json
}

test_refresh() {
	cd "$dir"
	make_repo
	mv keys/offline away
	assert_exit 0 chunkboot refresh "$dir/repo" --keys "$dir/keys" --sign-time $((start + 8 * day)) --json
	assert_equal 2 "$(json "$dir/out" 'd["roles"]["timestamp"]["version"]')"
	assert_equal 2027-01-30T08:00:00Z "$(json "$dir/out" 'd["roles"]["timestamp"]["expires"]')"
	snapshot_of repo >before
	assert_exit 0 chunkboot refresh "$dir/repo" --keys "$dir/keys" --sign-time $((start + 8 * day)) --dry-run
	assert_exit 3 chunkboot refresh "$dir/repo" --keys "$dir/keys" --sign-time $((start + 90 * day))
	assert_match 'targets.json: metadata has expired$' "$dir/err"
	snapshot_of repo >after
	assert_equal "$(cat before)" "$(cat after)"
}

test_refresh_refuses() {
	cd "$dir"
	make_repo
	assert_exit 6 chunkboot refresh "$dir" --keys "$dir/keys"
	assert_exit 6 chunkboot refresh "$dir/nothing" --keys "$dir/keys"
	assert_exit 6 chunkboot refresh "$dir/repo" --keys "$dir/nothing"
	sed -i 's/"t":3/"t":4/' repo/metadata/1.targets.json
	assert_exit 3 chunkboot refresh "$dir/repo" --keys "$dir/keys" --json
	assert_equal CB-E205 "$(json "$dir/out" 'd["code"]')"
}

test_second_writer() {
	cd "$dir"
	make_repo
	: >>repo/.lock
	flock repo/.lock sh -c "'$tool' refresh '$dir/repo' --keys '$dir/keys' >out 2>err; echo \$? >status"
	assert_equal 7 "$(cat status)"
	assert_match '^chunkboot: error: .*another chunkboot is writing to the repository$' err
	assert_exit 0 chunkboot refresh "$dir/repo" --keys "$dir/keys" --sign-time "$start"
}

run_tests
