#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot status: what is due, what has expired, and the exit status that a monitor looks at.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

readonly date='20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z'

# later OFFSET VERB...: as if the clock were that much later.
later() {
	faketime -f "$1" "$tool" "${@:2}"
}

roles_in() {
	json "$dir/out" '" ".join(r + "=" + v["state"] for r, v in d["roles"].items())'
}

test_fresh() {
	make_realm
	assert_exit 0 chunkboot status "$repo"
	for role in root timestamp snapshot targets accounts; do
		assert_match "^$role +version 1 +expires $date  ok$" "$dir/out"
	done
	assert_match '^0 images, none is the default$' "$dir/out"
	assert_match '^0 account records: 0 due, 0 expired, 0 outdated, 0 revoked, 0 damaged$' "$dir/out"
	test ! -s "$dir/err"
	make_image demo
	chunkboot account add "$repo" ada --keys "$keys" --quiet >"$dir/passphrase"
	assert_exit 0 chunkboot status "$repo" --json
	assert_equal "status True Test realm 1 demo 1 [] None" "$(json "$dir/out" '" ".join(str(v) for v in (d["type"],
		d["good"], d["title"], d["images"], d["default"], d["records"]["total"], d["attention"], d["keys_together"]))')"
	assert_equal "root=ok timestamp=ok snapshot=ok targets=ok accounts=ok" "$(roles_in)"
	assert_exit 0 chunkboot status "$repo" --quiet
	test ! -s "$dir/out"
}

# Root lives for 365 days, targets 90, snapshot and accounts 30, timestamp 7.
test_roles_grow_old() {
	make_realm
	while read -r offset code want; do
		assert_exit "$code" later "$offset" status "$repo" --json
		head -1 "$dir/out" >"$dir/first" && mv "$dir/first" "$dir/out"
		assert_equal "$want" "$(roles_in)" "after $offset"
	done <<-'END'
		+80h 0 root=ok timestamp=ok snapshot=ok targets=ok accounts=ok
		+88h 1 root=ok timestamp=due snapshot=ok targets=ok accounts=ok
		+8d 1 root=ok timestamp=expired snapshot=ok targets=ok accounts=ok
		+16d 1 root=ok timestamp=expired snapshot=due targets=ok accounts=due
		+46d 1 root=ok timestamp=expired snapshot=expired targets=due accounts=expired
		+183d 1 root=due timestamp=expired snapshot=expired targets=expired accounts=expired
		+366d 1 root=expired timestamp=expired snapshot=expired targets=expired accounts=expired
	END
	assert_exit 1 later +46d status "$repo"
	assert_match "^timestamp .* expired: run 'chunkboot refresh', daily$" "$dir/out"
	assert_match '^targets .* due: publish or withdraw an image' "$dir/out"
	assert_equal "chunkboot: error: $repo: something needs attention" "$(head -1 "$dir/err")"
	assert_exit 1 later +46d status "$repo" --json
	assert_equal "['status', 'error']" \
		"$(python3 -c 'import json,sys; print([json.loads(l)["type"] for l in sys.stdin])' <"$dir/out")"
	assert_match '"code":"CB-E712"' "$dir/out"
}

test_refresh_cures() {
	make_realm
	assert_exit 1 later +4d status "$repo"
	assert_exit 0 later +4d refresh "$repo" --keys "$keys"
	assert_exit 0 later +4d status "$repo"
}

test_records() {
	make_realm
	make_image demo
	for name in ada bob eve; do
		chunkboot account add "$repo" "$name" --keys "$keys" --valid-days 2 --quiet >>"$dir/passphrases"
	done
	assert_exit 0 chunkboot status "$repo"
	chunkboot account renew "$repo" ada --keys "$keys" --quiet
	# Without keys the file is named, with keys the person.
	assert_exit 1 later +25h status "$repo"
	assert_equal 2 "$(grep -Ec "^accounts/([0-9a-f]{2})/\1[0-9a-f]{62}  due, expires $date$" "$dir/out")"
	assert_match '^3 account records: 2 due, 0 expired, ' "$dir/out"
	assert_match "'chunkboot account renew'" "$dir/out"
	assert_exit 1 later +49h status "$repo" --keys "$keys"
	assert_match "^account bob  expired, expires $date$" "$dir/out"
	assert_match "^account eve  expired, expires $date$" "$dir/out"
	assert_no_match ada "$dir/out"
	assert_exit 1 later +49h status "$repo" --keys "$keys" --json
	head -1 "$dir/out" >"$dir/first" && mv "$dir/first" "$dir/out"
	assert_equal "['bob', 'eve'] 2" \
		"$(json "$dir/out" 'str(sorted(a["account"] for a in d["attention"])) + " " + str(d["records"]["expired"])')"
	assert_exit 0 later +25h account renew "$repo" --keys "$keys"
	assert_exit 0 later +25h status "$repo"
}

test_damaged_and_revoked_records() {
	make_realm
	make_image demo
	chunkboot account add "$repo" ada --keys "$keys" --quiet >"$dir/passphrase"
	record=$(find "$repo/accounts" -type f)
	cp "$record" "$dir/old"
	flip_byte "$record" 300
	assert_exit 1 chunkboot status "$repo" --keys "$keys"
	assert_match '^account ada  damaged$' "$dir/out"
	assert_match ' 1 damaged$' "$dir/out"
	chunkboot account revoke "$repo" ada --keys "$keys" --quiet
	assert_exit 0 chunkboot status "$repo"
	# An old copy that lies there again is refused by loaders: it is told, but nothing needs doing.
	cp "$dir/old" "$record"
	assert_exit 0 chunkboot status "$repo" --keys "$keys"
	assert_match '^account ada  revoked, ' "$dir/out"
	assert_match ' 1 revoked, 0 damaged$' "$dir/out"
}

test_keys_on_one_host() {
	make_realm
	assert_exit 0 chunkboot status "$repo" --keys "$keys"
	assert_match '^chunkboot: warning: offline and online keys lie on one host' "$dir/err"
	assert_exit 0 chunkboot status "$repo" --keys "$keys" --json
	assert_equal True "$(json "$dir/out" 'd["keys_together"]')"
	mkdir "$dir/vault"
	mv "$keys/offline" "$dir/vault/"
	assert_exit 0 chunkboot status "$repo" --keys "$keys" --json
	test ! -s "$dir/err"
	assert_equal False "$(json "$dir/out" 'd["keys_together"]')"
}

test_refuses() {
	make_realm
	assert_exit 6 chunkboot status "$dir/absent"
	assert_exit 6 chunkboot status "$keys"
	assert_exit 2 chunkboot status
	assert_exit 2 chunkboot status "$repo" extra
	assert_exit 6 chunkboot status "$repo" --keys "$dir/absent"
	chunkboot init "$dir/other" --keys "$dir/other-keys" --title Other --kdf small --quiet
	assert_exit 3 chunkboot status "$repo" --keys "$dir/other-keys"
	assert_match '^hint: the keys in .* belong to another repository$' "$dir/err"
	cp -r "$repo" "$dir/before"
	assert_exit 0 chunkboot status "$repo"
	assert_same_tree "$dir/before" "$repo"
	flip_byte "$repo/metadata/timestamp.json" 100
	assert_exit 3 chunkboot status "$repo"
}

run_tests "$@"
