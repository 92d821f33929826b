#!/bin/bash
# SPDX-License-Identifier: MIT
# From the start of the loader to userspace with all files on a local disk: GRUB and systemd-boot with kernel and
# initramfs on the system partition, and our loader with everything in its cache. The files are those of peers.sh, the
# initramfs as one zstd -9 file and uncompressed. Runs take turns. RUNS (5), PEERS and SECONDS_MAX can be set.
# timeout: 7200
set -euo pipefail
export LC_ALL=C.UTF-8
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-peers.sh"

readonly work=$CB_BUILD/bench/local-disk
readonly files=$work/files
readonly runs=${RUNS:-5}
readonly seconds_max=${SECONDS_MAX:-300}
readonly systemd_boot=$debs/systemd-boot-efi/usr/lib/systemd/boot/efi/systemd-bootx64.efi
readonly tool=$CB_BUILD/chunkboot
server_pid=''

make_disks() {
	local of esp
	for of in zst cpio; do
		printf 'linux (hd0,gpt1)/vmlinuz %s\ninitrd (hd0,gpt1)/initrd.%s\nboot\n' "$cmdline" $of >"$work/grub.cfg"
		make_grub_efi "$work/grub.cfg" "$work/grub.efi" fat part_gpt linux normal boot
		make_disk "$work/grub-$of.disk" "$work/grub.efi"
		mcopy -i "$esp" "$files/vmlinuz" "$files/initrd.$of" ::

		make_disk "$work/systemd-boot-$of.disk" "$systemd_boot"
		printf 'timeout 0\n' >"$work/loader.conf"
		printf 'title bench\nlinux /vmlinuz\ninitrd /initrd.%s\noptions %s\n' $of "$cmdline" >"$work/entry.conf"
		mmd -i "$esp" ::/loader ::/loader/entries
		mcopy -i "$esp" "$files/vmlinuz" "$files/initrd.$of" ::
		mcopy -i "$esp" "$work/loader.conf" ::/loader/
		mcopy -i "$esp" "$work/entry.conf" ::/loader/entries/bench.conf
	done
}

# A realm, its server, and a disk with the loader and a cache of the image.
make_ours() {
	"$tool" init "$work/repo" --keys "$work/keys" --kdf small --quiet
	"$tool" publish "$work/repo" bench --keys "$work/keys" --kernel "$files/vmlinuz" --initrd "$files/initrd.cpio" \
		--cmdline "$cmdline" --quiet
	"$tool" account add "$work/repo" kim --keys "$work/keys" --env bench >"$work/kim"
	start_serve "$work/repo" "$work/serve.log"
	"$tool" loader "$work/repo" --autologin kim --passphrase-file "$work/kim" -o "$work/ours.efi" --quiet \
		--url "${url/127.0.0.1/10.0.2.2}"
	make_disk "$work/ours.disk" "$work/ours.efi"
	fill_cache "$work/ours.disk" "$work/repo" bench
}

# run_disk PEER I: what is on PEER.disk, from power-on; ours asks the server whether it may, and is there something newer
run_disk() {
	local where=$work/$1-$2 network=() machine
	[[ $1 != ours ]] || network=(-netdev "user,id=net0" -device "virtio-net-pci,netdev=net0,romfile=")
	rm -rf "$where"
	mkdir -p "$where"
	set_machine "$where"
	python3 "$driver/disk_run.py" "$where" "$seconds_max" "${machine[@]}" \
		-drive "if=none,id=disk,format=raw,file=$work/$1.disk" -device virtio-blk-pci,drive=disk,bootindex=1 \
		"${network[@]}"
	rm -f "$where/vars.fd"
}

need_files /usr/share/OVMF/OVMF_CODE_4M.fd "$image/vmlinuz" "$debs/grub-common/usr/bin/grub-mkimage" "$systemd_boot"
rm -rf "$work"
mkdir -p "$files"
make_files "$files"
make_disks
trap '[[ -z $server_pid ]] || kill "$server_pid"' EXIT
make_ours
read -ra peers <<<"${PEERS:-grub-zst grub-cpio systemd-boot-zst systemd-boot-cpio ours}"
for ((i = 1; i <= runs; i++)); do
	for peer in "${peers[@]}"; do
		run_disk "$peer" "$i"
	done
done
python3 "$driver/disk_run.py" --table "$work" "${peers[@]}"
rm -rf "$work"/*.disk "$work/repo" "$work/keys" "$files"
