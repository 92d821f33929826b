/* SPDX-License-Identifier: MIT */
/* Unit tests of the keyboard layouts in core/line.h. */
#include "testport.h"

#include <string.h>

#include "core/line.h"

static unsigned layout(const char *name)
{
	bool is_known = false;
	unsigned i = cb_layout_find(cb_bytes_of(name), &is_known);

	assert_true(is_known);
	return i;
}

static void names(void **state)
{
	static const char *const wanted[] = { "us", "uk", "de", "ch", "fr", "be",
					      "es", "it", "pt", "dk", "no", "se" };
	bool is_known = true;
	unsigned n = 0;

	(void)state;
	assert_string_equal(cb_layout_name(0), "us");
	for (; cb_layout_name(n) != NULL; n++)
		assert_int_equal(layout(cb_layout_name(n)), n);
	assert_null(cb_layout_name(n + 1));
	assert_null(cb_layout_name(UINT32_MAX));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		layout(wanted[i]);
	assert_int_equal(cb_layout_find(cb_bytes_of("xx"), &is_known), 0);
	assert_false(is_known);
	assert_int_equal(cb_layout_find(cb_bytes_of(""), NULL), 0);
	assert_int_equal(cb_layout_find((struct cb_bytes){ 0 }, &is_known), 0);
	assert_false(is_known);
	assert_int_equal(cb_layout_find(cb_bytes_of("DE"), &is_known), 0);
	assert_false(is_known);
}

/* What a person types, by the caps of the layout, when the firmware reports these US characters. */
static void typing(void **state)
{
	static const struct {
		const char *layout, *us, *want; /* '\1' in want: no ASCII character */
	} cases[] = {
		{ "us", "aZ@#[]\\|~", "aZ@#[]\\|~" },
		{ "uk", "@\"~|\\#", "\"@\1~#\1" },
		{ "de", "yzYZ-/?_&*(", "zyZY\1-_?/()" },
		{ "de", "[]\\;'", "\1+#\1\1" },
		{ "ch", "yz!@", "zy+\"" },
		{ "fr", "qwazQWAZ;m,M", "azqwAZQWm,;?" },
		{ "fr", "!@#$%^&*()", "1234567890" },
		{ "fr", "1234567890", "&\1\"'(-\1_\1\1" },
		{ "be", "qa/", "aq=" },
		{ "es", "-/_&;", "'-?/\1" },
		{ "it", "`~-", "\\|'" },
		{ "pt", "`#", "\\#" },
		{ "dk", "-/_@", "+-?\"" },
		{ "no", "`=", "|\\" },
		{ "se", "-/", "+-" },
		{ "dvorak", "qwerty", "',.pyf" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned l = layout(cases[i].layout);

		for (size_t k = 0; cases[i].us[k] != '\0'; k++) {
			unsigned want = (unsigned char)cases[i].want[k];
			unsigned got = cb_layout_map(l, (unsigned char)cases[i].us[k]);

			if (got != (want == 1 ? 0 : want))
				fail_msg("%s: '%c' gives '%c'", cases[i].layout, cases[i].us[k],
					 (int)got);
		}
	}
}

/* Each layout: every key answers printable ASCII or nothing, no character sits on two keys of the
 * same row of shift, letters and digits can all be typed. */
static void every_key(void **state)
{
	(void)state;
	for (unsigned l = 0; cb_layout_name(l) != NULL; l++) {
		unsigned n_on[128] = { 0 };

		for (unsigned us = '!'; us <= '~'; us++) {
			unsigned c = cb_layout_map(l, us);

			assert_true(c == 0 || (c > ' ' && c <= '~'));
			if (c != 0)
				n_on[c]++;
		}
		for (unsigned c = '!'; c <= '~'; c++) {
			bool is_needed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
			if (n_on[c] > 1 || (is_needed && n_on[c] != 1))
				fail_msg("%s: '%c' is on %u keys", cb_layout_name(l), (int)c,
					 n_on[c]);
		}
		assert_int_equal(cb_layout_map(l, ' '), ' ');
	}
}

static void us_is_identity(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 0x200; c++)
		assert_int_equal(cb_layout_map(0, c), c);
}

static void other_keys_pass(void **state)
{
	(void)state;
	for (unsigned l = 0; cb_layout_name(l) != NULL; l++) {
		assert_int_equal(cb_layout_map(l, CB_KEY_ENTER), CB_KEY_ENTER);
		assert_int_equal(cb_layout_map(l, CB_KEY_F1), CB_KEY_F1);
		assert_int_equal(cb_layout_map(l, 0), 0);
		assert_int_equal(cb_layout_map(l, 0x7f), 0x7f);
	}
	assert_int_equal(cb_layout_map(999, 'a'), 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),	   cmocka_unit_test(typing),
		cmocka_unit_test(every_key),	   cmocka_unit_test(us_is_identity),
		cmocka_unit_test(other_keys_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
