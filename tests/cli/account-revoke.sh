#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot account show, revoke.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

readonly strong='grove pencil tango mirror cobalt ribbon walnut 7391'

account() {
	chunkboot account "$1" "$repo" "${@:2}" --keys "$keys"
}

add_strong() {
	printf '%s\n' "$strong" | account add "$@" --passphrase-file -
}

# make_accounts: a realm with an image and the accounts ada and bob.
make_accounts() {
	make_realm
	make_linux debian --cmdline-allow lang=
	printf canary >"$dir/secret"
	assert_exit 0 add_strong ada --env debian --label Work --suffix lang=de --display-name 'Ada Lovelace' \
		--credential "ssh.key=$dir/secret" --offline-days 7
	assert_exit 0 account add bob --env debian
	locator=$(account show ada --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["locator"])')
	record=$repo/accounts/${locator:0:2}/$locator
	test -f "$record"
}

# The newest metadata file of the accounts role.
accounts_json() {
	find "$repo/metadata" -name '*.accounts.json' | sort -V | tail -1
}

revoked() {
	json "$(accounts_json)" 'd["signed"]["x-chunkboot"]["revoked"]'
}

test_show() {
	make_accounts
	assert_exit 0 account show Ada
	for line in 'account +ada' 'display name +Ada Lovelace' 'state +ok' "locator +$locator" 'epoch +[0-9]+' \
		'issued +20[0-9-]+T[0-9:]+Z' 'expires +20[0-9-]+T[0-9:]+Z' 'offline days +7' \
		'environment +debian \(default\)' '  label +Work' '  suffix +lang=de' 'credential +ssh.key'; do
		assert_match "^$line$" "$dir/out"
	done
	assert_no_match canary "$dir/out"
	assert_exit 0 account show ada --json
	assert_equal "ada ok $locator 0 ['ssh.key'] debian lang=de 7" "$(json "$dir/out" '" ".join(str(v) for v in
		(d["account"], d["state"], d["locator"], d["epoch"], d["credentials"], d["envs"][0]["env"],
		d["envs"][0]["suffix"], d["offline_days"]))')"
	assert_equal True "$(json "$dir/out" 'd["issued"] < d["expires"]')"
	assert_no_match canary "$dir/out"
	rm "$record"
	assert_exit 0 account show ada
	assert_match '^state +missing$' "$dir/out"
	assert_exit 0 account show ada --json
	assert_equal "missing False" "$(json "$dir/out" 'd["state"] + " " + str("expires" in d)')"
}

test_show_refuses() {
	make_accounts
	assert_exit 6 account show eve
	assert_match '^chunkboot: error: account eve: ' "$dir/err"
	assert_exit 2 account show
	assert_exit 2 account show ada bob
	assert_match '^chunkboot: error: account show needs REPO and one ACCOUNT$' "$dir/err"
	assert_exit 2 account show a/b
	assert_exit 6 chunkboot account show "$dir/absent" ada --keys "$keys"
}

test_revoke() {
	make_accounts
	cp "$record" "$dir/old-record"
	# The keys of root and of the images may be elsewhere.
	mkdir "$dir/vault"
	mv "$keys"/offline/*.pem "$dir/vault/"
	assert_exit 0 account revoke ada
	assert_match '^revoked account ada$' "$dir/out"
	assert_equal "['${locator:0:16}']" "$(revoked)"
	test ! -e "$record" || fail 'the record is still there'
	assert_exit 0 chunkboot verify "$repo"
	assert_exit 0 account list
	assert_match '^ada +revoked( |$)' "$dir/out"
	assert_match '^bob +ok ' "$dir/out"
	# A mirror that offers the old record, or puts it back, gains nothing.
	cp "$dir/old-record" "$record"
	assert_exit 0 account show ada
	assert_match '^state +revoked$' "$dir/out"
	assert_exit 0 account renew
	assert_match '^renewed 1 record$' "$dir/out"
	assert_match ': revoked, not renewed$' "$dir/err"
	cmp "$record" "$dir/old-record"
}

test_revoke_twice() {
	make_accounts
	cp "$record" "$dir/old-record"
	assert_exit 0 account revoke ada
	cp -r "$repo" "$dir/before"
	assert_exit 0 account revoke ada
	assert_match '^account ada is revoked already$' "$dir/out"
	assert_exit 0 account revoke ada --json
	assert_equal "revoked ada True" "$(json "$dir/out" 'd["type"] + " " + d["account"] + " " + str(d["unchanged"])')"
	assert_same_tree "$dir/before" "$repo"
	# Cut short between list and record, the second run ends the work.
	cp "$dir/old-record" "$record"
	assert_exit 0 account revoke ada
	assert_same_tree "$dir/before" "$repo"
	assert_exit 0 account revoke bob --json
	assert_equal False "$(json "$dir/out" 'd["unchanged"]')"
	assert_match "^2$" <(json "$(accounts_json)" 'len(d["signed"]["x-chunkboot"]["revoked"])')
}

test_revoked_passphrase_stays_out() {
	make_accounts
	assert_exit 0 account revoke ada
	assert_exit 1 add_strong ada --env debian
	rm "$keys/offline/records/ada.account"
	assert_exit 4 add_strong ada --env debian
	assert_match '^chunkboot: error: .*the account has been revoked$' "$dir/err"
	test ! -e "$record"
	assert_exit 0 account add ada --env debian
	assert_exit 0 account list ada
	assert_match '^ada +ok ' "$dir/out"
}

test_revoke_refuses() {
	make_accounts
	cp -r "$repo" "$dir/before"
	assert_exit 6 account revoke eve
	assert_exit 2 account revoke
	assert_exit 2 account revoke ada bob
	assert_exit 0 account revoke ada --dry-run
	assert_match '^would revoke account ada$' "$dir/out"
	chunkboot init "$dir/other" --keys "$dir/other-keys" --title Other --kdf small --quiet
	cp -r "$keys/offline/records" "$dir/other-keys/offline/"
	assert_exit 3 chunkboot account revoke "$repo" ada --keys "$dir/other-keys"
	rm "$keys/online/snapshot.pem"
	assert_exit 6 account revoke ada
	assert_same_tree "$dir/before" "$repo"
	exec 9<"$repo/.lock"
	flock 9
	assert_exit 7 account revoke ada
}

run_tests "$@"
