/* SPDX-License-Identifier: MIT */
/* Reads a passphrase from a file, standard input or the terminal. */
#include "cmd/passphrase.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "host/files.h"

#define FILE_MAX 4096

/* At a terminal what is typed will not be shown. False when standard input is none. */
static bool hide_typing(const char *path, struct termios *ret_before)
{
	if (strcmp(path, "-") != 0 || tcgetattr(STDIN_FILENO, ret_before) != 0)
		return false;
	struct termios hidden = *ret_before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
}

/* One line at a terminal (a file is read whole), without waiting for its end. */
static enum cb_err read_typed(char out[CB_PASSPHRASE_MAX + 1], struct cb_error *e)
{
	char line[FILE_MAX] = "";
	fputs("Passphrase: ", stderr);
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);
	size_t len = n > 0 ? strcspn(line, "\r\n") : 0;
	enum cb_err err = cb_passphrase_normalise((struct cb_bytes){ (uint8_t *)line, len }, out);
	cb_wipe(line, sizeof(line));
	fputs("\n", stderr);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "passphrase");
}

enum cb_err cb_passphrase_read(const char *path, char out[CB_PASSPHRASE_MAX + 1],
			       struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	struct termios before;
	if (hide_typing(path, &before)) {
		enum cb_err typed = read_typed(out, e);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		return typed;
	}
	enum cb_err err = cb_file_read(path, FILE_MAX, &file, e);
	if (err != CB_OK)
		return err;
	size_t len = strcspn((const char *)file.p, "\r\n");
	err = cb_passphrase_normalise((struct cb_bytes){ file.p, len }, out);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", path);
}
