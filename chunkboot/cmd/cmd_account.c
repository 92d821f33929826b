/* SPDX-License-Identifier: MIT */
/* chunkboot account: who may sign in, and what then boots. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/account.h"
#include "core/record_body.h"
#include "host/heap.h"
#include "host/record_seal.h"

#define DAY_S 86400
#define MAX_VALID_DAYS (CB_RECORD_MAX_LIFETIME_S / DAY_S)

struct cb_texts arg_envs, arg_labels, arg_suffixes, arg_credentials, arg_removed;
const char *arg_account_keys, *arg_display_name, *arg_passphrase_file;
uint64_t arg_valid_days = MAX_VALID_DAYS, arg_offline_days = CB_NOT_GIVEN;
bool arg_allow_weak;

/* ---- Repository and keys ---- */

enum cb_err cb_account_open(const char *repo, bool is_writer, struct cb_account_job *job,
			    struct cb_error *e)
{
	job->repo = repo;
	job->keys = arg_account_keys;
	job->now_s = (int64_t)time(NULL);
	enum cb_err err = cb_repo_view_open(repo, job->now_s, &job->view, e);
	if (err != CB_OK || !is_writer)
		return err;
	if (!arg_dry_run)
		err = cb_repo_lock(repo, &job->lock, e);
	if (err != CB_OK)
		return err;
	return cb_key_load_role(job->keys, CB_KEY_ACCOUNTS, 1, &job->accounts_key, e);
}

void cb_account_close(struct cb_account_job *job)
{
	cb_key_done(&job->accounts_key);
	cb_repo_view_done(&job->view);
	cb_repo_unlock(&job->lock);
}

struct cb_record_check cb_account_check(const struct cb_account_job *job)
{
	return cb_record_check_of(job->view.tuf, job->now_s);
}

enum cb_err cb_account_path(const struct cb_account_job *job, const uint8_t locator[32],
			    char out[CB_PATH_MAX], struct cb_error *e)
{
	char relative[CB_RECORD_PATH_MAX];

	cb_record_path(locator, relative);
	return cb_path(out, e, "%s/%s", job->repo, relative);
}

/* ---- Writing a record ---- */

/* Would a loader take it, as far as that can be told without the passphrase? */
static enum cb_err check_sealed(const struct cb_account_job *job, struct cb_bytes file,
				const uint8_t locator[32], struct cb_error *e)
{
	struct cb_record_check check = cb_account_check(job);
	enum cb_err err = cb_record_verify(&cb_heap, file, &check);

	if (err == CB_RECORD_SIGNATURE) {
		err = cb_fail(e, err, "%s/online/accounts.pem", job->keys);
		cb_fail_hint(e,
			     "these are the keys of another realm, or were replaced in this one");
	}
	if (err == CB_OK && check.is_revoked(check.ctx, locator)) {
		err = cb_fail(e, CB_RECORD_REVOKED, "this account with this passphrase");
		cb_fail_hint(e, "use another passphrase");
	}
	return err;
}

enum cb_err cb_account_write(const struct cb_account_job *job, struct cb_stored_account *account,
			     struct cb_record *content, const struct cb_login_keys *login,
			     struct cb_bytes previous, struct cb_error *e)
{
	static uint8_t file[CB_RECORD_MAX_LEN];
	uint64_t min_epoch = cb_tuf_info(job->view.tuf)->min_epoch;
	const struct cb_record_seal seal = {
		.content = content,
		.record_key = account->record_key,
		.login = login,
		.previous = previous,
		.accounts_key = &job->accounts_key,
	};
	char path[CB_PATH_MAX];
	size_t len;

	account->body_seq++;
	account->epoch = account->epoch > min_epoch ? account->epoch : min_epoch;
	content->epoch = account->epoch;
	content->body_seq = account->body_seq;
	content->issued_s = job->now_s;
	content->expires_s = job->now_s + (int64_t)arg_valid_days * DAY_S;
	enum cb_err err = cb_record_seal(&seal, file, &len);
	if (err != CB_OK)
		return cb_fail(e, err, "account %s", account->account);
	const struct cb_bytes bytes = { file, len };
	err = check_sealed(job, bytes, account->locator, e);
	if (err == CB_OK)
		err = cb_account_path(job, account->locator, path, e);
	if (err != CB_OK || arg_dry_run)
		return err;
	err = cb_dirs_make_for(path, 0755, e);
	return err == CB_OK ? cb_file_write(path, bytes, 0644, e) : err;
}

/* ---- Texts ---- */

const char *cb_time_text(int64_t unix_s, char out[CB_TIME_TEXT_MAX])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&t, &tm) != NULL)
		strftime(out, CB_TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

const char *cb_env_text(struct cb_bytes target, char out[CB_TARGET_PATH_MAX + 1])
{
	snprintf(out, CB_TARGET_PATH_MAX + 1, "%.*s", (int)target.len, (const char *)target.p);
	char *slash = strchr(out, '/');
	if (slash == NULL)
		return out;
	*slash = '@';
	out[strlen(out) - strlen(".cbm")] = '\0';
	return out;
}

static json_t *json_of(struct cb_bytes text)
{
	return json_stringn(text.len > 0 ? (const char *)text.p : "", text.len);
}

json_t *cb_account_json(const char *account, const struct cb_record *r)
{
	char env[CB_TARGET_PATH_MAX + 1], expires[CB_TIME_TEXT_MAX];
	json_t *envs = json_array(), *credentials = json_array();

	for (unsigned i = 0; i < r->n_envs; i++)
		json_array_append_new(envs,
				      json_pack("{ss so so sb}", "env",
						cb_env_text(r->envs[i].target, env), "label",
						json_of(r->envs[i].label), "suffix",
						json_of(r->envs[i].cmdline_suffix), "default",
						(int)r->envs[i].is_default));
	for (unsigned i = 0; i < r->n_credentials; i++)
		json_array_append_new(credentials, json_of(r->credentials[i].name));
	return json_pack("{ss ss so so so ss sI}", "type", "account", "account", account,
			 "display_name", json_of(r->display_name), "envs", envs, "credentials",
			 credentials, "expires", cb_time_text(r->expires_s, expires),
			 "offline_days", (json_int_t)r->policy.offline_days);
}

/* ---- The verb ---- */

/* An action on exactly one account; `name` is in its normal form. */
struct one_account {
	const char *action;
	enum cb_err (*run)(struct cb_account_job *job, const char *name, struct cb_error *e);
	bool is_writer;
};

static const struct one_account on_one[] = {
	{ "add", cb_account_add, true },
	{ "set", cb_account_set, true },
	{ "revoke", cb_account_revoke, true },
	{ "show", cb_account_show, false },
};

static enum cb_err run_one(const struct one_account *one, int n, char **operands,
			   struct cb_error *e)
{
	struct cb_account_job job = { 0 };
	char account[CB_ACCOUNT_MAX + 1];

	if (n != 3)
		return cb_usage(e, &cb_verb_account, "account %s needs REPO and one ACCOUNT",
				one->action);
	enum cb_err err = cb_account_open(operands[1], one->is_writer, &job, e);
	if (err == CB_OK) {
		err = cb_account_normalise(cb_bytes_of(operands[2]), account);
		err = err == CB_OK ? one->run(&job, account, e) :
				     cb_fail(e, err, "%s", operands[2]);
	}
	cb_account_close(&job);
	return err;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	const char *action = operands[0];
	bool is_list = strcmp(action, "list") == 0;
	struct cb_account_job job = { 0 };

	for (size_t i = 0; i < sizeof(on_one) / sizeof(on_one[0]); i++)
		if (strcmp(action, on_one[i].action) == 0)
			return run_one(&on_one[i], n, operands, e);
	if (!is_list && strcmp(action, "renew") != 0)
		return cb_usage(e, &cb_verb_account, "unknown action '%s'", action);
	enum cb_err err = cb_account_open(operands[1], /*is_writer=*/!is_list, &job, e);
	if (err == CB_OK && is_list)
		err = cb_account_list(&job, n - 2, operands + 2, e);
	else if (err == CB_OK)
		err = cb_account_renew(&job, n - 2, operands + 2, e);
	cb_account_close(&job);
	return err;
}

static const struct cb_option options[] = {
	{ .name = "keys",
	  .value = "KEYS",
	  .help = "directory of the realm's keys; 'renew' without ACCOUNT needs its online part only",
	  .is_required = true,
	  .text = &arg_account_keys },
	{ .name = "env",
	  .value = "NAME[@VERSION]",
	  .help = "an image that the account may boot, without VERSION the newest; up to 16, the "
		  "first is the default; 'set' replaces them all (add: the realm's default image)",
	  .texts = &arg_envs },
	{ .name = "label",
	  .value = "TEXT",
	  .help = "menu text of the --env in the same place",
	  .texts = &arg_labels },
	{ .name = "suffix",
	  .value = "TOKENS",
	  .help = "goes behind the command line of the --env in the same place; the image must "
		  "allow each token",
	  .texts = &arg_suffixes },
	{ .name = "credential",
	  .value = "NAME=FILE",
	  .help = "secret for the system that boots, at most 4 KiB; up to 16, together 12 KiB",
	  .texts = &arg_credentials },
	{ .name = "remove-credential",
	  .value = "NAME",
	  .help = "takes a credential away, with 'set'",
	  .texts = &arg_removed },
	{ .name = "display-name",
	  .value = "TEXT",
	  .help = "how the menu greets the person",
	  .text = &arg_display_name },
	{ .name = "valid-days",
	  .value = "N",
	  .help = "days until the record must be renewed (default: 30, the most)",
	  .number = &arg_valid_days,
	  .min = 1,
	  .max = MAX_VALID_DAYS },
	{ .name = "offline-days",
	  .value = "N",
	  .help = "days that a machine with a cache may boot without a mirror (default: 0)",
	  .number = &arg_offline_days,
	  .max = 365 },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "with 'add': take the passphrase from the first line of FILE ('-': standard "
		  "input) instead of making one",
	  .text = &arg_passphrase_file },
	{ .name = "allow-weak",
	  .help = "take it even if it is easy to guess",
	  .flag = &arg_allow_weak },
	{ 0 },
};

const struct cb_verb cb_verb_account = {
	.name = "account",
	.group = CB_GROUP_ACCOUNTS,
	.summary = "add, change, renew, revoke and look at accounts",
	.usage = "add REPO ACCOUNT --keys KEYS [--env NAME[@VERSION]]... [OPTION]...\n"
		 "set REPO ACCOUNT --keys KEYS [OPTION]...\n"
		 "renew REPO [ACCOUNT]... --keys KEYS [--valid-days N]\n"
		 "revoke REPO ACCOUNT --keys KEYS\n"
		 "show REPO ACCOUNT --keys KEYS\n"
		 "list REPO [ACCOUNT]... --keys KEYS",
	.about =
		"'add' prints the passphrase it made, as the only line on standard output; it is\n"
		"kept nowhere. 'set' needs the record key in KEYS/offline/records, never the\n"
		"passphrase. 'renew' signs records again with new dates.\n"
		"\n"
		"'revoke' puts the account on the realm's list of revoked ones and removes its\n"
		"record; it needs the online keys and the account's file in KEYS/offline/records. A\n"
		"machine that knows newer metadata refuses an old copy of the record, too. 'show'\n"
		"tells everything about one account but the values of its credentials.",
	.examples =
		"  chunkboot account add /srv/boot ada --keys ~/keys --env debian\n"
		"  chunkboot account add /srv/boot bob --keys ~/keys --env debian@12.5 \\\n"
		"      --credential ssh=id_ed25519 --display-name Bob\n"
		"  chunkboot account set /srv/boot ada --keys ~/keys --env debian --env rescue\n"
		"  chunkboot account renew /srv/boot --keys ~/keys\n"
		"  chunkboot account revoke /srv/boot bob --keys ~/keys\n"
		"  chunkboot account show /srv/boot ada --keys ~/keys\n"
		"  chunkboot account list /srv/boot --keys ~/keys --json\n",
	.options = options,
	.min_operands = 2,
	.max_operands = -1,
	.run = run,
};
