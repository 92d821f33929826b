#!/bin/bash
# SPDX-License-Identifier: MIT
# One machine over two boots: a repository that was put back to an older copy is CB-E204, and a state variable that the
# operating system planted is told of, removed and written over. A kernel that comes back is CB-E602: the network, which
# was given up for it, is there again, and the next version boots.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# state_is LINE...: the state variables, each NAME ATTRIBUTES LENGTH; 3 is NV|BS, 7 is NV|BS|RT.
state_is() {
	local got
	got=$(python3 "$CB_TOP/tests/qemu/driver/vars.py" "$dir/vars.fd" list)
	[[ $got == "$(printf '%s\n' "$@")" ]] || fail "variables: $got"
}

# Its first two instructions: xor eax, eax and ret.
make_returning_kernel() {
	python3 - "$image/vmlinuz" "$dir/returns" <<'PYTHON'
import struct, sys
kernel = bytearray(open(sys.argv[1], "rb").read())
[pe] = struct.unpack_from("<I", kernel, 0x3c)
n_sections, options_len = struct.unpack_from("<H", kernel, pe + 6)[0], struct.unpack_from("<H", kernel, pe + 20)[0]
[entry] = struct.unpack_from("<I", kernel, pe + 24 + 16)
for i in range(n_sections):
    size, address, _, at = struct.unpack_from("<IIII", kernel, pe + 24 + options_len + 40 * i + 8)
    if address <= entry < address + size:
        entry += at - address
        kernel[entry:entry + 3] = b"\x31\xc0\xc3"
        open(sys.argv[2], "wb").write(kernel)
        sys.exit()
sys.exit("no section has the entry")
PYTHON
}

copy_repo "$dir/repo"
cp -a "$dir/repo/metadata" "$dir/older"
chunkboot refresh "$dir/repo" --keys "$shared/keys" --quiet
serve "$dir/repo"
stamp "$shared/repo" "$port" -- --autologin kiosk --passphrase-file "$shared/passphrase"
boot "${comes_up[@]}"
assert_no_codes
assert_booted
state_is 'CbState0 3 256'

make_returning_kernel
readonly publish="'$tool' publish '$dir/repo' minimal --keys '$shared/keys' --initrd '$image/initrd.cpio' --quiet \
	--cmdline '$kernel_words'"
sh -c "$publish --version 9.1 --kernel '$dir/returns'"
mv "$dir/repo/metadata" "$dir/newer"
cp -a "$dir/older" "$dir/repo/metadata"
python3 "$CB_TOP/tests/qemu/driver/vars.py" "$dir/vars.fd" plant CbState1
state_is 'CbState0 3 256' 'CbState1 7 256'
boot expect 'stored rollback state was not written by this loader: CbState1' \
	expect 'CB-E204 ' expect timestamp.json expect 'R retry' \
	run "rm -r '$dir/repo/metadata' && mv '$dir/newer' '$dir/repo/metadata'" key R \
	expect 'CB-E602 ' expect minimal/9.1 expect 'R retry' \
	run "$publish --version 9.2 --kernel '$image/vmlinuz'" key R "${comes_up[@]}"
assert_codes CB-E204 CB-E602
published=$dir/repo
assert_booted
state_is 'CbState0 3 256' 'CbState1 3 256'
