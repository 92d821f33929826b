#!/bin/bash
# SPDX-License-Identifier: MIT
# Two who publish at once: one waits its turn by being told so, and nothing that was published is lost.
# timeout: 1200
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

readonly rounds=10

# One kernel and initramfs for each of the two.
prepare() {
	make_realm
	make_kernel "$dir/vmlinuz"
	make_cpio "$dir/left" init one
	make_cpio "$dir/right" init one two
	cp "$repo/metadata/1.root.json" "$dir/trusted.json"
	: >"$dir/published"
	n_busy=0
}

# attempt WHO NAME@VERSION: in the background, as soon as the gate is open; its status goes to $dir/WHO.status.
attempt() {
	(
		read -r _ <"$dir/gate-$1" || true
		status=0
		publish "${2%@*}" --version "${2#*@}" --initrd "$dir/$1" --exact --cmdline "$2" --quiet 2>"$dir/$1.err" || status=$?
		echo "$status" >"$dir/$1.status"
	) &
}

# race NAME@VERSION NAME@VERSION: both at once. One at least gets through; who does not is told that it is busy.
race() {
	local who image n=0
	mkfifo "$dir/gate-left" "$dir/gate-right"
	attempt left "$1"
	attempt right "$2"
	# Both are waiting for their gates once these are open for writing.
	exec 8>"$dir/gate-left" 9>"$dir/gate-right"
	exec 8>&- 9>&-
	wait
	rm "$dir/gate-left" "$dir/gate-right"
	for who in left right; do
		image=$1
		[ "$who" = left ] || image=$2
		case $(cat "$dir/$who.status") in
		0)
			echo "$image $who" >>"$dir/published"
			n=$((n + 1))
			;;
		7)
			assert_match '^chunkboot: error: .*another chunkboot is writing' "$dir/$who.err"
			n_busy=$((n_busy + 1))
			;;
		*)
			cat "$dir/$who.err" >&2
			fail "$image: exit status $(cat "$dir/$who.status")"
			;;
		esac
	done
	[ "$n" -ge 1 ] || fail 'neither got through'
	assert_exit 0 chunkboot verify "$repo"
}

# All that got through is listed and nothing else, and each comes with its own files.
assert_all_there() {
	local image who
	chunkboot list "$repo" --json >"$dir/list"
	assert_equal "$(cut -d' ' -f1 "$dir/published" | LC_ALL=C sort)" \
		"$(json "$dir/list" '"\n".join(sorted(i["name"] + "@" + i["version"] for i in d["images"]))')" 'listed images'
	start_server "$repo"
	while read -r image who; do
		rm -rf "${dir:?}/boot"
		assert_exit 0 chunkboot fetch "$url" "$image" -o "$dir/boot" --root "$dir/trusted.json"
		cmp "$dir/boot/kernel" "$dir/vmlinuz"
		assert_equal "$image" "$(cat "$dir/boot/cmdline")" 'command line'
		cmp "$dir/boot/initrd-0" "$dir/$who"
	done <"$dir/published"
	echo "$(wc -l <"$dir/published") published, $n_busy times busy"
	[ "$n_busy" -ge 1 ] || fail 'they never met'
}

test_two_images() {
	local i
	prepare
	for ((i = 1; i <= rounds; i++)); do
		race "desk@$i" "lab@$i"
	done
	assert_all_there
}

test_two_versions_of_one_image() {
	local i
	prepare
	for ((i = 1; i <= rounds; i++)); do
		race "desk@$i.left" "desk@$i.right"
	done
	assert_all_there
}

run_tests "$@"
