/* SPDX-License-Identifier: MIT */
/* The loader's screen on a small terminal model: prompts, editing, progress, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../efi/format.c"
#include "../../efi/screen.c"

#define ROWS 64
#define COLUMNS 80

/* What stands where; fails the test when text leaves the right margin. */
struct terminal {
	char cells[ROWS][COLUMNS + 1];
	size_t row, column;
	bool does_backspace_erase; /* as the firmware's graphic console does */
	char log[65536];
	size_t n_log;
};

static void terminal_write(void *ctx, const char *text, size_t len)
{
	struct terminal *t = ctx;

	for (size_t i = 0; i < len; i++) {
		assert_true(t->n_log + 1 < sizeof(t->log));
		t->log[t->n_log++] = text[i];
		if (text[i] == '\n') {
			t->row++;
			t->column = 0;
			assert_true(t->row < ROWS);
		} else if (text[i] == '\r') {
			t->column = 0;
		} else if (text[i] == '\b') {
			assert_true(t->column > 0);
			t->column--;
			if (t->does_backspace_erase)
				t->cells[t->row][t->column] = ' ';
		} else {
			assert_true(t->column < COLUMNS - 1);
			t->cells[t->row][t->column++] = text[i];
		}
	}
}

static void terminal_init(struct terminal *t, struct cb_screen *s)
{
	memset(t, 0, sizeof(*t));
	cb_screen_init(s, terminal_write, t, COLUMNS);
}

/* Row without blanks at its end; static storage, valid until the next call. */
static const char *row(const struct terminal *t, size_t i)
{
	static char text[COLUMNS + 1];
	size_t len = strlen(t->cells[i]);

	while (len && t->cells[i][len - 1] == ' ')
		len--;
	memcpy(text, t->cells[i], len);
	text[len] = 0;
	return text;
}

static bool has_row(const struct terminal *t, const char *text)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(row(t, i), text) == 0)
			return true;
	return false;
}

static void prompt(struct cb_screen *s, enum cb_prompt which, const char *text, size_t cursor,
		   bool is_final)
{
	struct cb_event e = {
		.kind = CB_EVENT_PROMPT,
		.stage = CB_STAGE_SIGN_IN,
		.subject = "",
		.prompt = { which, cb_bytes_of(text), cursor, "us", is_final },
	};

	cb_screen_event(s, &e);
}

static void test_prompt_follows_every_edit(void **state)
{
	static const struct {
		const char *text;
		size_t cursor;
	} edits[] = {
		{ "", 0 },     { "d", 1 },    { "de", 2 },	{ "dem", 3 },  { "demo", 4 },
		{ "demo", 3 }, { "demo", 2 }, { "dexmo", 3 },	{ "demo", 2 }, { "demo", 4 },
		{ "dem", 3 },  { "", 0 },     { "another", 7 }, { "a", 1 },    { "a", 0 },
	};

	(void)state;
	for (int erase = 0; erase < 2; erase++) {
		struct terminal t;
		struct cb_screen s;

		terminal_init(&t, &s);
		t.does_backspace_erase = erase;
		for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
			char want[COLUMNS] = "Account: ";

			prompt(&s, CB_PROMPT_ACCOUNT, edits[i].text, edits[i].cursor, false);
			strcat(want, edits[i].text);
			/* "Account:" when nothing is typed: row() drops the blank. */
			if (!*edits[i].text)
				want[strlen(want) - 1] = 0;
			assert_string_equal(row(&t, 1), want);
			assert_int_equal(t.column, strlen("Account: ") + edits[i].cursor);
			assert_int_equal(s.is_cursor_at_end,
					 edits[i].cursor == strlen(edits[i].text));
		}
	}
}

static void test_passphrase_is_masked(void **state)
{
	struct terminal t;
	struct cb_screen s;

	(void)state;
	terminal_init(&t, &s);
	prompt(&s, CB_PROMPT_ACCOUNT, "ada", 3, true);
	prompt(&s, CB_PROMPT_PASSPHRASE, "", 0, false);
	prompt(&s, CB_PROMPT_PASSPHRASE, "Zq", 2, false);
	prompt(&s, CB_PROMPT_PASSPHRASE, "Zq9", 1, false);
	prompt(&s, CB_PROMPT_PASSPHRASE, "Zq9", 3, true);
	assert_string_equal(row(&t, 1), "Account: ada");
	assert_string_equal(row(&t, 2), "Passphrase: ***");
	assert_int_equal(t.row, 3);
	assert_null(strpbrk(t.log, "Zq9"));
	/* Nothing of it stays in the screen's memory either. */
	assert_null(memchr(s.live, 'Z', sizeof(s.live)));
}

static void test_long_texts_scroll_in_the_line(void **state)
{
	char text[257];
	struct terminal t;
	struct cb_screen s;

	(void)state;
	terminal_init(&t, &s);
	memset(text, 'x', 256);
	text[256] = 0;
	for (size_t cursor = 0; cursor <= 256; cursor++) {
		prompt(&s, CB_PROMPT_PASSPHRASE, text, cursor, false);
		prompt(&s, CB_PROMPT_ACCOUNT, text, cursor, false);
		terminal_init(&t, &s);
	}
}

static void test_realm_is_named_once(void **state)
{
	struct cb_event e = {
		.kind = CB_EVENT_STAGE,
		.stage = CB_STAGE_SIGN_IN,
		.subject = "Our office",
	};
	struct terminal t;
	struct cb_screen s;
	unsigned n = 0;

	(void)state;
	terminal_init(&t, &s);
	cb_screen_event(&s, &e);
	cb_screen_event(&s, &e);
	for (size_t i = 0; i < ROWS; i++)
		n += strcmp(row(&t, i), "Our office") == 0;
	assert_int_equal(n, 1);
}

static void test_error_screen(void **state)
{
	struct cb_event e = {
		.kind = CB_EVENT_ERROR,
		.stage = CB_STAGE_FAILED,
		.err = CB_CHUNK_HASH,
		.subject = "http://10.0.2.2/store.castr/0a1b/x.cacnk",
	};
	struct terminal t;
	struct cb_screen s;

	(void)state;
	terminal_init(&t, &s);
	s.offers_firmware_setup = true;
	cb_screen_event(&s, &e);
	assert_string_equal(row(&t, 1), "CB-E303 a chunk differs from what was signed:");
	assert_string_equal(row(&t, 2), "http://10.0.2.2/store.castr/0a1b/x.cacnk");
	assert_true(has_row(&t, "R retry   B reboot   F firmware setup"));
	terminal_init(&t, &s);
	s.offers_next_option = true;
	e.err = CB_NET_CONNECT;
	e.subject = NULL;
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "CB-E105 no connection to a mirror"));
	assert_true(has_row(&t, "R retry   B reboot   N continue with the next boot option"));
	/* Too little memory is said with the numbers. */
	terminal_init(&t, &s);
	e.err = CB_MEMORY_SHORT;
	e.need_bytes = 338000000;
	e.free_bytes = 285000000;
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "CB-E502 this machine has too little memory"));
	assert_true(has_row(&t, "It needs 338 MB of memory; 285 MB are free."));
	e.need_bytes = 0;
	/* All choices at once take two rows. */
	terminal_init(&t, &s);
	s.offers_next_option = s.offers_firmware_setup = true;
	s.n_environments = 2;
	e.offers_previous = true;
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "R retry   B reboot   E another environment   P previous version"));
	assert_true(has_row(&t, "F firmware setup   N continue with the next boot option"));
}

static void test_same_error_again_does_not_scroll(void **state)
{
	struct cb_event stage = { .kind = CB_EVENT_STAGE,
				  .stage = CB_STAGE_NETWORK,
				  .subject = "" };
	struct cb_event error = { .kind = CB_EVENT_ERROR,
				  .stage = CB_STAGE_FAILED,
				  .err = CB_NET_NO_LEASE,
				  .subject = "" };
	struct terminal t;
	struct cb_screen s;
	size_t row_before;

	(void)state;
	terminal_init(&t, &s);
	cb_screen_event(&s, &stage);
	cb_screen_event(&s, &error);
	row_before = t.row;
	for (int i = 0; i < 20; i++) {
		cb_screen_event(&s, &stage);
		cb_screen_event(&s, &error);
	}
	assert_int_equal(t.row, row_before);
	assert_string_equal(row(&t, t.row), "Tried 21 times.");
	error.err = CB_NET_NO_LINK;
	cb_screen_event(&s, &error);
	assert_true(has_row(&t, "CB-E102 no network link"));
	/* Another line in between: in full again. */
	row_before = t.row;
	cb_screen_line(&s, "Network: 192.0.2.1");
	cb_screen_event(&s, &error);
	assert_true(t.row > row_before + 4);
}

static void test_progress_keeps_one_line(void **state)
{
	struct cb_event e = {
		.kind = CB_EVENT_PROGRESS,
		.stage = CB_STAGE_FETCH,
		.subject = "",
		.progress = { .total_bytes = 45500000,
			      .rate_bytes_s = 10200000,
			      .remaining_s = 100,
			      .image = "debian/12.5" },
	};
	struct terminal t;
	struct cb_screen s;

	(void)state;
	terminal_init(&t, &s);
	for (unsigned i = 0; i <= 100; i++) {
		e.progress.done_bytes = 455000ull * i;
		e.progress.remaining_s = 100 - i;
		cb_screen_event(&s, &e);
	}
	assert_int_equal(t.row, 0);
	assert_string_equal(row(&t, 0), "debian/12.5  45.5 of 45.5 MB  10.2 MB/s  0 s left");
	cb_screen_line(&s, "next");
	assert_string_equal(row(&t, 1), "next");
	/* While someone types, progress does not show. */
	prompt(&s, CB_PROMPT_ACCOUNT, "ada", 3, false);
	cb_screen_event(&s, &e);
	assert_int_equal(t.column, strlen("Account: ada"));
}

static void test_menu(void **state)
{
	struct cb_event e = {
		.kind = CB_EVENT_MENU,
		.stage = CB_STAGE_MENU,
		.subject = "",
		.menu = { .n = 2, .account_title = "Ada\x1b[31m" },
	};
	struct terminal t;
	struct cb_screen s;
	size_t row_before;

	(void)state;
	terminal_init(&t, &s);
	e.menu.label[0] = cb_bytes_of("Work");
	e.menu.label[1] = cb_bytes_of("Rescue");
	cb_screen_event(&s, &e);
	row_before = t.row;
	assert_true(has_row(&t, "Signed in as Ada?[31m. What shall start?"));
	assert_true(has_row(&t, "  2  Rescue"));
	assert_string_equal(row(&t, t.row), "> 1  Work");
	e.menu.selected = 1;
	e.menu.countdown_s = 3;
	cb_screen_event(&s, &e);
	assert_int_equal(t.row, row_before);
	assert_string_equal(row(&t, t.row), "> 2  Rescue   (starts in 3 s)");
	e.menu.selected = 0;
	e.menu.countdown_s = 0;
	cb_screen_event(&s, &e);
	assert_string_equal(row(&t, t.row), "> 1  Work");
}

/* Whether the download pauses meanwhile is said with the stage. */
static void test_pause_is_said(void **state)
{
	struct cb_event e = { .kind = CB_EVENT_STAGE, .stage = CB_STAGE_DERIVE };
	struct terminal t;
	struct cb_screen s;

	(void)state;
	terminal_init(&t, &s);
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "Checking the passphrase ..."));
	e.pauses_download = true;
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "Checking the passphrase; the download pauses for a moment ..."));
}

static void stage(struct cb_screen *s, enum cb_stage which)
{
	cb_screen_event(
		s,
		&(struct cb_event){ .kind = CB_EVENT_STAGE, .stage = which, .subject = "Office" });
}

/* Why, since when, until when; and what helps, as long as it does. */
static void test_offline_is_said(void **state)
{
	struct cb_event e = { .kind = CB_EVENT_OFFLINE,
			      .stage = CB_STAGE_METADATA,
			      .err = CB_NET_NO_LINK,
			      .offline = { .since_s = 1795848895 } };
	struct terminal t;
	struct cb_screen s;
	size_t before;

	(void)state;
	terminal_init(&t, &s);
	stage(&s, CB_STAGE_NETWORK);
	stage(&s, CB_STAGE_METADATA);
	before = t.row;
	stage(&s, CB_STAGE_METADATA);
	assert_int_equal(t.row, before);
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "Offline: no network link. Using what this machine has kept."));
	assert_true(has_row(&t, "Last news of the repository: 2026-11-28 06:54 UTC."));
	stage(&s, CB_STAGE_SIGN_IN);
	prompt(&s, CB_PROMPT_ACCOUNT, "", 0, false);
	assert_true(has_row(&t, "Esc tries the network again."));
	assert_string_equal(row(&t, t.row), "Account:");
	e.offline.until_s = 1796453695;
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "Offline this account may start here until 2026-12-05 06:54 UTC."));
	terminal_init(&t, &s);
	stage(&s, CB_STAGE_NETWORK);
	e.err = CB_OK;
	e.offline.until_s = 0;
	cb_screen_event(&s, &e);
	assert_true(has_row(&t, "The repository has not been renewed in time."));
	stage(&s, CB_STAGE_SIGN_IN);
	prompt(&s, CB_PROMPT_ACCOUNT, "", 0, false);
	assert_false(has_row(&t, "Esc tries the network again."));
}

/* It fails again in the same way: nothing scrolls, and no half sentence is left. */
static void test_offline_again(void **state)
{
	struct cb_event offline = { .kind = CB_EVENT_OFFLINE, .err = CB_NET_NO_LINK };
	struct cb_event error = { .kind = CB_EVENT_ERROR,
				  .err = CB_OFFLINE_OVER,
				  .subject = "account record",
				  .retries = true };
	struct terminal t;
	struct cb_screen s;
	size_t rows = 0;

	(void)state;
	terminal_init(&t, &s);
	for (unsigned i = 0; i < 3; i++) {
		stage(&s, CB_STAGE_NETWORK);
		stage(&s, CB_STAGE_METADATA);
		cb_screen_event(&s, &offline);
		stage(&s, CB_STAGE_SIGN_IN);
		stage(&s, CB_STAGE_RECORD);
		cb_screen_event(&s, &error);
		assert_true(rows == 0 || t.row == rows);
		rows = t.row;
	}
	assert_true(has_row(&t, "It is tried again by itself."));
	assert_true(has_row(&t, "Tried 3 times."));
	assert_false(has_row(&t, "Trying again."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prompt_follows_every_edit),
		cmocka_unit_test(test_passphrase_is_masked),
		cmocka_unit_test(test_long_texts_scroll_in_the_line),
		cmocka_unit_test(test_realm_is_named_once),
		cmocka_unit_test(test_error_screen),
		cmocka_unit_test(test_same_error_again_does_not_scroll),
		cmocka_unit_test(test_progress_keeps_one_line),
		cmocka_unit_test(test_menu),
		cmocka_unit_test(test_pause_is_said),
		cmocka_unit_test(test_offline_is_said),
		cmocka_unit_test(test_offline_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
