/* SPDX-License-Identifier: MIT */
/* Builds the hand-over initrd. */
#include "core/handover.h"

#include <string.h>

#include "core/newc.h"

#define DIR_PATH ".extra/chunkboot"
#define CREDENTIALS_PATH DIR_PATH "/credentials"
#define MODE_DIR_OPEN 0040755u
#define MODE_DIR 0040500u
#define MODE_FILE 0100400u
#define MAX_NAME 64u
/* Path of a credential: directory, '/', name, suffix, NUL. */
#define PATH_LEN (sizeof(CREDENTIALS_PATH) + 1 + MAX_NAME + sizeof(".cred"))

/* With the suffix behind it such a name can only be a file in its directory. */
static bool is_plain_name(struct cb_bytes name)
{
	if (name.len < 1 || name.len > MAX_NAME)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool is_digit = c >= '0' && c <= '9';
		if (!is_letter && !is_digit && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

static bool is_valid(const struct cb_handover *h)
{
	if (h->n_credentials > CB_RECORD_MAX_CREDENTIALS)
		return false;
	for (unsigned i = 0; i < h->n_credentials; i++) {
		if (!is_plain_name(h->credentials[i].name))
			return false;
		if (h->credentials[i].value.len > CB_RECORD_MAX_CREDENTIAL_LEN)
			return false;
		for (unsigned k = 0; k < i; k++)
			if (cb_bytes_equal(h->credentials[i].name, h->credentials[k].name))
				return false;
	}
	return true;
}

static void credential_path(struct cb_bytes name, char out[PATH_LEN])
{
	size_t at = sizeof(CREDENTIALS_PATH) - 1;
	memcpy(out, CREDENTIALS_PATH "/", at + 1);
	memcpy(out + at + 1, name.p, name.len);
	memcpy(out + at + 1 + name.len, ".cred", sizeof(".cred"));
}

static void write_entries(struct cb_newc_writer *w, const struct cb_handover *h)
{
	const struct cb_bytes none = { .p = NULL, .len = 0 };
	const struct cb_bytes salt = { .p = h->salt, .len = sizeof(h->salt) };
	cb_newc_add(w, ".extra", MODE_DIR_OPEN, none);
	cb_newc_add(w, DIR_PATH, MODE_DIR, none);
	cb_newc_add(w, CREDENTIALS_PATH, MODE_DIR, none);
	for (unsigned i = 0; i < h->n_credentials; i++) {
		char path[PATH_LEN];
		credential_path(h->credentials[i].name, path);
		cb_newc_add(w, path, MODE_FILE, h->credentials[i].value);
	}
	cb_newc_add(w, DIR_PATH "/salt", MODE_FILE, salt);
	cb_newc_add(w, DIR_PATH "/boot.json", MODE_FILE, h->boot_json);
}

/* An upper bound of the archive's length; false when it cannot be that long. */
static bool archive_max(const struct cb_handover *h, size_t *ret)
{
	/* Three directories, the salt, the boot record and the trailer, none with a longer path. */
	size_t len = 6 * cb_newc_entry_len(PATH_LEN, 0) + cb_newc_entry_len(0, sizeof(h->salt));
	if (h->boot_json.len > CB_HANDOVER_MAX_BOOT_JSON)
		return false;
	len += cb_newc_entry_len(0, h->boot_json.len);
	for (unsigned i = 0; i < h->n_credentials; i++)
		len += cb_newc_entry_len(PATH_LEN, h->credentials[i].value.len);
	*ret = len;
	return true;
}

enum cb_err cb_handover_build(const struct cb_mem *mem, const struct cb_handover *h,
			      uint8_t **ret_archive, size_t *ret_len)
{
	struct cb_newc_writer w = { 0 };
	if (!is_valid(h) || !archive_max(h, &w.max))
		return CB_RECORD_FORMAT;
	w.out = cb_alloc_zeroed(mem, w.max);
	if (!w.out)
		return CB_NO_MEMORY;
	size_t len;
	write_entries(&w, h);
	enum cb_err err = cb_newc_finish(&w, &len);
	if (err != CB_OK) {
		cb_free_secret(mem, w.out, w.max);
		return err;
	}
	*ret_archive = w.out;
	*ret_len = len;
	return CB_OK;
}
