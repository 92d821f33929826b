/* SPDX-License-Identifier: MIT */
/* chunkboot account list, renew: what the records say, and new dates for them. */
#include <stdio.h>
#include <string.h>

#include "cmd/account.h"
#include "host/heap.h"
#include "host/record_seal.h"
#include "host/records.h"

#define DAY_S 86400

/* ---- list ---- */

/* What a loader would say to the record now. */
static const char *state_of(const struct cb_account_job *job, struct cb_bytes file,
			    const struct cb_record *r)
{
	struct cb_record_check check = cb_account_check(job);

	if (cb_record_verify(&cb_heap, file, &check) != CB_OK)
		return "unsigned";
	if (r->epoch < check.min_epoch)
		return "outdated";
	return check.now_s >= r->expires_s ? "expired" : "ok";
}

enum cb_err cb_account_look(const struct cb_account_job *job, const char *account,
			    struct cb_account_now *ret, struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	char path[CB_PATH_MAX];
	enum cb_err err = cb_record_store_load(job->keys, account, &ret->stored, e);

	if (err == CB_OK)
		err = cb_account_path(job, ret->stored.locator, path, e);
	if (err != CB_OK)
		return err;
	err = cb_file_read(path, CB_RECORD_MAX_LEN, &file, e);
	ret->state = "missing";
	if (err == CB_OK) {
		struct cb_bytes bytes = cb_file_bytes(&file);

		err = cb_record_open_with_rk(&cb_heap, bytes, ret->stored.record_key, &ret->record);
		ret->state = err == CB_OK ? state_of(job, bytes, &ret->record) : "damaged";
		err = CB_OK;
	}
	if (cb_tuf_is_revoked(job->view.tuf, ret->stored.locator))
		ret->state = "revoked";
	return err == CB_NOT_FOUND ? CB_OK : err;
}

void cb_account_now_done(struct cb_account_now *now)
{
	cb_record_done(&now->record);
	cb_wipe(&now->stored, sizeof(now->stored));
}

static void print_account(const char *account, const struct cb_record *r, const char *state)
{
	char env[CB_TARGET_PATH_MAX + 1], expires[CB_TIME_TEXT_MAX];

	printf("%-20s %s", account, state);
	if (r->body != NULL)
		printf("%*s%s ", 10 - (int)strlen(state), "", cb_time_text(r->expires_s, expires));
	for (unsigned i = 0; i < r->n_envs; i++)
		printf("%s%s", i > 0 ? "," : " ", cb_env_text(r->envs[i].target, env));
	printf("\n");
}

static enum cb_err show(const char *account, const struct cb_record *r, const char *state,
			json_t *list)
{
	if (list == NULL) {
		print_account(account, r, state);
		return CB_OK;
	}
	json_t *doc = cb_account_json(account, r);
	if (doc == NULL)
		return CB_NO_MEMORY;
	json_object_set_new(doc, "state", json_string(state));
	return json_array_append_new(list, doc) == 0 ? CB_OK : CB_NO_MEMORY;
}

static enum cb_err list_one(const struct cb_account_job *job, const char *account, json_t *list,
			    struct cb_error *e)
{
	cb_cleanup(cb_account_now_done) struct cb_account_now now = { 0 };
	enum cb_err err = cb_account_look(job, account, &now, e);

	return err == CB_OK ? show(account, &now.record, now.state, list) : err;
}

static enum cb_err list_named(const struct cb_account_job *job, int n, char **names, json_t *list,
			      struct cb_error *e)
{
	char account[CB_ACCOUNT_MAX + 1];
	enum cb_err err = CB_OK;

	for (int i = 0; err == CB_OK && i < n; i++) {
		err = cb_account_normalise(cb_bytes_of(names[i]), account);
		err = err == CB_OK ? list_one(job, account, list, e) :
				     cb_fail(e, err, "%s", names[i]);
	}
	return err;
}

static enum cb_err list_all(const struct cb_account_job *job, json_t *list, struct cb_error *e)
{
	struct cb_account_names names = { 0 };
	enum cb_err err = cb_record_store_list(job->keys, &names, e);

	for (size_t i = 0; err == CB_OK && i < names.n; i++)
		err = list_one(job, names.at[i], list, e);
	cb_account_names_done(&names);
	return err;
}

enum cb_err cb_account_list(struct cb_account_job *job, int n_names, char **names,
			    struct cb_error *e)
{
	json_t *list = arg_json ? json_array() : NULL;
	enum cb_err err =
		n_names > 0 ? list_named(job, n_names, names, list, e) : list_all(job, list, e);

	if (err == CB_OK && arg_json)
		return cb_print_json(json_pack("{ss so}", "type", "accounts", "accounts", list));
	json_decref(list);
	return err;
}

/* ---- renew ---- */

struct renewal {
	const struct cb_account_job *job;
	unsigned n_renewed, n_skipped;
};

static void skip(struct renewal *renewal, const char *path, const char *why)
{
	cb_warn("%s: %s, not renewed", path, why);
	renewal->n_skipped++;
}

/* Only what this realm signed and has not revoked lives on. */
static enum cb_err renew_file(void *ctx, const char *path, const uint8_t locator[32],
			      struct cb_error *e)
{
	struct renewal *renewal = ctx;
	const struct cb_account_job *job = renewal->job;
	struct cb_record_check check = cb_account_check(job);
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	struct cb_record_dates dates;
	enum cb_err err = cb_file_read(path, CB_RECORD_MAX_LEN, &file, e);

	if (err != CB_OK)
		return err;
	if (cb_record_verify(&cb_heap, cb_file_bytes(&file), &check) != CB_OK ||
	    cb_record_read_dates(cb_file_bytes(&file), &dates) != CB_OK) {
		skip(renewal, path, "not a record of this realm");
		return CB_OK;
	}
	if (check.is_revoked(check.ctx, locator)) {
		skip(renewal, path, "revoked");
		return CB_OK;
	}
	dates.epoch = dates.epoch > check.min_epoch ? dates.epoch : check.min_epoch;
	dates.issued_s = job->now_s;
	dates.expires_s = job->now_s + (int64_t)arg_valid_days * DAY_S;
	err = cb_record_renew(file.p, file.len, &dates, &job->accounts_key);
	if (err == CB_OK)
		err = cb_record_verify(&cb_heap, cb_file_bytes(&file), &check);
	if (err != CB_OK)
		return cb_fail(e, err, "%s", path);
	renewal->n_renewed++;
	return arg_dry_run ? CB_OK : cb_file_write(path, cb_file_bytes(&file), 0644, e);
}

static enum cb_err renew_named(struct renewal *renewal, int n, char **names, struct cb_error *e)
{
	struct cb_stored_account stored = { 0 };
	char account[CB_ACCOUNT_MAX + 1], path[CB_PATH_MAX];
	enum cb_err err = CB_OK;

	for (int i = 0; err == CB_OK && i < n; i++) {
		err = cb_account_normalise(cb_bytes_of(names[i]), account);
		if (err != CB_OK)
			return cb_fail(e, err, "%s", names[i]);
		err = cb_record_store_load(renewal->job->keys, account, &stored, e);
		if (err == CB_OK)
			err = cb_account_path(renewal->job, stored.locator, path, e);
		if (err == CB_OK)
			err = renew_file(renewal, path, stored.locator, e);
	}
	cb_wipe(&stored, sizeof(stored));
	return err;
}

enum cb_err cb_account_renew(struct cb_account_job *job, int n_names, char **names,
			     struct cb_error *e)
{
	struct renewal renewal = { .job = job };
	enum cb_err err = n_names > 0 ? renew_named(&renewal, n_names, names, e) :
					cb_records_each(job->repo, renew_file, &renewal, e);

	if (err != CB_OK)
		return err;
	if (arg_json)
		return cb_print_json(json_pack("{ss si si}", "type", "renewed", "renewed",
					       (int)renewal.n_renewed, "skipped",
					       (int)renewal.n_skipped));
	cb_say("%s %u record%s", arg_dry_run ? "would renew" : "renewed", renewal.n_renewed,
	       cb_plural(renewal.n_renewed));
	return CB_OK;
}
