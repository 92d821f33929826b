#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's casync on our store and indexes: it extracts what we published, and cuts and indexes as we do.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../cli/lib-image.sh"

command -v casync >/dev/null || skip_all "no casync"

# make_data FILE MIB: a mixture of what compresses and what does not, zeroes, and repetition.
make_data() {
	python3 - "$@" <<'PYTHON'
import random, sys

source, left = random.Random(3), int(sys.argv[2]) << 20
words = [source.randbytes(source.randrange(1, 12)).hex().encode() for _ in range(2000)]
old = source.randbytes(300000)
with open(sys.argv[1], "wb") as out:
    while left > 0:
        kind, size = source.randrange(5), source.randrange(1, 400000)
        if kind == 0:
            data = source.randbytes(size)
        elif kind == 1:
            data = b" ".join(source.choices(words, k=size // 12))
        elif kind == 2:
            data = bytes(size)
        elif kind == 3:
            data = old
        else:
            data = source.randbytes(37) * (size // 37)
        data = data[:left]
        out.write(data)
        left -= len(data)
PYTHON
}

# in_bytes 64K:256K:1M: what casync takes, 65536:262144:1048576.
in_bytes() {
	local part list=()
	IFS=: read -ra parts <<<"$1"
	for part in "${parts[@]}"; do
		list+=("$(numfmt --from=iec "$part")")
	done
	(IFS=:; echo "${list[*]}")
}

# same_index DATA SIZE: publishes DATA as it is and compares the index with casync's, byte for byte.
same_index() {
	publish data --version "$(basename "$1").$(tr :A-Z -a-z <<<"$2")" --initrd "$1" --exact --chunk-size "$2" --level 1 --quiet
	rm -rf "$dir/store.castr"
	(cd "$dir" && casync make --store=store.castr --chunk-size="$(in_bytes "$2")" want.caibx "$(basename "$1")") >/dev/null
	cmp "$dir/want.caibx" "$repo/indexes/data/$(basename "$1").$(tr :A-Z -a-z <<<"$2").initrd-0.caibx" ||
		fail "the index of $1 cut by $2 is not casync's"
}

test_index_of_1_mib() {
	make_realm
	make_kernel "$dir/vmlinuz"
	make_data "$dir/one" 1
	for size in 64K:256K:1M 1K:4K:16K 16K:64K:256K 64:256:1K 4K:4K:4K; do
		same_index "$dir/one" $size
	done
}

test_index_of_100_mib() {
	make_realm
	make_kernel "$dir/vmlinuz"
	make_data "$dir/hundred" 100
	for size in 64K:256K:1M 16K:64K:256K 256K:1M:4M; do
		same_index "$dir/hundred" $size
	done
}

test_extract_gives_back_every_segment() {
	make_inputs
	make_data "$dir/data" 8
	publish desk --version 1 --initrd "$dir/initrd.gz" --initrd "$dir/initrd" --quiet
	publish raw --version 1 --initrd "$dir/data" --initrd "$dir/initrd.gz" --exact --chunk-size 4K:16K:64K --quiet
	for index in desk/1.kernel desk/1.initrd-0 desk/1.initrd-1 raw/1.kernel raw/1.initrd-0 raw/1.initrd-1; do
		(cd "$repo" && casync extract --store=store.castr "indexes/$index.caibx" "$dir/${index//\//-}")
	done
	cmp "$dir/vmlinuz" "$dir/desk-1.kernel"
	cmp "$dir/vmlinuz" "$dir/raw-1.kernel"
	cmp "$dir/data" "$dir/raw-1.initrd-0"
	cmp "$dir/initrd.gz" "$dir/raw-1.initrd-1"
	cmp "$dir/desk-1.initrd-0" "$dir/desk-1.initrd-1"
	# what was unpacked and normalised holds the same tree
	mkdir "$dir/extracted"
	(cd "$dir/extracted" && cpio --quiet -id <"$dir/desk-1.initrd-0")
	assert_same_tree "$dir/tree" "$dir/extracted"
	# and is what the manifest says
	assert_exit 0 chunkboot inspect "$repo"/manifests/desk/*.1.cbm --json
	assert_equal "$(sha256sum <"$dir/desk-1.initrd-0" | cut -d' ' -f1)" "$(json "$dir/out" 'd["segments"][1]["sha256"]')"
}

# A chunk that casync wrote must not make an image unbootable, whether it is kept or made again.
test_store_shared_with_casync() {
	make_realm
	make_kernel "$dir/vmlinuz"
	make_data "$dir/data" 4
	(cd "$dir" && casync make --compression=zstd --store="$repo/store.castr" --chunk-size=65536:262144:1048576 \
		want.caibx data) >/dev/null
	publish desk --version 1 --initrd "$dir/data" --exact --quiet
	assert_exit 0 chunkboot verify "$repo"
	casync extract --store="$repo/store.castr" "$dir/want.caibx" "$dir/again"
	cmp "$dir/data" "$dir/again"
}

run_tests "$@"
