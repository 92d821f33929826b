#!/bin/bash
# SPDX-License-Identifier: MIT
# Times a boot of Debian's cloud kernel with a 128 MiB cpio of real files: a person who signs in, and a kiosk.
# Conditions: QEMU with software emulation, OVMF, 2 processors, virtio-net in user networking, loopback server,
# kdf t=3 m=64 MiB. RUNS (default 3) and CPIO_MIB (default 128) can be set.
set -euo pipefail
tool=$CB_BUILD/chunkboot
image=$CB_BUILD/images/minimal
work=$CB_BUILD/bench/boot
runs=${RUNS:-3}
mib=${CPIO_MIB:-128}
mkdir -p "$work"

# Regular files of these directories, in order, those that still fit.
make_cpio() {
	local list=$work/files
	find /usr/bin /usr/lib/x86_64-linux-gnu /usr/share -xdev -type f -links 1 -printf '%s %p\n' | sort -k2 |
		awk -v max=$((mib * 1048576)) 'n + $1 + 200 <= max { n += $1 + 200; sub(/^[0-9]+ \//, ""); print }' >"$list"
	(cd / && cpio --quiet -o -H newc -R 0:0 --reproducible <"$list") >"$work/data.cpio"
}

make_realm() {
	rm -rf "$work/repo" "$work/keys"
	"$tool" init "$work/repo" --keys "$work/keys" --kdf small --quiet
	"$tool" publish "$work/repo" bench --keys "$work/keys" --kernel "$image/vmlinuz" \
		--initrd "$image/initrd.cpio" --initrd "$work/data.cpio" \
		--cmdline 'console=ttyS0,115200 earlyprintk=ttyS0,115200 loglevel=5 panic=-1 rdinit=/init'
	"$tool" account add "$work/repo" ada --keys "$work/keys" --env bench >"$work/ada"
	"$tool" account add "$work/repo" kim --keys "$work/keys" --env bench >"$work/kim"
}

make_cpio
make_realm
echo "== a person signs in =="
python3 tests/bench/driver/boot_times.py "$runs" "$tool" run "$work/repo" --headless --no-kvm --account ada \
	--passphrase-file "$work/ada" --expect 'chunkboot-minimal: end'
echo "== kiosk =="
listen=127.0.0.1:18081
"$tool" loader "$work/repo" --url "http://10.0.2.2:${listen##*:}/" --autologin kim --passphrase-file "$work/kim" \
	-o "$work/kiosk.efi" --quiet
python3 tests/bench/driver/boot_times.py "$runs" "$tool" run "$work/repo" --headless --no-kvm --loader "$work/kiosk.efi" \
	--listen "$listen" --expect 'chunkboot-minimal: end'
