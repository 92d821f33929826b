/* SPDX-License-Identifier: MIT */
/* TUF client: the trusted root's keys and thresholds, and root rotation. */
#include <stdlib.h>
#include <string.h>

#include "core/tuf_internal.h"
#include "forge_fixture.h"

static const enum forge_signer root23[] = { FORGE_ROOT2, FORGE_ROOT3 };

static enum cb_err try_new(enum cb_tuf_profile profile, const struct cb_meta_file *root)
{
	struct cb_tuf *tuf = NULL;
	enum cb_err err = cb_tuf_new(&forge_mem, profile, forge_bytes(root), FORGE_NOW, NULL, &tuf);

	assert_int_equal(tuf == NULL, err != CB_OK);
	cb_tuf_free(tuf);
	return err;
}

/* ---- The trusted root ---- */

/* Signs root 1 anew with these signers and wants this verdict. */
static void expect_root(unsigned n, const enum forge_signer *signers, enum cb_err err)
{
	enum cb_err got;

	forge_set_signers(&forge, CB_TUF_ROOT, n, signers);
	assert_int_equal(cb_meta_sign(forge.bodies[CB_TUF_ROOT], forge.signers[CB_TUF_ROOT], n,
				      &forge.files[CB_TUF_ROOT]),
			 CB_OK);
	got = try_new(CB_TUF_LOADER, &forge.files[CB_TUF_ROOT]);
	if (got != err)
		fail_msg("error %d instead of %d", (int)got, (int)err);
}

static void test_trusted_root(void **state)
{
	static const enum forge_signer twice[] = { FORGE_ROOT1, FORGE_ROOT1, FORGE_ROOT1 };
	static const enum forge_signer mixed[] = { FORGE_STRANGER, FORGE_ROOT3, FORGE_ROOT1 };
	static const enum forge_signer stranger[] = { FORGE_ROOT1, FORGE_STRANGER };

	(void)state;
	expect_root(2, forge_root12, CB_OK);
	expect_root(1, forge_root12, CB_META_SIGNATURE);
	expect_root(3, twice, CB_META_SIGNATURE);
	expect_root(3, mixed, CB_OK);
	expect_root(2, stranger, CB_META_SIGNATURE);
	/* its expiry is judged only after the steps */
	json_object_set_new(forge.bodies[CB_TUF_ROOT], "expires",
			    json_string("2020-01-01T00:00:00Z"));
	expect_root(2, forge_root12, CB_OK);
}

static json_t *root_member(const char *role, const char *name)
{
	json_t *roles = json_object_get(forge.bodies[CB_TUF_ROOT], "roles");

	return json_object_get(json_object_get(roles, role), name);
}

static void set_threshold(const char *role, int threshold)
{
	json_t *roles = json_object_get(forge.bodies[CB_TUF_ROOT], "roles");

	json_object_set_new(json_object_get(roles, role), "threshold", json_integer(threshold));
}

static void test_thresholds(void **state)
{
	static const char *const roles[] = { "root", "timestamp", "snapshot", "targets" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		json_int_t before = json_integer_value(root_member(roles[i], "threshold"));

		set_threshold(roles[i], 0); /* 0 would mean: no verification at all */
		expect_root(2, forge_root12, CB_META_FORMAT);
		set_threshold(roles[i], -1);
		assert_int_equal(cb_meta_sign(forge.bodies[CB_TUF_ROOT], forge.signers[CB_TUF_ROOT],
					      2, &forge.files[CB_TUF_ROOT]),
				 CB_META_FORMAT);
		set_threshold(roles[i], 17);
		expect_root(2, forge_root12, CB_META_LIMIT);
		set_threshold(roles[i], (int)before);
	}
	set_threshold("root", 3);
	expect_root(2, forge_root12, CB_META_SIGNATURE);
	set_threshold("root", 1);
	expect_root(1, forge_root12, CB_OK);
}

/* The same key bytes under a second keyid: the keyid isn't the key's digest. */
static void add_alias(const char *role)
{
	json_t *keys = json_object_get(forge.bodies[CB_TUF_ROOT], "keys");
	json_t *key = json_object_get(keys, forge_hex(forge.keys[FORGE_ROOT1].id, 32));

	json_object_set(keys, "alias", key);
	json_array_append_new(root_member(role, "keyids"), json_string("alias"));
}

/* Adds the first signature again, under the keyid "alias". */
static void sign_as_alias(struct cb_meta_file *file)
{
	json_t *json = forge_load(file), *list = json_object_get(json, "signatures");
	json_t *copy = json_deep_copy(json_array_get(list, 0));

	json_object_set_new(copy, "keyid", json_string("alias"));
	json_array_append_new(list, copy);
	forge_store(file, json);
}

static void test_duplicate_keys(void **state)
{
	static const enum forge_signer once[] = { FORGE_ROOT1 };
	json_t *first;

	(void)state;
	/* one keyid named twice by the role: one signature is one signature */
	first = json_array_get(root_member("root", "keyids"), 0);
	json_array_append(root_member("root", "keyids"), first);
	expect_root(1, once, CB_META_SIGNATURE);
	expect_root(2, forge_root12, CB_OK);
	/* one key under two keyids: the loader refuses the keyid, the standard profile counts one */
	add_alias("root");
	expect_root(1, once, CB_META_SIGNATURE);
	sign_as_alias(&forge.files[CB_TUF_ROOT]);
	assert_int_equal(try_new(CB_TUF_STANDARD, &forge.files[CB_TUF_ROOT]), CB_META_SIGNATURE);
	expect_root(2, forge_root12, CB_META_FORMAT);
	assert_int_equal(try_new(CB_TUF_STANDARD, &forge.files[CB_TUF_ROOT]), CB_OK);
}

static void test_key_limits(void **state)
{
	(void)state;
	while (json_array_size(root_member("root", "keyids")) < CB_TUF_MAX_ROLE_KEYS)
		json_array_append_new(root_member("root", "keyids"), json_string("none"));
	expect_root(2, forge_root12, CB_OK);
	json_array_append_new(root_member("root", "keyids"), json_string("none"));
	expect_root(2, forge_root12, CB_META_LIMIT);
}

static void test_key_forms(void **state)
{
	json_t *keys = json_object_get(forge.bodies[CB_TUF_ROOT], "keys");
	const char *id = forge_hex(forge.keys[FORGE_STRANGER].id, 32);
	json_t *key = json_pack("{s:s, s:{s:s}, s:s}", "keytype", "ed25519", "keyval", "public",
				"00", "scheme", "ed25519");

	(void)state;
	json_object_set_new(keys, id, key); /* in no role, but malformed */
	expect_root(2, forge_root12, CB_META_FORMAT);
	assert_int_equal(try_new(CB_TUF_STANDARD, &forge.files[CB_TUF_ROOT]), CB_OK);
	json_object_set_new(json_object_get(key, "keyval"), "public",
			    json_string(forge_hex(forge.keys[FORGE_ACCOUNTS].public_key, 32)));
	expect_root(2, forge_root12, CB_META_FORMAT); /* under another key's id */
	assert_int_equal(try_new(CB_TUF_STANDARD, &forge.files[CB_TUF_ROOT]), CB_OK);
	json_object_set_new(key, "keytype", json_string("rsa"));
	expect_root(2, forge_root12, CB_META_FORMAT);
	json_object_del(keys, forge_hex(forge.keys[FORGE_STRANGER].id, 32));
	expect_root(2, forge_root12, CB_OK);
	json_object_set_new(forge.bodies[CB_TUF_ROOT], "consistent_snapshot", json_false());
	expect_root(2, forge_root12, CB_META_FORMAT);
	assert_int_equal(try_new(CB_TUF_STANDARD, &forge.files[CB_TUF_ROOT]), CB_OK);
	json_object_set_new(forge.bodies[CB_TUF_ROOT], "consistent_snapshot", json_true());
	json_object_del(json_object_get(forge.bodies[CB_TUF_ROOT], "roles"), "snapshot");
	expect_root(2, forge_root12, CB_META_FORMAT);
}

static void test_root_extension(void **state)
{
	json_t *x = json_object_get(forge.bodies[CB_TUF_ROOT], "x-chunkboot");
	char title[CB_TITLE_MAX + 2];

	(void)state;
	memset(title, 'a', sizeof(title));
	title[CB_TITLE_MAX + 1] = '\0';
	json_object_set_new(x, "title", json_string(title));
	expect_root(2, forge_root12, CB_META_LIMIT);
	json_object_set_new(x, "title", json_string(title + 1));
	expect_root(2, forge_root12, CB_OK);
	json_object_set_new(x, "clock_policy", json_string("strict"));
	expect_root(2, forge_root12, CB_OK);
	json_object_set_new(x, "clock_policy", json_string("lax"));
	expect_root(2, forge_root12, CB_META_FORMAT);
	json_object_del(forge.bodies[CB_TUF_ROOT], "x-chunkboot");
	expect_root(2, forge_root12, CB_OK);
}

/* ---- Root rotation ---- */

static void test_rotation(void **state)
{
	static const enum forge_signer all[] = { FORGE_ROOT1, FORGE_ROOT2, FORGE_STRANGER };
	static const enum forge_signer next[] = { FORGE_ROOT2, FORGE_STRANGER };

	(void)state;
	forge_sign(&forge);
	/* 2: the stranger comes, root 1 goes; signed by two old and two new keys */
	forge_set_role(&forge, "root", 2, next, 2);
	forge_root(&forge, 2, 3, all);
	forge_root(&forge, 3, 2, next);
	forge_expect(NULL, FORGE_COMPLETE);
}

static void test_rotation_needs_both(void **state)
{
	static const enum forge_signer next[] = { FORGE_ROOT2, FORGE_STRANGER };

	(void)state;
	forge_sign(&forge);
	forge_set_role(&forge, "root", 2, next, 2);
	forge_root(&forge, 2, 2, next); /* one old key only */
	forge_expect(NULL, CB_TUF_ROOT, CB_META_SIGNATURE);
	forge.n_roots = 0;
	free(forge.roots[0].bytes);
	forge.roots[0] = (struct cb_meta_file){ 0 };
	forge_root(&forge, 2, 2, forge_root12); /* one new key only */
	forge_expect(NULL, CB_TUF_ROOT, CB_META_SIGNATURE);
}

struct version_case {
	uint64_t version;
	enum cb_err err;
};

static void test_root_versions(void **state)
{
	static const struct version_case cases[] = {
		{ 1, CB_META_ROLLBACK },
		{ 3, CB_META_FORMAT },
		{ 0, CB_META_FORMAT },
		{ CB_JSON_MAX_INTEGER, CB_META_FORMAT },
	};

	(void)state;
	forge_sign(&forge);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forge_root(&forge, cases[i].version, 2, forge_root12);
		forge_expect(NULL, CB_TUF_ROOT, cases[i].err);
		free(forge.roots[--forge.n_roots].bytes);
		forge.roots[0] = (struct cb_meta_file){ 0 };
	}
}

static void test_refused_root_is_not_trusted(void **state)
{
	static const enum forge_signer evil[] = { FORGE_STRANGER };
	struct cb_tuf_want want;
	struct cb_tuf *tuf;

	(void)state;
	forge_sign(&forge);
	tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);
	forge_set_role(&forge, "root", 1, evil, 1);
	forge_set_role(&forge, "timestamp", 1, evil, 1);
	forge_root(&forge, 2, 1, evil);
	assert_int_equal(forge_offer(tuf, &forge), CB_META_SIGNATURE);
	assert_int_equal(forge_offer(tuf, &forge), CB_META_SIGNATURE);
	assert_true(cb_tuf_next(tuf, &want));
	assert_string_equal(want.path, "metadata/2.root.json");
	assert_int_equal(cb_tuf_absent(tuf), CB_OK);
	forge_set_signers(&forge, CB_TUF_TIMESTAMP, 1, evil);
	assert_int_equal(cb_meta_sign(forge.bodies[CB_TUF_TIMESTAMP],
				      forge.signers[CB_TUF_TIMESTAMP], 1,
				      &forge.files[CB_TUF_TIMESTAMP]),
			 CB_OK);
	assert_int_equal(forge_offer(tuf, &forge), CB_META_SIGNATURE);
	cb_tuf_free(tuf);
}

static void test_root_expiry(void **state)
{
	(void)state;
	forge_sign(&forge);
	json_object_set_new(forge.bodies[CB_TUF_ROOT], "expires",
			    json_string("2020-01-01T00:00:00Z"));
	forge_root(&forge, 2, 2, forge_root12);
	forge_expect(NULL, CB_TUF_ROOT, CB_META_EXPIRED);
	/* an expired one on the way is fine */
	json_object_set_new(forge.bodies[CB_TUF_ROOT], "expires",
			    json_string("2028-01-01T00:00:00Z"));
	forge_root(&forge, 3, 2, root23);
	forge_expect(NULL, FORGE_COMPLETE);
}

static void test_root_steps(void **state)
{
	(void)state;
	forge_sign(&forge);
	for (uint64_t version = 2; version <= CB_TUF_MAX_ROOT_STEPS + 1; version++)
		forge_root(&forge, version, 2, forge_root12);
	forge_expect(NULL, FORGE_COMPLETE);
	forge_root(&forge, CB_TUF_MAX_ROOT_STEPS + 2, 2, forge_root12);
	forge_expect(NULL, CB_TUF_ROOT, CB_META_LIMIT);
}

static void test_revoked_role_key(void **state)
{
	static const enum forge_signer new_key[] = { FORGE_TIMESTAMP_NEW };

	(void)state;
	forge_sign(&forge);
	forge_set_role(&forge, "timestamp", 1, new_key, 1);
	forge_root(&forge, 2, 2, forge_root12);
	forge_expect(NULL, CB_TUF_TIMESTAMP, CB_META_SIGNATURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORGED(test_trusted_root),     FORGED(test_thresholds),
		FORGED(test_duplicate_keys),   FORGED(test_key_limits),
		FORGED(test_key_forms),	       FORGED(test_root_extension),
		FORGED(test_rotation),	       FORGED(test_rotation_needs_both),
		FORGED(test_root_versions),    FORGED(test_refused_root_is_not_trusted),
		FORGED(test_root_expiry),      FORGED(test_root_steps),
		FORGED(test_revoked_role_key),
	};

	return cmocka_run_group_tests_name("tuf_root", tests, NULL, NULL);
}
