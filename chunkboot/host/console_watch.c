/* SPDX-License-Identifier: MIT */
/* Scans console output line by line; terminal control sequences (ECMA-48) are left out. */
#include "host/console_watch.h"

#include <string.h>

#define ESC 0x1b

enum escape { NO_ESCAPE, AFTER_ESC, IN_CSI };

static bool ends_with(const struct cb_console_watch *w, const char *end)
{
	size_t len = strlen(end);
	return len != 0 && len <= w->line_len && memcmp(w->line + w->line_len - len, end, len) == 0;
}

/* "CB-E" and three digits at the start of the line. */
static bool is_error_line(const char *line)
{
	if (strncmp(line, "CB-E", 4) != 0)
		return false;
	for (unsigned i = 4; i < 7; i++)
		if (line[i] < '0' || line[i] > '9')
			return false;
	return line[7] == ' ' || line[7] == '\0';
}

static void end_line(struct cb_console_watch *w)
{
	w->line[w->line_len] = '\0';
	if (w->error_line[0] == '\0' && is_error_line(w->line))
		memcpy(w->error_line, w->line, w->line_len + 1);
	w->line_len = 0;
}

/* True when the character belongs to an escape sequence. A cursor movement starts a line. */
static bool skip_escape(struct cb_console_watch *w, uint8_t c)
{
	if (c == ESC) {
		w->escape = AFTER_ESC;
		return true;
	}
	if (w->escape == NO_ESCAPE)
		return false;
	if (w->escape == AFTER_ESC) {
		w->escape = c == '[' ? IN_CSI : NO_ESCAPE;
		return true;
	}
	if (c >= 0x40 && c <= 0x7e) { /* the final byte */
		w->escape = NO_ESCAPE;
		if (c == 'H' || c == 'J')
			end_line(w);
	}
	return true;
}

static void take(struct cb_console_watch *w, uint8_t c)
{
	if (skip_escape(w, c))
		return;
	if (c == '\r' || c == '\n') {
		end_line(w);
		return;
	}
	if (w->line_len < CB_CONSOLE_LINE_MAX)
		w->line[w->line_len++] = (char)c;
	if (w->expect != NULL && ends_with(w, w->expect))
		w->is_expected_seen = true;
}

static const char *answer(struct cb_console_watch *w)
{
	if (w->account == NULL || w->passphrase == NULL)
		return NULL;
	if (w->n_typed == 0 && ends_with(w, "Account: ")) {
		w->n_typed = 1;
		return w->account;
	}
	if (w->n_typed == 1 && ends_with(w, "Passphrase: ")) {
		w->n_typed = 2;
		return w->passphrase;
	}
	return NULL;
}

const char *cb_console_watch(struct cb_console_watch *w, struct cb_bytes output, size_t *ret_used)
{
	const char *text = NULL;
	size_t at = 0;
	while (at < output.len && text == NULL) {
		take(w, output.p[at++]);
		text = answer(w);
	}
	*ret_used = at;
	return text;
}
