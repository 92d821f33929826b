/* SPDX-License-Identifier: MIT */
/* Unit tests of host/repo_status.h and host/records.h: dates to the second, names of files. */
#include "testport.h"

#include <stdio.h>
#include <string.h>

#include "host/files.h"
#include "host/records.h"
#include "host/repo_status.h"
#include "tempdir.h"

#define DAY_S 86400
#define NOW_S 1800000000

/* Half of a life is left: fine. A second less: due. Nothing left: expired. */
static void test_freshness(void **state)
{
	static const int64_t days[CB_TUF_N_ROLES] = {
		[CB_TUF_ROOT] = 365,   [CB_TUF_TIMESTAMP] = 7, [CB_TUF_SNAPSHOT] = 30,
		[CB_TUF_TARGETS] = 90, [CB_TUF_ACCOUNTS] = 30,
	};

	(void)state;
	for (int i = 0; i < CB_TUF_N_ROLES; i++) {
		enum cb_tuf_role role = (enum cb_tuf_role)i;
		int64_t half = days[i] * DAY_S / 2;
		const struct {
			int64_t left_s;
			enum cb_freshness expected;
		} cases[] = {
			{ 2 * half, CB_FRESH }, { half, CB_FRESH }, { half - 1, CB_DUE },
			{ 1, CB_DUE },		{ 0, CB_EXPIRED },  { -1, CB_EXPIRED },
		};

		for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
			struct cb_tuf_info info = { 0 };

			info.expires_s[i] = NOW_S + cases[k].left_s;
			assert_int_equal(cb_role_freshness(&info, role, NOW_S), cases[k].expected);
		}
		assert_true(strlen(cb_role_name(role)) > 0);
	}
	assert_string_equal(cb_freshness_name(CB_DUE), "due");
}

static void write_file(const char *dir, const char *folder, const char *name)
{
	char path[TEMPDIR_PATH_MAX + 128];

	snprintf(path, sizeof(path), "%s/%s", dir, folder);
	assert_int_equal(cb_dirs_make(path, 0755, NULL), CB_OK);
	tempdir_write(path, name, cb_bytes_of("x"));
}

static void test_keys_together(void **state)
{
	static const struct {
		const char *folder, *name;
		bool is_together;
	} steps[] = {
		{ "online", "timestamp.pem", false },
		{ "offline", "notes.txt", false },
		{ "offline/records", "ada.account", false },
		{ "offline", "targets.pem", true },
	};
	char dir[TEMPDIR_PATH_MAX];

	(void)state;
	tempdir_make(dir);
	assert_false(cb_keys_are_together(dir));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		write_file(dir, steps[i].folder, steps[i].name);
		assert_int_equal(cb_keys_are_together(dir), steps[i].is_together);
	}
	tempdir_remove(dir);
}

struct seen {
	unsigned n;
	uint8_t first_bytes; /* of the locators, or-ed */
	enum cb_err answer;
};

static enum cb_err on_record(void *ctx, const char *path, const uint8_t locator[32],
			     struct cb_error *e)
{
	struct seen *seen = ctx;

	(void)e;
	assert_non_null(strstr(path, "/accounts/"));
	seen->n++;
	seen->first_bytes |= locator[0];
	return seen->answer;
}

static void test_records_each(void **state)
{
	char dir[TEMPDIR_PATH_MAX], name[2 * 32 + 1];
	struct seen seen = { .answer = CB_OK };

	(void)state;
	tempdir_make(dir);
	assert_int_equal(cb_records_each(dir, on_record, &seen, NULL), CB_OK);
	assert_int_equal(seen.n, 0);
	memset(name, '0', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	name[1] = '1';
	write_file(dir, "accounts/01", name);
	name[1] = '2';
	write_file(dir, "accounts/02", name);
	write_file(dir, "accounts/02", "notes");
	write_file(dir, "accounts/zz", name);
	name[63] = '\0'; /* too short */
	write_file(dir, "accounts/02", name);
	assert_int_equal(cb_records_each(dir, on_record, &seen, NULL), CB_OK);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.first_bytes, 3);
	seen = (struct seen){ .answer = CB_NO_MEMORY };
	assert_int_equal(cb_records_each(dir, on_record, &seen, NULL), CB_NO_MEMORY);
	assert_int_equal(seen.n, 1);
	tempdir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_freshness),
		cmocka_unit_test(test_keys_together),
		cmocka_unit_test(test_records_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
