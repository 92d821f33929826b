#!/bin/bash
# SPDX-License-Identifier: MIT
# publish that is killed, or runs out of disk, at each of its system calls: the repository boots the old version.
# timeout: 1200
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-cut.sh"

# Version 1 is published; version 2 differs in its initramfs.
make_first() {
	make_inputs
	publish desk --version 1 --initrd "$dir/initrd" --quiet
	make_cpio "$dir/initrd" init one two three
	make_cutter desk@1
}

change() {
	publish desk --version 2 --initrd "$dir/initrd" --quiet
}

versions() {
	chunkboot list "$repo" --json >"$dir/list"
	json "$dir/list" '" ".join(i["version"] for i in d["images"])'
}

assert_either() {
	assert_match '^1( 2)?$' <(versions)
}

assert_changed() {
	assert_equal '1 2' "$(versions)" versions
}

test_killed_at_each_rename() {
	make_first
	each_cut kill rename 4
}

test_killed_at_each_write() {
	make_first
	each_cut kill write 4
}

test_killed_at_each_fsync() {
	make_first
	each_cut kill fsync 4
}

test_disk_full_at_each_write() {
	make_first
	each_cut full write 4
}

test_disk_full_at_each_rename_and_fsync() {
	make_first
	each_cut full rename 4
	each_cut full fsync 4
}

run_tests "$@"
