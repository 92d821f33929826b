#!/bin/bash
# SPDX-License-Identifier: MIT
# What a client that has an image fetches for the next version of it, on real Debian root file systems of which packages
# were upgraded: ours over HTTP with a cache, casync, zsync and, for scale, a delta of the whole archive. Bytes are
# exact. PAIRS, SIZES (chunk sizes; the first is also casync's) and LEVEL can be set. What was downloaded stays in
# build/bench/update, where update.json has the figures: remove the folder for the archive's newest versions.
# timeout: 14400
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
export LC_ALL=C.UTF-8
unset http_proxy https_proxy
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-debian.sh"

readonly tool=$CB_BUILD/chunkboot
readonly work=$CB_BUILD/bench/update
readonly debs=$work/debs
readonly driver=$CB_TOP/tests/bench/driver
readonly nginx=$CB_BUILD/debs/nginx/usr/sbin/nginx
readonly zsync=$CB_BUILD/debs/zsync/usr/bin
readonly port=${PORT:-18098}
readonly level=${LEVEL:-9}
read -ra sizes <<<"${SIZES:-64K:256K:1M 32K:128K:512K 16K:64K:256K 4K:16K:64K}"
server_pid='' nginx_pid=''

# The root file systems: suites before and after, and packages.
readonly small='base-files bash coreutils login util-linux systemd-sysv udev dbus kmod ca-certificates'
readonly system="$small base-passwd bsdutils dash debianutils diffutils dpkg findutils grep gzip hostname
	init-system-helpers libc-bin ncurses-base ncurses-bin perl-base sed sysvinit-utils tar
	iproute2 openssh-client linux-image-cloud-amd64 python3"
declare -A before=([system]=bookworm [desktop]=bookworm [desktop13]=trixie)
declare -A after=([desktop13]='trixie trixie-updates trixie-security'
	[system]='bookworm bookworm-updates bookworm-security' [desktop]='bookworm bookworm-updates bookworm-security')
declare -A packages=([system]=$system [desktop]="$small firefox-esr" [desktop13]="$small firefox-esr")

# Pairs: root file system, and the one package that is upgraded, all of them without; "anew": the new image was not made
# by an upgrade of the old one but from nothing, so that every directory has another time.
declare -A pair=(
	[libssl3]='system libssl3'
	[firefox-esr]='desktop firefox-esr'
	[firefox-esr-13]='desktop13 firefox-esr'
	[system-all]='system'
	[desktop-all]='desktop'
	[libssl3-anew]='system libssl3 anew'
)
readonly pairs_all='libssl3 libssl3-anew system-all firefox-esr firefox-esr-13 desktop-all'

end_all() {
	[[ -z $server_pid ]] || kill "$server_pid" 2>/dev/null || true
	[[ -z $nginx_pid ]] || kill "$nginx_pid" 2>/dev/null || true
}

check_needs() {
	[[ -x $nginx ]] || skip 'there is no nginx'
	[[ -x $zsync/zsync ]] || skip 'there is no zsync'
}

# figure NAME VALUE: of the pair at hand
figure() {
	printf '%s %s\n' "$1" "$2" >>"$dir/figures"
}

bytes_below() {
	find "$@" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}

# ---- The archives ----

# The two lists of packages of a root file system, once.
lists_of() {
	local root=$1 words
	[[ ! -f $work/$root.after ]] || return 0
	read -r -d '' -a words <<<"${packages[$root]}" || true
	packages_of "$work/$root.before" "$work/apt" "$debs" "${before[$root]}" "${words[@]}" || skip "no packages for $root"
	packages_of "$work/$root.after" "$work/apt" "$debs" "${after[$root]}" "${words[@]}" || skip "no packages for $root"
}

tree_before() {
	[[ ! -d $work/$1.db ]] || return 0
	new_tree "$work/$1.new" "$debs" "$work/$1.before"
	mv "$work/$1.new" "$work/$1"
	mv "$work/$1.new.db" "$work/$1.db"
}

# An upgraded tree is the one that a new installation makes, but for times.
check_upgrade() {
	new_tree "$dir/fresh" "$debs" "$1"
	diff -rq --no-dereference "$dir/tree" "$dir/fresh"
	rm -rf "$dir"/fresh*
}

# Leaves $dir/{old,new}.{kernel,cpio}, the new tree as $dir/tree, and $dir/upgraded.
make_pair() {
	local root=$1 package=${2:-} is_anew=${3:-} minimal=$CB_BUILD/images/minimal/vmlinuz
	lists_of "$root"
	tree_before "$root"
	pack_tree "$work/$root" "$dir/old.cpio" "$dir/old.kernel" "$minimal"
	cp -a "$work/$root" "$dir/tree"
	cp -a "$work/$root.db" "$dir/tree.db"
	upgrade_tree "$dir/tree" "$debs" "$work/$root.before" "$work/$root.after" "$package" >"$dir/upgraded"
	[[ -s $dir/upgraded ]] || skip "the archive has one version only of ${package:-all packages}"
	[[ $package ]] || check_upgrade "$work/$root.after"
	[[ -z $is_anew ]] || find "$dir/tree" -type d -exec touch -d "$upgraded_at" {} +
	pack_tree "$dir/tree" "$dir/new.cpio" "$dir/new.kernel" "$minimal"
}

# ---- Ours ----

# publish OLD-OR-NEW SIZE [OPTION...]
publish() {
	"$tool" publish "$dir/repo" image --keys "$dir/keys" --kernel "$dir/$1.kernel" --initrd "$dir/$1.cpio" \
		--level "$level" --quiet --chunk-size "${@:2}"
}

# fetch_into NAME: as the loader does, with the cache
fetch_into() {
	rm -rf "${dir:?}/$1"
	"$tool" fetch "$url" image -o "$dir/$1" --root "$dir/repo/metadata/root.json" --cache "$dir/cache" \
		--json >"$dir/$1.json"
}

# measure_ours SIZE [OPTION...]
measure_ours() {
	rm -rf "$dir/repo" "$dir/keys" "$dir/cache"
	"$tool" init "$dir/repo" --keys "$dir/keys" --kdf small --quiet
	publish old "$@"
	"$tool" cache create "$dir/cache" --size 4000000000 --quiet
	start_serve "$dir/repo" "$dir/serve.log"
	fetch_into fetched-old
	publish new "$@"
	fetch_into fetched-new
	kill "$server_pid"
	wait "$server_pid" || true
	server_pid=''
	python3 "$driver/update_table.py" --ours "$dir" "$*"
}

# ---- The others ----

# casync_new NAME INPUT OUTPUT: what making INPUT adds to the store, and the index
casync_new() {
	local bytes
	bytes=$(bytes_below "$dir/casync.castr")
	casync make --store="$dir/casync.castr" --chunk-size="$casync_size" --with=unix "$dir/$2" "$1" >/dev/null || return 1
	echo $(($(bytes_below "$dir/casync.castr") - bytes + $(stat -c %s "$dir/$2")))
}

# The archive and the kernel as blobs, then casync's own archive of the directories.
measure_casync() {
	local casync_size=${sizes[0]} of
	casync_size=$(tr : '\n' <<<"$casync_size" | numfmt --from=iec | paste -sd:)
	rm -rf "$dir/casync.castr"
	mkdir -p "$dir/casync.castr"
	for of in old new; do
		casync_new "$dir/$of.kernel" kernel.caibx >"$dir/bytes-kernel"
		casync_new "$dir/$of.cpio" cpio.caibx >"$dir/bytes-cpio"
	done
	figure casync_blob_bytes $(($(<"$dir/bytes-kernel") + $(<"$dir/bytes-cpio")))
	# in a store of its own: contents of large files are cut alike
	rm -rf "$dir/casync.castr"
	mkdir -p "$dir/casync.castr"
	casync_new "$work/$root" tree.caidx >/dev/null
	casync_new "$dir/tree" tree.caidx >"$dir/bytes-tree"
	figure casync_tree_bytes $(($(<"$dir/bytes-kernel") + $(<"$dir/bytes-tree")))
	rm -rf "$dir/casync.castr"
}

start_nginx() {
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $dir/nginx.pid;
		error_log $dir/nginx-error.log notice;
		events { }
		http {
			log_format bytes '\$status \$body_bytes_sent \$uri';
			access_log $dir/access.log bytes;
			client_body_temp_path $dir/t1;
			proxy_temp_path $dir/t2;
			fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4;
			scgi_temp_path $dir/t5;
			default_type application/octet-stream;
			server { listen 127.0.0.1:$port; root $dir/www; }
		}
	CONF
	"$nginx" -e "$dir/nginx-error.log" -c "$dir/nginx.conf" 2>"$dir/nginx-stderr" &
	nginx_pid=$!
	until grep -q LISTEN < <(ss -ltnH "sport = :$port"); do
		kill -0 $nginx_pid 2>/dev/null || { cat "$dir"/nginx-*; return 1; }
	done
}

# make_zsync FILE: of long runs of zeros in a gzip file it says that smaller blocks are needed
make_zsync() {
	local size
	for size in '' '-b2048' '-b1024'; do
		# shellcheck disable=SC2086
		(cd "$dir/www" && "$zsync/zsyncmake" $size -u "$1" -o "$1.zsync" "$1") >"$dir/zsync.log" 2>&1 && return
	done
	cat "$dir/zsync.log"
	return 1
}

# zsync_bodies OLD NEW: HTTP bodies, the control file's too
zsync_bodies() {
	: >"$dir/access.log"
	(cd "$dir/www" && "$zsync/zsync" -i "$dir/$1" -o "$dir/zsynced" "http://127.0.0.1:$port/$2.zsync") \
		>"$dir/zsync.log" 2>&1 || { cat "$dir/zsync.log" >&2; return 1; }
	cmp "$dir/zsynced" "$dir/www/$2" >&2
	rm -f "$dir/zsynced"
	awk '{ n += $2 } END { print n + 0 }' "$dir/access.log"
}

# The archive uncompressed and as gzip makes it; the kernel as it is.
measure_zsync() {
	local of
	mkdir -p "$dir/www"
	start_nginx
	for of in new.kernel new.cpio; do
		ln -f "$dir/$of" "$dir/www/$of"
	done
	gzip -nc "$dir/new.cpio" >"$dir/www/new.cpio.gz"
	gzip -nc "$dir/old.cpio" >"$dir/old.cpio.gz"
	for of in kernel cpio cpio.gz; do
		make_zsync "new.$of"
		zsync_bodies "old.$of" "new.$of" >"$dir/bytes-$of"
	done
	figure zsync_bytes $(($(<"$dir/bytes-kernel") + $(<"$dir/bytes-cpio")))
	figure zsync_gz_bytes $(($(<"$dir/bytes-kernel") + $(<"$dir/bytes-cpio.gz")))
	kill "$nginx_pid"
	wait "$nginx_pid" || true
	nginx_pid=''
	rm -rf "$dir/www" "$dir/old.cpio.gz"
}

# How little a delta between just these two can be, without understanding what is in it.
measure_delta() {
	local bytes=0 of
	for of in kernel cpio; do
		bytes=$((bytes + $(zstd -q -9 --single-thread --long=31 --patch-from="$dir/old.$of" "$dir/new.$of" -c | wc -c)))
	done
	figure delta_bytes $bytes
}

measure_pair() {
	local dir=$work/$1 root size words
	read -ra words <<<"${pair[$1]:?no such pair}"
	root=${words[0]}
	rm -rf "$dir"
	mkdir -p "$dir"
	echo "$1: $root"
	make_pair "${words[@]}"
	for size in "${sizes[@]}"; do
		measure_ours "$size"
	done
	[[ ${words[2]:-} != anew ]] || measure_ours "${sizes[0]}" --no-directory-times
	measure_casync
	measure_zsync
	measure_delta
	cat "$work/$root".{before,after}.suites | sort -u >"$dir/suites"
	python3 "$driver/update_table.py" --pair "$dir"
	rm -rf "${dir:?}"/{tree,tree.db,tree.reference,repo,keys,cache,fetched-old,fetched-new,old.cpio,new.cpio}
}

conditions() {
	local others
	others="$(casync --version | sed -n 1p), $("$zsync/zsync" -V 2>&1 | sed -n 's/ *(.*//; 1p'), "
	others+="zstd $(zstd -V | grep -o 'v[0-9.]*' | sed -n 1p)"
	printf '%s\n' "date $(date -u +%Y-%m-%d)" "machine $(uname -m), $(nproc) processors" \
		"ours $("$tool" --version | sed -n 1p), level $level" "others $others"
}

check_needs
trap end_all EXIT
mkdir -p "$work"
conditions >"$work/conditions"
read -ra pairs <<<"${PAIRS:-$pairs_all}"
for name in "${pairs[@]}"; do
	measure_pair "$name"
done
python3 "$driver/update_table.py" --table "$work" "${pairs[@]}"
