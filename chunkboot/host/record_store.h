/* SPDX-License-Identifier: MIT */
/* The record keys that KEYS/offline/records keeps: one small file an account, mode 0600. */
#ifndef CB_HOST_RECORD_STORE_H
#define CB_HOST_RECORD_STORE_H

#include "core/login.h"
#include "host/error.h"

/* What the administrator holds for an account. Secret; wipe after use. */
struct cb_stored_account {
	char account[CB_ACCOUNT_MAX + 1];
	uint8_t uid[16];
	uint8_t record_key[32];
	uint8_t locator[32];
	uint64_t epoch, body_seq; /* of the newest record that was sealed */
};

/* NOT_FOUND for an account that is not there, RECORD_FORMAT for a damaged file, IO. */
enum cb_err cb_record_store_load(const char *keys_dir, const char *account,
				 struct cb_stored_account *ret, struct cb_error *e);
/* is_new: EXISTS when the account is there already. Makes the directory, mode 0700. */
enum cb_err cb_record_store_save(const char *keys_dir, const struct cb_stored_account *a,
				 bool is_new, struct cb_error *e);
enum cb_err cb_record_store_remove(const char *keys_dir, const char *account, struct cb_error *e);

/* The names of all accounts, sorted. The caller frees with cb_account_names_done. */
struct cb_account_names {
	size_t n;
	char (*at)[CB_ACCOUNT_MAX + 1];
};

/* A directory that is not there yet has no accounts. IO, NO_MEMORY. */
enum cb_err cb_record_store_list(const char *keys_dir, struct cb_account_names *ret,
				 struct cb_error *e);
void cb_account_names_done(struct cb_account_names *names);

#endif
