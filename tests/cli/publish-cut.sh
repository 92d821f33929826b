#!/bin/bash
# SPDX-License-Identifier: MIT
# publish that is killed, or runs out of disk, at each of its system calls: the repository stays whole.
# timeout: 900
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib-image.sh"

# A library in front of the C library: the CUT_AT-th call of CUT_CALL on regular files kills the program (CUT_HOW=kill)
# or finds the disk full (CUT_HOW=full).
make_cutter() {
	cat >"$dir/cut.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int n_calls;

static int is_cut(const char *call)
{
	const char *wanted = getenv("CUT_CALL"), *at = getenv("CUT_AT");

	if (!wanted || !at || strcmp(wanted, call) != 0 || __atomic_add_fetch(&n_calls, 1, __ATOMIC_SEQ_CST) != atoi(at))
		return 0;
	if (strcmp(getenv("CUT_HOW"), "kill") == 0)
		kill(getpid(), SIGKILL);
	errno = ENOSPC;
	return 1;
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");

	return is_cut("rename") ? -1 : real(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	int (*real)(int, const char *, int, const char *) = dlsym(RTLD_NEXT, "renameat");

	return is_cut("rename") ? -1 : real(from_dir, from, to_dir, to);
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_cut("write"))
		return -1;
	return real(fd, data, len);
}

int fsync(int fd)
{
	int (*real)(int) = dlsym(RTLD_NEXT, "fsync");

	return is_cut("fsync") ? -1 : real(fd);
}
C
	gcc -shared -fPIC -O1 -o "$dir/cut.so" "$dir/cut.c" -ldl
}

# Version 1 is published; version 2 differs in its initramfs.
make_first() {
	make_inputs
	publish desk --version 1 --initrd "$dir/initrd" --quiet
	make_cpio "$dir/initrd" init one two three
	cp -a "$repo" "$dir/before"
	make_cutter
}

# cut HOW CALL N: publishes version 2 so; sets $status.
cut_publish() {
	status=0
	CUT_HOW=$1 CUT_CALL=$2 CUT_AT=$3 LD_PRELOAD=$dir/cut.so "$tool" publish "$repo" desk --keys "$keys" \
		--kernel "$dir/vmlinuz" --version 2 --initrd "$dir/initrd" --quiet >"$dir/cut-out" 2>"$dir/cut-err" || status=$?
}

# Whatever happened: all that is listed is good, and version 1 is among it.
assert_whole() {
	assert_exit 0 chunkboot verify "$repo"
	chunkboot list "$repo" --json >"$dir/list"
	grep -q '"1"' "$dir/list" || fail "version 1 is gone after $1"
}

# each HOW CALL: at the first call, the second, ... until one publish gets through uncut.
each() {
	local n
	for ((n = 1; n <= 200; n++)); do
		rm -rf "$repo"
		cp -a "$dir/before" "$repo"
		cut_publish "$1" "$2" "$n"
		assert_whole "$1 at $2 $n"
		[ "$status" -eq 0 ] && break
		case $1 in
		kill) assert_equal 137 "$status" 'exit status' ;;
		full) assert_match '^chunkboot: error: .*no space left' "$dir/cut-err" ;;
		esac
		# The next try, in good conditions, succeeds.
		publish desk --version 2 --initrd "$dir/initrd" --quiet
		assert_exit 0 chunkboot verify "$repo"
	done
	((n > 3 && n < 200)) || fail "cut at $n calls of $2 only"
	echo "cut by $1 at $((n - 1)) calls of $2"
}

test_killed_at_each_rename() {
	make_first
	each kill rename
}

test_killed_at_each_write() {
	make_first
	each kill write
}

test_disk_full_at_each_write() {
	make_first
	each full write
}

test_disk_full_at_each_rename_and_fsync() {
	make_first
	each full rename
	each full fsync
}

run_tests
