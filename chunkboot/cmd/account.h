/* SPDX-License-Identifier: MIT */
/* What the parts of the verb "account" share. */
#ifndef CB_CMD_ACCOUNT_H
#define CB_CMD_ACCOUNT_H

#include "cmd/cmd.h"
#include "core/record.h"
#include "host/files.h"
#include "host/keys.h"
#include "host/record_store.h"
#include "host/repo_lock.h"
#include "host/repo_view.h"

#define CB_NOT_GIVEN UINT64_MAX /* of a number option */

extern struct cb_texts arg_envs, arg_labels, arg_suffixes, arg_credentials, arg_removed;
extern const char *arg_account_keys, *arg_display_name, *arg_passphrase_file;
extern uint64_t arg_valid_days, arg_offline_days;
extern bool arg_allow_weak;

extern const struct cb_verb cb_verb_account;

/* The repository, verified, for a writer locked (unless --dry-run), and the key that signs its records. */
struct cb_account_job {
	const char *repo, *keys;
	int64_t now_s;
	struct cb_repo_lock lock;
	struct cb_repo_view view;
	struct cb_key accounts_key; /* with is_writer */
};

/* cb_account_close in every case. */
enum cb_err cb_account_open(const char *repo, bool is_writer, struct cb_account_job *job,
			    struct cb_error *e);
void cb_account_close(struct cb_account_job *job);
/* Judges signature, revocation, epoch and dates of records as a loader would now. */
struct cb_record_check cb_account_check(const struct cb_account_job *job);

/* REPO/accounts/ab/<locator>. */
enum cb_err cb_account_path(const struct cb_account_job *job, const uint8_t locator[32],
			    char out[CB_PATH_MAX], struct cb_error *e);
/*
 * Seals the content for the account with new dates, the next body_seq and the realm's epoch, and
 * writes it. login NULL: keeps the wrapped key of `previous`. Does not touch the key store, nor,
 * with --dry-run, anything. RECORD_SIGNATURE when the key is not the realm's, RECORD_REVOKED.
 */
enum cb_err cb_account_write(const struct cb_account_job *job, struct cb_stored_account *account,
			     struct cb_record *content, const struct cb_login_keys *login,
			     struct cb_bytes previous, struct cb_error *e);

/* An account as it is now. */
struct cb_account_now {
	struct cb_stored_account stored; /* secret */
	struct cb_record record; /* zeroed when there is none that can be opened */
	/* What a loader would say: "ok", "expired", "outdated", "revoked", "unsigned", "damaged",
	 * "missing" (no record file). */
	const char *state;
};

/* NOT_FOUND for an account that the key store lacks. cb_account_now_done in every case. */
enum cb_err cb_account_look(const struct cb_account_job *job, const char *account,
			    struct cb_account_now *ret, struct cb_error *e);
void cb_account_now_done(struct cb_account_now *now);

/* What the options say about an account's content, and the memory it needs. */
struct cb_account_content {
	char targets[CB_RECORD_MAX_ENVS][CB_TARGET_PATH_MAX + 1];
	struct cb_file values[CB_RECORD_MAX_CREDENTIALS]; /* secret */
	unsigned n_values;
};

/*
 * Applies --env, --label, --suffix, --credential, --remove-credential, --display-name and
 * --offline-days to *r, which leads into *memory afterwards. META_NO_IMAGE, CMDLINE_*, USAGE, ...
 */
enum cb_err cb_account_apply(const struct cb_account_job *job, struct cb_account_content *memory,
			     struct cb_record *r, struct cb_error *e);
void cb_account_content_done(struct cb_account_content *memory);

/* "2026-03-01T12:00:00Z" */
#define CB_TIME_TEXT_MAX 32
const char *cb_time_text(int64_t unix_s, char out[CB_TIME_TEXT_MAX]);
/* NAME/VERSION.cbm as NAME@VERSION. */
const char *cb_env_text(struct cb_bytes target, char out[CB_TARGET_PATH_MAX + 1]);
/* The record as JSON, without secrets. */
json_t *cb_account_json(const char *account, const struct cb_record *r);

/* The sub-verbs; names: the operands behind REPO. */
enum cb_err cb_account_add(struct cb_account_job *job, const char *name, struct cb_error *e);
enum cb_err cb_account_set(struct cb_account_job *job, const char *name, struct cb_error *e);
enum cb_err cb_account_show(struct cb_account_job *job, const char *name, struct cb_error *e);
enum cb_err cb_account_revoke(struct cb_account_job *job, const char *name, struct cb_error *e);
enum cb_err cb_account_list(struct cb_account_job *job, int n_names, char **names,
			    struct cb_error *e);
enum cb_err cb_account_renew(struct cb_account_job *job, int n_names, char **names,
			     struct cb_error *e);

#endif
