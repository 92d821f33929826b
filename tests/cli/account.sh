#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot account: add, set, renew, list.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

readonly strong='grove pencil tango mirror cobalt ribbon walnut 7391'

account() {
	chunkboot account "$1" "$repo" "${@:2}" --keys "$keys"
}

add_strong() {
	printf '%s\n' "$strong" | account add "$@" --passphrase-file -
}

# The file of the only record.
record() {
	find "$repo/accounts" -type f
}

test_add_prints_only_the_passphrase() {
	make_realm
	make_image demo
	assert_exit 0 account add Ada --env demo --display-name 'Ada Lovelace'
	test ! -s "$dir/err"
	assert_equal 1 "$(wc -l <"$dir/out")"
	assert_match '^([a-z]{4,7} ){6}[a-z]{4,7}$' "$dir/out"
	assert_no_match '[aqwzym]' "$dir/out"
	# a record of the smallest size, named by its locator, that everybody may read
	assert_match '/accounts/([0-9a-f]{2})/\1[0-9a-f]{62}$' <(record)
	assert_equal '4096 644' "$(stat -c '%s %a' "$(record)")"
	# the passphrase and the names are nowhere
	passphrase=$(cat "$dir/out")
	! grep -rqF -e "$passphrase" -e Lovelace "$repo" "$keys" || fail 'a secret is in a file'
	assert_equal 600 "$(stat -c %a "$keys/offline/records/ada.account")"
	assert_equal 700 "$(stat -c %a "$keys/offline/records")"
}

test_add_json() {
	make_realm
	make_image demo
	assert_exit 0 account add ada --env demo --json
	assert_equal 7 "$(json "$dir/out" 'len(d["passphrase"].split())')"
	assert_equal "ada demo" "$(json "$dir/out" 'd["account"] + " " + d["envs"][0]["env"]')"
	printf '%s\n' "$strong" >"$dir/passphrase"
	assert_exit 0 account add bob --env demo --passphrase-file "$dir/passphrase" --json
	assert_equal False "$(json "$dir/out" '"passphrase" in d')"
}

# The derivation of docs/FORMATS-record.md, computed by Python, finds and opens the record.
test_locator_by_other_means() {
	local python=python3
	# Debian's module belongs to Debian's interpreter, which need not be the first on the path.
	"$python" -c 'import argon2' 2>/dev/null || python=/usr/bin/python3
	"$python" -c 'import argon2' 2>/dev/null || skip_test 'python3-argon2 is absent'
	make_realm
	make_image demo
	assert_exit 0 add_strong ada --env demo
	"$python" - "$strong" "$repo" >"$dir/locator" <<'PYTHON'
import hashlib, json, sys
from argon2.low_level import hash_secret_raw, Type
passphrase, repo = sys.argv[1].encode(), sys.argv[2]
root = json.load(open(repo + "/metadata/1.root.json"))["signed"]
canonical = json.dumps(root, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
realm = hashlib.sha256(canonical).digest()
def b(data, n, key=b""):
    return hashlib.blake2b(data, digest_size=n, key=key).digest()
salt = b(b"cb1/salt" + realm + b"\3ada", 16)
k = b(b"cb1/factor", 64, hash_secret_raw(passphrase, salt, 3, 65536, 1, 64, Type.ID))
print(b(b"cb1/locator", 32, k[:32]).hex())
PYTHON
	assert_equal "$(cat "$dir/locator")" "$(basename "$(record)")"
}

test_existing_account() {
	make_realm
	make_image demo
	assert_exit 0 add_strong ada --env demo
	cp -r "$repo" "$dir/before"
	assert_exit 1 add_strong ADA --env demo
	assert_match '^chunkboot: error: account ada: it exists already$' "$dir/err"
	assert_match '^hint: .*account set' "$dir/err"
	assert_same_tree "$dir/before" "$repo"
}

test_weak_passphrases() {
	make_realm
	make_image demo
	for weak in password 'correct horse battery staple' 24.12.1990 aaaaaaaaaaaaaaaaaaaaaaaa; do
		printf '%s\n' "$weak" >"$dir/passphrase"
		assert_exit 4 account add ada --passphrase-file "$dir/passphrase" --json
		assert_equal CB-E412 "$(json "$dir/out" 'd["code"]')"
		assert_match '^hint: .*--allow-weak' "$dir/err"
		assert_no_match "$weak" "$dir/err"
	done
	test ! -e "$repo/accounts"
	assert_exit 0 account add ada --passphrase-file "$dir/passphrase" --allow-weak
	test -f "$(record)"
}

# At a terminal the tool asks, and does not show what is typed.
test_passphrase_typed_at_a_terminal() {
	make_realm
	make_image demo
	python3 - "$tool" "$repo" "$keys" "$strong" >"$dir/seen" <<'PYTHON'
import os, pty, sys
tool, repo, keys, passphrase = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.execl(tool, tool, "account", "add", repo, "ada", "--keys", keys, "--env", "demo", "--passphrase-file", "-")
seen = b""
while True:
    try:
        data = os.read(fd, 1000)
    except OSError:
        break
    if not data:
        break
    seen += data
    if seen.endswith(b"Passphrase: "):
        os.write(fd, passphrase.encode() + b"\n")
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
	assert_match 'account ada added' "$dir/seen"
	assert_no_match "${strong%% *}" "$dir/seen"
}

test_malformed_passphrases() {
	make_realm
	make_image demo
	for wrong in '' '   ' $'tab\there' 'grün'; do
		printf '%s\n' "$wrong" >"$dir/passphrase"
		assert_exit 2 account add ada --passphrase-file "$dir/passphrase" --allow-weak
	done
	assert_exit 6 account add ada --passphrase-file "$dir/absent"
	assert_match 'absent: no such file or directory$' "$dir/err"
}

test_names() {
	make_realm
	make_image demo
	for wrong in 'a b' 'a/b' '' 'ä' ../x "$(printf 'x%.0s' $(seq 65))"; do
		assert_exit 2 account add "$wrong"
		assert_match '^chunkboot: error: .*malformed account name$' "$dir/err"
	done
	assert_exit 0 add_strong .. --env demo
	assert_exit 0 account list ..
}

test_environments() {
	make_realm
	make_image demo --version 1
	make_image other --version 1
	assert_exit 6 account add ada --env nonsense
	assert_match '^chunkboot: error: nonsense: no such image is listed$' "$dir/err"
	assert_exit 6 account add ada --env demo@2
	for wrong in Demo demo@ @1 a/b demo/1.cbm ''; do
		assert_exit 2 account add ada --env "$wrong"
	done
	assert_exit 2 account add ada --env demo --label L --label M
	assert_exit 2 account add ada --env demo --label "$(printf 'x%.0s' $(seq 65))"
	assert_exit 2 account add ada --env demo --suffix a --suffix b
	assert_exit 0 add_strong ada --env other@1 --env demo --label Work --label Älter
	assert_exit 0 account list --json
	assert_equal "['other@1', 'demo']" "$(json "$dir/out" '[e["env"] for e in d["accounts"][0]["envs"]]')"
	assert_equal "['Work', 'Älter']" "$(json "$dir/out" '[e["label"] for e in d["accounts"][0]["envs"]]')"
	assert_equal "[True, False]" "$(json "$dir/out" '[e["default"] for e in d["accounts"][0]["envs"]]')"
	args=()
	for _ in $(seq 17); do args+=(--env demo); done
	assert_exit 2 account set ada "${args[@]}"
	assert_exit 0 account set ada "${args[@]:2}"
}

test_default_image_without_env() {
	make_realm
	assert_exit 0 add_strong early
	assert_match '^chunkboot: warning: no --env' "$dir/err"
	make_image demo
	assert_exit 0 add_strong ada
	assert_exit 0 account list ada
	assert_match '^ada +ok .* demo$' "$dir/out"
}

test_suffixes_need_the_image_s_permission() {
	make_realm
	make_linux debian --cmdline 'quiet' --cmdline-allow lang= --cmdline-allow rescue
	assert_exit 0 add_strong ada --env debian --suffix 'lang=de rescue'
	for refused in 'init=/bin/sh' 'lang=de init=/bin/sh' 'rescue=1' 'lang'; do
		assert_exit 3 account set ada --env debian --suffix "$refused"
		assert_match '^chunkboot: error: --suffix .*not allowed by the image$' "$dir/err"
	done
	assert_exit 0 account list ada --json
	assert_equal 'lang=de rescue' "$(json "$dir/out" 'd["accounts"][0]["envs"][0]["suffix"]')"
}

test_credentials() {
	make_realm
	make_linux debian
	make_image app
	printf 'canary-one' >"$dir/one"
	printf 'canary-two' >"$dir/two"
	head -c 4097 /dev/zero >"$dir/large"
	head -c 4096 /dev/zero >"$dir/4k"
	assert_exit 0 add_strong ada --env debian --credential "ssh.key=$dir/one" --credential "B=$dir/two"
	! grep -rqF canary "$repo" "$keys" || fail 'a credential is in a file'
	assert_exit 1 account set ada --credential "c=$dir/large"
	assert_exit 6 account set ada --credential "c=$dir/absent"
	for wrong in "$dir/one" "=$dir/one" "a/b=$dir/one" "..=$dir/one" c; do
		assert_exit 2 account set ada --credential "$wrong"
	done
	assert_exit 2 account set ada --credential "c=$dir/4k" --credential "d=$dir/4k" --credential "e=$dir/4k"
	assert_match 'credentials of more than 12288 bytes together' "$dir/err"
	assert_exit 2 account set ada --env app
	assert_match 'image app is of kind efi, which cannot take credentials' "$dir/err"
	assert_exit 6 account set ada --remove-credential nonsense
	assert_exit 0 account set ada --remove-credential B --credential "ssh.key=$dir/4k" --credential "new=$dir/one"
	assert_exit 0 account list --json
	assert_equal "['new', 'ssh.key']" "$(json "$dir/out" 'sorted(d["accounts"][0]["credentials"])')"
	assert_equal 16384 "$(stat -c %s "$(record)")"
}

test_set_keeps_the_locator() {
	make_realm
	make_image demo
	make_image other
	assert_exit 0 add_strong ada --env demo --display-name Ada --offline-days 7
	before=$(record)
	cp "$before" "$dir/before"
	assert_exit 0 account set ada --env other
	assert_equal "$before" "$(record)"
	# locator, commitment and wrapped key are the old ones, all else was sealed anew
	cmp -n 40 "$before" "$dir/before"
	cmp -i 48 -n 104 "$before" "$dir/before"
	! cmp -s -i 152 -n 24 "$before" "$dir/before" || fail 'a nonce was used twice'
	assert_exit 0 account list --json
	assert_equal 'Ada 7 other' \
		"$(json "$dir/out" '"{display_name} {offline_days} ".format(**d["accounts"][0]) + d["accounts"][0]["envs"][0]["env"]')"
	assert_exit 6 account set bob --env demo
	assert_exit 2 account set ada --passphrase-file -
	rm "$before"
	assert_exit 6 account set ada --env demo
	assert_exit 0 account list
	assert_match '^ada +missing( |$)' "$dir/out"
	assert_exit 1 add_strong ada --env demo
	assert_match '^hint: its record is missing here; to start over' "$dir/err"
}

test_renew() {
	make_realm
	make_image demo
	assert_exit 0 add_strong ada --env demo --valid-days 1
	assert_exit 0 account add bob --env demo --valid-days 1
	assert_exit 0 account list --json
	before=$(json "$dir/out" 'd["accounts"][0]["expires"]')
	# the online keys are enough
	mv "$keys/offline" "$dir/offline"
	assert_exit 0 account renew
	assert_match '^renewed 2 records$' "$dir/out"
	assert_exit 6 account renew ada
	mv "$dir/offline" "$keys/offline"
	assert_exit 0 account list --json
	after=$(json "$dir/out" 'd["accounts"][0]["expires"]')
	test "$after" \> "$before" || fail "expires $after after $before"
	assert_exit 0 account renew ada --json
	assert_equal 1 "$(json "$dir/out" 'd["renewed"]')"
	for wrong in 0 31 x; do
		assert_exit 2 account renew --valid-days "$wrong"
	done
	# what this realm did not sign is left alone
	flip_byte "$(record | sed -n 1p)" 300
	assert_exit 0 account renew
	assert_match '^renewed 1 record$' "$dir/out"
	assert_match 'not a record of this realm, not renewed$' "$dir/err"
}

test_list_states() {
	make_realm
	make_image demo
	assert_exit 0 account list
	test ! -s "$dir/out"
	assert_exit 0 account list --json
	assert_equal '[]' "$(json "$dir/out" 'd["accounts"]')"
	assert_exit 0 add_strong ada --env demo
	assert_exit 0 account list
	assert_match '^ada +ok +20[0-9-]+T[0-9:]+Z +demo$' "$dir/out"
	flip_byte "$(record)" 4090
	assert_exit 0 account list
	assert_match '^ada +unsigned ' "$dir/out"
	flip_byte "$(record)" 300
	assert_exit 0 account list
	assert_match '^ada +damaged( |$)' "$dir/out"
	assert_exit 6 account list eve
}

test_dry_run_changes_nothing() {
	make_realm
	make_image demo
	assert_exit 0 add_strong ada --env demo
	cp -r "$repo" "$dir/repo-before"
	cp -r "$keys" "$dir/keys-before"
	assert_exit 0 account add bob --env demo --dry-run
	assert_match '^would add account bob$' "$dir/out"
	assert_exit 0 account add bob --env demo --dry-run --json
	assert_equal False "$(json "$dir/out" '"passphrase" in d')"
	assert_exit 0 account set ada --display-name X --dry-run
	assert_exit 0 account renew --dry-run
	assert_same_tree "$dir/repo-before" "$repo"
	assert_same_tree "$dir/keys-before" "$keys"
}

test_foreign_keys_and_repositories() {
	make_realm
	make_image demo
	chunkboot init "$dir/other" --keys "$dir/other-keys" --title Other --kdf small --quiet
	assert_exit 4 chunkboot account add "$repo" ada --keys "$dir/other-keys" --env demo
	assert_match 'online/accounts.pem: the account record is not signed by this realm$' "$dir/err"
	test ! -e "$repo/accounts"
	test ! -e "$dir/other-keys/offline/records/ada.account"
	assert_exit 6 chunkboot account list "$dir/absent" --keys "$keys"
	assert_exit 6 chunkboot account list "$keys" --keys "$keys"
	assert_match 'this is not a chunkboot repository$' "$dir/err"
	mv "$keys/online/accounts.pem" "$dir/"
	assert_exit 6 account add ada --env demo
	flip_byte "$repo/metadata/timestamp.json" 100
	assert_exit 3 account list
}

test_usage() {
	make_realm
	assert_exit 2 chunkboot account
	assert_exit 2 account nonsense x
	assert_exit 2 account add
	assert_exit 2 account add a b
	assert_exit 2 chunkboot account add "$repo" ada
	assert_match '^chunkboot: error: account needs --keys$' "$dir/err"
}

run_tests "$@"
