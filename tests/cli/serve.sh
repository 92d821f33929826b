#!/bin/bash
# SPDX-License-Identifier: MIT
# "chunkboot serve": what it serves and how, what it never serves, limits, start and end.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

chunk=store.castr/abcd/abcd0123.cacnk

# A tree with the names of a repository; the server does not look into the files.
make_tree() {
	tree=$dir/tree
	mkdir -p "$tree"/{metadata,manifests/m,store.castr/abcd,sealed/ab,indexes/m,accounts/ab}
	printf '{"signed":1}\n' >"$tree/metadata/root.json"
	cp "$tree/metadata/root.json" "$tree/metadata/1.root.json"
	head -c 300000 /dev/urandom >"$tree/$chunk"
	: >"$tree/sealed/ab/empty"
	printf record >"$tree/accounts/ab/abcd"
	: >"$tree/.lock"
	printf secret >"$tree/metadata/root.json.tmp-a1b2c3"
	printf outside >"$dir/outside"
	ln -s ../../outside "$tree/metadata/escape"
	ln -s "$dir/outside" "$tree/metadata/escape-absolute"
	ln -s root.json "$tree/metadata/inside"
	mkfifo "$tree/metadata/pipe"
}

start() {
	make_tree
	start_server "$tree" "$@"
	url=${url%/}
}

# status PATH [CURL OPTION...]: the status code; the body goes to $dir/body, the header to $dir/header.
status() {
	curl -sg --max-time 20 --path-as-is -o "$dir/body" -D "$dir/header" -w '%{http_code}' "${@:2}" "$url/$1"
}

assert_status() {
	assert_equal "$1" "$(status "${@:2}")" "status of $2"
}

# header NAME: its value in the last answer.
header() {
	sed -n "s/^$1: \(.*\)\r\$/\1/Ip" "$dir/header"
}

# raw FILE-OR--: sends the bytes on one connection and prints everything that comes back.
raw() {
	python3 -c '
import socket, sys, urllib.parse
at = urllib.parse.urlsplit(sys.argv[1])
with socket.create_connection((at.hostname, at.port), timeout=20) as s:
    s.sendall(sys.stdin.buffer.read())
    while True:
        got = s.recv(65536)
        if not got:
            break
        sys.stdout.buffer.write(got)
' "$url"
}

test_files_are_served() {
	start
	for path in metadata/root.json metadata/1.root.json metadata/inside "$chunk" sealed/ab/empty accounts/ab/abcd; do
		assert_status 200 "$path"
		cmp "$dir/body" "$tree/$path" || fail "$path differs"
	done
	assert_status 200 'metadata/root.json?0123456789abcdef'
	assert_status 200 'metadata/%72oot.json'
}

test_what_is_never_served() {
	start
	for path in '' . .. .lock metadata metadata/ metadata/none metadata/root.json/ metadata/root.json/x \
		metadata/../.lock metadata/../../outside ../outside %2e%2e/outside metadata/%2e%2e/%2e%2e/outside \
		/metadata/root.json metadata//root.json metadata/escape metadata/escape-absolute metadata/pipe \
		metadata/root.json.tmp-a1b2c3; do
		assert_status 404 "$path"
	done
	for path in '%' '%zz' '%2' 'metadata%2froot.json' '..%2foutside' '%00' 'metadata/root.json%00.png' '%0d%0ax' \
		'..%5coutside'; do
		assert_status 400 "$path"
	done
	assert_no_match outside "$dir/body"
}

test_cache_headers() {
	start
	for path in metadata/root.json accounts/ab/abcd; do
		assert_status 200 "$path"
		assert_equal no-cache "$(header cache-control)" "cache-control of $path"
	done
	for path in metadata/1.root.json "$chunk" sealed/ab/empty; do
		assert_status 200 "$path"
		assert_equal 'public, max-age=31536000, immutable' "$(header cache-control)" "cache-control of $path"
	done
	assert_status 404 metadata/2.root.json
	assert_equal no-cache "$(header cache-control)" 'cache-control of what is absent'
	assert_status 200 metadata/root.json
	assert_equal application/json "$(header content-type)"
	[ -n "$(header last-modified)" ] || fail 'no Last-Modified'
}

test_conditional_requests() {
	start
	assert_status 200 metadata/root.json
	etag=$(header etag)
	date=$(header last-modified)
	assert_status 304 metadata/root.json -H "If-None-Match: $etag"
	assert_status 304 metadata/root.json -H "If-None-Match: \"other\", W/$etag"
	assert_equal "$etag" "$(header etag)"
	assert_status 304 metadata/root.json -H "If-Modified-Since: $date"
	assert_status 200 metadata/root.json -H 'If-None-Match: "other"' -H "If-Modified-Since: $date"
	# the same length, replaced as a writer does
	printf '{"signed":2}\n' >"$tree/new"
	mv "$tree/new" "$tree/metadata/root.json"
	assert_status 200 metadata/root.json -H "If-None-Match: $etag"
	[ "$etag" != "$(header etag)" ] || fail 'the entity tag is still the old one'
}

test_ranges() {
	start
	assert_status 206 "$chunk" -r 1000-1999
	assert_equal 'bytes 1000-1999/300000' "$(header content-range)"
	cmp "$dir/body" <(dd if="$tree/$chunk" bs=1000 skip=1 count=1 status=none) || fail 'wrong bytes'
	assert_status 206 "$chunk" -r 299990-
	assert_equal 10 "$(stat -c %s "$dir/body")" length
	assert_status 206 "$chunk" -r -20
	cmp "$dir/body" <(tail -c 20 "$tree/$chunk") || fail 'wrong bytes'
	assert_status 416 "$chunk" -r 300000-
	assert_equal 'bytes */300000' "$(header content-range)"
	assert_status 200 "$chunk" -r 0-1,5-6
	assert_status 200 "$chunk" -H 'Range: bytes=x'
	etag=$(header etag)
	assert_status 206 "$chunk" -r 0-1 -H "If-Range: $etag"
	assert_status 200 "$chunk" -r 0-1 -H 'If-Range: "other"'
}

test_methods() {
	start
	assert_status 200 "$chunk" -I
	assert_equal 300000 "$(header content-length)"
	for method in POST PUT DELETE OPTIONS PROPFIND; do
		assert_status 405 metadata/root.json -X "$method"
		assert_equal 'GET, HEAD' "$(header allow)"
	done
	assert_status 405 metadata/root.json -X POST -d body
	assert_status 200 metadata/root.json
}

test_pipelining() {
	start
	{
		for i in $(seq 40); do
			printf 'GET /%s?%d HTTP/1.1\r\nHost: x\r\n\r\n' "$chunk" "$i"
			printf 'GET /metadata/none HTTP/1.1\r\nHost: x\r\n\r\n'
			printf 'HEAD /metadata/root.json HTTP/1.1\r\nHost: x\r\n\r\n'
		done
		printf 'GET /metadata/root.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
	} | raw >"$dir/answers"
	python3 - "$dir/answers" "$tree/$chunk" <<'PYTHON' || fail 'answers are wrong or out of order'
import sys
rest, chunk = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()
for i in range(121):
    head, rest = rest.split(b"\r\n\r\n", 1)
    length = int([l for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:")][0].split(b":")[1])
    code = head.split()[1]
    if i == 120 or i % 3 == 2:
        assert code == b"200" and length == 13, (i, head)
    elif i % 3 == 1:
        assert code == b"404", (i, head)
    else:
        assert code == b"200" and rest[:length] == chunk, (i, head)
    if i == 120 or i % 3 != 2:
        rest = rest[length:]
assert rest == b"", rest
PYTHON
}

test_malformed_requests() {
	start
	printf 'GET /metadata/root.json HTTP/1.1\r\n\r\n' | raw >"$dir/answer"
	assert_match '^HTTP/1.1 400' "$dir/answer"
	{
		printf 'GET /metadata/root.json HTTP/1.1\r\nHost: x\r\nX: '
		head -c 100000 /dev/zero | tr '\0' a
		printf '\r\n\r\n'
	} | raw >"$dir/answer" 2>/dev/null || true
	assert_no_match '^HTTP/1.1 200' "$dir/answer"
	assert_status 200 metadata/root.json
}

test_access_log() {
	start --log "$dir/access"
	assert_status 200 "$chunk"
	assert_status 404 'a"b%20[2J'
	assert_status 206 "$chunk" -r 0-9 -A 'x'
	stop_server
	assert_match '^127\.0\.0\.1 - - \[[^]]*\] "GET /store.castr/abcd/abcd0123.cacnk HTTP/1.1" 200 300000$' "$dir/access"
	assert_match '"GET /store.castr/abcd/abcd0123.cacnk HTTP/1.1" 206 10$' "$dir/access"
	assert_match '/a\\x22b%20\[2J HTTP/1.1" 404 13$' "$dir/access"
	assert_equal 3 "$(wc -l <"$dir/access")" 'lines of the log'
}

test_idle_connections_are_closed() {
	start --timeout 1
	printf 'GET /metadata/root.json HTTP/1.1\r\nHost: x\r\n\r\n' | raw >"$dir/answer"
	assert_match '^HTTP/1.1 200' "$dir/answer"
}

test_more_clients_than_connections() {
	start --max-connections 4 --timeout 1
	local clients=()
	for i in $(seq 24); do
		curl -s --max-time 60 -o "$dir/part-$i" "$url/$chunk" &
		clients+=($!)
	done
	wait "${clients[@]}"
	for i in $(seq 24); do
		cmp "$dir/part-$i" "$tree/$chunk" || fail "client $i got something else"
	done
}

test_several_addresses() {
	make_tree
	start_server "$tree" --listen '[::1]:0' --json
	sed -n 2p "$server_log" >"$dir/second"
	assert_equal listening "$(json "$dir/second" "d['type']")"
	assert_equal '{"signed":1}' "$(curl -s "$(json "$dir/second" "d['url']")metadata/root.json")"
}

test_ends_in_order() {
	start
	kill -TERM "$server_pid"
	wait "$server_pid" || fail "exit $? after SIGTERM"
	! curl -s --max-time 5 "$url/metadata/root.json" >/dev/null || fail 'it still answers'
}

# A download that is under way when SIGTERM comes is finished.
test_running_answers_end() {
	make_tree
	head -c 30000000 /dev/zero >"$tree/$chunk"
	start_server "$tree"
	python3 - "$url" "$server_pid" "/$chunk" <<'PYTHON' || fail 'the answer was cut'
import os, signal, socket, sys, urllib.parse
at = urllib.parse.urlsplit(sys.argv[1])
with socket.create_connection((at.hostname, at.port), timeout=20) as s:
    s.sendall(f"GET {sys.argv[3]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    n = len(s.recv(1000))
    os.kill(int(sys.argv[2]), signal.SIGTERM)
    while True:
        got = s.recv(1 << 20)
        if not got:
            break
        n += len(got)
assert n > 30000000, n
PYTHON
	wait "$server_pid" || fail "exit $?"
}

test_refusals() {
	make_tree
	mkdir "$dir/empty"
	assert_exit 6 chunkboot serve "$dir/empty" --listen 127.0.0.1:0
	assert_match '^hint: ' "$dir/err"
	assert_exit 6 chunkboot serve "$dir/none" --listen 127.0.0.1:0
	for address in 127.0.0.1 '' 127.0.0.1: 127.0.0.1:x 127.0.0.1:65536 ::1:80 '[::1:80' 300.0.0.1:80; do
		assert_exit 2 chunkboot serve "$tree" --listen "$address"
	done
	start_server "$tree"
	port=${url##*:}
	assert_exit 7 chunkboot serve "$tree" --listen "127.0.0.1:${port%/}"
}

run_tests "$@"
