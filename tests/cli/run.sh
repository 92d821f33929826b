#!/bin/bash
# SPDX-License-Identifier: MIT
# "chunkboot run": exit codes and what is typed, with a stand-in for QEMU that plays the guest's console.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

for program in mformat mmd mcopy mdir; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done
[ -f /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip_all 'ovmf is not installed'

# The realm, and a guest that does what $dir/guest (a shell script) says, with its serial console as stdin and stdout.
prepare() {
	make_realm
	make_pe "$dir/base.efi"
	mkdir "$dir/bin"
	printf '#!/bin/bash\nprintf "%%s\\n" "$@" >%s\nexec bash %s\n' "$dir/arguments" "$dir/guest" \
		>"$dir/bin/qemu-system-x86_64"
	chmod +x "$dir/bin/qemu-system-x86_64"
	echo 'a passphrase' >"$dir/pass"
	export TMPDIR=$dir/tmp
	mkdir "$TMPDIR"
}

# guest: its script, from standard input.
guest() {
	cat >"$dir/guest"
}

run() {
	PATH=$dir/bin:$PATH chunkboot run "$repo" --efi "$dir/base.efi" --no-kvm --headless "$@"
}

assert_clean() {
	[ -z "$(ls "$TMPDIR")" ] || fail "left behind: $(ls "$TMPDIR")"
}

test_comes_up() {
	prepare
	guest <<<'printf "Linux\r\nchunkboot-minimal: up\r\nbye\r\n"'
	assert_exit 0 run
	assert_match '^bye' "$dir/out"
	assert_clean
}

test_ends_too_early() {
	prepare
	guest <<<'printf "Linux\r\n"'
	assert_exit 1 run
	assert_match "^hint: it ended before it printed 'chunkboot-minimal: up'" "$dir/err"
	assert_clean
}

test_types_the_account() {
	prepare
	guest <<'GUEST'
printf '\033[2J\033[01;01HAccount: '
IFS= read -rd $'\r' account
printf '\r\nPassphrase: '
IFS= read -rd $'\r' passphrase
[ "$account/$passphrase" = 'ada/a passphrase' ] && printf '\r\nchunkboot-minimal: up\r\n'
GUEST
	assert_exit 0 run --account ada --passphrase-file "$dir/pass"
	assert_no_match 'a passphrase' "$dir/out"
}

test_error_lines() {
	local line
	prepare
	for line in '303 3' '105 5' '401 4' '209 6' '501 1'; do
		guest <<<"printf 'CB-E${line% *} something\r\nmore\r\n'; exec sleep 60"
		assert_exit "${line#* }" run
		assert_match "CB-E${line% *}" "$dir/err"
	done
	assert_clean
}

test_expect_ends_at_once() {
	prepare
	guest <<<"printf 'login: '; exec sleep 60"
	assert_exit 0 run --expect 'login:'
	assert_clean
}

test_timeout() {
	prepare
	guest <<<'exec sleep 60'
	assert_exit 5 run --timeout 1
	assert_match 'not ready in time' "$dir/err"
	assert_clean
}

test_interrupt() {
	prepare
	mkfifo "$dir/ready"
	guest <<<"echo >'$dir/ready'; exec sleep 60"
	PATH=$dir/bin:$PATH "$tool" run "$repo" --efi "$dir/base.efi" --no-kvm --headless >"$dir/out" 2>&1 &
	local pid=$! status=0
	read -r _ <"$dir/ready"
	kill -TERM "$pid"
	wait "$pid" || status=$?
	assert_equal 130 "$status" 'exit code'
	assert_clean
}

# The machine gets the loader on its system partition, and the repository on the network.
test_what_the_machine_gets() {
	prepare
	guest <<GUEST
cp esp.img '$dir/esp.img'
port=\$(grep -ao 'http://10.0.2.2:[0-9]*' esp.img | sed -n 1p)
curl -s "http://127.0.0.1:\${port##*:}/metadata/root.json" >'$dir/root.json'
printf 'chunkboot-minimal: up\r\n'
GUEST
	assert_exit 0 run --memory 777
	cmp "$dir/root.json" "$repo/metadata/root.json"
	mdir -b -i "$dir/esp.img" ::/EFI/BOOT >"$dir/listing"
	assert_match 'EFI/BOOT/BOOTX64.EFI$' "$dir/listing"
	assert_match '^777M$' "$dir/arguments"
}

test_other_mirrors() {
	prepare
	guest <<<"cp esp.img '$dir/esp.img'; printf 'chunkboot-minimal: up\r\n'"
	assert_exit 0 run --url http://192.0.2.1/a/ --url http://192.0.2.2/b/
	grep -aqF http://192.0.2.1/a/ "$dir/esp.img"
	grep -aqF http://192.0.2.2/b/ "$dir/esp.img"
	! grep -aqF http://10.0.2.2 "$dir/esp.img" || fail 'our own server is a mirror, too'
}

test_refusals() {
	prepare
	guest <<<'exit 0'
	assert_exit 2 run --account ada
	assert_exit 2 run --passphrase-file "$dir/pass"
	assert_exit 6 run --account ada --passphrase-file "$dir/none"
	assert_exit 6 chunkboot run "$dir/none" --headless
	assert_exit 2 run --memory 12
	rm "$dir/bin/qemu-system-x86_64"
	ln -s "$(command -v mformat)" "$(command -v mmd)" "$(command -v mcopy)" "$dir/bin/"
	PATH=$dir/bin assert_exit 1 "$tool" run "$repo" --efi "$dir/base.efi" --no-kvm --headless
	assert_match 'qemu-system-x86_64: a program this needs is not installed' "$dir/err"
	assert_match "^hint: install it with 'apt-get install qemu-system-x86'" "$dir/err"
	assert_clean
}

run_tests "$@"
