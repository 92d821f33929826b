#!/bin/bash
# SPDX-License-Identifier: MIT
# Everything that can go wrong for a person on one morning, in one boot: no server yet, a timestamp that has expired, a
# revoked account, a wrong passphrase, a withdrawn version, a flipped bit on the only mirror. A code each, nothing of the
# image runs before the end, and then it does.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

copy_repo "$dir/repo"
chunkboot publish "$dir/repo" minimal --keys "$shared/keys" --kernel "$image/vmlinuz" --version withdrawn.1 --quiet \
	--initrd "$image/initrd.cpio" --cmdline "$kernel_words not-this-one"
chunkboot account set "$dir/repo" ada --keys "$shared/keys" --env minimal@withdrawn.1 --env minimal --quiet
chunkboot withdraw "$dir/repo" minimal@withdrawn.1 --keys "$shared/keys" --quiet
later=$(($(date +%s) + 8 * 24 * 3600))
port=$(free_port)
stamp "$shared/repo" "$port" -- --no-prefetch

# what happens on the server, a command each
mkfifo "$dir/start" "$dir/ready"
(
	read -r _ <"$dir/start"
	exec "$tool" serve "$dir/repo" --listen "127.0.0.1:$port" --quiet >"$dir/ready"
) &
servers+=($!)
readonly refresh="'$tool' refresh '$dir/repo' --keys '$shared/keys' --sign-time $later --quiet"
# the record stays: it is the list that refuses it
readonly revoke="cp -a '$dir/repo/metadata' '$dir/repo/accounts' '$dir' &&
	'$tool' account revoke '$dir/repo' ada --keys '$shared/keys' --quiet && $refresh &&
	cp -a --remove-destination '$dir/accounts' '$dir/repo'"
readonly restore="rm -r '$dir/repo/metadata' && cp -a '$dir/metadata' '$dir/repo'"
chunk=$(some_chunk "$dir/repo")
cp "$chunk" "$dir/chunk"
flip_bit "$chunk" 1000

# shellcheck disable=SC2034  # for boot
machine=(--rtc "$(date -u -d "@$later" +%Y-%m-%dT%H:%M:%S)")
boot expect 'CB-E105 ' expect 'R retry' run "echo go >'$dir/start'; read -r line <'$dir/ready'" key R \
	expect 'CB-E203 ' expect timestamp.json expect 'R retry' run "$refresh && $revoke" key R \
	"${sign_in[@]}" expect 'CB-E404 ' expect 'R retry' run "$restore" key R \
	expect 'Account: ' type ada expect 'Passphrase: ' type 'not this one' expect 'CB-E401 ' "${sign_in[@]}" \
	expect 'minimal/withdrawn.1' key $'\r' expect 'CB-E209 ' expect 'minimal/withdrawn.1' \
	expect 'E another environment' key E expect 'minimal/withdrawn.1' key $'\r' \
	expect 'CB-E303 ' expect 'R retry' run "cp --remove-destination '$dir/chunk' '$chunk'" key R \
	expect 'minimal/withdrawn.1' key $'\r' "${comes_up[@]}"
assert_codes CB-E105 CB-E203 CB-E404 CB-E401 CB-E209 CB-E303
assert_booted
! grep -q 'not-this-one' "$console" || fail 'the withdrawn version booted'
! grep -q "$passphrase" "$dir/console.log" || fail 'the passphrase is on the console'
# the network was asked anew where nothing had come, or the wrong things: after CB-E105, E203, E209 and E303
n=$(grep -c '^Network: [0-9.]*/' "$console")
[[ $n -eq 5 ]] || fail "an address was asked for $n times; log: $(keep_log)"
