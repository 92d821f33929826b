/* SPDX-License-Identifier: MIT */
/* Unit tests of the line editor in core/line.h. */
#include "testport.h"

#include <string.h>

#include "core/line.h"

static enum cb_line_result type(struct cb_line *l, const char *text)
{
	enum cb_line_result result = CB_LINE_IGNORED;

	for (; *text != '\0'; text++)
		result = cb_line_key(l, (unsigned char)*text);
	return result;
}

/* Text and cursor are where they may be, and nothing is left behind the text. */
static void assert_sound(const struct cb_line *l)
{
	assert_true(l->max >= 1 && l->max <= CB_LINE_MAX);
	assert_true(l->len <= l->max);
	assert_true(l->cursor <= l->len);
	for (size_t i = 0; i < sizeof(l->text); i++)
		if (i < l->len)
			assert_true(l->text[i] >= ' ' && l->text[i] <= '~');
		else
			assert_int_equal(l->text[i], 0);
}

static void limits(void **state)
{
	static const struct {
		size_t max, want;
	} cases[] = { { 0, CB_LINE_MAX },
		      { 1, 1 },
		      { 64, 64 },
		      { CB_LINE_MAX, CB_LINE_MAX },
		      { CB_LINE_MAX + 1, CB_LINE_MAX },
		      { SIZE_MAX, CB_LINE_MAX } };
	struct cb_line l;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&l, 0xa5, sizeof(l));
		cb_line_init(&l, cases[i].max);
		assert_int_equal(l.max, cases[i].want);
		assert_sound(&l);
		for (size_t n = 0; n < cases[i].want; n++)
			assert_int_equal(cb_line_key(&l, 'x'), CB_LINE_EDITING);
		assert_int_equal(cb_line_key(&l, 'x'), CB_LINE_IGNORED);
		assert_int_equal(l.len, cases[i].want);
		assert_sound(&l);
	}
}

static void editing(void **state)
{
	static const struct {
		unsigned keys[12]; /* after "abc" was typed; ends with 0 */
		const char *want;
		size_t cursor;
		enum cb_line_result last;
	} cases[] = {
		{ { CB_KEY_BACKSPACE }, "ab", 2, CB_LINE_EDITING },
		{ { CB_KEY_DELETE }, "abc", 3, CB_LINE_IGNORED },
		{ { CB_KEY_LEFT, CB_KEY_DELETE }, "ab", 2, CB_LINE_EDITING },
		{ { CB_KEY_LEFT, CB_KEY_BACKSPACE }, "ac", 1, CB_LINE_EDITING },
		{ { CB_KEY_HOME, CB_KEY_BACKSPACE }, "abc", 0, CB_LINE_IGNORED },
		{ { CB_KEY_HOME, CB_KEY_DELETE }, "bc", 0, CB_LINE_EDITING },
		{ { CB_KEY_HOME, CB_KEY_LEFT }, "abc", 0, CB_LINE_IGNORED },
		{ { CB_KEY_HOME, 'x' }, "xabc", 1, CB_LINE_EDITING },
		{ { CB_KEY_LEFT, 'x' }, "abxc", 3, CB_LINE_EDITING },
		{ { CB_KEY_RIGHT }, "abc", 3, CB_LINE_IGNORED },
		{ { CB_KEY_HOME, CB_KEY_RIGHT }, "abc", 1, CB_LINE_EDITING },
		{ { CB_KEY_HOME, CB_KEY_END }, "abc", 3, CB_LINE_EDITING },
		{ { CB_KEY_END }, "abc", 3, CB_LINE_IGNORED },
		{ { CB_KEY_LEFT, CB_KEY_KILL_LINE }, "", 0, CB_LINE_EDITING },
		{ { CB_KEY_KILL_LINE, CB_KEY_KILL_LINE }, "", 0, CB_LINE_IGNORED },
		{ { CB_KEY_ENTER }, "abc", 3, CB_LINE_ENTERED },
		{ { CB_KEY_ESCAPE }, "abc", 3, CB_LINE_ESCAPED },
		{ { CB_KEY_F1 }, "abc", 3, CB_LINE_IGNORED },
		{ { CB_KEY_TAB }, "abc", 3, CB_LINE_IGNORED },
		{ { CB_KEY_UP }, "abc", 3, CB_LINE_IGNORED },
		{ { '\t' }, "abc", 3, CB_LINE_IGNORED },
		{ { 0x7f }, "abc", 3, CB_LINE_IGNORED },
		{ { 0xe9 }, "abc", 3, CB_LINE_IGNORED },
		{ { 0xfffffff0u }, "abc", 3, CB_LINE_IGNORED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum cb_line_result last = CB_LINE_IGNORED;
		struct cb_line l;

		cb_line_init(&l, 8);
		type(&l, "abc");
		for (size_t k = 0; cases[i].keys[k] != 0; k++)
			last = cb_line_key(&l, cases[i].keys[k]);
		assert_string_equal(l.text, cases[i].want);
		assert_int_equal(l.cursor, cases[i].cursor);
		assert_int_equal(last, cases[i].last);
		assert_sound(&l);
	}
}

/* The editor that let 28 backspaces past a login (CVE-2015-8370). */
static void many_backspaces(void **state)
{
	struct cb_line l;

	(void)state;
	cb_line_init(&l, CB_LINE_MAX);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(cb_line_key(&l, CB_KEY_BACKSPACE), CB_LINE_IGNORED);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(cb_line_key(&l, CB_KEY_ENTER), CB_LINE_ENTERED);
	assert_int_equal(l.len, 0);
	assert_sound(&l);
}

/* The same keys done by simple means. */
struct model {
	char text[CB_LINE_MAX + 2];
	size_t len, cursor, max;
};

static void model_key(struct model *m, unsigned key)
{
	if (key >= ' ' && key <= '~' && m->len < m->max) {
		for (size_t i = m->len; i > m->cursor; i--)
			m->text[i] = m->text[i - 1];
		m->text[m->cursor++] = (char)key;
		m->len++;
	}
	if (key == CB_KEY_BACKSPACE && m->cursor > 0) {
		m->cursor--;
		key = CB_KEY_DELETE;
	}
	if (key == CB_KEY_DELETE && m->cursor < m->len) {
		for (size_t i = m->cursor; i + 1 < m->len; i++)
			m->text[i] = m->text[i + 1];
		m->len--;
	}
	if (key == CB_KEY_LEFT && m->cursor > 0)
		m->cursor--;
	if (key == CB_KEY_RIGHT && m->cursor < m->len)
		m->cursor++;
	if (key == CB_KEY_HOME)
		m->cursor = 0;
	if (key == CB_KEY_END)
		m->cursor = m->len;
	if (key == CB_KEY_KILL_LINE)
		m->len = m->cursor = 0;
}

static unsigned random_key(struct testport_rng *rng)
{
	size_t kind = testport_below(rng, 8);

	if (kind < 4)
		return (unsigned)(' ' + testport_below(rng, 95));
	if (kind < 7)
		return (unsigned)(CB_KEY_ENTER + testport_below(rng, CB_KEY_OTHER - CB_KEY_ENTER));
	return (unsigned)testport_u64(rng);
}

static void random_keys(void **state)
{
	struct testport_rng rng = { .state = 28 };
	struct model m = { 0 };
	struct cb_line l;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		if (i % 1000 == 0) {
			m = (struct model){ .max = 1 + testport_below(&rng, CB_LINE_MAX) };
			cb_line_init(&l, m.max);
		}
		unsigned key = random_key(&rng);
		cb_line_key(&l, key);
		model_key(&m, key);
		assert_sound(&l);
		assert_int_equal(l.len, m.len);
		assert_int_equal(l.cursor, m.cursor);
		assert_memory_equal(l.text, m.text, m.len);
	}
}

static void wiping(void **state)
{
	struct cb_line l;

	(void)state;
	cb_line_init(&l, 20);
	type(&l, "secret");
	cb_line_wipe(&l);
	assert_int_equal(l.len, 0);
	assert_int_equal(l.cursor, 0);
	assert_int_equal(l.max, 20);
	assert_sound(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),	   cmocka_unit_test(editing),
		cmocka_unit_test(many_backspaces), cmocka_unit_test(random_keys),
		cmocka_unit_test(wiping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
