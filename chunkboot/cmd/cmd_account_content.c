/* SPDX-License-Identifier: MIT */
/* chunkboot account: what the options say about environments and credentials, checked. */
#include <stdio.h>
#include <string.h>

#include "cmd/account.h"
#include "core/cmdline.h"
#include "core/record_body.h"

/* ---- Environments ---- */

/* NAME[@VERSION] as NAME or the target path NAME/VERSION.cbm. */
static enum cb_err parse_env(const char *text, char out[CB_TARGET_PATH_MAX + 1], struct cb_error *e)
{
	const char *at = strchr(text, '@');
	int n;

	if (at == NULL)
		n = snprintf(out, CB_TARGET_PATH_MAX + 1, "%s", text);
	else
		n = snprintf(out, CB_TARGET_PATH_MAX + 1, "%.*s/%s.cbm", (int)(at - text), text,
			     at + 1);
	if (n < 0 || n > CB_TARGET_PATH_MAX || !cb_record_is_target(cb_bytes_of(out)) ||
	    (at == NULL && strchr(out, '/') != NULL))
		return cb_usage(e, &cb_verb_account, "--env %s: not of the form NAME[@VERSION]",
				text);
	return CB_OK;
}

static enum cb_err find_target(const struct cb_account_job *job, struct cb_bytes target,
			       struct cb_tuf_target *ret)
{
	if (memchr(target.p, '/', target.len) != NULL)
		return cb_tuf_find(job->view.tuf, target, ret);
	return cb_tuf_newest(job->view.tuf, target, NULL, ret);
}

/* The suffix is judged by the signed manifest, as the loader will do it. */
static enum cb_err check_suffix(const struct cb_account_job *job,
				const struct cb_tuf_target *target, struct cb_bytes suffix,
				struct cb_error *e)
{
	char cmdline[CB_CMDLINE_MAX + 1 + CB_CMDLINE_FACTS_MAX + 1];
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	char relative[CB_MANIFEST_PATH_MAX], path[CB_PATH_MAX];
	uint8_t sha256[CB_DIGEST_LEN];
	struct cb_manifest manifest;

	cb_manifest_path(target->path, target->sha256, relative);
	enum cb_err err = cb_path(path, e, "%s/%s", job->repo, relative);
	if (err == CB_OK)
		err = cb_file_read(path, CB_MANIFEST_MAX_LEN, &file, e);
	if (err != CB_OK)
		return err;
	cb_sha256(cb_file_bytes(&file), sha256);
	if (memcmp(sha256, target->sha256, sizeof(sha256)) != 0)
		return cb_fail(e, CB_MANIFEST_HASH, "%s", path);
	err = cb_manifest_parse(cb_file_bytes(&file), &manifest);
	if (err != CB_OK)
		return cb_fail(e, err, "%s", path);
	err = cb_cmdline_compose(&manifest, suffix, (struct cb_bytes){ 0 }, cmdline);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "--suffix '%.*s'", (int)suffix.len, suffix.p);
}

static struct cb_bytes text_at(const struct cb_texts *texts, unsigned i)
{
	return i < texts->n ? cb_bytes_of(texts->at[i]) : (struct cb_bytes){ 0 };
}

static enum cb_err make_env(const struct cb_account_job *job, unsigned i, const char *target,
			    struct cb_environment *ret, struct cb_error *e)
{
	struct cb_tuf_target found;
	struct cb_environment env = {
		.target = cb_bytes_of(target),
		.label = text_at(&arg_labels, i),
		.cmdline_suffix = text_at(&arg_suffixes, i),
		.is_default = i == 0,
	};
	enum cb_err err = find_target(job, env.target, &found);

	if (err != CB_OK) {
		err = cb_fail(e, err, "%s", arg_envs.n > i ? arg_envs.at[i] : target);
		cb_fail_hint(e, "'chunkboot list' shows the images of the repository");
		return err;
	}
	if (!cb_record_is_label(env.label))
		return cb_usage(e, &cb_verb_account, "--label must be UTF-8 of at most %d bytes",
				CB_RECORD_MAX_LABEL);
	if (env.cmdline_suffix.len > 0)
		err = check_suffix(job, &found, env.cmdline_suffix, e);
	if (err == CB_OK)
		*ret = env;
	return err;
}

static enum cb_err apply_envs(const struct cb_account_job *job, struct cb_account_content *memory,
			      struct cb_record *r, struct cb_error *e)
{
	struct cb_environment envs[CB_RECORD_MAX_ENVS];
	enum cb_err err = CB_OK;

	if (arg_envs.n > CB_RECORD_MAX_ENVS)
		return cb_usage(e, &cb_verb_account, "--env given more than %d times",
				CB_RECORD_MAX_ENVS);
	if (arg_labels.n > arg_envs.n || arg_suffixes.n > arg_envs.n)
		return cb_usage(e, &cb_verb_account, "each --label and --suffix needs its --env");
	for (unsigned i = 0; err == CB_OK && i < arg_envs.n; i++) {
		err = parse_env(arg_envs.at[i], memory->targets[i], e);
		if (err == CB_OK)
			err = make_env(job, i, memory->targets[i], &envs[i], e);
	}
	if (err != CB_OK || arg_envs.n == 0)
		return err;
	memcpy(r->envs, envs, arg_envs.n * sizeof(envs[0]));
	r->n_envs = arg_envs.n;
	return CB_OK;
}

/* ---- Credentials ---- */

static struct cb_credential *find_credential(struct cb_record *r, struct cb_bytes name)
{
	for (unsigned i = 0; i < r->n_credentials; i++)
		if (cb_bytes_equal(r->credentials[i].name, name))
			return &r->credentials[i];
	return NULL;
}

static enum cb_err remove_credentials(struct cb_record *r, struct cb_error *e)
{
	for (unsigned i = 0; i < arg_removed.n; i++) {
		struct cb_credential *c = find_credential(r, cb_bytes_of(arg_removed.at[i]));

		if (c == NULL)
			return cb_fail(e, CB_NOT_FOUND, "credential %s", arg_removed.at[i]);
		*c = r->credentials[--r->n_credentials];
	}
	return CB_OK;
}

static enum cb_err add_credential(struct cb_record *r, struct cb_account_content *memory,
				  const char *text, struct cb_error *e)
{
	const char *equals = strchr(text, '=');
	struct cb_bytes name = { (const uint8_t *)text, equals ? (size_t)(equals - text) : 0 };
	struct cb_file *value = &memory->values[memory->n_values];

	if (!cb_record_is_credential_name(name))
		return cb_usage(e, &cb_verb_account, "--credential %s: not of the form NAME=FILE",
				text);
	struct cb_credential *c = find_credential(r, name);
	if ((c == NULL && r->n_credentials == CB_RECORD_MAX_CREDENTIALS) ||
	    memory->n_values == CB_RECORD_MAX_CREDENTIALS)
		return cb_usage(e, &cb_verb_account, "more than %d credentials",
				CB_RECORD_MAX_CREDENTIALS);
	enum cb_err err = cb_file_read(equals + 1, CB_RECORD_MAX_CREDENTIAL_LEN, value, e);
	if (err != CB_OK)
		return err;
	memory->n_values++;
	if (c == NULL)
		c = &r->credentials[r->n_credentials++];
	*c = (struct cb_credential){ name, cb_file_bytes(value) };
	return CB_OK;
}

static enum cb_err check_credentials(const struct cb_account_job *job, const struct cb_record *r,
				     struct cb_error *e)
{
	struct cb_tuf_target target;
	char env[CB_TARGET_PATH_MAX + 1];
	size_t total = 0;

	for (unsigned i = 0; i < r->n_credentials; i++)
		total += r->credentials[i].value.len;
	if (total > CB_RECORD_MAX_CREDENTIALS_LEN)
		return cb_usage(e, &cb_verb_account, "credentials of more than %d bytes together",
				CB_RECORD_MAX_CREDENTIALS_LEN);
	/* only Linux has a way to get them from the loader */
	for (unsigned i = 0; r->n_credentials > 0 && i < r->n_envs; i++)
		if (find_target(job, r->envs[i].target, &target) == CB_OK &&
		    strcmp(target.kind, "linux") != 0)
			return cb_usage(e, &cb_verb_account,
					"image %s is of kind %s, which cannot take credentials",
					cb_env_text(r->envs[i].target, env), target.kind);
	return CB_OK;
}

static enum cb_err apply_credentials(const struct cb_account_job *job,
				     struct cb_account_content *memory, struct cb_record *r,
				     struct cb_error *e)
{
	enum cb_err err = remove_credentials(r, e);

	for (unsigned i = 0; err == CB_OK && i < arg_credentials.n; i++)
		err = add_credential(r, memory, arg_credentials.at[i], e);
	return err == CB_OK ? check_credentials(job, r, e) : err;
}

/* ---- All of it ---- */

enum cb_err cb_account_apply(const struct cb_account_job *job, struct cb_account_content *memory,
			     struct cb_record *r, struct cb_error *e)
{
	if (arg_display_name != NULL) {
		r->display_name = cb_bytes_of(arg_display_name);
		if (!cb_record_is_label(r->display_name))
			return cb_usage(e, &cb_verb_account,
					"--display-name must be UTF-8 of at most %d bytes",
					CB_RECORD_MAX_LABEL);
	}
	if (arg_offline_days != CB_NOT_GIVEN)
		r->policy.offline_days = (uint32_t)arg_offline_days;
	enum cb_err err = apply_envs(job, memory, r, e);
	return err == CB_OK ? apply_credentials(job, memory, r, e) : err;
}

void cb_account_content_done(struct cb_account_content *memory)
{
	for (unsigned i = 0; i < memory->n_values; i++)
		cb_file_done(&memory->values[i]);
	memory->n_values = 0;
}
