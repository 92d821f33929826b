/* SPDX-License-Identifier: MIT */
/* Unit tests of the error table: closed, ordered, complete, in the form the tool prints. */
#include "testport.h"

#include <string.h>

#include "core/err.h"

static bool is_line(const char *s)
{
	struct cb_bytes b = cb_bytes_of(s);
	return b.len > 0 && b.len <= 90 && cb_bytes_is_ascii(b) && s[b.len - 1] != '.';
}

static void table_is_sound(void **state)
{
	(void)state;
	unsigned before = 0, n = 0;
	for (const struct cb_err_info *e; (e = cb_err_at(n)); n++) {
		if (n == 0) {
			assert_int_equal(e->code, 0);
			assert_int_equal(e->exit_code, 0);
			continue;
		}
		/* Ascending, so no number is given twice. */
		assert_true(e->code > before && e->code >= 101 && e->code <= 799);
		before = e->code;
		assert_true(e->exit_code == 130 || (e->exit_code >= 1 && e->exit_code <= 7));
		assert_true(is_line(e->message));
		assert_true(e->code == CB_INTERRUPTED || is_line(e->hint));
		for (unsigned k = 0; k < n; k++)
			assert_string_not_equal(cb_err_at(k)->name, e->name);
	}
	assert_true(n > 60);
	assert_null(cb_err_at(n));
	assert_null(cb_err_at(UINT32_MAX));
}

static void lookup(void **state)
{
	(void)state;
	assert_string_equal(cb_err_info(CB_OK)->name, "OK");
	assert_string_equal(cb_err_info(CB_META_EXPIRED)->name, "META_EXPIRED");
	assert_int_equal(cb_err_info(CB_META_EXPIRED)->code, 203);
	assert_int_equal(cb_err_info(CB_CHUNK_HASH)->exit_code, 3);
	for (unsigned i = 0; cb_err_at(i); i++)
		assert_ptr_equal(cb_err_info((enum cb_err)cb_err_at(i)->code), cb_err_at(i));
	static const unsigned unknown[] = { 1, 100, 199, 799, 10000, UINT32_MAX };
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(cb_err_info((enum cb_err)unknown[i])->code, CB_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(lookup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
