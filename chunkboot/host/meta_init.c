/* SPDX-License-Identifier: MIT */
/* A new repository: directories, keys, version 1 of all metadata. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/heap.h"
#include "host/meta_json.h"

#define DIR_MODE 0755
#define KEYS_MODE 0700

/* The keys of a new realm. */
struct realm_keys {
	unsigned n_root;
	struct cb_key root[CB_KEYS_MAX_ROOT];
	struct cb_key role[CB_KEY_N_ROLES]; /* but root */
};

static void realm_keys_done(struct realm_keys *keys)
{
	cb_wipe(keys, sizeof(*keys));
}

/* ---- Preconditions ---- */

static bool is_good_title(const char *title)
{
	size_t len = strlen(title);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)title[i] < 0x20 || title[i] == 0x7f)
			return false;
	return len >= 1 && len <= CB_TITLE_MAX;
}

static enum cb_err refuse_existing(const struct cb_meta_place *place, struct cb_error *e)
{
	static const char *const traces[] = { "metadata/1.root.json", "metadata/root.json",
					      "metadata/timestamp.json" };
	static const char *const realms[] = { "online/realm", "offline/realm" };
	char path[CB_PATH_MAX];
	enum cb_err err = CB_OK;

	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]) && err == CB_OK; i++) {
		err = cb_path(path, e, "%s/%s", place->repo, traces[i]);
		if (err == CB_OK && cb_path_exists(path))
			err = cb_fail(e, CB_EXISTS, "%s", place->repo);
	}
	for (size_t i = 0; i < sizeof(realms) / sizeof(realms[0]) && err == CB_OK; i++) {
		err = cb_path(path, e, "%s/%s", place->keys, realms[i]);
		if (err == CB_OK && cb_path_exists(path)) {
			err = cb_fail(e, CB_EXISTS, "%s", path);
			cb_fail_hint(e,
				     "give each repository a key directory of its own; "
				     "these keys belong to another");
		}
	}
	return err;
}

/* An absolute path without links, also of something that isn't there yet below what is. */
static bool resolve(const char *path, char out[CB_PATH_MAX])
{
	char parent[CB_PATH_MAX], rest[CB_PATH_MAX] = "";
	size_t len;

	snprintf(parent, sizeof(parent), "%s", path);
	while (realpath(parent, out) == NULL) {
		char *slash = strrchr(parent, '/');
		char longer[CB_PATH_MAX];

		if (snprintf(longer, sizeof(longer), "/%s%s", slash != NULL ? slash + 1 : parent,
			     rest) >= (int)sizeof(longer))
			return false;
		memcpy(rest, longer, sizeof(rest));
		if (slash == NULL)
			snprintf(parent, sizeof(parent), ".");
		else
			slash[slash == parent] = '\0';
		if (slash == NULL && realpath(".", out) == NULL)
			return false;
	}
	len = strlen(out);
	return snprintf(out + len, CB_PATH_MAX - len, "%s", rest) < (int)(CB_PATH_MAX - len);
}

/* What lies in the repository is served to the world. */
static enum cb_err refuse_keys_inside(const struct cb_meta_place *place, struct cb_error *e)
{
	char repo[CB_PATH_MAX], keys[CB_PATH_MAX];
	size_t len;

	if (!resolve(place->repo, repo) || !resolve(place->keys, keys))
		return CB_OK; /* making the directories will say what is wrong */
	len = strlen(repo);
	if (strncmp(keys, repo, len) != 0 || (keys[len] != '/' && keys[len] != '\0'))
		return CB_OK;
	return cb_fail(e, CB_USAGE,
		       "the key directory %s lies inside the repository, which is public",
		       place->keys);
}

/* ---- Keys ---- */

/* Loads the key file, or makes it where there is none. */
static enum cb_err obtain_key(const struct cb_meta_place *place, enum cb_key_role role,
			      struct cb_key *ret, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	enum cb_err err = cb_key_path(place->keys, role, 1, path, e);

	if (err != CB_OK || cb_path_exists(path))
		return err != CB_OK ? err : cb_key_load(path, ret, e);
	err = cb_key_generate(ret, e);
	if (err != CB_OK || place->is_dry_run)
		return err;
	err = cb_dirs_make_for(path, KEYS_MODE, e);
	return err != CB_OK ? err : cb_key_save(path, ret, e);
}

static enum cb_err obtain_keys(const struct cb_meta_place *place, struct realm_keys *keys,
			       struct cb_error *e)
{
	enum cb_err err = obtain_key(place, CB_KEY_ROOT, &keys->root[0], e);

	keys->n_root = 1;
	/* more root keys only where somebody put them there */
	while (err == CB_OK && keys->n_root < CB_KEYS_MAX_ROOT) {
		char path[CB_PATH_MAX];

		err = cb_key_path(place->keys, CB_KEY_ROOT, keys->n_root + 1, path, e);
		if (err != CB_OK || !cb_path_exists(path))
			break;
		err = cb_key_load(path, &keys->root[keys->n_root++], e);
	}
	for (int role = CB_KEY_TARGETS; role < CB_KEY_N_ROLES && err == CB_OK; role++)
		err = obtain_key(place, (enum cb_key_role)role, &keys->role[role], e);
	return err;
}

/* ---- Version 1 ---- */

static bool put_key(json_t *keys, const struct cb_key *key)
{
	char id[2 * CB_DIGEST_LEN + 1];

	cb_hex_encode(key->id, sizeof(key->id), id);
	return json_object_set_new(keys, id, cb_meta_key_json(key)) == 0;
}

static bool fill_root(json_t *body, const struct realm_keys *k, const char *title)
{
	json_t *keys = json_object(), *roles;
	bool is_good = true;

	for (unsigned i = 0; i < k->n_root; i++)
		is_good = put_key(keys, &k->root[i]) && is_good;
	for (int role = CB_KEY_TARGETS; role <= CB_KEY_TIMESTAMP; role++)
		is_good = put_key(keys, &k->role[role]) && is_good;
	roles = json_pack("{s:o, s:o, s:o, s:o}", "root", cb_meta_role_json(k->root, k->n_root),
			  "targets", cb_meta_role_json(&k->role[CB_KEY_TARGETS], 1), "snapshot",
			  cb_meta_role_json(&k->role[CB_KEY_SNAPSHOT], 1), "timestamp",
			  cb_meta_role_json(&k->role[CB_KEY_TIMESTAMP], 1));
	return json_object_set_new(body, "keys", keys) == 0 && is_good &&
		json_object_set_new(body, "roles", roles) == 0 &&
		json_object_set_new(body, "consistent_snapshot", json_true()) == 0 &&
		json_object_set_new(
			body, "x-chunkboot",
			json_pack("{s:s, s:s}", "title", title, "clock_policy", "ask")) == 0;
}

/* The delegation to accounts (DESIGN §5.3). */
static bool fill_targets(json_t *body, const struct realm_keys *k, const struct cb_repo_meta *meta)
{
	const struct cb_key *key = &k->role[CB_KEY_ACCOUNTS];
	json_t *keys = json_object(), *role = cb_meta_role_json(key, 1);

	if (!put_key(keys, key) || role == NULL ||
	    json_object_set_new(role, "name", json_string("accounts")) != 0 ||
	    json_object_set_new(role, "paths", json_pack("[s]", "accounts/*/*")) != 0 ||
	    json_object_set_new(role, "terminating", json_true()) != 0) {
		json_decref(keys);
		json_decref(role);
		return false;
	}
	return json_object_set_new(body, "delegations",
				   json_pack("{s:o, s:[o]}", "keys", keys, "roles", role)) == 0 &&
		cb_meta_set_targets(body, meta);
}

/* The contents of a role's first version, with the files before it in the set. */
static bool fill_first(json_t *body, enum cb_tuf_role role, const struct realm_keys *k,
		       const struct cb_repo_init_params *params, const struct cb_meta_set *set)
{
	struct cb_repo_meta meta = { .n_kdf = 1, .kdf = { params->kdf } };

	switch (role) {
	case CB_TUF_ROOT:
		return fill_root(body, k, params->title);
	case CB_TUF_TARGETS:
		return fill_targets(body, k, &meta);
	case CB_TUF_ACCOUNTS:
		return cb_meta_set_accounts(body, &meta);
	case CB_TUF_SNAPSHOT:
		return cb_meta_set_entry(body, "targets.json", &set->files[CB_TUF_TARGETS]) &&
			cb_meta_set_entry(body, "accounts.json", &set->files[CB_TUF_ACCOUNTS]);
	default:
		return cb_meta_set_entry(body, "snapshot.json", &set->files[CB_TUF_SNAPSHOT]) &&
			cb_meta_set_issued(body, params->place.now_s);
	}
}

static enum cb_err sign_first(const struct realm_keys *k, const struct cb_repo_init_params *params,
			      struct cb_meta_set *set, struct cb_error *e)
{
	static const struct {
		enum cb_tuf_role role;
		const char *type;
		enum cb_key_role key;
		int days;
	} roles[] = {
		{ CB_TUF_ROOT, "root", CB_KEY_ROOT, CB_META_ROOT_DAYS },
		{ CB_TUF_TARGETS, "targets", CB_KEY_TARGETS, CB_META_TARGETS_DAYS },
		{ CB_TUF_ACCOUNTS, "targets", CB_KEY_ACCOUNTS, CB_META_ACCOUNTS_DAYS },
		{ CB_TUF_SNAPSHOT, "snapshot", CB_KEY_SNAPSHOT, CB_META_SNAPSHOT_DAYS },
		{ CB_TUF_TIMESTAMP, "timestamp", CB_KEY_TIMESTAMP, CB_META_TIMESTAMP_DAYS },
	};
	enum cb_err err = CB_OK;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]) && err == CB_OK; i++) {
		bool is_root = roles[i].role == CB_TUF_ROOT;
		cb_cleanup(cb_json_decref) json_t *body = cb_meta_new_body(roles[i].type);

		if (body == NULL ||
		    !cb_meta_set_head(body, 1, params->place.now_s, roles[i].days) ||
		    !fill_first(body, roles[i].role, k, params, set))
			return cb_fail(e, CB_NO_MEMORY, "%s", params->place.repo);
		err = cb_meta_sign(body, is_root ? k->root : &k->role[roles[i].key],
				   is_root ? k->n_root : 1, &set->files[roles[i].role]);
	}
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", params->place.repo);
}

/* ---- Writing ---- */

/* Ties the key directory to the realm, in both halves: they may part ways later. */
static enum cb_err write_realm(const char *keys_dir, const uint8_t id[32], struct cb_error *e)
{
	static const char *const halves[] = { "online", "offline" };
	char path[CB_PATH_MAX], hex[2 * 32 + 1], line[sizeof(hex) + 1];
	enum cb_err err = CB_OK;

	cb_hex_encode(id, 32, hex);
	snprintf(line, sizeof(line), "%s\n", hex);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]) && err == CB_OK; i++) {
		err = cb_path(path, e, "%s/%s/realm", keys_dir, halves[i]);
		if (err == CB_OK)
			err = cb_file_write(path, cb_bytes_of(line), 0644, e);
	}
	return err;
}

static enum cb_err write_root(const char *repo, const struct cb_meta_file *root, struct cb_error *e)
{
	/* 1.root.json last: it is what makes a directory a repository */
	static const char *const names[] = { "root.json", "1.root.json" };
	char path[CB_PATH_MAX];
	enum cb_err err = CB_OK;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && err == CB_OK; i++) {
		err = cb_path(path, e, "%s/metadata/%s", repo, names[i]);
		if (err == CB_OK)
			err = cb_file_write(path, (struct cb_bytes){ root->bytes, root->len }, 0644,
					    e);
	}
	return err;
}

static enum cb_err write_all(const struct cb_meta_place *place, const struct cb_meta_set *set,
			     const struct cb_tuf *tuf, struct cb_error *e)
{
	const struct cb_meta_file *root = &set->files[CB_TUF_ROOT];
	char path[CB_PATH_MAX];
	uint8_t realm_id[32];
	enum cb_err err =
		cb_tuf_realm_id(&cb_heap, (struct cb_bytes){ root->bytes, root->len }, realm_id);

	if (err == CB_OK)
		err = cb_path(path, e, "%s/metadata", place->repo);
	if (err == CB_OK)
		err = cb_dirs_make(path, DIR_MODE, e);
	if (err == CB_OK)
		err = cb_meta_set_write(set, place->repo, e);
	if (err == CB_OK)
		err = cb_meta_bundle_write(place->repo, tuf, e);
	if (err == CB_OK)
		err = write_realm(place->keys, realm_id, e);
	return err != CB_OK ? err : write_root(place->repo, root, e);
}

static enum cb_err make_realm(const struct cb_repo_init_params *params, struct cb_error *e)
{
	cb_cleanup(realm_keys_done) struct realm_keys keys = { 0 };
	cb_cleanup(cb_meta_set_done) struct cb_meta_set set = { 0 };
	const struct cb_meta_file *root = &set.files[CB_TUF_ROOT];
	struct cb_tuf *tuf;
	enum cb_err err = obtain_keys(&params->place, &keys, e);

	if (err == CB_OK)
		err = sign_first(&keys, params, &set, e);
	if (err == CB_OK)
		err = cb_meta_set_verify(&set, &params->place,
					 (struct cb_bytes){ root->bytes, root->len }, &tuf, e);
	if (err != CB_OK)
		return err;
	if (!params->place.is_dry_run)
		err = write_all(&params->place, &set, tuf, e);
	cb_tuf_free(tuf);
	return err;
}

enum cb_err cb_repo_init(const struct cb_repo_init_params *params, struct cb_error *e)
{
	enum cb_err err;

	if (!is_good_title(params->title))
		return cb_fail(e, CB_USAGE, "the title must be 1 to %d characters of text",
			       CB_TITLE_MAX);
	err = refuse_existing(&params->place, e);
	if (err == CB_OK)
		err = refuse_keys_inside(&params->place, e);
	/* before the first key is made */
	if (err == CB_OK)
		err = cb_dirs_check(params->place.repo, e);
	if (err == CB_OK)
		err = cb_dirs_check(params->place.keys, e);
	return err != CB_OK ? err : make_realm(params, e);
}
