#!/bin/bash
# SPDX-License-Identifier: MIT
# chunkboot cache: what it leaves alone on a disk, and how far behind everything else "fill" stays.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

PATH=$PATH:/usr/sbin:/sbin

# make_source BYTES [CHUNK-SIZE]: a repository with one image of so many bytes that can't be compressed, on $url.
make_source() {
	make_realm
	make_kernel "$dir/vmlinuz" --bytes "$1"
	publish desk --version 1 --chunk-size "${2:-16K:64K:128K}" --quiet
	start_server "$repo"
}

fill() {
	chunkboot cache fill "$1" "${@:2}" desk --root "$repo/metadata/1.root.json"
}

# ---- A disk with other people's data ----

# $dir/disk: 16 MiB of noise, boot code and gaps included; partitions at 1 to 3, 7 to 8 and 12 to 13 MiB.
make_disk() {
	python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(3).randbytes(16 << 20))' >"$dir/disk"
	sfdisk --quiet --label gpt --wipe never --wipe-partitions never "$dir/disk" <<'DISK'
start=2048, size=4096, name=system
start=14336, size=2048, name=home, attrs="LegacyBIOSBootable"
start=24576, size=2048, name=swap
DISK
	cp "$dir/disk" "$dir/before"
}

# assert_untouched NUMBER: that partition is the new one. Beside its bytes and those of the GPT nothing is other than
# before; of the GPT only its entry, and the sums that cover it.
assert_untouched() {
	python3 - "$dir/before" "$dir/disk" "$1" <<'PYTHON' || fail 'the disk has changed elsewhere'
import struct, sys
SECTOR = 512
before, after = (open(name, "rb").read() for name in sys.argv[1:3])
number = int(sys.argv[3])
assert len(before) == len(after)
last = len(after) // SECTOR - 1
entry = after[2 * SECTOR + 128 * (number - 1):][:128]
first, end = struct.unpack_from("<QQ", entry, 32)
print(f"partition {number}: sectors {first} to {end}")
assert 34 <= first <= end < last - 32
allowed = [(first * SECTOR, (end + 1) * SECTOR)]
for header, table in ((1, 2), (last, last - 32)):
    allowed += [(header * SECTOR + 16, header * SECTOR + 20), (header * SECTOR + 88, header * SECTOR + 92),
                (table * SECTOR + 128 * (number - 1), table * SECTOR + 128 * number)]
at = 0
for start, stop in [*sorted(allowed), (len(after), len(after))]:
    if before[at:start] != after[at:start]:
        first_bad = next(i for i in range(at, start) if before[i] != after[i])
        sys.exit(f"byte {first_bad} (sector {first_bad // SECTOR}) has changed")
    at = stop
assert before[first * SECTOR:(end + 1) * SECTOR] != after[first * SECTOR:(end + 1) * SECTOR]
PYTHON
}

command -v sfdisk >/dev/null || skip_all 'fdisk is not installed'

# loop FILE: makes it a block device, $loop, which unloop frees. It is the machine's: not every user may, nor every container.
loop() {
	loop=$(losetup --find --show "$1" 2>"$dir/why") || skip_test "no loop device here: $(head -n 1 "$dir/why")"
	trap 'unloop; end_test' EXIT
}

unloop() {
	losetup --detach "$loop"
}

# Mounted where only the command sees it. What is on it would be a reason of its own, and --yes none to go on.
test_a_mounted_device_stays() {
	truncate -s 16M "$dir/device"
	mkfs.ext4 -q "$dir/device"
	cp "$dir/device" "$dir/before"
	mkdir "$dir/mnt"
	loop "$dir/device"
	unshare --mount mount -o ro "$loop" "$dir/mnt" 2>"$dir/why" || skip_test "nothing can be mounted: $(head -n 1 "$dir/why")"
	for options in '' --yes; do
		# shellcheck disable=SC2016  # for the inner shell
		assert_exit 7 unshare --mount sh -ec 'mount -o ro "$1" "$2"; exec "$3" cache create "$1" $4' sh \
			"$loop" "$dir/mnt" "$tool" "$options"
		assert_match "^chunkboot: error: $loop is mounted or in use: device or resource busy$" "$dir/err"
		assert_match "^hint: name another device; 'lsblk' lists them$" "$dir/err"
	done
	cmp "$dir/before" "$dir/device"
	# it was that
	assert_exit 1 chunkboot cache create "$loop" --yes
	assert_match ' holds an ext2/3/4 file system' "$dir/err"
	wipefs --quiet --all "$loop"
	assert_exit 0 chunkboot cache create "$loop" --yes
}

test_a_partition_of_some_size() {
	make_disk
	assert_exit 0 chunkboot cache create --partition "$dir/disk" --size 2000000 --dry-run
	cmp "$dir/before" "$dir/disk"
	assert_exit 0 chunkboot cache create --partition "$dir/disk" --size 2000000
	assert_untouched 4
}

test_a_partition_of_all_that_is_free() {
	make_disk
	assert_exit 0 chunkboot cache create --partition "$dir/disk"
	assert_untouched 4
	# 3 to 7 MiB, between two others
	assert_equal '6144 8192' "$(sfdisk --json "$dir/disk" >"$dir/table" && json "$dir/table" \
		'"%d %d" % tuple(d["partitiontable"]["partitions"][3][k] for k in ("start", "size"))')" 'place'
}

# More than it has room for, so that it is written to the end.
test_a_partition_filled() {
	make_disk
	make_source 7000000
	assert_exit 0 chunkboot cache create --partition "$dir/disk"
	assert_exit 0 fill "$dir/disk" "$url"
	assert_match 'the cache is full of what is needed' "$dir/err"
	assert_exit 0 chunkboot cache inspect "$dir/disk" --json
	assert_equal True "$(json "$dir/out" 'd["used_segments"] == d["segments"]')" 'written to the end'
	assert_untouched 4
	assert_exit 0 chunkboot cache check "$dir/disk"
}

# A chunk that is larger than a segment is not asked for again and again, and is not passed over in silence.
test_a_chunk_without_room() {
	make_source 300000 512K:1M:2M
	chunkboot cache create "$dir/c" --size 600000 --quiet
	assert_exit 0 chunkboot cache fill "$dir/c" "$url" desk --root "$repo/metadata/1.root.json" --json
	assert_equal '1 0 True' "$(json "$dir/out" '"%d %d %s" % tuple(d["images"][0][k] for k in ("missing", "put", "full"))')" \
		'missing, put and full'
	assert_equal True "$(json "$dir/out" 'd["body_bytes"] < 400000')" 'fetched once'
	assert_match 'the cache is full of what is needed' "$dir/err"
}

# ---- Behind everything else ----

# milliseconds COMMAND...: how long it took, in $took_ms.
milliseconds() {
	local before
	before=$(date +%s%3N)
	"$@"
	took_ms=$(($(date +%s%3N) - before))
}

test_rate() {
	make_source 300000
	chunkboot cache create "$dir/a" --size 4000000 --quiet
	chunkboot cache create "$dir/b" --size 4000000 --quiet
	milliseconds fill "$dir/a" "$url"
	free_ms=$took_ms
	milliseconds fill "$dir/b" "$url" --rate 100000
	echo "300 KB in $free_ms ms; at 100 KB/s in $took_ms ms"
	[ "$took_ms" -ge 2500 ] || fail "too fast"
	[ "$took_ms" -le 60000 ] || fail "too slow"
	[ "$((free_ms * 2))" -le "$took_ms" ] || fail "$free_ms ms without a limit"
	assert_exit 0 chunkboot cache check "$dir/b"
}

# classes PID: I/O class and nice value of each of its threads (proc(5): the 17th after the name).
classes() {
	local task
	for task in "/proc/$1/task"/*; do
		echo "$(ionice -p "${task##*/}") $(sed 's/^.*) //' "$task/stat" | cut -d' ' -f17)"
	done | sort -u
}

# From a mirror, and from a repository on this machine, whose server has threads of its own.
test_idle_class() {
	local from pid seen
	[ "$(ionice -c 3 ionice)" = idle ] || skip_test 'this kernel has no I/O classes'
	make_source 300000
	for from in "$url" "$repo"; do
		rm -f "$dir/c"
		chunkboot cache create "$dir/c" --size 4000000 --quiet
		"$tool" cache fill "$dir/c" "$from" desk --root "$repo/metadata/1.root.json" --rate 100000 --quiet &
		pid=$!
		# it takes three seconds, and steps back at the start
		until [ "$(ionice -p "$pid" 2>/dev/null)" = idle ]; do
			kill -0 "$pid" 2>/dev/null || fail 'it ended and never was in the idle class'
		done
		seen=$(classes "$pid")
		kill -0 "$pid" || fail 'it ended too early to be looked at'
		wait "$pid"
		assert_equal 'idle 19' "$seen" 'classes'
	done
}

run_tests "$@"
