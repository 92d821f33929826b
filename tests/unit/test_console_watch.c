/* SPDX-License-Identifier: MIT */
/* Unit tests of host/console_watch: prompts, the expected text, error lines, in any split. */
#include "testport.h"

#include <string.h>

#include "host/console_watch.h"

/* Feeds text in pieces of `step` bytes; appends what is typed to `typed`. */
static void feed(struct cb_console_watch *w, const char *text, size_t step, char typed[64])
{
	struct cb_bytes all = cb_bytes_of(text);
	while (all.len > 0) {
		size_t used, n = all.len < step ? all.len : step;
		const char *reply = cb_console_watch(w, (struct cb_bytes){ all.p, n }, &used);
		assert_true(used <= n && used > 0);
		if (reply != NULL)
			strcat(strcat(typed, reply), "\n");
		all = (struct cb_bytes){ all.p + used, all.len - used };
	}
}

static const char session[] =
	"\x1b[2J\x1b[01;01HBdsDxe: loading\r\n\x1b[1mAcco\x1b[0munt: \rAccount: a\rAccount: ad"
	"\r\nPassphrase: \rPassphrase: *\r\nChecking\r\nLinux\r\n[ 1.0] hello: up\r\n";

static void test_session(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof(session); step++) {
		struct cb_console_watch w = { .account = "ada",
					      .passphrase = "secret",
					      .expect = "hello: up" };
		char typed[64] = "";
		feed(&w, session, step, typed);
		assert_string_equal(typed, "ada\nsecret\n");
		assert_true(w.is_expected_seen);
		assert_string_equal(w.error_line, "");
	}
}

static void test_nothing_to_type(void **state)
{
	struct cb_console_watch w = { .expect = "hello: down" };
	char typed[64] = "";
	(void)state;
	feed(&w, session, 7, typed);
	assert_string_equal(typed, "");
	assert_false(w.is_expected_seen);
}

static void test_error_line(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{ "\r\nCB-E303 a chunk\r\nCB-E401 other\r\n", "CB-E303 a chunk" },
		{ "\x1b[0m\x1b[37mCB-E105\r\n", "CB-E105" },
		{ "text\x1b[05;01HCB-E105 x\x1b[06;01H", "CB-E105 x" },
		{ "see CB-E105 x\r\n", "" },
		{ "CB-E1 x\r\n", "" },
		{ "CB-E1055 x\r\n", "" },
		{ "CB-E105 unfinished", "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cb_console_watch w = { 0 };
		char typed[64] = "";
		feed(&w, rows[i].text, 3, typed);
		assert_string_equal(w.error_line, rows[i].line);
	}
}

static void test_long_lines(void **state)
{
	struct cb_console_watch w = { .expect = "never" };
	char typed[64] = "", text[2 * CB_CONSOLE_LINE_MAX];
	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "CB-E105 ", 8);
	feed(&w, text, 50, typed);
	feed(&w, "\n", 1, typed);
	assert_int_equal(strlen(w.error_line), CB_CONSOLE_LINE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_nothing_to_type),
		cmocka_unit_test(test_error_line),
		cmocka_unit_test(test_long_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
