# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What measurements against other loaders have in common: the kernel and the archive that all of them load, and the
# virtual machine. To be sourced.
# shellcheck disable=SC2034  # what is set here is for those who source it

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly image=$CB_BUILD/images/minimal
readonly debs=$CB_BUILD/debs
readonly driver=$CB_TOP/tests/bench/driver
readonly cpio_mib=${CPIO_MIB:-128}
# no_timer_check: on a loaded machine the kernel panics over a timer that an emulated interrupt is late for
readonly cmdline='console=ttyS0,115200 earlyprintk=ttyS0,115200 loglevel=5 panic=-1 no_timer_check rdinit=/init'

# need_files FILE...: skips without one of them
need_files() {
	local file
	for file; do
		[[ -f $file ]] || skip "there is no ${file#"$CB_BUILD/"}"
	done
}

# make_files DIR: vmlinuz, and initrd.cpio and the same as initrd.zst: regular files of these directories, in order, those
# that still fit, behind the minimal initrd.
make_files() {
	cp "$image/vmlinuz" "$1/"
	find /usr/bin /usr/lib/x86_64-linux-gnu /usr/share -xdev -type f -links 1 -printf '%s %p\n' | sort -k2 |
		awk -v max=$((cpio_mib * 1048576)) 'n + $1 + 200 <= max { n += $1 + 200; sub(/^[0-9]+ \//, ""); print }' >"$1/files"
	cat "$image/initrd.cpio" >"$1/initrd.cpio"
	(cd / && cpio --quiet -o -H newc -R 0:0 --reproducible <"$1/files") >>"$1/initrd.cpio"
	zstd -q -9 -T0 -f "$1/initrd.cpio" -o "$1/initrd.zst"
	rm "$1/files"
}

# make_grub_efi CONFIG OUTPUT MODULE...: GRUB that does what CONFIG says
make_grub_efi() {
	"$debs/grub-common/usr/bin/grub-mkimage" -O x86_64-efi -d "$debs/grub-efi-amd64-bin/usr/lib/grub/x86_64-efi" -p '' \
		-c "$1" -o "$2" "${@:3}"
}

# make_disk DISK EFI: a disk with this loader on a system partition, which the mtools name $esp, and as much free space
make_disk() {
	local mib=256
	esp=$1@@1M
	rm -f "$1"
	truncate -s $((2 * mib))M "$1"
	printf 'label: gpt\nstart=2048, size=%dM, type=uefi\n' $mib | /sbin/sfdisk --quiet "$1"
	mformat -i "$esp" -F -T $((mib * 2048)) -h 64 -s 32 ::
	mmd -i "$esp" ::/EFI ::/EFI/BOOT
	mcopy -i "$esp" "$2" ::/EFI/BOOT/BOOTX64.EFI
}

# fill_cache DISK REPO NAME: a cache in the disk's free space, with what the image needs
fill_cache() {
	"$CB_BUILD/chunkboot" cache create --partition "$1" --quiet
	"$CB_BUILD/chunkboot" cache fill "$1" "$2" "$3" --root "$2/metadata/root.json" --quiet
}

# set_machine DIR: $machine, the words for QEMU; the serial console is on its standard output
set_machine() {
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$1/vars.fd"
	machine=(qemu-system-x86_64 -nodefaults -no-user-config
		-machine "q35,smm=off" -accel "tcg,thread=multi" -cpu "max,la57=off" -smp 2 -m 2048 -no-reboot -display none
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
		-drive "if=pflash,unit=1,format=raw,file=$1/vars.fd" -device virtio-rng-pci
		-chardev "stdio,id=serial0,signal=off" -serial chardev:serial0)
}
