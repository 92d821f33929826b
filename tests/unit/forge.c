/* SPDX-License-Identifier: MIT */
/* Makes TUF metadata for tests, from fixed keys. */
#include "forge.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "host/heap.h"
#include "testport.h"

const char *forge_hex(const uint8_t *p, size_t len)
{
	static char hex[129];

	assert_true(len <= 64);
	cb_hex_encode(p, len, hex);
	return hex;
}

struct cb_bytes forge_bytes(const struct cb_meta_file *file)
{
	return (struct cb_bytes){ file->bytes, file->len };
}

static json_t *key_json(const struct cb_key *key)
{
	return json_pack("{s:s, s:{s:s}, s:s}", "keytype", "ed25519", "keyval", "public",
			 forge_hex(key->public_key, 32), "scheme", "ed25519");
}

static void put_key(json_t *keys, const struct cb_key *key)
{
	json_t *json = key_json(key);

	assert_int_equal(json_object_set_new(keys, forge_hex(key->id, 32), json), 0);
}

static json_t *role_json(const struct cb_key *keys, unsigned n, const enum forge_signer *signers,
			 int threshold)
{
	json_t *ids = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(ids, json_string(forge_hex(keys[signers[i]].id, 32)));
	return json_pack("{s:o, s:i}", "keyids", ids, "threshold", threshold);
}

void forge_set_role(struct forge *f, const char *role, unsigned n, const enum forge_signer *signers,
		    int threshold)
{
	json_t *root = f->bodies[CB_TUF_ROOT];

	for (unsigned i = 0; i < n; i++)
		put_key(json_object_get(root, "keys"), &f->keys[signers[i]]);
	json_object_set_new(json_object_get(root, "roles"), role,
			    role_json(f->keys, n, signers, threshold));
}

void forge_set_signers(struct forge *f, enum cb_tuf_role role, unsigned n,
		       const enum forge_signer *signers)
{
	for (unsigned i = 0; i < n; i++)
		f->signers[role][i] = f->keys[signers[i]];
	f->n_signers[role] = n;
}

static json_t *target_json(const char *name, const char *version, int serial)
{
	uint8_t sha256[32];

	memset(sha256, serial, sizeof(sha256));
	return json_pack("{s:i, s:{s:s}, s:{s:s, s:s, s:i, s:s, s:s}}", "length", 1000 + serial,
			 "hashes", "sha256", forge_hex(sha256, 32), "custom", "name", name,
			 "version", version, "serial", serial, "kind", "linux", "arch", "x86_64");
}

static json_t *body_json(const char *type)
{
	return json_pack("{s:s, s:s, s:i, s:s}", "_type", type, "spec_version", "1.0.31", "version",
			 1, "expires", "2027-06-01T00:00:00Z");
}

static void make_root(struct forge *f)
{
	static const enum forge_signer root[] = { FORGE_ROOT1, FORGE_ROOT2, FORGE_ROOT3 };
	static const struct {
		const char *role;
		enum forge_signer signer;
	} others[] = { { "timestamp", FORGE_TIMESTAMP },
		       { "snapshot", FORGE_SNAPSHOT },
		       { "targets", FORGE_TARGETS } };
	json_t *body = body_json("root");

	json_object_set_new(body, "keys", json_object());
	json_object_set_new(body, "roles", json_object());
	json_object_set_new(body, "consistent_snapshot", json_true());
	json_object_set_new(body, "x-chunkboot",
			    json_pack("{s:s, s:s}", "title", "Test realm", "clock_policy", "ask"));
	f->bodies[CB_TUF_ROOT] = body;
	forge_set_role(f, "root", 3, root, 2);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		forge_set_role(f, others[i].role, 1, &others[i].signer, 1);
}

static void make_targets(struct forge *f)
{
	static const enum forge_signer accounts[] = { FORGE_ACCOUNTS };
	json_t *body = body_json("targets"), *keys = json_object();
	json_t *role = role_json(f->keys, 1, accounts, 1);

	put_key(keys, &f->keys[FORGE_ACCOUNTS]);
	json_object_update_new(role,
			       json_pack("{s:s, s:[s], s:b}", "name", "accounts", "paths",
					 "accounts/*/*", "terminating", 1));
	json_object_set_new(body, "delegations",
			    json_pack("{s:o, s:[o]}", "keys", keys, "roles", role));
	json_object_set_new(body, "targets",
			    json_pack("{s:o, s:o}", "debian/1.cbm", target_json("debian", "1", 1),
				      "debian/2.cbm", target_json("debian", "2", 2)));
	json_object_set_new(body, "x-chunkboot",
			    json_pack("{s:i, s:s, s:[s, s], s:[{s:i, s:i}], s:[s]}", "min_loader",
				      1, "default_image", "debian", "mirrors", "http://192.0.2.1/",
				      "https://boot.example/r/", "kdf", "t", 3, "m_kib", 65536,
				      "login_servers", "https://login.example/"));
	f->bodies[CB_TUF_TARGETS] = body;
}

void forge_init(struct forge *f)
{
	static const enum forge_signer root[] = { FORGE_ROOT1, FORGE_ROOT2 };
	static const enum forge_signer one[] = { FORGE_TIMESTAMP, FORGE_SNAPSHOT, FORGE_TARGETS,
						 FORGE_ACCOUNTS };

	*f = (struct forge){ .role = CB_TUF_N_ROLES };
	for (unsigned i = 0; i < FORGE_N_SIGNERS; i++) {
		uint8_t seed[32];

		memset(seed, (int)i + 1, sizeof(seed));
		cb_key_from_seed(seed, &f->keys[i]);
	}
	make_root(f);
	make_targets(f);
	f->bodies[CB_TUF_ACCOUNTS] = body_json("targets");
	json_object_set_new(f->bodies[CB_TUF_ACCOUNTS], "targets", json_object());
	json_object_set_new(
		f->bodies[CB_TUF_ACCOUNTS], "x-chunkboot",
		json_pack("{s:i, s:[s]}", "min_epoch", 7, "revoked", "0123456789abcdef"));
	f->bodies[CB_TUF_SNAPSHOT] = body_json("snapshot");
	f->bodies[CB_TUF_TIMESTAMP] = body_json("timestamp");
	json_object_set_new(f->bodies[CB_TUF_TIMESTAMP], "expires",
			    json_string("2027-01-20T00:00:00Z"));
	json_object_set_new(f->bodies[CB_TUF_TIMESTAMP], "x-chunkboot",
			    json_pack("{s:s}", "issued", "2027-01-15T00:00:00Z"));
	forge_set_signers(f, CB_TUF_ROOT, 2, root);
	for (unsigned i = 0; i < 4; i++)
		forge_set_signers(f, (enum cb_tuf_role)(CB_TUF_TIMESTAMP + i), 1, &one[i]);
}

void forge_done(struct forge *f)
{
	for (unsigned i = 0; i < CB_TUF_N_ROLES; i++) {
		json_decref(f->bodies[i]);
		free(f->files[i].bytes);
	}
	for (unsigned i = 0; i < f->n_roots; i++)
		free(f->roots[i].bytes);
}

static void sign(struct forge *f, enum cb_tuf_role role)
{
	if (f->role == role && f->edit != NULL)
		f->edit(f, f->bodies[role]);
	assert_int_equal(cb_meta_sign(f->bodies[role], f->signers[role], f->n_signers[role],
				      &f->files[role]),
			 CB_OK);
	if (f->role == role && f->tamper != NULL)
		f->tamper(f, &f->files[role]);
}

void forge_sign(struct forge *f)
{
	sign(f, CB_TUF_ROOT);
	sign(f, CB_TUF_TARGETS);
	sign(f, CB_TUF_ACCOUNTS);
	cb_meta_set_entry(f->bodies[CB_TUF_SNAPSHOT], "targets.json", &f->files[CB_TUF_TARGETS]);
	cb_meta_set_entry(f->bodies[CB_TUF_SNAPSHOT], "accounts.json", &f->files[CB_TUF_ACCOUNTS]);
	sign(f, CB_TUF_SNAPSHOT);
	cb_meta_set_entry(f->bodies[CB_TUF_TIMESTAMP], "snapshot.json", &f->files[CB_TUF_SNAPSHOT]);
	sign(f, CB_TUF_TIMESTAMP);
}

void forge_root(struct forge *f, uint64_t version, unsigned n, const enum forge_signer *signers)
{
	struct cb_key keys[8];

	assert_true(f->n_roots < FORGE_MAX_ROOTS && n <= 8);
	for (unsigned i = 0; i < n; i++)
		keys[i] = f->keys[signers[i]];
	json_object_set_new(f->bodies[CB_TUF_ROOT], "version", json_integer((json_int_t)version));
	assert_int_equal(cb_meta_sign(f->bodies[CB_TUF_ROOT], keys, n, &f->roots[f->n_roots++]),
			 CB_OK);
}

json_t *forge_load(const struct cb_meta_file *file)
{
	json_t *json = json_loadb((const char *)file->bytes, file->len, 0, NULL);

	assert_non_null(json);
	return json;
}

void forge_store(struct cb_meta_file *file, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	struct cb_json_doc doc;
	size_t len;

	assert_non_null(text);
	assert_int_equal(cb_json_parse(&cb_heap, cb_bytes_of(text), CB_JSON_STANDARD, &doc), CB_OK);
	assert_int_equal(cb_json_canonical_len(doc.root, &len), CB_OK);
	free(file->bytes);
	file->bytes = malloc(len);
	file->len = len;
	assert_int_equal(cb_json_canonical_write(doc.root, file->bytes, len), CB_OK);
	cb_json_done(&doc);
	free(text);
	json_decref(json);
}

struct cb_tuf *forge_client(const struct forge *f, const struct cb_mem *mem,
			    enum cb_tuf_profile profile, const struct cb_tuf_floor *floor)
{
	struct cb_tuf *tuf = NULL;

	assert_int_equal(cb_tuf_new(mem, profile, forge_bytes(&f->files[CB_TUF_ROOT]), FORGE_NOW,
				    floor, &tuf),
			 CB_OK);
	return tuf;
}

enum cb_err forge_offer(struct cb_tuf *tuf, const struct forge *f)
{
	struct cb_tuf_want want;
	uint64_t n;

	assert_true(cb_tuf_next(tuf, &want));
	if (want.role != CB_TUF_ROOT)
		return cb_tuf_accept(tuf, forge_bytes(&f->files[want.role]));
	n = cb_tuf_info(tuf)->versions.version[CB_TUF_ROOT] - 1;
	return n < f->n_roots ? cb_tuf_accept(tuf, forge_bytes(&f->roots[n])) : cb_tuf_absent(tuf);
}

enum cb_err forge_walk(struct cb_tuf *tuf, const struct forge *f, enum cb_tuf_role *ret_role)
{
	struct cb_tuf_want want;
	enum cb_err err = CB_OK;

	*ret_role = CB_TUF_N_ROLES;
	while (err == CB_OK && cb_tuf_next(tuf, &want)) {
		err = forge_offer(tuf, f);
		if (err != CB_OK)
			*ret_role = want.role;
	}
	return err;
}

void forge_assert_walk(struct cb_tuf *tuf, const struct forge *f, enum cb_tuf_role role,
		       enum cb_err err)
{
	enum cb_tuf_role at;
	enum cb_err got = forge_walk(tuf, f, &at);

	if (got != err || at != role)
		fail_msg("role %d: error %d instead of role %d: error %d", (int)at, (int)got,
			 (int)role, (int)err);
}

void forge_assert_complete(struct cb_tuf *tuf, const struct forge *f)
{
	forge_assert_walk(tuf, f, CB_TUF_N_ROLES, CB_OK);
}
