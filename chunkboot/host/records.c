/* SPDX-License-Identifier: MIT */
/* Walks over the account records of a repository. */
#include "host/records.h"

#include <dirent.h>
#include <errno.h>

#include "host/files.h"

static void close_dir(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

/* REPO/accounts/ab */
static enum cb_err each_in(const char *path, cb_record_fn fn, void *ctx, struct cb_error *e)
{
	cb_cleanup(close_dir) DIR *dir = opendir(path);
	enum cb_err err = CB_OK;
	char file[CB_PATH_MAX];
	uint8_t locator[32];

	if (dir == NULL && errno != ENOENT)
		return cb_fail_errno(e, "%s", path);
	for (struct dirent *d; err == CB_OK && dir != NULL && (d = readdir(dir)) != NULL;) {
		if (!cb_hex_decode(cb_bytes_of(d->d_name), locator, sizeof(locator)))
			continue;
		err = cb_path(file, e, "%s/%s", path, d->d_name);
		if (err == CB_OK)
			err = fn(ctx, file, locator, e);
	}
	return err;
}

enum cb_err cb_records_each(const char *repo, cb_record_fn fn, void *ctx, struct cb_error *e)
{
	enum cb_err err = CB_OK;
	char path[CB_PATH_MAX];

	for (unsigned i = 0; err == CB_OK && i < 256; i++) {
		err = cb_path(path, e, "%s/accounts/%02x", repo, i);
		if (err == CB_OK)
			err = each_in(path, fn, ctx, e);
	}
	return err;
}
