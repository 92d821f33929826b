#!/bin/bash
# SPDX-License-Identifier: MIT
# account set and revoke, withdraw, gc and refresh, killed or out of disk at each call: all stays whole.
# timeout: 1200
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-cut.sh"

readonly strong='grove pencil tango mirror cobalt ribbon walnut 7391'

account() {
	chunkboot account "$1" "$repo" "${@:2}" --keys "$keys"
}

# Versions 1 and 2 of desk; account ada.
make_all() {
	make_inputs
	publish desk --version 1 --initrd "$dir/initrd" --quiet
	make_cpio "$dir/initrd" init one two three
	publish desk --version 2 --initrd "$dir/initrd" --quiet
	printf '%s\n' "$strong" | account add ada --env desk --display-name Old --passphrase-file - --quiet
}

versions() {
	chunkboot list "$repo" --json >"$dir/list"
	json "$dir/list" '" ".join(i["version"] for i in d["images"])'
}

# What the account's record says: its state, and the display name where it can be opened.
ada() {
	account show ada --json >"$dir/ada" || fail "ada's record can't be read any more"
	json "$dir/ada" 'd["state"] + " " + str(d.get("display_name", ""))'
}

newest_timestamp() {
	json "$repo/metadata/timestamp.json" 'd["signed"]["version"]'
}

test_account_set() {
	make_all
	make_cutter desk@1
	change() {
		account set ada --display-name New --quiet
	}
	assert_either() {
		assert_match '^ok (Old|New)$' <(ada)
	}
	assert_changed() {
		assert_equal 'ok New' "$(ada)" account
	}
	each_cut kill rename 1
	each_cut kill write 1
	each_cut kill fsync 1
	each_cut full rename 1
	each_cut full write 1
	each_cut full fsync 1
}

test_account_revoke() {
	make_all
	make_cutter desk@1
	change() {
		account revoke ada --quiet
	}
	# once it is on the list, its file does not matter
	assert_either() {
		assert_match '^(ok|revoked) ' <(ada)
	}
	assert_changed() {
		assert_match '^revoked ' <(ada)
		assert_equal '' "$(find "$repo/accounts" -type f ! -name '*.tmp-*')" 'records left'
	}
	each_cut kill rename 3
	each_cut kill write 3
	each_cut kill fsync 3
	each_cut kill unlink 1
	each_cut full rename 3
	each_cut full write 3
	each_cut full fsync 3
}

test_withdraw() {
	make_all
	make_cutter desk@1
	change() {
		chunkboot withdraw "$repo" desk@2 --keys "$keys" --quiet
	}
	# It may have been done but for the bundle.
	again() {
		[ "$(versions)" = 1 ] || change
		chunkboot refresh "$repo" --keys "$keys" --quiet
	}
	assert_either() {
		assert_match '^1( 2)?$' <(versions)
		assert_equal 'ok Old' "$(ada)" account
	}
	assert_changed() {
		assert_equal 1 "$(versions)" versions
	}
	each_cut kill rename 3
	each_cut kill write 3
	each_cut kill fsync 3
	each_cut full rename 3
	each_cut full write 3
	each_cut full fsync 3
}

test_gc() {
	make_all
	chunkboot withdraw "$repo" desk@1 --keys "$keys" --quiet
	make_cutter desk@2
	change() {
		chunkboot gc "$repo" --keys "$keys" --yes --quiet </dev/null
	}
	assert_either() {
		assert_equal 2 "$(versions)" versions
		assert_equal 'ok Old' "$(ada)" account
	}
	assert_changed() {
		assert_exit 0 chunkboot gc "$repo" --keys "$keys" --dry-run
		assert_match '^nothing to remove$' "$dir/out"
	}
	each_cut kill unlink 5
}

test_refresh() {
	make_all
	make_cutter desk@1
	before=$(newest_timestamp)
	change() {
		chunkboot refresh "$repo" --keys "$keys" --quiet
	}
	assert_either() {
		assert_equal '1 2' "$(versions)" versions
		[ "$(newest_timestamp)" -ge "$before" ] || fail 'an older timestamp'
	}
	assert_changed() {
		[ "$(newest_timestamp)" -gt "$before" ] || fail 'the same timestamp'
	}
	each_cut kill rename 3
	each_cut kill write 3
	each_cut kill fsync 3
	each_cut full rename 3
	each_cut full write 3
	each_cut full fsync 3
}

run_tests "$@"
