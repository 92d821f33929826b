/* SPDX-License-Identifier: MIT */
/* Error context of the host side: a code, on which object, and what errno said. */
#ifndef CB_HOST_ERROR_H
#define CB_HOST_ERROR_H

#include "core/err.h"

#define CB_ERROR_TEXT_MAX 512
#define CB_ERROR_HINT_MAX 256

/*
 * Filled by the function that fails, printed once by the command line tool as
 * "chunkboot: error: TEXT: CAUSE". Starts zeroed; holds no memory. Every function below and every
 * host function accepts NULL for it.
 */
struct cb_error {
	enum cb_err err;
	int saved_errno; /* 0: CAUSE is the code's own message */
	char text[CB_ERROR_TEXT_MAX]; /* the object, or with CB_USAGE the whole message */
	char hint[CB_ERROR_HINT_MAX]; /* empty: the code's own hint */
};

/* Notes err and the object it is about (fmt); returns err. A later call replaces an earlier one. */
enum cb_err cb_fail(struct cb_error *e, enum cb_err err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with the code that errno stands for (NOT_FOUND, EXISTS, NO_MEMORY, BUSY, else IO). */
enum cb_err cb_fail_errno(struct cb_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Gives the error a better hint than its code has. */
void cb_fail_hint(struct cb_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum cb_err cb_err_of_errno(int number);

#define CB_ERROR_MESSAGE_MAX (CB_ERROR_TEXT_MAX + 256)
/* The message for err, which e may say more about (e->err == err): one line, no full stop. */
void cb_error_message(const struct cb_error *e, enum cb_err err, char out[CB_ERROR_MESSAGE_MAX]);
/* The hint for err; empty when there is none. */
const char *cb_error_hint(const struct cb_error *e, enum cb_err err);

#endif
