# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Helpers of the boots in QEMU. A test is one file: it sources this, prepares $dir, boots, and looks at $console.
# Published once for all of them: $shared/repo with the image "minimal", accounts ada (with $passphrase) and
# kiosk. Two tests may run at once.

set -euo pipefail
export LC_ALL=C.UTF-8
CB_TOP=${CB_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
CB_BUILD=${CB_BUILD:-$CB_TOP/build}
readonly tool=$CB_BUILD/chunkboot
readonly loader_efi=$CB_BUILD/chunkboot-x86_64.efi
readonly image=$CB_BUILD/images/minimal
readonly shared=$CB_BUILD/test-qemu
readonly passphrase='Seven words are not too many here'
readonly guest_view=10.0.2.2 # this machine, seen from QEMU's user network
# Without no_timer_check Linux panics now and then ("IO-APIC + timer doesn't work") where QEMU gets too little time.
readonly kernel_words='console=ttyS0,115200 loglevel=4 panic=-1 no_timer_check'

fail() {
	printf 'failed: %s\n' "$*" >&2
	exit 1
}

skip() {
	printf '%s\n' "$*"
	exit 77
}

chunkboot() {
	"$tool" "$@"
}

check_needs() {
	local program
	for program in qemu-system-x86_64 mformat mcopy python3; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
	[[ -f /usr/share/OVMF/OVMF_CODE_4M.fd ]] || skip 'ovmf is not installed'
	[[ -f $image/vmlinuz && -f $image/initrd.cpio ]] || skip 'there is no image: make image-minimal'
	[[ -f $loader_efi && -x $tool ]] || fail 'build first: make'
}

# Published anew when the tool, the image or this file is newer.
publish_shared() {
	local stamp=$shared/published
	mkdir -p "$shared"
	exec 8>"$shared/.lock"
	flock 8
	if [[ ! -f $stamp || $tool -nt $stamp || $image/initrd.cpio -nt $stamp || $image/vmlinuz -nt $stamp ||
		${BASH_SOURCE[0]} -nt $stamp ]]; then
		rm -rf "$stamp" "$shared/repo" "$shared/keys"
		printf '%s\n' "$passphrase" >"$shared/passphrase"
		chunkboot init "$shared/repo" --keys "$shared/keys" --title 'QEMU tests' --kdf small --quiet
		chunkboot publish "$shared/repo" minimal --keys "$shared/keys" --kernel "$image/vmlinuz" --quiet \
			--initrd "$image/initrd.cpio" --cmdline "$kernel_words"
		for account in ada kiosk; do
			chunkboot account add "$shared/repo" "$account" --keys "$shared/keys" --env minimal --allow-weak \
				--passphrase-file "$shared/passphrase" --quiet
		done
		touch "$stamp"
	fi
	exec 8>&-
}

# publish_large MIB: $large/repo, and $published, as the shared one, with an initrd of MIB more: files of noise and
# repetition, which compress to a third, and their sums, which init checks. Kept for the next time. The root file
# system may fill the memory: what Linux takes otherwise ends at half of what the initrd's buffer leaves.
publish_large() {
	large=$shared/large-$1
	published=$large/repo
	mkdir -p "$large"
	exec 8>"$large/.lock"
	flock 8
	if [[ ! $large/published -nt $tool || ! $large/published -nt $image/initrd.cpio ||
		! $large/published -nt ${BASH_SOURCE[0]} ]]; then
		rm -rf "$large/published" "$large/repo" "$large/keys" "$large/data"
		mkdir "$large/data"
		python3 "$CB_TOP/tests/qemu/driver/data.py" "$large/data" "$1"
		(cd "$large" && find data | sort | cpio --quiet -o -H newc -R 0:0 >data.cpio)
		chunkboot init "$large/repo" --keys "$large/keys" --kdf small --quiet
		chunkboot publish "$large/repo" minimal --keys "$large/keys" --kernel "$image/vmlinuz" --level 1 --exact \
			--initrd "$image/initrd.cpio" --initrd "$large/data.cpio" --json \
			--cmdline "$kernel_words rootfstype=ramfs" >"$large/report"
		chunkboot account add "$large/repo" kiosk --keys "$large/keys" --env minimal --allow-weak \
			--passphrase-file "$shared/passphrase" --quiet
		rm -rf "$large/data" "$large/data.cpio"
		touch "$large/published"
	fi
	exec 8>&-
}

# boot_large STEP...: what publish_large published last, as a kiosk.
boot_large() {
	serve "$large/repo"
	stamp "$large/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
	boot "$@"
}

# assert_data PLAN: the large initrd arrived as it was published, by that memory plan.
assert_data() {
	grep -qx 'chunkboot-minimal: data good' "$console" || fail "the data differ; log: $(keep_log)"
	grep -q "\"memory_plan\":\"$1\"" "$dir/boot.json" || fail "another memory plan; log: $(keep_log)"
}

# copy_repo DIR: a copy that costs no space; break_link FILE before changing a file in it.
copy_repo() {
	cp -al "$shared/repo" "$1"
	rm "$1/.lock" # each has its own: tests write at the same time
}

break_link() {
	cp "$1" "$1.copy"
	mv "$1.copy" "$1"
}

# flip_bit FILE OFFSET
flip_bit() {
	break_link "$1"
	python3 - "$1" "$2" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 1]))
PYTHON
}

# flip_signature FILE: a bit of a signature's decimal digit, so that the metadata file stays well-formed.
flip_signature() {
	flip_bit "$1" "$(python3 - "$1" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read()
sig = re.search(r"\"sig\":\"([0-9a-f]{128})\"", text)
print(next(i for i in range(sig.start(1), sig.end(1)) if text[i] in "23456789"))
PYTHON
)"
}

# The largest chunk: it is part of the image for certain.
some_chunk() {
	find "$1/store.castr" -name '*.cacnk' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

# serve DIR [ADDR:PORT [OPTION...]]: serves until the test ends; sets $port.
serve() {
	local log
	log=$(mktemp "$dir/server-XXXXXX")
	"$tool" serve "$1" --listen "${2:-127.0.0.1:0}" --log "$log.access" "${@:3}" >"$log" 2>&1 &
	servers+=($!)
	port=$(timeout 60 sed -n 's|^listening on https*://.*:\([0-9]*\)/$|\1|;T;p;q' < <(tail -n +1 -f --pid=$! "$log")) || true
	[[ $port ]] || fail "no server: $(cat "$log")"
}

# relay PORT BYTES FIFO: see driver/relay.py; sets $port to the relay's.
relay() {
	local log=$dir/relay.log
	: >"$log"
	python3 "$CB_TOP/tests/qemu/driver/relay.py" "$@" >"$log" &
	servers+=($!)
	port=$(timeout 60 sed -n 's|^listening on ||;T;p;q' < <(tail -n +1 -f --pid=$! "$log")) || true
	[[ $port ]] || fail 'no relay'
}

# slow PORT BYTES: see driver/slow.py; sets $port to the slow line's.
slow() {
	local log=$dir/slow.log
	: >"$log"
	python3 "$CB_TOP/tests/qemu/driver/slow.py" "$@" >"$log" &
	servers+=($!)
	port=$(timeout 60 sed -n 's|^listening on ||;T;p;q' < <(tail -n +1 -f --pid=$! "$log")) || true
	[[ $port ]] || fail 'no slow line'
}

# assert_derived WHERE MEANWHILE: on another processor or this one ("other", "own"), and whether bytes came in ("some",
# "none") while it was under way, by the boot record that assert_booted has found.
assert_derived() {
	python3 - "$dir/boot.json" "$@" <<'PYTHON' || fail "derived otherwise than $*; log: $(keep_log)"
import json, sys
record = json.load(open(sys.argv[1]))
derivation = record["key_derivation"]
print(f"workers {record['workers']}, key derivation {derivation}")
assert (derivation["processor"] > 0) == (sys.argv[2] == "other")
assert (derivation["body_bytes"] > 0) == (sys.argv[3] == "some")
assert derivation["ms"] > 0
PYTHON
}

# A TCP port that nobody listens on now.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# stamp REPO PORT... [-- OPTION...]: $dir/esp.img with a loader for mirrors on these ports of $mirror_host; $scheme: of
# their URLs.
stamp() {
	local repo=$1 urls=()
	shift
	while [[ $# -gt 0 && $1 != -- ]]; do
		urls+=(--url "$scheme://${mirror_host:-$guest_view}:$1/")
		shift
	done
	chunkboot loader "$repo" --efi "$loader_efi" "${urls[@]}" -o "$dir/loader.efi" --quiet "${@:2}"
	mformat -i "$dir/esp.img" -C -T 65536 -h 64 -s 32 ::
	mmd -i "$dir/esp.img" ::/EFI ::/EFI/BOOT
	mcopy -i "$dir/esp.img" "$dir/loader.efi" ::/EFI/BOOT/BOOTX64.EFI
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/vars.fd"
}

# make_cache [OPTION...]: $dir/cache.img, a disk with an empty cache on a partition.
make_cache() {
	rm -f "$dir/cache.img"
	truncate -s 300M "$dir/cache.img"
	/sbin/sfdisk -q --label gpt "$dir/cache.img" <<<'size=8M, type=L, name=other'
	chunkboot cache create --partition "$dir/cache.img" --quiet "$@"
}

# boot STEP...: see driver/console.py, for its options in ${machine[@]} too. Afterwards $console is a file with
# the console's plain text, line by line. However it went, nothing may have written to the disk; which codes it
# showed and what came up is for the test to assert.
boot() {
	local status=0 disk=''
	assert_judged
	[[ ! -f $dir/esp.img ]] || disk=$(sha256sum <"$dir/esp.img")
	echo "boot: ${machine[*]}" # counted by run.py
	unjudged='codes outcome '
	python3 "$CB_TOP/tests/qemu/driver/console.py" "${machine[@]}" "$dir" "$@" || status=$?
	console=$dir/console.txt
	sed 's/\x1b\[[0-9;]*[HJ]/\n/g; s/\x1b\[[0-9;=?]*[a-zA-Z]//g; s/\r/\n/g' "$dir/console.log" | sed '/^$/d' >"$console"
	[[ $status -eq 0 ]] || fail "the boot went otherwise; log: $(keep_log)"
	[[ -z $disk || $esp_may_change || $disk == "$(sha256sum <"$dir/esp.img")" ]] || fail "the disk was written to; log: $(keep_log)"
}

keep_log() {
	local kept=$shared/$name.log
	cp "$dir/console.log" "$kept"
	echo "$kept"
}

# The steps of a person who signs in well, and of a boot that comes up.
# shellcheck disable=SC2034  # for the tests
readonly sign_in=(expect 'Account: ' type ada expect 'Passphrase: ' type "$passphrase")
# shellcheck disable=SC2034
readonly comes_up=(expect 'chunkboot-minimal: up' expect 'chunkboot-minimal: end' power-off)

# A boot of which nobody asserts the codes, and that it booted or not, would prove nothing.
assert_judged() {
	[[ -z $unjudged ]] || fail "the last boot was not judged by its: $unjudged"
}

judged() {
	unjudged=${unjudged/"$1 "/}
}

# codes: the error codes on the console, one a line.
codes() {
	sed -n 's/^\(CB-E[0-9][0-9][0-9]\) .*/\1/p' "$console"
}

assert_no_codes() {
	judged codes
	[[ -z $(codes) ]] || fail "codes on the console: $(codes | tr '\n' ' '); log: $(keep_log)"
}

# assert_codes CODE...: exactly these, in this order.
assert_codes() {
	local got
	judged codes
	got=$(codes | tr '\n' ' ')
	[[ ${got% } == "$*" ]] || fail "codes '${got% }' instead of '$*'; log: $(keep_log)"
}

# Nothing of a kernel or of the image has run.
assert_not_booted() {
	judged outcome
	! grep -Eq 'Linux version|EFI stub|chunkboot-minimal' "$console" || fail "it booted; log: $(keep_log)"
}

# What came up is what was published in $published: files inside, and the boot record.
assert_booted() {
	local busybox init
	judged outcome
	busybox=$(sha256sum <"$(command -v busybox)" | cut -d' ' -f1)
	init=$(sha256sum <"$CB_TOP/images/minimal/init" | cut -d' ' -f1)
	grep -qx "chunkboot-minimal: sha256 init $init" "$console" || fail "another init; log: $(keep_log)"
	grep -qx "chunkboot-minimal: sha256 busybox $busybox" "$console" || fail "another busybox; log: $(keep_log)"
	grep '^{"type":"chunkboot-boot-record"' "$console" >"$dir/boot.json" || fail "no boot record; log: $(keep_log)"
	python3 - "$dir/boot.json" "$published" "$image/vmlinuz" <<'PYTHON' || fail "wrong boot record; log: $(keep_log)"
import glob, hashlib, json, sys
record = json.load(open(sys.argv[1]))
name, version = record["image"].split("/")
assert name == "minimal"
assert glob.glob(f"{sys.argv[2]}/manifests/minimal/{record['manifest_sha256']}.{version}.cbm")
kernel = hashlib.sha256(open(sys.argv[3], "rb").read()).hexdigest()
assert record["segments"][0] == {"name": "kernel", "bytes": record["segments"][0]["bytes"], "sha256": kernel}
PYTHON
}

end_test() {
	local status=$? server
	for server in ${servers[@]+"${servers[@]}"}; do
		kill "$server" 2>/dev/null || true
	done
	rm -rf "$dir"
	[[ $status -ne 0 ]] || (assert_judged) || exit 1
}

name=$(basename "$0" .sh)
servers=()
machine=()
esp_may_change= # set: the test itself looks at what a boot wrote to the system partition
unjudged=
scheme=http
published=$shared/repo
check_needs
publish_shared
# on the file system of the shared repository: its copies are hard links
dir=$(mktemp -d "$shared/$name-XXXXXX")
trap end_test EXIT
