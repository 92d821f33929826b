/* SPDX-License-Identifier: MIT */
/* chunkboot account show, revoke: one account in full, and its end. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/account.h"
#include "host/meta_write.h"

/* ---- show ---- */

static void print_line(const char *what, const char *text)
{
	printf("%-14s %s\n", what, text);
}

static void print_bytes(const char *what, struct cb_bytes text)
{
	printf("%-14s %.*s\n", what, (int)text.len, (const char *)text.p);
}

static void print_environment(const struct cb_environment *env)
{
	char name[CB_TARGET_PATH_MAX + 1];

	printf("%-14s %s%s\n", "environment", cb_env_text(env->target, name),
	       env->is_default ? " (default)" : "");
	if (env->label.len > 0)
		print_bytes("  label", env->label);
	if (env->cmdline_suffix.len > 0)
		print_bytes("  suffix", env->cmdline_suffix);
}

static void print_record(const struct cb_record *r)
{
	char date[CB_TIME_TEXT_MAX];

	if (r->display_name.len > 0)
		print_bytes("display name", r->display_name);
	print_line("issued", cb_time_text(r->issued_s, date));
	print_line("expires", cb_time_text(r->expires_s, date));
	printf("%-14s %u\n", "offline days", r->policy.offline_days);
	for (unsigned i = 0; i < r->n_envs; i++)
		print_environment(&r->envs[i]);
	for (unsigned i = 0; i < r->n_credentials; i++)
		print_bytes("credential", r->credentials[i].name);
}

static enum cb_err show_json(const char *name, const struct cb_account_now *now,
			     const char *locator, uint64_t epoch)
{
	char issued[CB_TIME_TEXT_MAX];
	bool has_record = now->record.body != NULL;
	json_t *doc = has_record ? cb_account_json(name, &now->record) :
				   json_pack("{ss ss}", "type", "account", "account", name);

	if (doc == NULL)
		return CB_NO_MEMORY;
	json_object_set_new(doc, "state", json_string(now->state));
	json_object_set_new(doc, "locator", json_string(locator));
	json_object_set_new(doc, "epoch", json_integer((json_int_t)epoch));
	if (has_record)
		json_object_set_new(doc, "issued",
				    json_string(cb_time_text(now->record.issued_s, issued)));
	return cb_print_json(doc);
}

enum cb_err cb_account_show(struct cb_account_job *job, const char *name, struct cb_error *e)
{
	cb_cleanup(cb_account_now_done) struct cb_account_now now = { 0 };
	char locator[2 * CB_DIGEST_LEN + 1];
	enum cb_err err = cb_account_look(job, name, &now, e);

	if (err != CB_OK)
		return err;
	bool has_record = now.record.body != NULL;
	uint64_t epoch = has_record ? now.record.epoch : now.stored.epoch;
	cb_hex_encode(now.stored.locator, CB_DIGEST_LEN, locator);
	if (arg_json)
		return show_json(name, &now, locator, epoch);
	print_line("account", name);
	print_line("state", now.state);
	print_line("locator", locator);
	printf("%-14s %ju\n", "epoch", (uintmax_t)epoch);
	if (has_record)
		print_record(&now.record);
	return CB_OK;
}

/* ---- revoke ---- */

static enum cb_err put_on_list(const struct cb_account_job *job, const uint8_t locator[32],
			       struct cb_error *e)
{
	const struct cb_meta_place place = {
		.repo = job->repo,
		.keys = job->keys,
		.now_s = job->now_s,
		.is_dry_run = arg_dry_run,
	};
	struct cb_repo_meta meta;
	enum cb_err err = cb_repo_meta_load(&place, &meta, e);

	if (err == CB_OK && meta.n_revoked == CB_TUF_MAX_REVOKED) {
		err = cb_fail(e, CB_META_LIMIT, "the list of revoked accounts");
		cb_fail_hint(e, "it takes %d entries, and all are used", CB_TUF_MAX_REVOKED);
	}
	if (err == CB_OK) {
		memcpy(meta.revoked[meta.n_revoked++].prefix, locator,
		       sizeof(meta.revoked[0].prefix));
		err = cb_repo_meta_commit_accounts(&meta, e);
	}
	cb_repo_meta_done(&meta);
	return err;
}

static enum cb_err report_revoked(const char *name, bool was_revoked)
{
	if (arg_json)
		return cb_print_json(json_pack("{ss ss sb}", "type", "revoked", "account", name,
					       "unchanged", was_revoked));
	if (was_revoked)
		cb_say("account %s is revoked already", name);
	else
		cb_say("%s account %s", arg_dry_run ? "would revoke" : "revoked", name);
	return CB_OK;
}

/* The list first: the record that is left when this is cut short opens nothing any more. */
enum cb_err cb_account_revoke(struct cb_account_job *job, const char *name, struct cb_error *e)
{
	struct cb_stored_account stored = { 0 };
	char path[CB_PATH_MAX];
	enum cb_err err = cb_record_store_load(job->keys, name, &stored, e);

	if (err == CB_OK)
		err = cb_account_path(job, stored.locator, path, e);
	bool was_revoked = err == CB_OK && cb_tuf_is_revoked(job->view.tuf, stored.locator);
	if (err == CB_OK && !was_revoked)
		err = put_on_list(job, stored.locator, e);
	if (err == CB_OK && !arg_dry_run && cb_path_exists(path) && unlink(path) != 0)
		err = cb_fail_errno(e, "%s", path);
	cb_wipe(&stored, sizeof(stored));
	return err == CB_OK ? report_revoked(name, was_revoked) : err;
}
