/* SPDX-License-Identifier: MIT */
/* Reads a guest's serial console: answers the sign-in prompts, notices errors and a line to come. */
#ifndef CB_HOST_CONSOLE_WATCH_H
#define CB_HOST_CONSOLE_WATCH_H

#include "core/bytes.h"

#define CB_CONSOLE_LINE_MAX 255 /* characters of a line that are looked at */

/* Zero it, then set the first three. */
struct cb_console_watch {
	const char
		*account; /* typed at "Account: ", then passphrase at "Passphrase: "; may be NULL */
	const char *passphrase;
	const char *expect; /* text that shows success; may be NULL */

	unsigned n_typed; /* prompts answered so far */
	bool is_expected_seen;
	char error_line[CB_CONSOLE_LINE_MAX + 1]; /* first line that starts with CB-Ennn, else "" */

	char line[CB_CONSOLE_LINE_MAX +
		  1]; /* internal: the line so far, without escape sequences */
	size_t line_len;
	unsigned escape; /* internal: where in an escape sequence we are */
};

/*
 * Looks at the next bytes of the console. Returns what to type now (then Enter), or NULL. Stops
 * behind the prompt that it answers: *ret_used gets the number of bytes looked at; call again with
 * the rest.
 */
const char *cb_console_watch(struct cb_console_watch *w, struct cb_bytes output, size_t *ret_used);

#endif
