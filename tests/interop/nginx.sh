#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's nginx with docs/examples/nginx.conf in front of a repository: our client fetches through it, the headers
# say what may be cached, and nothing else is shown.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../cli/lib.sh"

nginx=$CB_BUILD/debs/nginx/usr/sbin/nginx
[ -x "$nginx" ] || nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || skip_all 'there is no nginx'
command -v curl >/dev/null || skip_all 'no curl'

# start_nginx: the example as it stands but for address and root, as this user, in front of $repo; sets $url.
start_nginx() {
	local port log=$dir/nginx-error.log
	port=$(free_port)
	sed -e "s|^\(\s*\)listen 80 .*|\1listen 127.0.0.1:$port;|" -e '/listen \[::\]/d' \
		-e "s|^\(\s*\)root .*|\1root $repo;|" "$CB_TOP/docs/examples/nginx.conf" >"$dir/site.conf"
	[ "$(grep -Ec "127.0.0.1:$port|root $repo" "$dir/site.conf")" -eq 2 ] || fail 'the example has other lines to adjust'
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $dir/nginx.pid;
		error_log $log notice;
		events { }
		http {
			access_log $dir/access.log;
			client_body_temp_path $dir/t1;
			proxy_temp_path $dir/t2;
			fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4;
			scgi_temp_path $dir/t5;
			include $dir/site.conf;
		}
	CONF
	"$nginx" -t -q -e "$log" -c "$dir/nginx.conf" 2>"$dir/err" || { cat "$dir/err" >&2; fail 'nginx refuses the example'; }
	"$nginx" -e "$log" -c "$dir/nginx.conf" 2>"$dir/stderr" &
	server_pids+=($!)
	url=http://127.0.0.1:$port
	curl -s -o /dev/null --retry 50 --retry-delay 0 --retry-connrefused --max-time 30 "$url/metadata/root.json" ||
		{ cat "$dir/stderr" "$log" >&2; fail "nginx does not come up"; }
}

make_site() {
	make_realm
	make_linux desk --version 1 --initrd <(head -c 300000 /dev/urandom) --exact
	chunkboot account add "$repo" ada --keys "$keys" --env desk --quiet >"$dir/passphrase"
	start_nginx
}

# head_of PATH: status line and headers of GET, to $dir/head.
head_of() {
	curl -s -o /dev/null -D "$dir/head" --path-as-is "$url/$1"
	tr -d '\r' <"$dir/head" >"$dir/out"
}

# assert_status CODE PATH
assert_status() {
	head_of "$2"
	grep -q "^HTTP/1.1 $1 " "$dir/out" || { cat "$dir/out" >&2; fail "no status $1 for $2"; }
}

# assert_cached VALUE PATH
assert_cached() {
	assert_status 200 "$2"
	assert_equal "Cache-Control: $1" "$(grep -i '^cache-control:' "$dir/out")" "header of $2"
	assert_no_match '^Content-Encoding:' "$dir/out"
}

test_fetch_through_nginx() {
	make_site
	assert_exit 0 chunkboot fetch "$url/" desk -o "$dir/boot" --root "$repo/metadata/1.root.json"
	cmp "$dir/vmlinuz" "$dir/boot/kernel"
	# pipelined requests over few connections; absent is only the next root
	assert_equal '404 /metadata/2.root.json' \
		"$(sed -n 's/.*"GET \([^ ]*\) HTTP[^"]*" \([45][0-9][0-9]\) .*/\2 \1/p' "$dir/access.log")" 'errors in the log'
}

test_headers() {
	make_site
	local file
	for file in $(cd "$repo" && find metadata/root.json metadata/timestamp.json metadata/bundle.cbb accounts -type f); do
		assert_cached no-cache "$file"
		assert_match '^ETag: ' "$dir/out"
	done
	for file in $(cd "$repo" && find metadata -name '[0-9]*' && find manifests store.castr indexes -type f); do
		assert_cached 'public, max-age=31536000, immutable' "$file"
	done
	# the loader's query, there for caches
	file=$(cd "$repo" && find store.castr -type f | sed -n 1p)
	assert_cached 'public, max-age=31536000, immutable' "$file?0123456789abcdef"
	assert_match '^Content-Type: application/octet-stream' "$dir/out"
}

test_what_is_not_there_is_not_immutable() {
	make_site
	assert_status 404 store.castr/0000/0000000000000000000000000000000000000000000000000000000000000000.cacnk
	assert_no_match '^Cache-Control:' "$dir/out"
	assert_status 404 metadata/99.root.json
	assert_no_match '^Cache-Control:' "$dir/out"
}

test_nothing_else_is_shown() {
	make_site
	touch "$repo/.hidden" "$repo/metadata/timestamp.json.tmp-1"
	mkdir "$repo/metadata/.dir"
	touch "$repo/metadata/.dir/file"
	local path
	for path in .hidden metadata/.dir/file metadata/timestamp.json.tmp-1 %2ehidden; do
		assert_status 404 "$path"
	done
	for path in '' metadata/ store.castr/ accounts/; do
		head_of "$path"
		grep -Eq '^HTTP/1.1 (403|404) ' "$dir/out" || fail "a listing of /$path"
	done
	assert_status 400 ../keys/online/realm
	assert_equal 405 "$(curl -s -o /dev/null -w '%{http_code}' -X POST -d x "$url/metadata/root.json")" 'status of POST'
	assert_equal 405 "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE "$url/metadata/root.json")" 'status of DELETE'
}

run_tests "$@"
