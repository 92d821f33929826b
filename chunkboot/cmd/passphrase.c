/* SPDX-License-Identifier: MIT */
/* Reads a passphrase from a file or standard input. */
#include "cmd/passphrase.h"

#include <string.h>

#include "host/files.h"

#define FILE_MAX 4096

enum cb_err cb_passphrase_read(const char *path, char out[CB_PASSPHRASE_MAX + 1],
			       struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	enum cb_err err = cb_file_read(path, FILE_MAX, &file, e);
	if (err != CB_OK)
		return err;
	size_t len = strcspn((const char *)file.p, "\r\n");
	err = cb_passphrase_normalise((struct cb_bytes){ file.p, len }, out);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", path);
}
