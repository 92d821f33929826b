#!/bin/bash
# SPDX-License-Identifier: MIT
# The cache as a file on the EFI system partition: filled and used, and nothing of the file system but the bytes of that
# file changes. A read-only disk with a cache partition beside it comes first, and helps though it takes nothing.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# only_the_file_changed BEFORE: of $dir/esp.img; the file lies in one piece, where its label is
only_the_file_changed() {
	python3 - "$1" "$dir/esp.img" "$file_len" <<'PYTHON' || fail 'something else on the file system has changed'
import sys
before, after = (open(name, "rb").read() for name in sys.argv[1:3])
length, at = int(sys.argv[3]), after.index(b"CBCACHE1")
assert before[at:at + 8] == b"CBCACHE1" and len(before) == len(after)
assert before[:at] == after[:at] and before[at + length:] == after[at + length:]
changed = sum(before[i:i + 512] != after[i:i + 512] for i in range(at, at + length, 512))
print(changed, "sectors of the file have changed")
assert changed > 20000
PYTHON
}

readonly file_len=24000000
copy_repo "$dir/repo"
chunkboot account set "$dir/repo" kiosk --keys "$shared/keys" --offline-days 7 --quiet
serve "$dir/repo"
stamp "$dir/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
chunkboot cache create "$dir/cbcache.bin" --size $file_len --quiet
mcopy -i "$dir/esp.img" "$dir/cbcache.bin" ::/
esp_may_change=1
cp "$dir/esp.img" "$dir/before.img"
boot "${comes_up[@]}"
assert_no_codes
assert_booted
only_the_file_changed "$dir/before.img"
mcopy -n -i "$dir/esp.img" ::/cbcache.bin "$dir/read-back"
chunkboot cache check "$dir/read-back" --quiet

# shellcheck disable=SC2034  # for boot
machine=(--no-link)
cp "$dir/esp.img" "$dir/before.img"
boot "${comes_up[@]}"
assert_no_codes
assert_booted
cmp "$dir/before.img" "$dir/esp.img" || fail 'a boot without news wrote to the disk'

# the same content on a partition of a disk that can't be written
make_cache --size 200000000
python3 - "$dir/cache.img" "$dir/read-back" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as disk:
    disk.seek(disk.read().index(b"CBCACHE1"))
    disk.write(open(sys.argv[2], "rb").read())
PYTHON
chunkboot cache check "$dir/cache.img" --quiet
mdel -i "$dir/esp.img" ::/cbcache.bin
chunkboot refresh "$dir/repo" --keys "$shared/keys" --quiet
machine=(--read-only-disk cache.img)
boot "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q '"sources":\[{"url":"[^"]*","body_bytes":[0-9]\{4,5\},' "$dir/boot.json" || fail "it fetched more: $(cat "$dir/boot.json")"
