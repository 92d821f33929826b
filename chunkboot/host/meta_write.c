/* SPDX-License-Identifier: MIT */
/* The metadata writer: loads what is there, keeps what is edited, signs and writes new versions. */
#include "host/meta_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "host/meta_json.h"
#include "host/repo_view.h"

struct cb_repo_meta_internal {
	struct cb_repo_view view;
};

/* ---- Load ---- */

enum cb_err cb_keys_realm(const char *keys_dir, uint8_t ret_id[32], struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	struct cb_bytes hex;
	char path[CB_PATH_MAX];
	enum cb_err err = cb_path(path, e, "%s/online/realm", keys_dir);

	if (err == CB_OK)
		err = cb_file_read(path, 2 * 32 + 1, &file, e);
	if (err == CB_NOT_FOUND)
		cb_fail_hint(e, CB_KEYS_HINT);
	if (err != CB_OK)
		return err;
	hex = cb_file_bytes(&file);
	if (hex.len > 0 && hex.p[hex.len - 1] == '\n')
		hex.len--;
	if (!cb_hex_decode(hex, ret_id, 32))
		return cb_fail(e, CB_KEY_FORMAT, "%s", path);
	return CB_OK;
}

/* Without this, whoever writes to the repository could have us sign on top of a root of theirs. */
static enum cb_err check_realm(const struct cb_meta_place *place, const uint8_t realm_id[32],
			       struct cb_error *e)
{
	uint8_t expected[32];
	enum cb_err err = cb_keys_realm(place->keys, expected, e);

	if (err != CB_OK || memcmp(expected, realm_id, sizeof(expected)) == 0)
		return err;
	err = cb_fail(e, CB_META_SIGNATURE, "%s/metadata/1.root.json", place->repo);
	cb_fail_hint(e, "the keys in %s belong to another repository", place->keys);
	return err;
}

static bool copy_urls(const struct cb_bytes *from, unsigned n, char **to, unsigned *ret_n)
{
	for (*ret_n = 0; *ret_n < n; ++*ret_n) {
		to[*ret_n] = strndup((const char *)from[*ret_n].p, from[*ret_n].len);
		if (to[*ret_n] == NULL)
			return false;
	}
	return true;
}

static void copy_revoked(const struct cb_tuf *tuf, struct cb_repo_meta *meta)
{
	const struct cb_json *x = cb_json_get(cb_tuf_body(tuf, CB_TUF_ACCOUNTS), "x-chunkboot");
	const struct cb_json *list = cb_json_get(x, "revoked");

	for (const struct cb_json *node = list->first; node != NULL; node = node->next)
		if (cb_hex_decode(node->text, meta->revoked[meta->n_revoked].prefix, 8))
			meta->n_revoked++;
}

static bool copy_meta(const struct cb_tuf *tuf, struct cb_repo_meta *meta)
{
	const struct cb_tuf_info *info = cb_tuf_info(tuf);

	meta->info = *info;
	meta->info.n_mirrors = meta->info.n_login_servers = 0;
	meta->min_loader = info->min_loader;
	memcpy(meta->default_image, info->default_image, sizeof(meta->default_image));
	meta->n_kdf = info->n_kdf;
	memcpy(meta->kdf, info->kdf, sizeof(meta->kdf));
	meta->min_epoch = info->min_epoch;
	copy_revoked(tuf, meta);
	if (!copy_urls(info->mirrors, info->n_mirrors, meta->mirrors, &meta->n_mirrors) ||
	    !copy_urls(info->login_servers, info->n_login_servers, meta->login_servers,
		       &meta->n_login_servers))
		return false;
	meta->targets = calloc((size_t)cb_tuf_n_targets(tuf) + 1, sizeof(*meta->targets));
	if (meta->targets == NULL)
		return false;
	for (; meta->n_targets < cb_tuf_n_targets(tuf); meta->n_targets++)
		cb_tuf_target_at(tuf, (unsigned)meta->n_targets, &meta->targets[meta->n_targets]);
	return true;
}

enum cb_err cb_repo_meta_load(const struct cb_meta_place *place, struct cb_repo_meta *meta,
			      struct cb_error *e)
{
	struct cb_repo_view *view;
	enum cb_err err;

	*meta = (struct cb_repo_meta){ .place = *place };
	meta->internal = calloc(1, sizeof(*meta->internal));
	if (meta->internal == NULL)
		return cb_fail(e, CB_NO_MEMORY, "%s", place->repo);
	view = &meta->internal->view;
	/* At time 0 nothing is expired. */
	err = cb_repo_view_open(place->repo, 0, view, e);
	if (err == CB_OK)
		err = check_realm(place, view->realm_id, e);
	if (err == CB_OK && !copy_meta(view->tuf, meta))
		err = cb_fail(e, CB_NO_MEMORY, "%s", place->repo);
	return err;
}

void cb_repo_meta_done(struct cb_repo_meta *meta)
{
	for (unsigned i = 0; i < CB_TUF_MAX_MIRRORS; i++) {
		free(meta->mirrors[i]);
		free(meta->login_servers[i]);
	}
	free(meta->targets);
	if (meta->internal != NULL)
		cb_repo_view_done(&meta->internal->view);
	free(meta->internal);
	*meta = (struct cb_repo_meta){ .n_targets = 0 };
}

/* ---- Edit ---- */

static size_t index_of(const struct cb_repo_meta *meta, const char *path, bool *ret_found)
{
	size_t i = 0;

	while (i < meta->n_targets && strcmp(meta->targets[i].path, path) < 0)
		i++;
	*ret_found = i < meta->n_targets && strcmp(meta->targets[i].path, path) == 0;
	return i;
}

const struct cb_tuf_target *cb_repo_meta_find(const struct cb_repo_meta *meta, const char *path)
{
	bool is_found;
	size_t i = index_of(meta, path, &is_found);

	return is_found ? &meta->targets[i] : NULL;
}

const struct cb_tuf_target *cb_repo_meta_newest(const struct cb_repo_meta *meta, const char *name)
{
	const struct cb_tuf_target *newest = NULL;

	for (size_t i = 0; i < meta->n_targets; i++) {
		const struct cb_tuf_target *t = &meta->targets[i];

		if (strcmp(t->name, name) == 0 && (newest == NULL || t->serial > newest->serial))
			newest = t;
	}
	return newest;
}

enum cb_err cb_repo_meta_add(struct cb_repo_meta *meta, const struct cb_tuf_target *target,
			     struct cb_error *e)
{
	char path[CB_TARGET_PATH_MAX + 1];
	struct cb_tuf_target *targets;
	bool is_found;
	size_t i = index_of(meta, target->path, &is_found);

	snprintf(path, sizeof(path), "%s/%s.cbm", target->name, target->version);
	if (target->name[0] == '\0' || strcmp(path, target->path) != 0)
		return cb_fail(e, CB_META_FORMAT, "%s", target->path);
	if (is_found) {
		meta->targets[i] = *target;
		return CB_OK;
	}
	if (meta->n_targets >= CB_META_MAX_TARGETS)
		return cb_fail(e, CB_META_LIMIT, "%s", target->path);
	targets = reallocarray(meta->targets, meta->n_targets + 1, sizeof(*targets));
	if (targets == NULL)
		return cb_fail(e, CB_NO_MEMORY, "%s", target->path);
	memmove(&targets[i + 1], &targets[i], (meta->n_targets - i) * sizeof(*targets));
	targets[i] = *target;
	meta->targets = targets;
	meta->n_targets++;
	return CB_OK;
}

enum cb_err cb_repo_meta_remove(struct cb_repo_meta *meta, const char *path, struct cb_error *e)
{
	bool is_found;
	size_t i = index_of(meta, path, &is_found);

	if (!is_found)
		return cb_fail(e, CB_META_NO_IMAGE, "%s", path);
	meta->n_targets--;
	memmove(&meta->targets[i], &meta->targets[i + 1],
		(meta->n_targets - i) * sizeof(*meta->targets));
	return CB_OK;
}

enum cb_err cb_repo_meta_set_default(struct cb_repo_meta *meta, const char *name,
				     struct cb_error *e)
{
	if (name[0] != '\0' && cb_repo_meta_newest(meta, name) == NULL)
		return cb_fail(e, CB_META_NO_IMAGE, "%s", name);
	snprintf(meta->default_image, sizeof(meta->default_image), "%s", name);
	return CB_OK;
}

/* ---- Sign and write ---- */

/* What goes into the next version of a role besides its head. */
typedef bool (*edit_fn)(json_t *body, const struct cb_repo_meta *meta,
			const struct cb_meta_set *set);

static bool edit_targets(json_t *body, const struct cb_repo_meta *meta,
			 const struct cb_meta_set *set)
{
	(void)set;
	return cb_meta_set_targets(body, meta);
}

static bool edit_accounts(json_t *body, const struct cb_repo_meta *meta,
			  const struct cb_meta_set *set)
{
	(void)set;
	return cb_meta_set_accounts(body, meta);
}

static bool edit_snapshot(json_t *body, const struct cb_repo_meta *meta,
			  const struct cb_meta_set *set)
{
	const struct cb_meta_file *targets = &set->files[CB_TUF_TARGETS];
	const struct cb_meta_file *accounts = &set->files[CB_TUF_ACCOUNTS];

	(void)meta;
	return (targets->bytes == NULL || cb_meta_set_entry(body, "targets.json", targets)) &&
		(accounts->bytes == NULL || cb_meta_set_entry(body, "accounts.json", accounts));
}

static bool edit_timestamp(json_t *body, const struct cb_repo_meta *meta,
			   const struct cb_meta_set *set)
{
	return cb_meta_set_issued(body, meta->place.now_s) &&
		cb_meta_set_entry(body, "snapshot.json", &set->files[CB_TUF_SNAPSHOT]);
}

/* How a role is signed anew. */
struct signing {
	enum cb_tuf_role role;
	enum cb_key_role key;
	int days;
	edit_fn edit;
};

static enum cb_err sign_next(const struct cb_repo_meta *meta, const struct signing *how,
			     struct cb_meta_set *set, struct cb_error *e)
{
	const struct cb_tuf *tuf = meta->internal->view.tuf;
	cb_cleanup(cb_json_decref) json_t *body = cb_meta_copy_body(cb_tuf_body(tuf, how->role));
	cb_cleanup(cb_key_done) struct cb_key key = { 0 };
	uint64_t version = cb_tuf_info(tuf)->versions.version[how->role] + 1;
	enum cb_err err = cb_key_load_role(meta->place.keys, how->key, 1, &key, e);

	if (err != CB_OK)
		return err;
	if (body == NULL || !cb_meta_set_head(body, version, meta->place.now_s, how->days) ||
	    !how->edit(body, meta, set))
		return cb_fail(e, CB_NO_MEMORY, "%s", meta->place.repo);
	err = cb_meta_sign(body, &key, 1, &set->files[how->role]);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", meta->place.repo);
}

static enum cb_err sign_roles(struct cb_repo_meta *meta, bool with_targets, bool with_accounts,
			      struct cb_meta_set *set, struct cb_error *e)
{
	static const struct signing roles[] = {
		{ CB_TUF_TARGETS, CB_KEY_TARGETS, CB_META_TARGETS_DAYS, edit_targets },
		{ CB_TUF_ACCOUNTS, CB_KEY_ACCOUNTS, CB_META_ACCOUNTS_DAYS, edit_accounts },
		{ CB_TUF_SNAPSHOT, CB_KEY_SNAPSHOT, CB_META_SNAPSHOT_DAYS, edit_snapshot },
		{ CB_TUF_TIMESTAMP, CB_KEY_TIMESTAMP, CB_META_TIMESTAMP_DAYS, edit_timestamp },
	};
	enum cb_err err = CB_OK;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]) && err == CB_OK; i++) {
		if ((roles[i].role == CB_TUF_TARGETS && !with_targets) ||
		    (roles[i].role == CB_TUF_ACCOUNTS && !with_accounts))
			continue;
		err = sign_next(meta, &roles[i], set, e);
	}
	return err;
}

/* Signs, verifies as a client would, writes; then the verified state is the loaded one. */
static enum cb_err commit(struct cb_repo_meta *meta, bool with_targets, bool with_accounts,
			  struct cb_error *e)
{
	struct cb_repo_view *view = &meta->internal->view;
	cb_cleanup(cb_meta_set_done) struct cb_meta_set set = { 0 };
	struct cb_tuf *tuf = NULL;
	enum cb_err err = sign_roles(meta, with_targets, with_accounts, &set, e);

	if (err == CB_OK)
		err = cb_meta_set_verify(&set, &meta->place, cb_file_bytes(&view->root), &tuf, e);
	if (err != CB_OK)
		return err;
	meta->info = *cb_tuf_info(tuf);
	meta->info.n_mirrors = meta->info.n_login_servers = 0;
	if (meta->place.is_dry_run) {
		cb_tuf_free(tuf);
		return CB_OK;
	}
	meta->has_written = true;
	err = cb_meta_set_write(&set, meta->place.repo, e);
	if (err == CB_OK)
		err = cb_meta_bundle_write(meta->place.repo, tuf, e);
	cb_tuf_free(view->tuf);
	view->tuf = tuf;
	return err;
}

/* Is less than half of the role's life left? */
static bool is_past_half(const struct cb_repo_meta *meta, enum cb_tuf_role role, int days)
{
	int64_t left_s = meta->info.expires_s[role] - meta->place.now_s;

	return left_s < (int64_t)days * CB_META_DAY_S / 2;
}

static bool accounts_are_due(const struct cb_repo_meta *meta)
{
	return is_past_half(meta, CB_TUF_ACCOUNTS, CB_META_ACCOUNTS_DAYS);
}

enum cb_err cb_repo_meta_commit(struct cb_repo_meta *meta, struct cb_error *e)
{
	return commit(meta, /*with_targets=*/true, accounts_are_due(meta), e);
}

enum cb_err cb_repo_meta_check(struct cb_repo_meta *meta, struct cb_error *e)
{
	const struct cb_tuf_info info = meta->info;
	bool is_dry_run = meta->place.is_dry_run;

	meta->place.is_dry_run = true;
	enum cb_err err = cb_repo_meta_commit(meta, e);
	meta->place.is_dry_run = is_dry_run;
	meta->info = info;
	return err;
}

enum cb_err cb_repo_meta_commit_accounts(struct cb_repo_meta *meta, struct cb_error *e)
{
	return commit(meta, /*with_targets=*/false, /*with_accounts=*/true, e);
}

enum cb_err cb_repo_meta_refresh(struct cb_repo_meta *meta, struct cb_error *e)
{
	return commit(meta, /*with_targets=*/false, accounts_are_due(meta), e);
}
