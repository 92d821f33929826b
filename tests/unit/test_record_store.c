/* SPDX-License-Identifier: MIT */
/* Unit tests of host/record_store.h. */
#include "testport.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host/files.h"
#include "host/record_store.h"
#include "tempdir.h"

static char keys[TEMPDIR_PATH_MAX];

static int make_dir(void **state)
{
	(void)state;
	tempdir_make(keys);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	tempdir_remove(keys);
	return 0;
}

static struct cb_stored_account example(const char *account)
{
	struct cb_stored_account a = { .epoch = UINT32_MAX, .body_seq = 1 };

	snprintf(a.account, sizeof(a.account), "%s", account);
	memset(a.uid, 1, sizeof(a.uid));
	memset(a.record_key, 2, sizeof(a.record_key));
	memset(a.locator, 3, sizeof(a.locator));
	return a;
}

static void empty_store(void **state)
{
	struct cb_account_names names;
	struct cb_stored_account a;

	(void)state;
	assert_int_equal(cb_record_store_list(keys, &names, NULL), CB_OK);
	assert_int_equal(names.n, 0);
	cb_account_names_done(&names);
	assert_int_equal(cb_record_store_load(keys, "ada", &a, NULL), CB_NOT_FOUND);
}

static unsigned mode_of(const char *relative)
{
	char path[CB_PATH_MAX];
	struct stat st;

	assert_int_equal(cb_path(path, NULL, "%s/%s", keys, relative), CB_OK);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void save_and_load(void **state)
{
	struct cb_stored_account want = example("ada@example.org"), got;
	struct cb_error e = { 0 };

	(void)state;
	assert_int_equal(cb_record_store_save(keys, &want, /*is_new=*/true, &e), CB_OK);
	assert_int_equal(mode_of("offline/records"), 0700);
	assert_int_equal(mode_of("offline/records/ada@example.org.account"), 0600);
	assert_int_equal(cb_record_store_load(keys, "ada@example.org", &got, &e), CB_OK);
	assert_memory_equal(&got, &want, sizeof(got));
	assert_int_equal(cb_record_store_save(keys, &want, /*is_new=*/true, &e), CB_EXISTS);
	want.body_seq = 9000000000000000000u;
	want.epoch = 0;
	assert_int_equal(cb_record_store_save(keys, &want, /*is_new=*/false, &e), CB_OK);
	assert_int_equal(cb_record_store_load(keys, "ada@example.org", &got, &e), CB_OK);
	assert_memory_equal(&got, &want, sizeof(got));
	assert_int_equal(cb_record_store_remove(keys, "ada@example.org", &e), CB_OK);
	assert_int_equal(cb_record_store_remove(keys, "ada@example.org", &e), CB_NOT_FOUND);
	assert_int_equal(cb_record_store_load(keys, "ada@example.org", &got, &e), CB_NOT_FOUND);
}

static void listing(void **state)
{
	static const char *const accounts[] = { "zoe", "..", "ada", "a.account" };
	static const char *const want[] = { "..", "a.account", "ada", "zoe" };
	struct cb_account_names names;
	char path[CB_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct cb_stored_account a = example(accounts[i]);
		assert_int_equal(cb_record_store_save(keys, &a, /*is_new=*/true, NULL), CB_OK);
	}
	/* not ours */
	assert_int_equal(cb_path(path, NULL, "%s/offline/records", keys), CB_OK);
	tempdir_write(path, "README", cb_bytes_of(""));
	tempdir_write(path, ".account", cb_bytes_of(""));
	tempdir_write(path, "ada.account.tmp-x", cb_bytes_of(""));
	assert_int_equal(cb_record_store_list(keys, &names, NULL), CB_OK);
	assert_int_equal(names.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(names.at[i], want[i]);
	cb_account_names_done(&names);
	cb_account_names_done(&names);
}

/* A file cut anywhere, or with any byte changed to another, is refused or means the same. */
static void damaged_files(void **state)
{
	struct cb_stored_account want = example("eve"), got;
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	char dir[CB_PATH_MAX], path[CB_PATH_MAX];

	(void)state;
	assert_int_equal(cb_record_store_save(keys, &want, /*is_new=*/true, NULL), CB_OK);
	assert_int_equal(cb_path(dir, NULL, "%s/offline/records", keys), CB_OK);
	assert_int_equal(cb_path(path, NULL, "%s/eve.account", dir), CB_OK);
	assert_int_equal(cb_file_read(path, 1000, &file, NULL), CB_OK);
	for (size_t n = 0; n < file.len; n++) {
		tempdir_write(dir, "eve.account", (struct cb_bytes){ file.p, n });
		assert_int_equal(cb_record_store_load(keys, "eve", &got, NULL), CB_RECORD_FORMAT);
	}
	for (size_t at = 0; at < file.len; at++) {
		file.p[at] ^= 0x80;
		tempdir_write(dir, "eve.account", cb_file_bytes(&file));
		assert_int_equal(cb_record_store_load(keys, "eve", &got, NULL), CB_RECORD_FORMAT);
		file.p[at] ^= 0x80;
	}
	/* one account's file under another's name */
	tempdir_write(dir, "mallory.account", cb_file_bytes(&file));
	assert_int_equal(cb_record_store_load(keys, "mallory", &got, NULL), CB_RECORD_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_store),
		cmocka_unit_test(save_and_load),
		cmocka_unit_test(listing),
		cmocka_unit_test(damaged_files),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
