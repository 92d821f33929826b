# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Commands that are killed, or run out of disk, at each of their system calls. Sourced after lib.sh and lib-image.sh.
# shellcheck disable=SC2154  # dir, repo, keys and url are set by lib.sh
#
# A test calls make_cutter once its repository is as it should be before the command, and defines
#   change         the command that is cut
#   again          the next try (default: change)
#   assert_either  what holds after a cut, beside what each_cut looks at by itself
#   assert_changed what holds once the command has succeeded

# A library in front of the C library: the CUT_AT-th call of CUT_CALL kills the program (CUT_HOW=kill) or finds the
# disk full (CUT_HOW=full). "rename" is link, too; "write" is to regular files only.
compile_cutter() {
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

int link(const char *from, const char *to)
{
	int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "link");

	return is_cut("rename") ? -1 : real(from, to);
}

int unlink(const char *path)
{
	int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");

	return is_cut("unlink") ? -1 : real(path);
}

int rmdir(const char *path)
{
	int (*real)(const char *) = dlsym(RTLD_NEXT, "rmdir");

	return is_cut("unlink") ? -1 : real(path);
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

# fetch_kept DIR: the image that must outlive each cut, as any machine gets it; boot.json tells of the fetch, not of it.
fetch_kept() {
	chunkboot fetch "$url" "$kept" -o "$1" --root "$dir/trusted.json" --quiet || fail "$kept does not come any more"
	rm "$1/boot.json"
}

# make_cutter IMAGE@VERSION: from here on $repo and $keys are what each cut starts from, and the image must outlive it.
make_cutter() {
	kept=$1
	compile_cutter
	mkdir "$dir/before"
	cp -a "$repo" "$keys" "$dir/before"
	cp "$repo/metadata/1.root.json" "$dir/trusted.json"
	start_server "$repo"
	fetch_kept "$dir/reference"
}

again() {
	change
}

# The server goes on: the folders stay the same.
restore() {
	local folder
	for folder in "$repo" "$keys"; do
		find "$folder" -mindepth 1 -delete
		cp -a "$dir/before/$(basename "$folder")/." "$folder"
	done
}

# cut HOW CALL N: the change, cut so; sets $status.
cut() {
	status=0
	(
		export CUT_HOW=$1 CUT_CALL=$2 CUT_AT=$3 LD_PRELOAD=$dir/cut.so
		change
	) >"$dir/cut-out" 2>"$dir/cut-err" || status=$?
}

# Whatever happened: all that is listed is good, and the old image boots from it.
assert_whole() {
	assert_exit 0 chunkboot verify "$repo"
	rm -rf "$dir/fetched"
	fetch_kept "$dir/fetched"
	assert_same_tree "$dir/reference" "$dir/fetched"
	assert_either
}

# each_cut HOW CALL LEAST: at the first call, the second, ... until one change gets through uncut, after LEAST or more.
each_cut() {
	local n
	for ((n = 1; n <= 200; n++)); do
		restore
		cut "$1" "$2" "$n"
		assert_whole
		[ "$status" -eq 0 ] && break
		case $1 in
		kill) assert_equal 137 "$status" 'exit status' ;;
		full) assert_match '^chunkboot: error: .*no space left' "$dir/cut-err" ;;
		esac
		# The next try, in good conditions, succeeds.
		assert_exit 0 again
		assert_exit 0 chunkboot verify "$repo"
		assert_changed
	done
	((n > $3 && n < 200)) || fail "cut at $((n - 1)) calls of $2 only"
	assert_changed
	echo "cut by $1 at $((n - 1)) calls of $2"
}
