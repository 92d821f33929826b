#!/bin/bash
# SPDX-License-Identifier: MIT
# The default key derivation, 256 MiB, on the firmware's other processor: signed in and booted, with the memory given back.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../qemu/lib.sh"

chunkboot init "$dir/repo" --keys "$dir/keys" --quiet
chunkboot publish "$dir/repo" minimal --keys "$dir/keys" --kernel "$image/vmlinuz" --initrd "$image/initrd.cpio" \
	--cmdline "$kernel_words" --quiet
chunkboot account add "$dir/repo" ada --keys "$dir/keys" --env minimal --allow-weak --passphrase-file "$shared/passphrase" \
	--quiet
serve "$dir/repo"
published=$dir/repo
stamp "$dir/repo" "$port"
boot "${sign_in[@]}" "${comes_up[@]}"
assert_no_codes
assert_booted
grep -q '"key_derivation":{"ms":[0-9]*,"processor":1' "$dir/boot.json" || fail "another derivation: $(cat "$dir/boot.json")"
grep -q '"kdf":\[{"m_kib":262144,"t":3}' "$dir/repo/metadata/2.targets.json" || fail 'the realm has another derivation'
grep -o '"key_derivation":{[^}]*}' "$dir/boot.json"
