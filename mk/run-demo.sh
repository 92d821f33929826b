#!/bin/bash
# SPDX-License-Identifier: MIT
# "make run": publishes the minimal image to a demo repository, makes an account, and boots it in QEMU.
#
# With a display QEMU opens a window; on a terminal that is the machine's console; without either the demo
# account is typed in by itself and the script ends with 0 when userspace is up. A second run reuses what is
# there. Everything lies in $BUILD/demo; "rm -rf" it to start afresh.
set -euo pipefail

BUILD=${BUILD:-build}
demo=$BUILD/demo
repo=$demo/repository
keys=$demo/keys
passphrase=$demo/passphrase
image=$BUILD/images/minimal
account=demo

chunkboot() {
	"$BUILD/chunkboot" "$@"
}

make_realm() {
	mkdir -p "$demo"
	[[ -f $repo/metadata/root.json ]] && return
	rm -rf "$repo" "$keys" "$passphrase"
	echo "  REALM   $repo"
	chunkboot init "$repo" --keys "$keys" --title 'chunkboot demo' --kdf small --quiet
}

# Unchanged files keep their version, and cost nothing.
publish_image() {
	echo "  PUBLISH minimal"
	chunkboot publish "$repo" minimal --keys "$keys" --kernel "$image/vmlinuz" --initrd "$image/initrd.cpio" \
		--title 'Debian kernel, small shell' --cmdline "$1" --cmdline-allow chunkboot.shell
	chunkboot refresh "$repo" --keys "$keys" --quiet
}

# The passphrase is printed once by "account add"; the demo keeps it, so that a second run can show it.
make_account() {
	if [[ -s $passphrase ]]; then
		chunkboot account renew "$repo" --keys "$keys" --quiet
		return
	fi
	echo "  ACCOUNT $account"
	(umask 077 && chunkboot account add "$repo" "$account" --keys "$keys" --env minimal --suffix chunkboot.shell \
		--display-name 'Demo' >"$passphrase.new")
	mv "$passphrase.new" "$passphrase"
}

show_sign_in() {
	local text
	text=$(<"$passphrase")
	printf '\n  +-%s-+\n' "$(printf '%*s' "$((${#text} + 12))" '' | tr ' ' -)"
	printf '  | %-*s |\n' "$((${#text} + 12))" 'Sign in with:' "$((${#text} + 12))" '' \
		"$((${#text} + 12))" "Account:    $account" "$((${#text} + 12))" "Passphrase: $text"
	printf '  +-%s-+\n\n' "$(printf '%*s' "$((${#text} + 12))" '' | tr ' ' -)"
}

has_display() {
	[[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] && grep -Eqx 'gtk|sdl' < <(qemu-system-x86_64 -display help 2>/dev/null)
}

make_realm
publish_image "$(has_display && echo 'console=ttyS0,115200 console=tty0' || echo 'console=ttyS0,115200')"
make_account
show_sign_in

if [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] && ! has_display; then
	echo "  NOTE    QEMU has no window here; 'apt-get install qemu-system-gui' gives it one"
fi
if has_display || [[ -t 0 && -t 1 ]]; then
	exec "$BUILD/chunkboot" run "$repo" --log "$demo/access.log"
fi
echo "  RUN     no terminal and no display: the demo account is typed in"
chunkboot run "$repo" --headless --account "$account" --passphrase-file "$passphrase" --log "$demo/access.log" \
	--expect 'chunkboot-minimal: end'
printf '\n  DONE    userspace is up: what ran was fetched in verified chunks\n'
