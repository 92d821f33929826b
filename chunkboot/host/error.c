/* SPDX-License-Identifier: MIT */
/* Error context of the host side: noting it where it happens, wording it where it is shown. */
#include "host/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line, whatever the object's name holds: it goes to a terminal. */
static void put_text(char *out, size_t max, const char *fmt, va_list args)
{
	if (vsnprintf(out, max, fmt, args) < 0)
		out[0] = '\0';
	for (char *p = out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static void note(struct cb_error *e, enum cb_err err, int saved_errno, const char *fmt,
		 va_list args)
{
	char text[CB_ERROR_TEXT_MAX]; /* apart, so that fmt's arguments may lead into *e */

	if (e == NULL)
		return;
	put_text(text, sizeof(text), fmt, args);
	*e = (struct cb_error){ .err = err, .saved_errno = saved_errno };
	memcpy(e->text, text, sizeof(text));
}

enum cb_err cb_fail(struct cb_error *e, enum cb_err err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note(e, err, 0, fmt, args);
	va_end(args);
	return err;
}

enum cb_err cb_fail_errno(struct cb_error *e, const char *fmt, ...)
{
	int saved = errno;
	enum cb_err err = cb_err_of_errno(saved);
	va_list args;

	va_start(args, fmt);
	note(e, err, saved, fmt, args);
	va_end(args);
	errno = saved;
	return err;
}

void cb_fail_hint(struct cb_error *e, const char *fmt, ...)
{
	va_list args;

	if (e == NULL)
		return;
	va_start(args, fmt);
	put_text(e->hint, sizeof(e->hint), fmt, args);
	va_end(args);
}

enum cb_err cb_err_of_errno(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
		return CB_NOT_FOUND;
	case EEXIST:
		return CB_EXISTS;
	case ENOMEM:
		return CB_NO_MEMORY;
	case EWOULDBLOCK:
	case EBUSY:
	case EADDRINUSE:
		return CB_BUSY;
	default:
		return CB_IO;
	}
}

/* What the C library calls it, in lower case like all our messages. */
static void errno_text(int number, char *out, size_t max)
{
	char buf[128];
	const char *text = strerror_r(number, buf, sizeof(buf));

	snprintf(out, max, "%s", text);
	if (isupper((unsigned char)out[0]) && !isupper((unsigned char)out[1]))
		out[0] = (char)tolower((unsigned char)out[0]);
}

void cb_error_message(const struct cb_error *e, enum cb_err err, char out[CB_ERROR_MESSAGE_MAX])
{
	char cause[128];

	if (e != NULL && e->err == err && e->saved_errno != 0)
		errno_text(e->saved_errno, cause, sizeof(cause));
	else
		snprintf(cause, sizeof(cause), "%s", cb_err_info(err)->message);
	if (e == NULL || e->err != err || e->text[0] == '\0')
		snprintf(out, CB_ERROR_MESSAGE_MAX, "%s", cause);
	else if (err == CB_USAGE)
		snprintf(out, CB_ERROR_MESSAGE_MAX, "%s", e->text);
	else
		snprintf(out, CB_ERROR_MESSAGE_MAX, "%s: %s", e->text, cause);
}

/* What helps against what the system said. */
static const char *errno_hint(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return "check who owns it and who may do what (ls -l), or run this as another user";
	case EROFS:
		return "mount the file system for writing";
	case ENOSPC:
	case EDQUOT:
		return "make room";
	case EISDIR:
		return "name a file";
	case ELOOP:
		return "a symbolic link leads back to itself; remove it";
	case ENAMETOOLONG:
		return "use a shorter name";
	case EFBIG:
		return "it is larger than such a file can be; check the name";
	case EADDRINUSE:
		return "another program listens there; choose another address or port";
	case EADDRNOTAVAIL:
		return "this machine does not have that address; 'ip address' lists its own";
	default:
		return "the system's log (dmesg) may say more";
	}
}

const char *cb_error_hint(const struct cb_error *e, enum cb_err err)
{
	if (e != NULL && e->err == err && e->hint[0] != '\0')
		return e->hint;
	if (e != NULL && e->err == err && e->saved_errno != 0 &&
	    (err == CB_IO || e->saved_errno == EADDRINUSE))
		return errno_hint(e->saved_errno);
	return cb_err_info(err)->hint;
}
