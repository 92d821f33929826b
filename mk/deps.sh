#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages a build group needs: only missing ones, so a second run needs no network.
#
# usage: mk/deps.sh [--list] GROUP        GROUP is tool, efi, run or test; each includes what it builds on
set -euo pipefail

readonly tool="gcc libc6-dev make libjansson-dev libmicrohttpd-dev libbearssl-dev libsodium-dev
	libzstd-dev libarchive-dev libfdisk-dev scdoc libssl-dev liblzma-dev liblz4-dev libbz2-dev zlib1g-dev"
readonly efi="clang lld llvm gnu-efi patch xz-utils zstd ca-certificates python3"
readonly run="$tool $efi qemu-system-x86 ovmf mtools dosfstools busybox-static cpio"
# The last line: libraries of what mk/unpack-deb.sh unpacks (Varnish, Squid). Chosen by its name.
# shellcheck disable=SC2034
readonly test="$run libclang-rt-14-dev libcmocka-dev casync libarchive-tools python3-argon2 clang-format clang-tidy cppcheck shellcheck
	codespell valgrind curl socat expect openssl faketime python3-pefile python3-pexpect nodejs npm
	git procps file dnsmasq-base iproute2 fdisk e2fsprogs mandoc
	libjemalloc2 libecap3 libltdl7 libnetfilter-conntrack3 libgssapi-krb5-2"

# What a package is for may be on the machine already without the package (a hand-installed node).
have() {
	case $1 in
	nodejs) command -v node >/dev/null && return 0 ;;
	npm) command -v npm >/dev/null && return 0 ;;
	esac
	[[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == "install ok installed" ]]
}

as_root() {
	if [[ $(id -u) -eq 0 ]]; then
		"$@"
	else
		sudo "$@"
	fi
}

apt_quiet() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=900 -o Dpkg::Use-Pty=0 "$@"
}

list_only=
[[ ${1:-} == --list ]] && { list_only=1; shift; }
group=${1:-}
case $group in
tool | efi | run | test) read -r -d '' -a packages <<<"${!group}" || true ;;
*) echo "usage: mk/deps.sh [--list] tool|efi|run|test" >&2; exit 2 ;;
esac
# "make run" opens a window where there is a display.
[[ $group == run && -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] && packages+=(qemu-system-gui)
if [[ $list_only ]]; then
	printf '%s\n' "${packages[@]}"
	exit 0
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "  NOTE    no apt here: make sure that the counterparts of these are installed: ${packages[*]}"
	exit 0
fi

# One installer at a time: parallel make targets and parallel builds would fight over apt's locks.
exec 9>"${TMPDIR:-/tmp}/chunkboot-deps.$(id -u).lock"
flock 9

missing=()
for package in "${packages[@]}"; do
	have "$package" || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "  APT     ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The list update fails when another apt-get holds the lists; what is there may do.
for try in 1 2 3; do
	apt_quiet update >"$log" 2>&1 && break
	sleep "$try"
done
if ! apt_quiet install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
	cat "$log" >&2
	echo "mk/deps.sh: error: apt-get could not install: ${missing[*]}" >&2
	echo "hint: install them by hand, then run make again" >&2
	exit 1
fi
