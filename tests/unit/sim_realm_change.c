/* SPDX-License-Identifier: MIT */
/* What a realm goes through over time: signed anew, other mirrors, new roots and keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/meta_json.h"
#include "sim_realm.h"

struct paths {
	char repo[CB_PATH_MAX], keys[CB_PATH_MAX];
};

static void must(bool is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "sim_realm: %s\n", what);
	abort();
}

static struct cb_meta_place place_of(const struct sim_realm *realm, struct paths *p, int64_t now_s)
{
	must(cb_path(p->repo, NULL, "%s/repo", sim_realm_dir(realm)) == CB_OK, "path");
	must(cb_path(p->keys, NULL, "%s/keys", sim_realm_dir(realm)) == CB_OK, "path");
	return (struct cb_meta_place){ .repo = p->repo, .keys = p->keys, .now_s = now_s };
}

void sim_realm_refresh(struct sim_realm *realm, int64_t now_s)
{
	struct paths paths;
	const struct cb_meta_place place = place_of(realm, &paths, now_s);
	struct cb_repo_meta meta;
	struct cb_error e = { 0 };

	must(cb_repo_meta_load(&place, &meta, &e) == CB_OK, e.text);
	must(cb_repo_meta_refresh(&meta, &e) == CB_OK, e.text);
	cb_repo_meta_done(&meta);
	sim_realm_reload(realm);
}

void sim_realm_set_mirrors(struct sim_realm *realm, const char *const *hosts, int64_t now_s)
{
	struct paths paths;
	const struct cb_meta_place place = place_of(realm, &paths, now_s);
	struct cb_repo_meta meta;
	struct cb_error e = { 0 };

	must(cb_repo_meta_load(&place, &meta, &e) == CB_OK, e.text);
	for (; hosts[meta.n_mirrors]; meta.n_mirrors++)
		must(asprintf(&meta.mirrors[meta.n_mirrors], "http://%s%s", hosts[meta.n_mirrors],
			      SIM_REALM_BASE) > 0,
		     "URL");
	must(cb_repo_meta_commit(&meta, &e) == CB_OK, e.text);
	cb_repo_meta_done(&meta);
	sim_realm_reload(realm);
}

static void load(struct sim_realm *realm, struct paths *paths, struct cb_repo_meta *meta)
{
	/* The paths outlive the metadata. */
	const struct cb_meta_place place = place_of(realm, paths, SIM_REALM_NOW_S);
	struct cb_error e = { 0 };

	must(cb_repo_meta_load(&place, meta, &e) == CB_OK, e.text);
}

static void commit(struct sim_realm *realm, struct cb_repo_meta *meta, bool is_of_accounts)
{
	struct cb_error e = { 0 };

	must((is_of_accounts ? cb_repo_meta_commit_accounts(meta, &e) :
			       cb_repo_meta_commit(meta, &e)) == CB_OK,
	     e.text);
	cb_repo_meta_done(meta);
	sim_realm_reload(realm);
}

void sim_realm_set_min_loader(struct sim_realm *realm, uint64_t version)
{
	struct cb_repo_meta meta;
	struct paths paths;

	load(realm, &paths, &meta);
	meta.min_loader = version;
	commit(realm, &meta, /*is_of_accounts=*/false);
}

void sim_realm_drop_kdf(struct sim_realm *realm)
{
	struct cb_repo_meta meta;
	struct paths paths;

	load(realm, &paths, &meta);
	meta.n_kdf = 0;
	commit(realm, &meta, /*is_of_accounts=*/false);
}

void sim_realm_revoke(struct sim_realm *realm, const char *account)
{
	struct cb_repo_meta meta;
	struct paths paths;
	uint8_t locator[CB_DIGEST_LEN];
	char path[256];

	sim_realm_record_path(realm, account, path);
	must(cb_hex_decode(cb_bytes_of(strrchr(path, '/') + 1), locator, sizeof(locator)), path);
	load(realm, &paths, &meta);
	memcpy(meta.revoked[meta.n_revoked].prefix, locator, sizeof(meta.revoked[0].prefix));
	meta.n_revoked++;
	commit(realm, &meta, /*is_of_accounts=*/true);
}

void sim_realm_set_min_epoch(struct sim_realm *realm, uint64_t epoch)
{
	struct cb_repo_meta meta;
	struct paths paths;

	load(realm, &paths, &meta);
	meta.min_epoch = epoch;
	commit(realm, &meta, /*is_of_accounts=*/true);
}

void sim_realm_add_target(struct sim_realm *realm, const char *name, const char *arch,
			  struct cb_bytes manifest)
{
	struct cb_repo_meta meta;
	struct cb_error e = { 0 };
	struct paths paths;

	load(realm, &paths, &meta);
	struct cb_tuf_target t = *cb_repo_meta_newest(&meta, "demo");
	snprintf(t.name, sizeof(t.name), "%s", name);
	snprintf(t.path, sizeof(t.path), "%s/1.cbm", name);
	snprintf(t.arch, sizeof(t.arch), "%s", arch);
	if (manifest.len > 0) {
		t.len = manifest.len;
		cb_sha256(manifest, t.sha256);
	}
	must(cb_repo_meta_add(&meta, &t, &e) == CB_OK, e.text);
	commit(realm, &meta, /*is_of_accounts=*/false);
}

/* ---- Roots ---- */

/* The "signed" part of a metadata file, owned by the caller. */
static json_t *load_body(const struct paths *p, const char *name)
{
	char path[CB_PATH_MAX];
	json_t *whole, *body;

	must(cb_path(path, NULL, "%s/metadata/%s", p->repo, name) == CB_OK, "path");
	whole = json_load_file(path, 0, NULL);
	body = json_incref(json_object_get(whole, "signed"));
	must(body != NULL, path);
	json_decref(whole);
	return body;
}

static void store(const struct paths *p, const char *name, const struct cb_meta_file *file)
{
	char path[CB_PATH_MAX];

	must(cb_path(path, NULL, "%s/metadata/%s", p->repo, name) == CB_OK, "path");
	must(cb_file_write(path, (struct cb_bytes){ file->bytes, file->len }, 0644, NULL) == CB_OK,
	     path);
}

static void replace_key(const struct paths *p, enum cb_key_role role, struct cb_key *ret)
{
	char path[CB_PATH_MAX];

	must(cb_key_path(p->keys, role, 1, path, NULL) == CB_OK, "path");
	must(unlink(path) == 0, path);
	must(cb_key_generate(ret, NULL) == CB_OK, "key");
	must(cb_key_save(path, ret, NULL) == CB_OK, path);
}

/* Puts the key into root's body as the only one of this role. */
static void set_role(json_t *root, const char *role, const struct cb_key *key)
{
	char id[65];

	cb_hex_encode(key->id, 32, id);
	json_object_set_new(json_object_get(root, "keys"), id, cb_meta_key_json(key));
	json_object_set_new(json_object_get(root, "roles"), role, cb_meta_role_json(key, 1));
}

static json_int_t version_of(const json_t *body)
{
	return json_integer_value(json_object_get(body, "version"));
}

/* The same content, the next version, this key. */
static void sign_again(json_t *body, const struct cb_key *key, struct cb_meta_file *ret)
{
	json_object_set_new(body, "version", json_integer(version_of(body) + 1));
	must(cb_meta_sign(body, key, 1, ret) == CB_OK, "sign");
}

static void sign_with_new_keys(const struct paths *p, json_t *root)
{
	json_t *timestamp = load_body(p, "timestamp.json"), *snapshot;
	const json_t *meta = json_object_get(timestamp, "meta");
	struct cb_meta_file file = { .len = 0 };
	struct cb_key key;
	char name[64];

	snprintf(name, sizeof(name), "%d.snapshot.json",
		 (int)version_of(json_object_get(meta, "snapshot.json")));
	snapshot = load_body(p, name);
	replace_key(p, CB_KEY_SNAPSHOT, &key);
	set_role(root, "snapshot", &key);
	sign_again(snapshot, &key, &file);
	snprintf(name, sizeof(name), "%d.snapshot.json", (int)version_of(snapshot));
	store(p, name, &file);
	must(cb_meta_set_entry(timestamp, "snapshot.json", &file), "meta");
	replace_key(p, CB_KEY_TIMESTAMP, &key);
	set_role(root, "timestamp", &key);
	sign_again(timestamp, &key, &file);
	store(p, "timestamp.json", &file);
	free(file.bytes);
	json_decref(snapshot);
	json_decref(timestamp);
}

void sim_realm_add_root(struct sim_realm *realm, bool has_new_keys, int64_t now_s)
{
	struct paths paths;
	json_t *root;
	struct cb_meta_file file = { .len = 0 };
	struct cb_key key;
	char name[64];

	(void)place_of(realm, &paths, now_s);
	root = load_body(&paths, "root.json");
	must(cb_key_load_role(paths.keys, CB_KEY_ROOT, 1, &key, NULL) == CB_OK, "root key");
	if (has_new_keys)
		sign_with_new_keys(&paths, root);
	sign_again(root, &key, &file);
	snprintf(name, sizeof(name), "%d.root.json", (int)version_of(root));
	store(&paths, name, &file);
	store(&paths, "root.json", &file);
	free(file.bytes);
	json_decref(root);
	sim_realm_refresh(realm, now_s);
}
