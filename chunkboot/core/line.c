/* SPDX-License-Identifier: MIT */
/* Line editor for the sign-in prompts; every byte after the text is zero at any time. */
#include "core/line.h"

#include <string.h>

void cb_line_init(struct cb_line *l, size_t max)
{
	*l = (struct cb_line){ .max = max < 1 || max > CB_LINE_MAX ? CB_LINE_MAX : max };
}

void cb_line_wipe(struct cb_line *l)
{
	cb_wipe(l->text, sizeof(l->text));
	l->len = 0;
	l->cursor = 0;
}

static enum cb_line_result insert(struct cb_line *l, char c)
{
	if (l->len >= l->max)
		return CB_LINE_IGNORED;
	memmove(l->text + l->cursor + 1, l->text + l->cursor, l->len - l->cursor);
	l->text[l->cursor++] = c;
	l->len++;
	return CB_LINE_EDITING;
}

/* Deletes the character at position `at`. The NUL moves along. */
static enum cb_line_result erase(struct cb_line *l, size_t at)
{
	if (at >= l->len)
		return CB_LINE_IGNORED;
	memmove(l->text + at, l->text + at + 1, l->len - at);
	l->len--;
	return CB_LINE_EDITING;
}

static enum cb_line_result backspace(struct cb_line *l)
{
	if (l->cursor == 0)
		return CB_LINE_IGNORED;
	l->cursor--;
	return erase(l, l->cursor);
}

static enum cb_line_result move(struct cb_line *l, size_t to)
{
	if (to == l->cursor)
		return CB_LINE_IGNORED;
	l->cursor = to;
	return CB_LINE_EDITING;
}

enum cb_line_result cb_line_key(struct cb_line *l, unsigned key)
{
	if (key >= ' ' && key <= '~')
		return insert(l, (char)key);
	switch (key) {
	case CB_KEY_ENTER:
		return CB_LINE_ENTERED;
	case CB_KEY_ESCAPE:
		return CB_LINE_ESCAPED;
	case CB_KEY_BACKSPACE:
		return backspace(l);
	case CB_KEY_DELETE:
		return erase(l, l->cursor);
	case CB_KEY_LEFT:
		return move(l, l->cursor > 0 ? l->cursor - 1 : 0);
	case CB_KEY_RIGHT:
		return move(l, l->cursor < l->len ? l->cursor + 1 : l->len);
	case CB_KEY_HOME:
		return move(l, 0);
	case CB_KEY_END:
		return move(l, l->len);
	case CB_KEY_KILL_LINE:
		if (l->len == 0)
			return CB_LINE_IGNORED;
		cb_line_wipe(l);
		return CB_LINE_EDITING;
	default:
		return CB_LINE_IGNORED;
	}
}
