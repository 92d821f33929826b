/* SPDX-License-Identifier: MIT */
/* Unit tests of host/files.h and host/error.h, in a directory of their own. */
#include "testport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/files.h"
#include "tempdir.h"

static char dir[TEMPDIR_PATH_MAX];

static const char *in_dir(const char *name)
{
	static char path[CB_PATH_MAX];

	assert_int_equal(cb_path(path, NULL, "%s/%s", dir, name), CB_OK);
	return path;
}

static int make_dir(void **state)
{
	(void)state;
	tempdir_make(dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- Files ---- */

static void write_and_read(void **state)
{
	static uint8_t data[200000];
	static const size_t lengths[] = {
		0, 1, 65534, 65535, 65536, 65537, 131071, 131072, 200000
	};
	struct testport_rng rng = { .state = 1 };
	struct cb_error e = { 0 };

	(void)state;
	testport_fill(&rng, data, sizeof(data));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const struct cb_bytes want = { data, lengths[i] };
		struct cb_file file = { 0 };
		struct cb_map map = { 0 };

		assert_int_equal(cb_file_write(in_dir("data"), want, 0640, &e), CB_OK);
		assert_int_equal(mode_of(in_dir("data")), 0640);
		assert_int_equal(cb_file_read(in_dir("data"), lengths[i], &file, &e), CB_OK);
		testport_assert_bytes(cb_file_bytes(&file), want);
		assert_int_equal(file.p[file.len], 0);
		cb_file_done(&file);
		cb_file_done(&file);
		assert_int_equal(cb_map_open(in_dir("data"), &map, &e), CB_OK);
		testport_assert_bytes(map.bytes, want);
		cb_map_done(&map);
		cb_map_done(&map);
		if (lengths[i] == 0)
			continue;
		assert_int_equal(cb_file_read(in_dir("data"), lengths[i] - 1, &file, &e), CB_IO);
		assert_null(file.p);
		assert_int_equal(e.saved_errno, EFBIG);
	}
}

static void read_errors(void **state)
{
	struct cb_file file = { 0 };
	struct cb_map map = { 0 };
	struct cb_error e = { 0 };
	char message[CB_ERROR_MESSAGE_MAX];

	(void)state;
	assert_int_equal(cb_file_read(in_dir("absent"), 10, &file, &e), CB_NOT_FOUND);
	cb_error_message(&e, CB_NOT_FOUND, message);
	assert_non_null(strstr(message, "/absent: no such file or directory"));
	assert_int_equal(cb_file_read(dir, 10, &file, &e), CB_IO);
	assert_int_equal(e.saved_errno, EISDIR);
	assert_int_equal(cb_map_open(in_dir("absent"), &map, &e), CB_NOT_FOUND);
	assert_int_equal(cb_map_open(dir, &map, &e), CB_IO);
	assert_int_equal(cb_file_read(in_dir("absent"), 10, &file, NULL), CB_NOT_FOUND);
	assert_null(file.p);
}

static unsigned n_entries(void)
{
	char command[CB_PATH_MAX + 32];
	unsigned n = 0;

	snprintf(command, sizeof(command), "ls -A '%s' | wc -l", dir);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &n), 1);
	assert_int_equal(pclose(pipe), 0);
	return n;
}

static void new_files(void **state)
{
	struct cb_file file = { 0 };
	struct cb_error e = { 0 };

	(void)state;
	assert_int_equal(cb_file_write_new(in_dir("new"), cb_bytes_of("one"), 0600, &e), CB_OK);
	unsigned n = n_entries();
	assert_int_equal(cb_file_write_new(in_dir("new"), cb_bytes_of("two"), 0600, &e), CB_EXISTS);
	assert_int_equal(n_entries(), n); /* no temporary file stays */
	assert_int_equal(cb_file_read(in_dir("new"), 10, &file, &e), CB_OK);
	testport_assert_bytes(cb_file_bytes(&file), cb_bytes_of("one"));
	cb_file_done(&file);
	assert_int_equal(mode_of(in_dir("new")), 0600);
	assert_int_equal(cb_file_write(in_dir("absent/new"), cb_bytes_of("x"), 0600, &e),
			 CB_NOT_FOUND);
	/* a directory cannot be replaced by a file */
	assert_int_equal(cb_dirs_make(in_dir("folder"), 0700, &e), CB_OK);
	n = n_entries();
	assert_int_equal(cb_file_write(in_dir("folder"), cb_bytes_of("x"), 0600, &e), CB_IO);
	assert_int_equal(n_entries(), n);
}

static void directories(void **state)
{
	struct cb_error e = { 0 };

	(void)state;
	assert_int_equal(cb_dirs_make(in_dir("a/b//c/"), 0700, &e), CB_OK);
	assert_int_equal(mode_of(in_dir("a/b/c")), 0700);
	assert_int_equal(cb_dirs_make(in_dir("a/b/c"), 0700, &e), CB_OK);
	assert_int_equal(cb_dirs_make_for(in_dir("a/d/file"), 0700, &e), CB_OK);
	assert_true(cb_path_exists(in_dir("a/d")));
	assert_false(cb_path_exists(in_dir("a/d/file")));
	assert_int_equal(cb_dirs_make_for("file", 0700, &e), CB_OK);
	assert_int_equal(cb_dirs_make("/", 0700, &e), CB_OK);
	assert_int_equal(cb_file_write(in_dir("a/file"), cb_bytes_of("x"), 0600, &e), CB_OK);
	assert_int_equal(cb_dirs_make(in_dir("a/file"), 0700, &e), CB_EXISTS);
	assert_int_equal(cb_dirs_make(in_dir("a/file/b"), 0700, &e), CB_EXISTS);
}

static void paths(void **state)
{
	char long_name[CB_PATH_MAX + 10], out[CB_PATH_MAX];
	struct cb_error e = { 0 };

	(void)state;
	memset(long_name, 'x', sizeof(long_name));
	long_name[CB_PATH_MAX - 1] = '\0';
	assert_int_equal(cb_path(out, &e, "%s", long_name), CB_OK);
	assert_int_equal(cb_path(out, &e, "/%s", long_name), CB_IO);
	assert_int_equal(e.saved_errno, ENAMETOOLONG);
}

/* ---- Errors ---- */

static void messages(void **state)
{
	struct cb_error e = { 0 };
	char message[CB_ERROR_MESSAGE_MAX];

	(void)state;
	cb_error_message(NULL, CB_META_EXPIRED, message);
	assert_string_equal(message, "metadata has expired");
	cb_error_message(&e, CB_META_EXPIRED, message);
	assert_string_equal(message, "metadata has expired");
	assert_int_equal(cb_fail(&e, CB_META_EXPIRED, "%s", "1.root.json"), CB_META_EXPIRED);
	cb_error_message(&e, CB_META_EXPIRED, message);
	assert_string_equal(message, "1.root.json: metadata has expired");
	/* what was noted about one error says nothing about another */
	cb_error_message(&e, CB_META_HASH, message);
	assert_string_equal(message, cb_err_info(CB_META_HASH)->message);
	cb_fail_hint(&e, "try %d", 2);
	assert_string_equal(cb_error_hint(&e, CB_META_EXPIRED), "try 2");
	assert_string_equal(cb_error_hint(&e, CB_META_HASH), cb_err_info(CB_META_HASH)->hint);
	assert_string_equal(cb_error_hint(NULL, CB_META_HASH), cb_err_info(CB_META_HASH)->hint);
	/* a new failure forgets the old hint */
	assert_int_equal(cb_fail(&e, CB_META_EXPIRED, "x\ny\033\x7f"), CB_META_EXPIRED);
	assert_string_equal(e.text, "x?y??");
	assert_string_equal(cb_error_hint(&e, CB_META_EXPIRED), cb_err_info(CB_META_EXPIRED)->hint);
	assert_int_equal(cb_fail(&e, CB_USAGE, "just this"), CB_USAGE);
	cb_error_message(&e, CB_USAGE, message);
	assert_string_equal(message, "just this");
	assert_int_equal(cb_fail(&e, CB_IO, "again: %s", e.text), CB_IO);
	assert_string_equal(e.text, "again: just this");
	assert_int_equal(cb_fail(NULL, CB_IO, "x"), CB_IO);
	cb_fail_hint(NULL, "x");
	errno = EROFS;
	assert_int_equal(cb_fail_errno(&e, "x"), CB_IO);
	assert_string_equal(cb_error_hint(&e, CB_IO), "mount the file system for writing");
	errno = EIO;
	assert_int_equal(cb_fail_errno(&e, "x"), CB_IO);
	assert_true(cb_error_hint(&e, CB_IO)[0] != '\0');
}

static void long_messages(void **state)
{
	char text[2 * CB_ERROR_TEXT_MAX], message[CB_ERROR_MESSAGE_MAX];
	struct cb_error e = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(cb_fail(&e, CB_META_LOADER_OLD, "%s", text), CB_META_LOADER_OLD);
	cb_fail_hint(&e, "%s", text);
	cb_error_message(&e, CB_META_LOADER_OLD, message);
	assert_int_equal(strlen(e.text), CB_ERROR_TEXT_MAX - 1);
	assert_int_equal(strlen(e.hint), CB_ERROR_HINT_MAX - 1);
	assert_non_null(strstr(message, cb_err_info(CB_META_LOADER_OLD)->message));
}

static void errno_codes(void **state)
{
	static const struct {
		int number;
		enum cb_err want;
		const char *message;
	} cases[] = {
		{ ENOENT, CB_NOT_FOUND, "f: no such file or directory" },
		{ ENOTDIR, CB_NOT_FOUND, "f: not a directory" },
		{ EEXIST, CB_EXISTS, "f: file exists" },
		{ ENOMEM, CB_NO_MEMORY, "f: cannot allocate memory" },
		{ EWOULDBLOCK, CB_BUSY, "f: resource temporarily unavailable" },
		{ EBUSY, CB_BUSY, "f: device or resource busy" },
		{ EADDRINUSE, CB_BUSY, "f: address already in use" },
		{ ENOSPC, CB_IO, "f: no space left on device" },
		{ EACCES, CB_IO, "f: permission denied" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_error e = { 0 };
		char message[CB_ERROR_MESSAGE_MAX];

		errno = cases[i].number;
		assert_int_equal(cb_fail_errno(&e, "f"), cases[i].want);
		assert_int_equal(errno, cases[i].number);
		cb_error_message(&e, cases[i].want, message);
		assert_string_equal(message, cases[i].message);
	}
}

static void leftovers(void **state)
{
	(void)state;
	assert_true(cb_file_is_leftover("timestamp.json.tmp-AbC123"));
	assert_false(cb_file_is_leftover("timestamp.json"));
	assert_false(cb_file_is_leftover("timestamp.json.tmp-AbC12"));
	assert_false(cb_file_is_leftover("timestamp.json.tmp-AbC1234"));
	assert_false(cb_file_is_leftover(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_and_read), cmocka_unit_test(read_errors),
		cmocka_unit_test(new_files),	  cmocka_unit_test(directories),
		cmocka_unit_test(paths),	  cmocka_unit_test(messages),
		cmocka_unit_test(leftovers),	  cmocka_unit_test(long_messages),
		cmocka_unit_test(errno_codes),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
