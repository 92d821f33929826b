#!/bin/bash
# SPDX-License-Identifier: MIT
# The account's first environment is a version that was withdrawn: CB-E209. Its second one, the same name without
# a version, boots the version that is left.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
chunkboot publish "$dir/repo" minimal --keys "$shared/keys" --kernel "$image/vmlinuz" --version withdrawn.1 --quiet \
	--initrd "$image/initrd.cpio" --cmdline "$kernel_words not-this-one"
chunkboot account set "$dir/repo" ada --keys "$shared/keys" --env minimal@withdrawn.1 --env minimal --quiet
chunkboot withdraw "$dir/repo" minimal@withdrawn.1 --keys "$shared/keys" --quiet
serve "$dir/repo"
stamp "$shared/repo" "$port"
boot "${sign_in[@]}" expect 'minimal/withdrawn.1' key $'\r' \
	expect 'CB-E209 ' expect 'minimal/withdrawn.1' expect 'E another environment' key E \
	expect 'minimal/withdrawn.1' key $'\r' "${comes_up[@]}"
assert_codes CB-E209
assert_booted
! grep -q 'not-this-one' "$console" || fail 'the withdrawn version booted'
