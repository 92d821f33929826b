/* SPDX-License-Identifier: MIT */
/* chunkboot account add, set: seal a new record, or seal one anew with the record key. */
#include <sodium/randombytes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/account.h"
#include "cmd/passphrase.h"
#include "host/heap.h"
#include "host/passphrase.h"

/* ---- add ---- */

static enum cb_err check_strength(const char *passphrase, struct cb_error *e)
{
	unsigned bits = cb_passphrase_bits(passphrase);

	if (bits >= CB_PASSPHRASE_MIN_BITS || arg_allow_weak)
		return CB_OK;
	enum cb_err err =
		cb_fail(e, CB_PASSPHRASE_WEAK, "about %u of %d bits", bits, CB_PASSPHRASE_MIN_BITS);
	cb_fail_hint(e,
		     "anybody may copy the record and guess at leisure; let the tool make a "
		     "passphrase, or use --allow-weak");
	return err;
}

static enum cb_err get_passphrase(char out[CB_PASSPHRASE_MAX + 1], struct cb_error *e)
{
	if (arg_passphrase_file == NULL) {
		cb_passphrase_generate(out);
		return CB_OK;
	}
	enum cb_err err = cb_passphrase_read(arg_passphrase_file, out, e);
	return err == CB_OK ? check_strength(out, e) : err;
}

static enum cb_err derive(const struct cb_account_job *job, const char *account,
			  const char *passphrase, struct cb_login_keys *ret, struct cb_error *e)
{
	const struct cb_tuf_info *info = cb_tuf_info(job->view.tuf);
	const struct cb_login_params params = {
		.kdf = cb_kdf_argon2id,
		.t = info->n_kdf > 0 ? info->kdf[0].t : 0,
		.m_kib = info->n_kdf > 0 ? info->kdf[0].m_kib : 0,
		.realm_id = job->view.realm_id,
		.account = account,
		.passphrase = passphrase,
	};
	enum cb_err err = cb_login_derive(&params, ret);

	return err == CB_OK ? CB_OK :
			      cb_fail(e, err, "Argon2id, t=%u, %u KiB", params.t, params.m_kib);
}

static enum cb_err report_added(const char *account, const struct cb_record *r,
				const char *passphrase, struct cb_error *e)
{
	bool is_made = arg_passphrase_file == NULL;

	if (arg_json) {
		json_t *doc = cb_account_json(account, r);

		if (is_made && !arg_dry_run)
			json_object_set_new(doc, "passphrase", json_string(passphrase));
		return cb_print_json(doc);
	}
	if (arg_dry_run)
		cb_say("would add account %s", account);
	else if (!is_made)
		cb_say("account %s added", account);
	else if (printf("%s\n", passphrase) < 0 || fflush(stdout) != 0)
		return cb_fail_errno(e, "standard output");
	return CB_OK;
}

/* The key store decides whether the account is new; without its record it is taken out again. */
static enum cb_err save(const struct cb_account_job *job, struct cb_stored_account *stored,
			struct cb_record *r, const struct cb_login_keys *login, struct cb_error *e)
{
	struct cb_stored_account first = *stored;

	first.body_seq = 1;
	enum cb_err err =
		arg_dry_run ? CB_OK : cb_record_store_save(job->keys, &first, /*is_new=*/true, e);
	cb_wipe(&first, sizeof(first));
	if (err != CB_OK)
		return err;
	err = cb_account_write(job, stored, r, login, (struct cb_bytes){ 0 }, e);
	if (err != CB_OK && !arg_dry_run &&
	    cb_record_store_remove(job->keys, stored->account, NULL) != CB_OK)
		cb_warn("account %s stays in the key store without a record", stored->account);
	return err;
}

static enum cb_err refuse_existing(const struct cb_account_job *job, const char *account,
				   struct cb_error *e)
{
	struct cb_stored_account stored = { 0 };
	char path[CB_PATH_MAX];
	enum cb_err err = cb_record_store_load(job->keys, account, &stored, NULL);

	if (err == CB_NOT_FOUND)
		return CB_OK;
	err = cb_account_path(job, stored.locator, path, e);
	cb_wipe(&stored, sizeof(stored));
	if (err != CB_OK)
		return err;
	bool has_record = cb_path_exists(path);
	err = cb_fail(e, CB_EXISTS, "account %s", account);
	if (has_record)
		cb_fail_hint(e, "change it with 'chunkboot account set'");
	else
		cb_fail_hint(e,
			     "its record is missing here; to start over, remove "
			     "KEYS/offline/records/%s.account",
			     account);
	return err;
}

static enum cb_err fill(const struct cb_account_job *job, struct cb_account_content *memory,
			struct cb_record *r, struct cb_error *e)
{
	const char *default_image = cb_tuf_info(job->view.tuf)->default_image;

	if (arg_envs.n == 0 && default_image[0] != '\0') {
		arg_envs.at[0] = default_image;
		arg_envs.n = 1;
	}
	if (arg_envs.n == 0)
		cb_warn("no --env, and the realm has no default image: nothing can boot yet");
	return cb_account_apply(job, memory, r, e);
}

enum cb_err cb_account_add(struct cb_account_job *job, const char *name, struct cb_error *e)
{
	char passphrase[CB_PASSPHRASE_MAX + 1];
	struct cb_account_content memory = { 0 };
	struct cb_login_keys login;
	struct cb_stored_account stored = { 0 };
	struct cb_record r = { .uid = { stored.uid, sizeof(stored.uid) } };
	enum cb_err err = refuse_existing(job, name, e);

	if (err == CB_OK)
		err = fill(job, &memory, &r, e);
	if (err == CB_OK)
		err = get_passphrase(passphrase, e);
	if (err == CB_OK)
		err = derive(job, name, passphrase, &login, e);
	if (err == CB_OK) {
		snprintf(stored.account, sizeof(stored.account), "%s", name);
		randombytes_buf(stored.uid, sizeof(stored.uid));
		randombytes_buf(stored.record_key, sizeof(stored.record_key));
		memcpy(stored.locator, login.locator, sizeof(stored.locator));
		stored.epoch = cb_tuf_info(job->view.tuf)->min_epoch;
		err = save(job, &stored, &r, &login, e);
	}
	if (err == CB_OK)
		err = report_added(name, &r, passphrase, e);
	cb_account_content_done(&memory);
	cb_wipe(passphrase, sizeof(passphrase));
	cb_wipe(&login, sizeof(login));
	cb_wipe(&stored, sizeof(stored));
	return err;
}

/* ---- set ---- */

static enum cb_err change(const struct cb_account_job *job, struct cb_stored_account *stored,
			  struct cb_record *r, struct cb_bytes previous, struct cb_error *e)
{
	struct cb_account_content memory = { 0 };

	/* a mirror's old copy put back into the repository must not make a number serve twice */
	if (r->body_seq > stored->body_seq)
		stored->body_seq = r->body_seq;
	enum cb_err err = cb_account_apply(job, &memory, r, e);
	if (err == CB_OK)
		err = cb_account_write(job, stored, r, NULL, previous, e);
	if (err == CB_OK && !arg_dry_run)
		err = cb_record_store_save(job->keys, stored, /*is_new=*/false, e);
	if (err == CB_OK && arg_json)
		err = cb_print_json(cb_account_json(stored->account, r));
	else if (err == CB_OK)
		cb_say("%s account %s", arg_dry_run ? "would change" : "changed", stored->account);
	cb_account_content_done(&memory);
	return err;
}

enum cb_err cb_account_set(struct cb_account_job *job, const char *name, struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	struct cb_stored_account stored = { 0 };
	struct cb_record r = { 0 };
	char path[CB_PATH_MAX];

	if (arg_passphrase_file != NULL)
		return cb_usage(e, &cb_verb_account, "--passphrase-file is for 'account add'");
	enum cb_err err = cb_record_store_load(job->keys, name, &stored, e);
	if (err == CB_OK)
		err = cb_account_path(job, stored.locator, path, e);
	if (err == CB_OK)
		err = cb_file_read(path, CB_RECORD_MAX_LEN, &file, e);
	if (err == CB_OK) {
		err = cb_record_open_with_rk(&cb_heap, cb_file_bytes(&file), stored.record_key, &r);
		if (err != CB_OK)
			err = cb_fail(e, err, "%s", path);
	}
	if (err == CB_OK)
		err = change(job, &stored, &r, cb_file_bytes(&file), e);
	cb_record_done(&r);
	cb_wipe(&stored, sizeof(stored));
	return err;
}
