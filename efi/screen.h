/* SPDX-License-Identifier: MIT */
/* What the person sees: the core's events as lines of text on any terminal, a dumb one too. */
#ifndef CB_EFI_SCREEN_H
#define CB_EFI_SCREEN_H

#include "format.h"

#define CB_SCREEN_MAX_COLUMNS 120 /* longer lines are hard to read */

#define CB_SCREEN_SUBJECT_MAX 128 /* of it, so much is compared with the next error's */

/*
 * Text only moves down. The last line may be live: a prompt, a progress line. It is changed with
 * backspaces and carriage returns alone, so that a serial log stays readable.
 */
struct cb_screen {
	/* Writes UTF-8; '\n' starts a new line. */
	void (*write)(void *ctx, const char *text, size_t len);
	void *ctx;
	size_t columns;
	bool offers_next_option, offers_firmware_setup; /* on the error screen */
	bool offers_previous, retries; /* likewise; retries: by itself */
	uint64_t need_bytes, free_bytes; /* of memory, for the error screen; 0: not the trouble */

	char live[CB_FMT_MAX]; /* what stands on the live line; never a passphrase */
	size_t live_len, live_cursor; /* 0, 0: no live line */
	enum cb_stage stage;
	bool is_prompting; /* the live line is a prompt */
	bool is_cursor_at_end; /* of the prompt's text */
	bool is_menu_shown;
	unsigned n_environments; /* of the last menu */
	const char *layout; /* last one told; NULL: none yet */
	bool is_realm_shown; /* its title, once */
	bool offers_escape; /* at the next prompt: the network once more */

	/* The error on the screen, so that the same one again does not scroll it away. */
	enum cb_err err; /* CB_OK: none */
	char subject[CB_SCREEN_SUBJECT_MAX];
	unsigned n_tries;
};

void cb_screen_init(struct cb_screen *s, void (*write)(void *ctx, const char *text, size_t len),
		    void *ctx, size_t columns);
/* A line of its own, wrapped at words; ends a live line. */
void cb_screen_line(struct cb_screen *s, const char *text);
void cb_screen_event(struct cb_screen *s, const struct cb_event *e);
/* The error screen: one line "CB-Ennn ...", what to do, and the choices. */
void cb_screen_error(struct cb_screen *s, enum cb_err err, const char *subject);

#endif
