/* SPDX-License-Identifier: MIT */
/* The record keys that KEYS/offline/records keeps: lines "name value", one file an account. */
#include "host/record_store.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/files.h"

#define SUFFIX ".account"
#define FIRST_LINE "chunkboot account 1"
#define FILE_MAX 1024

static enum cb_err dir_path(const char *keys_dir, char out[CB_PATH_MAX], struct cb_error *e)
{
	return cb_path(out, e, "%s/offline/records", keys_dir);
}

static enum cb_err file_path(const char *keys_dir, const char *account, char out[CB_PATH_MAX],
			     struct cb_error *e)
{
	return cb_path(out, e, "%s/offline/records/%s" SUFFIX, keys_dir, account);
}

/* The value of the line "name value" that *rest starts with; moves on behind it. */
static bool take_line(const char **rest, const char *name, struct cb_bytes *ret)
{
	size_t name_len = strlen(name);
	const char *p = *rest, *end = strchr(p, '\n');

	if (end == NULL || strncmp(p, name, name_len) != 0 || p[name_len] != ' ')
		return false;
	p += name_len + 1;
	*ret = (struct cb_bytes){ (const uint8_t *)p, (size_t)(end - p) };
	*rest = end + 1;
	return true;
}

static bool take_hex(const char **rest, const char *name, uint8_t *out, size_t len)
{
	struct cb_bytes value;

	return take_line(rest, name, &value) && cb_hex_decode(value, out, len);
}

static bool take_number(const char **rest, const char *name, uint64_t *ret)
{
	struct cb_bytes value;

	if (!take_line(rest, name, &value) || value.len == 0 || value.len > 19)
		return false;
	*ret = 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
		*ret = *ret * 10 + (uint64_t)(value.p[i] - '0');
	}
	return true;
}

static bool parse(const struct cb_file *file, const char *account, struct cb_stored_account *a)
{
	const char *rest = (const char *)file->p;
	struct cb_bytes name;

	if (rest == NULL || strlen(rest) != file->len ||
	    strncmp(rest, FIRST_LINE "\n", sizeof(FIRST_LINE)) != 0)
		return false;
	rest += sizeof(FIRST_LINE);
	if (!take_line(&rest, "account", &name) || !cb_bytes_is(name, account))
		return false;
	snprintf(a->account, sizeof(a->account), "%s", account);
	return take_hex(&rest, "uid", a->uid, sizeof(a->uid)) &&
		take_hex(&rest, "record-key", a->record_key, sizeof(a->record_key)) &&
		take_hex(&rest, "locator", a->locator, sizeof(a->locator)) &&
		take_number(&rest, "epoch", &a->epoch) &&
		take_number(&rest, "body-seq", &a->body_seq) && *rest == '\0';
}

enum cb_err cb_record_store_load(const char *keys_dir, const char *account,
				 struct cb_stored_account *ret, struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	struct cb_stored_account a = { 0 };
	char path[CB_PATH_MAX];
	enum cb_err err = file_path(keys_dir, account, path, e);

	if (err == CB_OK)
		err = cb_file_read(path, FILE_MAX, &file, e);
	if (err == CB_NOT_FOUND) {
		err = cb_fail(e, err, "account %s", account);
		cb_fail_hint(e, "'chunkboot account list' shows the accounts of these keys");
	}
	if (err != CB_OK)
		return err;
	if (parse(&file, account, &a))
		*ret = a;
	else
		err = cb_fail(e, CB_RECORD_FORMAT, "%s", path);
	cb_wipe(&a, sizeof(a));
	return err;
}

enum cb_err cb_record_store_save(const char *keys_dir, const struct cb_stored_account *a,
				 bool is_new, struct cb_error *e)
{
	char dir[CB_PATH_MAX], path[CB_PATH_MAX], text[FILE_MAX], uid[33], key[65], locator[65];
	enum cb_err err = dir_path(keys_dir, dir, e);

	if (err == CB_OK)
		err = file_path(keys_dir, a->account, path, e);
	if (err == CB_OK)
		err = cb_dirs_make(dir, 0700, e);
	if (err != CB_OK)
		return err;
	cb_hex_encode(a->uid, sizeof(a->uid), uid);
	cb_hex_encode(a->record_key, sizeof(a->record_key), key);
	cb_hex_encode(a->locator, sizeof(a->locator), locator);
	int len = snprintf(text, sizeof(text),
			   FIRST_LINE "\naccount %s\nuid %s\nrecord-key %s\nlocator %s\n"
				      "epoch %" PRIu64 "\nbody-seq %" PRIu64 "\n",
			   a->account, uid, key, locator, a->epoch, a->body_seq);
	struct cb_bytes bytes = { (const uint8_t *)text, (size_t)len };
	err = is_new ? cb_file_write_new(path, bytes, 0600, e) :
		       cb_file_write(path, bytes, 0600, e);
	cb_wipe(key, sizeof(key));
	cb_wipe(text, sizeof(text));
	if (err == CB_EXISTS) {
		err = cb_fail(e, err, "account %s", a->account);
		cb_fail_hint(e, "change it with 'chunkboot account set'");
	}
	return err;
}

enum cb_err cb_record_store_remove(const char *keys_dir, const char *account, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	enum cb_err err = file_path(keys_dir, account, path, e);

	if (err != CB_OK)
		return err;
	return unlink(path) == 0 ? CB_OK : cb_fail_errno(e, "%s", path);
}

/* ---- Listing ---- */

void cb_account_names_done(struct cb_account_names *names)
{
	free(names->at);
	*names = (struct cb_account_names){ 0 };
}

/* "ada.account" is account ada's; other files are none of ours. */
static bool account_of_file(const char *file, char out[CB_ACCOUNT_MAX + 1])
{
	size_t len = strlen(file), suffix_len = sizeof(SUFFIX) - 1;

	if (len <= suffix_len || strcmp(file + len - suffix_len, SUFFIX) != 0)
		return false;
	return cb_account_normalise((struct cb_bytes){ (const uint8_t *)file, len - suffix_len },
				    out) == CB_OK;
}

static bool add_name(struct cb_account_names *names, const char *account)
{
	void *p = realloc(names->at, (names->n + 1) * sizeof(names->at[0]));

	if (p == NULL)
		return false;
	names->at = p;
	snprintf(names->at[names->n++], sizeof(names->at[0]), "%s", account);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void close_dir(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

enum cb_err cb_record_store_list(const char *keys_dir, struct cb_account_names *ret,
				 struct cb_error *e)
{
	struct cb_account_names names = { 0 };
	char path[CB_PATH_MAX], account[CB_ACCOUNT_MAX + 1];
	enum cb_err err = dir_path(keys_dir, path, e);

	if (err != CB_OK)
		return err;
	cb_cleanup(close_dir) DIR *dir = opendir(path);
	if (dir == NULL && errno != ENOENT)
		return cb_fail_errno(e, "%s", path);
	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		if (!account_of_file(d->d_name, account) || add_name(&names, account))
			continue;
		cb_account_names_done(&names);
		return cb_fail(e, CB_NO_MEMORY, "%s", path);
	}
	if (names.n > 0)
		qsort(names.at, names.n, sizeof(names.at[0]), compare_names);
	*ret = names;
	return CB_OK;
}
