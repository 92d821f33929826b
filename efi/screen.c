/* SPDX-License-Identifier: MIT */
/* What the person sees: the core's events as lines of text on any terminal, a dumb one too. */
#include "screen.h"

#include <string.h>

void cb_screen_init(struct cb_screen *s, void (*write)(void *ctx, const char *text, size_t len),
		    void *ctx, size_t columns)
{
	*s = (struct cb_screen){ .write = write, .ctx = ctx };
	/* The last column makes some terminals wrap by themselves. */
	s->columns = columns > 21 ? columns - 1 : 20;
	if (s->columns > CB_SCREEN_MAX_COLUMNS)
		s->columns = CB_SCREEN_MAX_COLUMNS;
}

/* ---- The live line ---- */

static void live_end(struct cb_screen *s)
{
	if (s->live_len)
		s->write(s->ctx, "\n", 1);
	s->live_len = 0;
	s->live_cursor = 0;
	s->is_prompting = false;
}

static void repeat(struct cb_fmt *out, char c, size_t n)
{
	for (; n && out->len + 1 < CB_FMT_MAX; n--)
		out->buf[out->len++] = c;
}

static void append(struct cb_fmt *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len && out->len + 1 < CB_FMT_MAX; i++)
		out->buf[out->len++] = s[i];
}

/*
 * Makes the live line read text[len] (ASCII) with the cursor at column cursor. A backspace erases
 * on some consoles and only moves on others, so other edits than at the end rewrite the line.
 */
static void live_set(struct cb_screen *s, const char *text, size_t len, size_t cursor)
{
	struct cb_fmt out = { 0 };
	size_t both = len < s->live_len ? len : s->live_len;
	bool is_at_end = s->live_cursor == s->live_len && cursor == len;

	if (is_at_end && memcmp(text, s->live, both) == 0) {
		for (size_t i = len; i < s->live_len; i++)
			append(&out, "\b \b", 3);
		append(&out, &text[both], len - both);
	} else {
		append(&out, "\r", 1);
		append(&out, text, len);
		repeat(&out, ' ', s->live_len - both);
		if (cursor < len || s->live_len > len) {
			append(&out, "\r", 1);
			append(&out, text, cursor);
		}
	}
	s->write(s->ctx, out.buf, out.len);
	memcpy(s->live, text, len);
	s->live_len = len;
	s->live_cursor = cursor;
}

static void live_show(struct cb_screen *s, struct cb_fmt *text)
{
	size_t len = text->len < s->columns ? text->len : s->columns;

	if (s->is_prompting)
		live_end(s);
	for (; len < s->live_len; len++) /* covers what was there */
		text->buf[len] = ' ';
	if (len == s->live_len && memcmp(text->buf, s->live, len) == 0)
		return;
	live_set(s, text->buf, len, len);
}

/* ---- Lines ---- */

static void line(struct cb_screen *s, const char *text)
{
	struct cb_fmt clean = { 0 };
	size_t at = 0;

	live_end(s);
	cb_fmt_str(&clean, text);
	do {
		size_t len = clean.len - at;

		if (len > s->columns) {
			len = s->columns;
			while (len > s->columns / 2 && clean.buf[at + len] != ' ')
				len--;
		}
		s->write(s->ctx, &clean.buf[at], len);
		s->write(s->ctx, "\n", 1);
		at += len;
		while (at < clean.len && clean.buf[at] == ' ')
			at++;
	} while (at < clean.len);
}

void cb_screen_line(struct cb_screen *s, const char *text)
{
	/* It moves the error screen up: the next error is shown in full. */
	s->err = CB_OK;
	line(s, text);
}

static void coded_line(struct cb_screen *s, enum cb_err err, const char *subject)
{
	struct cb_fmt text = { 0 };

	cb_fmt_code(&text, err);
	cb_fmt_str(&text, cb_err_info(err)->message);
	if (subject && *subject) {
		cb_fmt_str(&text, ": ");
		cb_fmt_str(&text, subject);
	}
	line(s, cb_fmt_done(&text));
}

static void memory_line(struct cb_screen *s)
{
	struct cb_fmt text = { 0 };

	if (s->need_bytes == 0)
		return;
	cb_fmt_str(&text, "It needs ");
	cb_fmt_size(&text, s->need_bytes);
	cb_fmt_str(&text, " of memory; ");
	cb_fmt_size(&text, s->free_bytes);
	cb_fmt_str(&text, " are free.");
	line(s, cb_fmt_done(&text));
}

static void hint_line(struct cb_screen *s, enum cb_err err)
{
	struct cb_fmt text = { 0 };

	if (!*cb_err_info(err)->hint)
		return;
	cb_fmt_str(&text, "What to do: ");
	cb_fmt_str(&text, cb_err_info(err)->hint);
	line(s, cb_fmt_done(&text));
}

/* Is it the error that stands on the screen already? Remembers it. */
static bool is_same_error(struct cb_screen *s, enum cb_err err, const char *subject)
{
	size_t len = subject ? strlen(subject) : 0;
	bool is_same;

	if (len >= sizeof(s->subject))
		len = sizeof(s->subject) - 1;
	is_same = s->err == err && strlen(s->subject) == len &&
		(len == 0 || memcmp(s->subject, subject, len) == 0);
	s->err = err;
	if (len)
		memcpy(s->subject, subject, len);
	s->subject[len] = 0;
	s->n_tries = is_same ? s->n_tries + 1 : 1;
	return is_same;
}

/* One more key of the error screen, on a new line where this one is full. */
static void offer(struct cb_screen *s, struct cb_fmt *choices, const char *choice)
{
	if (choices->len > 0 && choices->len + 3 + strlen(choice) >= s->columns) {
		line(s, cb_fmt_done(choices));
		choices->len = 0;
	}
	cb_fmt_str(choices, choices->len > 0 ? "   " : "");
	cb_fmt_str(choices, choice);
}

void cb_screen_error(struct cb_screen *s, enum cb_err err, const char *subject)
{
	struct cb_fmt choices = { 0 };

	if (is_same_error(s, err, subject)) {
		cb_fmt_str(&choices, "Tried ");
		cb_fmt_uint(&choices, s->n_tries);
		cb_fmt_str(&choices, " times.");
		live_show(s, &choices);
		return;
	}

	live_end(s);
	line(s, "");
	coded_line(s, err, subject);
	memory_line(s);
	hint_line(s, err);
	line(s, "");
	if (s->retries)
		line(s, "It is tried again by itself.");
	offer(s, &choices, "R retry");
	offer(s, &choices, "B reboot");
	if (s->n_environments > 1)
		offer(s, &choices, "E another environment");
	if (s->offers_previous)
		offer(s, &choices, "P previous version");
	if (s->offers_firmware_setup)
		offer(s, &choices, "F firmware setup");
	if (s->offers_next_option)
		offer(s, &choices, "N continue with the next boot option");
	line(s, cb_fmt_done(&choices));
}

/* ---- Events ---- */

static void show_stage(struct cb_screen *s, const struct cb_event *e)
{
	static const char *const texts[] = {
		[CB_STAGE_NETWORK] = "Looking for the network ...",
		[CB_STAGE_METADATA] = "Checking the repository ...",
		[CB_STAGE_SIGN_IN] = "",
		[CB_STAGE_DERIVE] = "Checking the passphrase ...",
		[CB_STAGE_RECORD] = "Looking up the account ...",
	};

	enum cb_stage stage = e->stage;
	const char *text;
	bool is_again;

	is_again = stage == CB_STAGE_METADATA && s->stage == stage;
	s->stage = stage;
	s->is_menu_shown = false;
	if (is_again || (size_t)stage >= sizeof(texts) / sizeof(*texts) || !texts[stage])
		return;
	text = e->pauses_download ?
		"Checking the passphrase; the download pauses for a moment ..." :
		texts[stage];
	if (s->err && *text) {
		struct cb_fmt again = { 0 };

		cb_fmt_str(&again, "Trying again. ");
		cb_fmt_str(&again, text);
		live_show(s, &again);
	} else if (!s->err) {
		line(s, text);
	}
}

static void show_realm(struct cb_screen *s, const char *title)
{
	struct cb_fmt text = { 0 };

	if (s->is_realm_shown || !title || !*title)
		return;
	s->is_realm_shown = true;
	/* Through the formatter, which lets no control character through. */
	cb_fmt_str(&text, title);
	line(s, cb_fmt_done(&text));
}

static void show_layout(struct cb_screen *s, const char *layout)
{
	struct cb_fmt text = { 0 };

	if (!layout || (s->layout && strcmp(layout, s->layout) == 0))
		return;
	s->layout = layout;
	cb_fmt_str(&text, "Keyboard layout: ");
	cb_fmt_str(&text, layout);
	cb_fmt_str(&text, " (F2 changes it)");
	line(s, cb_fmt_done(&text));
}

static void show_prompt(struct cb_screen *s, const struct cb_event *e)
{
	bool is_secret = e->prompt.which == CB_PROMPT_PASSPHRASE;
	const char *label = is_secret ? "Passphrase: " : "Account: ";
	size_t label_len = strlen(label), room = s->columns - label_len;
	size_t first = 0, n = e->prompt.text.len, cursor = e->prompt.cursor;
	char shown[CB_SCREEN_MAX_COLUMNS];

	/* Long texts scroll so that the cursor stays in sight. */
	if (cursor > room)
		first = cursor - room;
	n = n - first < room ? n - first : room;
	show_layout(s, e->prompt.layout);
	if (s->offers_escape && !is_secret)
		line(s, "Esc tries the network again.");
	s->offers_escape = false;
	if (!s->is_prompting || s->live_len < label_len || memcmp(s->live, label, label_len) != 0)
		live_end(s);
	memcpy(shown, label, label_len);
	if (is_secret)
		memset(shown + label_len, '*', n);
	else if (n)
		memcpy(shown + label_len, e->prompt.text.p + first, n);
	live_set(s, shown, label_len + n, label_len + cursor - first);
	s->is_prompting = true;
	s->is_cursor_at_end = cursor == e->prompt.text.len;
	if (e->prompt.is_final)
		live_end(s);
}

static void menu_item(struct cb_fmt *t, const struct cb_event *e, unsigned i, size_t max)
{
	if (e->menu.n > 1) {
		cb_fmt_uint(t, i + 1);
		cb_fmt_str(t, "  ");
	}
	cb_fmt_cut(t, e->menu.label[i], max);
}

static void show_menu_head(struct cb_screen *s, const struct cb_event *e)
{
	struct cb_fmt title = { 0 };

	line(s, "");
	cb_fmt_str(&title, "Signed in");
	if (e->menu.account_title && *e->menu.account_title) {
		cb_fmt_str(&title, " as ");
		cb_fmt_str(&title, e->menu.account_title);
	}
	cb_fmt_str(&title, e->menu.n > 1 ? ". What shall start?" : ".");
	line(s, cb_fmt_done(&title));
	if (e->menu.n <= 1)
		return;
	for (unsigned i = 0; i < e->menu.n && i < CB_MENU_MAX; i++) {
		struct cb_fmt item = { 0 };

		cb_fmt_str(&item, "  ");
		menu_item(&item, e, i, s->columns - 8);
		line(s, cb_fmt_done(&item));
	}
	line(s, "Up and Down choose, Enter starts.");
}

static void show_menu(struct cb_screen *s, const struct cb_event *e)
{
	struct cb_fmt live = { 0 };

	s->n_environments = e->menu.n;
	if (!s->is_menu_shown)
		show_menu_head(s, e);
	s->is_menu_shown = true;
	if (e->menu.selected >= e->menu.n || e->menu.selected >= CB_MENU_MAX)
		return;
	cb_fmt_str(&live, e->menu.n > 1 ? "> " : "Your environment: ");
	menu_item(&live, e, e->menu.selected, s->columns - 30);
	if (e->menu.countdown_s) {
		cb_fmt_str(&live, "   (starts in ");
		cb_fmt_duration(&live, e->menu.countdown_s);
		cb_fmt_str(&live, ")");
	}
	live_show(s, &live);
}

static void show_notice(struct cb_screen *s, const struct cb_event *e)
{
	struct cb_fmt text = { 0 };

	cb_fmt_str(&text, "Note: ");
	cb_fmt_str(&text, cb_err_info(e->err)->message);
	if (e->subject && *e->subject) {
		cb_fmt_str(&text, ": ");
		cb_fmt_str(&text, e->subject);
	}
	line(s, cb_fmt_done(&text));
}

static void dated_line(struct cb_screen *s, const char *text, int64_t unix_s)
{
	struct cb_fmt t = { 0 };

	cb_fmt_str(&t, text);
	cb_fmt_time(&t, unix_s);
	cb_fmt_str(&t, ".");
	line(s, cb_fmt_done(&t));
}

/* Before the sign-in: why, and how old what is used is; after it: how long this account may. */
static void show_offline(struct cb_screen *s, const struct cb_event *e)
{
	struct cb_fmt text = { 0 };

	if (e->offline.until_s) {
		dated_line(s, "Offline this account may start here until ", e->offline.until_s);
		return;
	}
	s->offers_escape = e->err != CB_OK;
	/* A retry that comes to the same again does not scroll. */
	if (s->err)
		return;
	if (e->err) {
		cb_fmt_str(&text, "Offline: ");
		cb_fmt_str(&text, cb_err_info(e->err)->message);
		cb_fmt_str(&text, ". Using what this machine has kept.");
	} else {
		cb_fmt_str(&text, "The repository has not been renewed in time.");
	}
	line(s, cb_fmt_done(&text));
	dated_line(s, "Last news of the repository: ", e->offline.since_s);
}

static void show_progress(struct cb_screen *s, const struct cb_event *e)
{
	struct cb_fmt text = { 0 };

	/* What comes in while the person types does not disturb; no total: no manifest yet. */
	if (s->is_prompting || s->stage == CB_STAGE_MENU || e->progress.total_bytes == 0)
		return;
	cb_format_progress(&text, e, s->columns);
	live_show(s, &text);
}

void cb_screen_event(struct cb_screen *s, const struct cb_event *e)
{
	struct cb_fmt waiting = { 0 };

	if (e->kind == CB_EVENT_PROMPT || e->kind == CB_EVENT_MENU || e->kind == CB_EVENT_PROGRESS)
		s->err = CB_OK;
	switch (e->kind) {
	case CB_EVENT_STAGE:
		show_stage(s, e);
		if (e->stage == CB_STAGE_NETWORK)
			s->offers_escape = false;
		if (e->stage == CB_STAGE_SIGN_IN)
			show_realm(s, e->subject);
		break;
	case CB_EVENT_PROMPT:
		show_prompt(s, e);
		break;
	case CB_EVENT_MENU:
		show_menu(s, e);
		break;
	case CB_EVENT_PROGRESS:
		show_progress(s, e);
		break;
	case CB_EVENT_WAITING:
		cb_fmt_str(&waiting, "Waiting for the network ...");
		if (!s->is_prompting)
			live_show(s, &waiting);
		break;
	case CB_EVENT_NOTICE:
		show_notice(s, e);
		break;
	case CB_EVENT_OFFLINE:
		show_offline(s, e);
		break;
	case CB_EVENT_ERROR:
		s->offers_previous = e->offers_previous;
		s->retries = e->retries;
		s->need_bytes = e->need_bytes;
		s->free_bytes = e->free_bytes;
		cb_screen_error(s, e->err, e->subject);
		break;
	case CB_EVENT_REFUSED:
		coded_line(s, e->err, NULL);
		hint_line(s, e->err);
		break;
	}
}
