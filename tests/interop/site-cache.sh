#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's nginx, Varnish and Squid as the cache of a site, each with its example of docs/examples, before one origin:
# 50 clients through a cold cache cost the origin little more than one, news come through at once, and a damaged
# object in the cache costs a request.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../cli/lib.sh"

n_clients=50
n_at_once=10
image_bytes=16000000
most_percent=105

command -v curl >/dev/null || skip_all 'no curl'

# program PACKAGE PATH: the unpacked program, or the machine's own; skips the test where there is none.
program() {
	local path=$CB_BUILD/debs/$1/$2
	[ -x "$path" ] || path=$(PATH=$PATH:/usr/sbin command -v "${2##*/}") || return 1
	echo "$path"
}

# adjust FILE SCRIPT...: the example with these lines adjusted by sed, each of which must change something.
adjust() {
	local file=$1 script
	cp "$CB_TOP/docs/examples/$file" "$dir/$file"
	for script in "${@:2}"; do
		sed -E -i.old "$script" "$dir/$file"
		! cmp -s "$dir/$file" "$dir/$file.old" || fail "$file has no line for $script"
	done
	assert_no_match '^[^#]*boot\.example\.org' "$dir/$file"
}

# make_origin: a realm with an image and an account, served; $origin is its HOST:PORT, $origin_log its access log.
make_origin() {
	make_realm
	head -c "$image_bytes" /dev/urandom >"$dir/initrd"
	make_linux desk --version 1 --initrd "$dir/initrd" --exact
	origin_log=$dir/origin.log
	start_server "$repo" --log "$origin_log"
	origin=${url#http://}
	origin=${origin%/}
}

# await_cache PID LOG: the cache answers on $port; sets $cache and $cache_pid.
await_cache() {
	cache=http://127.0.0.1:$port/
	cache_pid=$1
	server_pids+=("$1")
	curl -s -o /dev/null --retry 100 --retry-delay 0 --retry-connrefused --max-time 30 "${cache}metadata/root.json" ||
		{ cat "$2" >&2; fail 'the cache does not come up'; }
}

start_nginx() {
	local nginx log=$dir/nginx-error.log
	nginx=$(program nginx usr/sbin/nginx) || skip_test 'there is no nginx'
	port=$(free_port)
	adjust nginx-site-cache.conf "s|listen 80 .*|listen 127.0.0.1:$port;|" '/listen \[::\]/d' "s|server boot.*|server $origin;|" \
		"s|Host boot.*|Host $origin;|" "s|/var/cache/nginx/chunkboot|$dir/cache|"
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $dir/nginx.pid;
		error_log $log notice;
		worker_rlimit_nofile 4096;
		events { worker_connections 2048; }
		http {
			access_log off;
			client_body_temp_path $dir/t1;
			proxy_temp_path $dir/t2;
			fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4;
			scgi_temp_path $dir/t5;
			include $dir/nginx-site-cache.conf;
		}
	CONF
	"$nginx" -e "$log" -c "$dir/nginx.conf" 2>"$dir/stderr" &
	await_cache $! "$log"
}

start_varnish() {
	local varnishd log=$dir/varnish.log
	varnishd=$(program varnish usr/sbin/varnishd) || skip_test 'there is no Varnish'
	port=$(free_port)
	adjust varnish-site-cache.vcl "s|host = \"boot.*|host = \"${origin%:*}\";|" "s|port = \"80\".*|port = \"${origin#*:}\";|" \
		"s|Host = \"boot.*|Host = \"$origin\";|"
	"$varnishd" -F -j none -n "$dir/varnish" -a "127.0.0.1:$port" -f "$dir/varnish-site-cache.vcl" -s malloc,200m \
		>"$log" 2>&1 &
	await_cache $! "$log"
}

# Squid won't be root: then it is "proxy", which must get at its files.
start_squid() {
	local squid log=$dir/squid.log share
	squid=$(program squid usr/sbin/squid) || skip_test 'there is no Squid'
	share=$CB_BUILD/debs/squid-common/usr/share/squid
	[ -e "$share" ] || share=/usr/share/squid
	port=$(free_port)
	mkdir "$dir/squid"
	cp -L "$squid" "${squid%/sbin/*}/lib/squid/unlinkd" "$share/mime.conf" "$dir/squid"
	cp -r "$share/icons" "$dir/squid"
	adjust squid-site-cache.conf "s|port 80 accel defaultsite=boot.example.org (.*)#.*|port 127.0.0.1:$port accel defaultsite=$origin \1|" \
		"s|peer boot.example.org parent 80 (.*)#.*|peer ${origin%:*} parent ${origin#*:} \1|" \
		"s|/var/spool/squid 50000 (.*)#.*|$dir/squid/cache 500 \1|"
	cat "$dir/squid-site-cache.conf" - >"$dir/squid/squid.conf" <<-CONF
		pid_filename none
		cache_log $dir/squid/cache.log
		access_log none
		cache_store_log none
		coredump_dir none
		mime_table $dir/squid/mime.conf
		icon_directory $dir/squid/icons
		unlinkd_program $dir/squid/unlinkd
		pinger_enable off
		shutdown_lifetime 0 seconds
		visible_hostname localhost
	CONF
	if [ "$(id -u)" -eq 0 ]; then
		chmod a+x "${CB_TEST_TMP:-$dir}" "$dir"
		chown -R proxy "$dir/squid"
	fi
	log=$dir/squid/cache.log
	"$dir/squid/squid" -N -z -f "$dir/squid/squid.conf" >"$dir/stderr" 2>&1 || { cat "$dir/stderr" >&2; fail 'squid -z'; }
	"$dir/squid/squid" -N -f "$dir/squid/squid.conf" >"$dir/stderr" 2>&1 &
	await_cache $! "$log"
}

# origin_bytes [PATTERN [once]]: of bodies that the origin has sent since the log was emptied; of each file but once.
origin_bytes() {
	awk -F'"' -v pattern="${1:-.}" -v once="${2:-}" '$2 ~ pattern && !(once && seen[$2]++) { split($3, f, " "); n += f[2] }
		END { printf "%d\n", n }' "$origin_log"
}

# n_sent PATTERN: the same, answers with a body, for files like this.
n_sent() {
	grep -Ec "\"GET [^ ]*$1[^ ]* HTTP/1.1\" 200 " "$origin_log" || true
}

# one_client N URL...: fetches the image and compares it.
one_client() {
	"$tool" fetch "${@:2}" desk -o "$dir/out-$1" --root "$repo/metadata/1.root.json" --quiet &&
		cmp "$dir/initrd" "$dir/out-$1/initrd-0" && cmp "$dir/vmlinuz" "$dir/out-$1/kernel" && rm -r "$dir/out-$1"
}
export -f one_client
export tool dir repo

# Fifty clients in a cold cache, each with the origin as mirror and the cache as one nearby, against what one alone gets.
# They are nice: on a machine that is busy with other tests the cache would be silent for the half second after which
# clients rightly go past it.
check_traffic() {
	local one all
	: >"$origin_log"
	one_client alone "http://$origin/"
	one=$(origin_bytes '/(store[.]castr|manifests)/' once)
	: >"$origin_log"
	seq "$n_clients" | nice -n 19 xargs -P "$n_at_once" -I N bash -c "one_client N http://$origin/ --near $cache" || fail 'a client did not get its image'
	all=$(origin_bytes)
	echo "origin sent $all bytes for $n_clients clients, one image is $one: $((all * 1000 / one / 10)).$((all * 1000 / one % 10)) %," \
		"metadata $(origin_bytes '/metadata/')"
	[ "$((all * 100))" -le "$((one * most_percent))" ] || fail "more than $most_percent %"
	# it has all now, and will do without the others
	: >"$origin_log"
	one_client warm "$cache"
	assert_equal 0 "$(n_sent /store.castr/)" 'requests for chunks that are in the cache'
}

# What is published now is what the next client gets.
check_freshness() {
	chunkboot publish "$repo" desk --keys "$keys" --kernel "$dir/vmlinuz" --initrd "$dir/initrd" --exact --version 2 \
		--cmdline news --quiet
	: >"$origin_log"
	chunkboot fetch "$cache" desk -o "$dir/fresh" --root "$repo/metadata/1.root.json" --quiet
	assert_equal news "$(cat "$dir/fresh/cmdline")" 'command line'
	assert_equal 0 "$(n_sent /store.castr/)" 'chunks fetched for an update without any'
}

# check_heals CHUNK: it is damaged in the cache and fine at the origin. One client notices; the next one has no cause to.
check_heals() {
	: >"$origin_log"
	one_client first "$cache" || fail 'a damaged object stops the boot'
	assert_equal "1 1" "$(n_sent "$1") $(n_sent /store.castr/)" 'requests for the damaged chunk and for all'
	: >"$origin_log"
	one_client second "$cache"
	assert_equal 0 "$(n_sent /store.castr/)" 'requests for chunks when it is replaced'
}

# The origin is bad while the cache is filled, and then good: with the same length and entity tag.
check_bad_origin() {
	local file
	head -c 300000 /dev/urandom >"$dir/more"
	make_linux desk --version 3 --initrd "$dir/initrd" --initrd "$dir/more" --exact
	file=$(find "$repo/store.castr" -name '*.cacnk' -size +8k -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
	flip_byte "$file" 100
	assert_exit 3 chunkboot fetch "$cache" desk -o "$dir/bad" --root "$repo/metadata/1.root.json"
	assert_match 'a chunk differs from what was signed' "$dir/err"
	flip_byte "$file" 100
	check_heals "$(basename "$file")"
}

# A file of nginx's cache, which it does not look into; large enough that the byte is not one of the cache's own header.
check_bad_disk() {
	local file
	file=$(find "$dir/cache" -type f -size +8k -exec grep -la '^KEY: /store.castr/' {} + | sort | sed -n 1p)
	flip_byte "$file" "$(($(stat -c %s "$file") - 100))"
	check_heals "$(sed -n 's|^KEY: /store.castr/..../\([0-9a-f]*\).*|\1|p;/^KEY/q' "$file")"
}

# The caches write to their folders until they have ended.
stop_cache() {
	kill "$cache_pid"
	wait "$cache_pid" || true
}

check() {
	check_traffic
	check_freshness
	check_bad_origin
}

test_nginx() {
	make_origin
	start_nginx
	check
	check_bad_disk
	stop_cache
}

test_varnish() {
	make_origin
	start_varnish
	check
	stop_cache
}

test_squid() {
	make_origin
	start_squid
	check
	stop_cache
}

run_tests "$@"
