/* SPDX-License-Identifier: MIT */
/* TUF client over time: root rotation, thresholds, rollback, fast-forward, bit flips, no memory. */
#include <stdlib.h>
#include <string.h>

#include "core/tuf_internal.h"
#include "forge.h"
#include "testport.h"

static struct testport tp;
static struct cb_mem mem;
static struct forge f; /* unsigned at the start of each test */

static const enum forge_signer root12[] = { FORGE_ROOT1, FORGE_ROOT2 };
static const enum forge_signer root23[] = { FORGE_ROOT2, FORGE_ROOT3 };

static int set_up(void **state)
{
	(void)state;
	tp = (struct testport){ 0 };
	mem = testport_mem(&tp);
	forge_init(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	forge_done(&f);
	testport_assert_no_leak(&tp);
	return 0;
}

/* Walks with a client that trusts root 1 and has this floor. */
static void expect(const struct cb_tuf_floor *floor, enum cb_tuf_role role, enum cb_err err)
{
	struct cb_tuf *tuf;

	tuf = forge_client(&f, &mem, CB_TUF_LOADER, floor);
	forge_assert_walk(tuf, &f, role, err);
	cb_tuf_free(tuf);
}

#define COMPLETE CB_TUF_N_ROLES, CB_OK

static enum cb_err try_new(enum cb_tuf_profile profile, const struct cb_meta_file *root)
{
	struct cb_tuf *tuf = NULL;
	enum cb_err err = cb_tuf_new(&mem, profile, forge_bytes(root), FORGE_NOW, NULL, &tuf);

	assert_int_equal(tuf == NULL, err != CB_OK);
	cb_tuf_free(tuf);
	return err;
}

/* ---- The trusted root ---- */

/* Signs root 1 anew with these signers and wants this verdict. */
static void expect_root(unsigned n, const enum forge_signer *signers, enum cb_err err)
{
	enum cb_err got;

	forge_set_signers(&f, CB_TUF_ROOT, n, signers);
	assert_int_equal(cb_meta_sign(f.bodies[CB_TUF_ROOT], f.signers[CB_TUF_ROOT], n,
				      &f.files[CB_TUF_ROOT]),
			 CB_OK);
	got = try_new(CB_TUF_LOADER, &f.files[CB_TUF_ROOT]);
	if (got != err)
		fail_msg("error %d instead of %d", (int)got, (int)err);
}

static void test_trusted_root(void **state)
{
	static const enum forge_signer twice[] = { FORGE_ROOT1, FORGE_ROOT1, FORGE_ROOT1 };
	static const enum forge_signer mixed[] = { FORGE_STRANGER, FORGE_ROOT3, FORGE_ROOT1 };
	static const enum forge_signer stranger[] = { FORGE_ROOT1, FORGE_STRANGER };

	(void)state;
	expect_root(2, root12, CB_OK);
	expect_root(1, root12, CB_META_SIGNATURE);
	expect_root(3, twice, CB_META_SIGNATURE);
	expect_root(3, mixed, CB_OK);
	expect_root(2, stranger, CB_META_SIGNATURE);
	/* its expiry is judged only after the steps */
	json_object_set_new(f.bodies[CB_TUF_ROOT], "expires", json_string("2020-01-01T00:00:00Z"));
	expect_root(2, root12, CB_OK);
}

static json_t *root_member(const char *role, const char *name)
{
	json_t *roles = json_object_get(f.bodies[CB_TUF_ROOT], "roles");

	return json_object_get(json_object_get(roles, role), name);
}

static void set_threshold(const char *role, int threshold)
{
	json_t *roles = json_object_get(f.bodies[CB_TUF_ROOT], "roles");

	json_object_set_new(json_object_get(roles, role), "threshold", json_integer(threshold));
}

static void test_thresholds(void **state)
{
	static const char *const roles[] = { "root", "timestamp", "snapshot", "targets" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		json_int_t before = json_integer_value(root_member(roles[i], "threshold"));

		set_threshold(roles[i], 0); /* 0 would mean: no verification at all */
		expect_root(2, root12, CB_META_FORMAT);
		set_threshold(roles[i], -1);
		assert_int_equal(cb_meta_sign(f.bodies[CB_TUF_ROOT], f.signers[CB_TUF_ROOT], 2,
					      &f.files[CB_TUF_ROOT]),
				 CB_META_FORMAT);
		set_threshold(roles[i], 17);
		expect_root(2, root12, CB_META_LIMIT);
		set_threshold(roles[i], (int)before);
	}
	set_threshold("root", 3);
	expect_root(2, root12, CB_META_SIGNATURE);
	set_threshold("root", 1);
	expect_root(1, root12, CB_OK);
}

/* The same key bytes under a second keyid: the keyid isn't the key's digest. */
static void add_alias(const char *role)
{
	json_t *keys = json_object_get(f.bodies[CB_TUF_ROOT], "keys");
	json_t *key = json_object_get(keys, forge_hex(f.keys[FORGE_ROOT1].id, 32));

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
	expect_root(2, root12, CB_OK);
	/* one key under two keyids: the loader refuses the keyid, the standard profile counts one */
	add_alias("root");
	expect_root(1, once, CB_META_SIGNATURE);
	sign_as_alias(&f.files[CB_TUF_ROOT]);
	assert_int_equal(try_new(CB_TUF_STANDARD, &f.files[CB_TUF_ROOT]), CB_META_SIGNATURE);
	expect_root(2, root12, CB_META_FORMAT);
	assert_int_equal(try_new(CB_TUF_STANDARD, &f.files[CB_TUF_ROOT]), CB_OK);
}

static void test_key_limits(void **state)
{
	(void)state;
	while (json_array_size(root_member("root", "keyids")) < CB_TUF_MAX_ROLE_KEYS)
		json_array_append_new(root_member("root", "keyids"), json_string("none"));
	expect_root(2, root12, CB_OK);
	json_array_append_new(root_member("root", "keyids"), json_string("none"));
	expect_root(2, root12, CB_META_LIMIT);
}

static void test_key_forms(void **state)
{
	json_t *keys = json_object_get(f.bodies[CB_TUF_ROOT], "keys");
	const char *id = forge_hex(f.keys[FORGE_STRANGER].id, 32);
	json_t *key = json_pack("{s:s, s:{s:s}, s:s}", "keytype", "ed25519", "keyval", "public",
				"00", "scheme", "ed25519");

	(void)state;
	json_object_set_new(keys, id, key); /* in no role, but malformed */
	expect_root(2, root12, CB_META_FORMAT);
	assert_int_equal(try_new(CB_TUF_STANDARD, &f.files[CB_TUF_ROOT]), CB_OK);
	json_object_set_new(json_object_get(key, "keyval"), "public",
			    json_string(forge_hex(f.keys[FORGE_ACCOUNTS].public_key, 32)));
	expect_root(2, root12, CB_META_FORMAT); /* under another key's id */
	assert_int_equal(try_new(CB_TUF_STANDARD, &f.files[CB_TUF_ROOT]), CB_OK);
	json_object_set_new(key, "keytype", json_string("rsa"));
	expect_root(2, root12, CB_META_FORMAT);
	json_object_del(keys, forge_hex(f.keys[FORGE_STRANGER].id, 32));
	expect_root(2, root12, CB_OK);
	json_object_set_new(f.bodies[CB_TUF_ROOT], "consistent_snapshot", json_false());
	expect_root(2, root12, CB_META_FORMAT);
	assert_int_equal(try_new(CB_TUF_STANDARD, &f.files[CB_TUF_ROOT]), CB_OK);
	json_object_set_new(f.bodies[CB_TUF_ROOT], "consistent_snapshot", json_true());
	json_object_del(json_object_get(f.bodies[CB_TUF_ROOT], "roles"), "snapshot");
	expect_root(2, root12, CB_META_FORMAT);
}

static void test_root_extension(void **state)
{
	json_t *x = json_object_get(f.bodies[CB_TUF_ROOT], "x-chunkboot");
	char title[CB_TITLE_MAX + 2];

	(void)state;
	memset(title, 'a', sizeof(title));
	title[CB_TITLE_MAX + 1] = '\0';
	json_object_set_new(x, "title", json_string(title));
	expect_root(2, root12, CB_META_LIMIT);
	json_object_set_new(x, "title", json_string(title + 1));
	expect_root(2, root12, CB_OK);
	json_object_set_new(x, "clock_policy", json_string("strict"));
	expect_root(2, root12, CB_OK);
	json_object_set_new(x, "clock_policy", json_string("lax"));
	expect_root(2, root12, CB_META_FORMAT);
	json_object_del(f.bodies[CB_TUF_ROOT], "x-chunkboot");
	expect_root(2, root12, CB_OK);
}

/* ---- Root rotation ---- */

static void test_rotation(void **state)
{
	static const enum forge_signer all[] = { FORGE_ROOT1, FORGE_ROOT2, FORGE_STRANGER };
	static const enum forge_signer next[] = { FORGE_ROOT2, FORGE_STRANGER };

	(void)state;
	forge_sign(&f);
	/* 2: the stranger comes, root 1 goes; signed by two old and two new keys */
	forge_set_role(&f, "root", 2, next, 2);
	forge_root(&f, 2, 3, all);
	forge_root(&f, 3, 2, next);
	expect(NULL, COMPLETE);
}

static void test_rotation_needs_both(void **state)
{
	static const enum forge_signer next[] = { FORGE_ROOT2, FORGE_STRANGER };

	(void)state;
	forge_sign(&f);
	forge_set_role(&f, "root", 2, next, 2);
	forge_root(&f, 2, 2, next); /* one old key only */
	expect(NULL, CB_TUF_ROOT, CB_META_SIGNATURE);
	f.n_roots = 0;
	free(f.roots[0].bytes);
	f.roots[0] = (struct cb_meta_file){ 0 };
	forge_root(&f, 2, 2, root12); /* one new key only */
	expect(NULL, CB_TUF_ROOT, CB_META_SIGNATURE);
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
	forge_sign(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forge_root(&f, cases[i].version, 2, root12);
		expect(NULL, CB_TUF_ROOT, cases[i].err);
		free(f.roots[--f.n_roots].bytes);
		f.roots[0] = (struct cb_meta_file){ 0 };
	}
}

static void test_refused_root_is_not_trusted(void **state)
{
	static const enum forge_signer evil[] = { FORGE_STRANGER };
	struct cb_tuf_want want;
	struct cb_tuf *tuf;

	(void)state;
	forge_sign(&f);
	tuf = forge_client(&f, &mem, CB_TUF_LOADER, NULL);
	forge_set_role(&f, "root", 1, evil, 1);
	forge_set_role(&f, "timestamp", 1, evil, 1);
	forge_root(&f, 2, 1, evil);
	assert_int_equal(forge_offer(tuf, &f), CB_META_SIGNATURE);
	assert_int_equal(forge_offer(tuf, &f), CB_META_SIGNATURE);
	assert_true(cb_tuf_next(tuf, &want));
	assert_string_equal(want.path, "metadata/2.root.json");
	assert_int_equal(cb_tuf_absent(tuf), CB_OK);
	forge_set_signers(&f, CB_TUF_TIMESTAMP, 1, evil);
	assert_int_equal(cb_meta_sign(f.bodies[CB_TUF_TIMESTAMP], f.signers[CB_TUF_TIMESTAMP], 1,
				      &f.files[CB_TUF_TIMESTAMP]),
			 CB_OK);
	assert_int_equal(forge_offer(tuf, &f), CB_META_SIGNATURE);
	cb_tuf_free(tuf);
}

static void test_root_expiry(void **state)
{
	(void)state;
	forge_sign(&f);
	json_object_set_new(f.bodies[CB_TUF_ROOT], "expires", json_string("2020-01-01T00:00:00Z"));
	forge_root(&f, 2, 2, root12);
	expect(NULL, CB_TUF_ROOT, CB_META_EXPIRED);
	/* an expired one on the way is fine */
	json_object_set_new(f.bodies[CB_TUF_ROOT], "expires", json_string("2028-01-01T00:00:00Z"));
	forge_root(&f, 3, 2, root23);
	expect(NULL, COMPLETE);
}

static void test_root_steps(void **state)
{
	(void)state;
	forge_sign(&f);
	for (uint64_t version = 2; version <= CB_TUF_MAX_ROOT_STEPS + 1; version++)
		forge_root(&f, version, 2, root12);
	expect(NULL, COMPLETE);
	forge_root(&f, CB_TUF_MAX_ROOT_STEPS + 2, 2, root12);
	expect(NULL, CB_TUF_ROOT, CB_META_LIMIT);
}

static void test_revoked_role_key(void **state)
{
	static const enum forge_signer new_key[] = { FORGE_TIMESTAMP_NEW };

	(void)state;
	forge_sign(&f);
	forge_set_role(&f, "timestamp", 1, new_key, 1);
	forge_root(&f, 2, 2, root12);
	expect(NULL, CB_TUF_TIMESTAMP, CB_META_SIGNATURE);
}

/* ---- Rollback ---- */

struct floor_case {
	enum cb_tuf_role role; /* whose floor is raised */
	uint64_t floor;
	enum cb_tuf_role at;
	enum cb_err err;
};

static void test_floor(void **state)
{
	static const struct floor_case cases[] = {
		{ CB_TUF_ROOT, 1, COMPLETE },
		{ CB_TUF_ROOT, 2, CB_TUF_ROOT, CB_META_ROLLBACK },
		{ CB_TUF_TIMESTAMP, 3, COMPLETE },
		{ CB_TUF_TIMESTAMP, 4, CB_TUF_TIMESTAMP, CB_META_ROLLBACK },
		{ CB_TUF_SNAPSHOT, 3, COMPLETE },
		{ CB_TUF_SNAPSHOT, 4, CB_TUF_TIMESTAMP, CB_META_ROLLBACK },
		{ CB_TUF_TARGETS, 3, COMPLETE },
		{ CB_TUF_TARGETS, 4, CB_TUF_SNAPSHOT, CB_META_ROLLBACK },
		{ CB_TUF_ACCOUNTS, 3, COMPLETE },
		{ CB_TUF_ACCOUNTS, 4, CB_TUF_SNAPSHOT, CB_META_ROLLBACK },
	};

	(void)state;
	for (int role = CB_TUF_TIMESTAMP; role < CB_TUF_N_ROLES; role++)
		json_object_set_new(f.bodies[role], "version", json_integer(3));
	forge_sign(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_tuf_floor floor = { 0 };

		floor.version[cases[i].role] = cases[i].floor;
		expect(&floor, cases[i].at, cases[i].err);
	}
}

/* Somebody signed version 99999; the cure is new keys for timestamp or snapshot. */
static void test_fast_forward(void **state)
{
	static const enum forge_signer new_keys[] = { FORGE_TIMESTAMP_NEW, FORGE_SNAPSHOT_NEW };
	static const char *const roles[] = { "timestamp", "snapshot" };
	static const enum cb_tuf_role of[] = { CB_TUF_TIMESTAMP, CB_TUF_SNAPSHOT };
	struct cb_tuf_floor floor = { .version = { 1, 99999, 99999, 99999, 99999 } };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		forge_done(&f);
		forge_init(&f);
		forge_set_signers(&f, of[i], 1, &new_keys[i]);
		forge_sign(&f);
		forge_set_role(&f, roles[i], 1, &new_keys[i], 1);
		forge_root(&f, 2, 2, root12);
		expect(&floor, COMPLETE);
		/* what was seen after that rotation stays a floor */
		floor.version[CB_TUF_ROOT] = 2;
		expect(&floor, CB_TUF_TIMESTAMP, CB_META_ROLLBACK);
		floor.version[CB_TUF_ROOT] = 1;
	}
}

/* A key that only goes, or only comes, is a change as well. */
static void test_fast_forward_by_one_key(void **state)
{
	static const enum forge_signer keys[] = { FORGE_TIMESTAMP, FORGE_TIMESTAMP_NEW };
	struct cb_tuf_floor floor = { .version = { 1, 99999, 99999, 99999, 99999 } };

	(void)state;
	for (unsigned n_before = 1; n_before <= 2; n_before++) {
		forge_done(&f);
		forge_init(&f);
		forge_set_role(&f, "timestamp", n_before, keys, 1);
		forge_sign(&f);
		forge_set_role(&f, "timestamp", 3 - n_before, keys, 1);
		forge_root(&f, 2, 2, root12);
		expect(&floor, COMPLETE);
	}
}

/* New keys for targets alone, or none, are no cure. */
static void test_fast_forward_without_rotation(void **state)
{
	static const enum forge_signer new_key[] = { FORGE_STRANGER };
	struct cb_tuf_floor floor = { .version = { 1, 2, 2, 2, 2 } };

	(void)state;
	forge_set_signers(&f, CB_TUF_TARGETS, 1, new_key);
	forge_sign(&f);
	forge_set_role(&f, "targets", 1, new_key, 1);
	forge_root(&f, 2, 2, root12);
	expect(&floor, CB_TUF_TIMESTAMP, CB_META_ROLLBACK);
	expect(NULL, COMPLETE);
}

/* ---- Mirrors that differ ---- */

static void test_check_timestamp(void **state)
{
	struct cb_tuf *tuf;
	uint64_t version = 0;

	(void)state;
	json_object_set_new(f.bodies[CB_TUF_TIMESTAMP], "version", json_integer(8));
	forge_sign(&f);
	tuf = forge_client(&f, &mem, CB_TUF_LOADER, NULL);
	/* already while a newer root may come */
	assert_int_equal(
		cb_tuf_check_timestamp(tuf, forge_bytes(&f.files[CB_TUF_TIMESTAMP]), &version),
		CB_OK);
	assert_int_equal(version, 8);
	version = 0;
	assert_int_equal(cb_tuf_absent(tuf), CB_OK);
	assert_int_equal(
		cb_tuf_check_timestamp(tuf, forge_bytes(&f.files[CB_TUF_SNAPSHOT]), &version),
		CB_META_SIGNATURE);
	assert_int_equal(version, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(cb_tuf_check_timestamp(
					 tuf, forge_bytes(&f.files[CB_TUF_TIMESTAMP]), &version),
				 CB_OK);
	assert_int_equal(version, 8);
	assert_int_equal(cb_tuf_info(tuf)->versions.version[CB_TUF_TIMESTAMP], 0);
	assert_int_equal(cb_tuf_absent(tuf), CB_META_MISSING);
	forge_assert_complete(tuf, &f);
	assert_int_equal(
		cb_tuf_check_timestamp(tuf, forge_bytes(&f.files[CB_TUF_TIMESTAMP]), &version),
		CB_INTERNAL); /* one has been accepted */
	cb_tuf_free(tuf);
}

static void test_restart(void **state)
{
	struct cb_tuf *tuf;

	(void)state;
	forge_sign(&f);
	tuf = forge_client(&f, &mem, CB_TUF_LOADER, NULL);
	cb_tuf_restart_timestamp(tuf); /* nothing to forget yet */
	for (int n = 1; n <= 5; n++) {
		struct cb_tuf_want want;

		for (int i = 0; i < n && cb_tuf_next(tuf, &want); i++)
			assert_int_equal(forge_offer(tuf, &f), CB_OK);
		cb_tuf_restart_timestamp(tuf);
		assert_true(cb_tuf_next(tuf, &want));
		assert_int_equal(want.role, CB_TUF_TIMESTAMP);
		assert_int_equal(cb_tuf_n_targets(tuf), 0);
		assert_int_equal(cb_tuf_info(tuf)->n_mirrors, 0);
		assert_string_equal(cb_tuf_info(tuf)->title, "Test realm");
	}
	forge_assert_complete(tuf, &f);
	cb_tuf_free(tuf);
}

/* The snapshot of one publication with the targets of another. */
static void test_mix_and_match(void **state)
{
	static const enum cb_tuf_role roles[] = { CB_TUF_SNAPSHOT, CB_TUF_TARGETS,
						  CB_TUF_ACCOUNTS };
	struct forge other;

	(void)state;
	forge_sign(&f);
	forge_init(&other);
	for (int role = CB_TUF_TIMESTAMP; role < CB_TUF_N_ROLES; role++)
		json_object_set_new(other.bodies[role], "version", json_integer(2));
	forge_sign(&other);
	for (size_t i = 0; i < 3; i++) {
		struct cb_meta_file own = f.files[roles[i]];

		f.files[roles[i]] = other.files[roles[i]];
		expect(NULL, roles[i], CB_META_HASH);
		f.files[roles[i]] = own;
	}
	expect(NULL, COMPLETE);
	forge_done(&other);
}

/* ---- Every bit ---- */

/* One flipped bit is refused; what it breaks says which code. */
static void flip_all(enum cb_tuf_role role, size_t stride)
{
	struct cb_meta_file *file = role == CB_TUF_ROOT ? &f.roots[0] : &f.files[role];
	struct cb_tuf *tuf = forge_client(&f, &mem, CB_TUF_LOADER, NULL);

	for (int i = 0; i < (int)role; i++)
		assert_int_equal(forge_offer(tuf, &f), CB_OK);
	if (role != CB_TUF_ROOT)
		assert_int_equal(forge_offer(tuf, &f), CB_OK);
	for (size_t bit = 0; bit < 8 * file->len; bit += bit % 8 == 7 ? 8 * (stride - 1) + 1 : 1) {
		enum cb_err err;

		file->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = forge_offer(tuf, &f);
		file->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (role > CB_TUF_TIMESTAMP ? err != CB_META_HASH :
					      err != CB_META_FORMAT && err != CB_META_SIGNATURE)
			fail_msg("role %d, bit %zu: error %d", (int)role, bit, (int)err);
	}
	forge_assert_complete(tuf, &f);
	cb_tuf_free(tuf);
}

static void test_bit_flips(void **state)
{
	(void)state;
	forge_sign(&f);
	forge_root(&f, 2, 2, root12);
	flip_all(CB_TUF_ROOT, 5);
	flip_all(CB_TUF_TIMESTAMP, 1);
	flip_all(CB_TUF_SNAPSHOT, 1);
	flip_all(CB_TUF_TARGETS, 1);
	flip_all(CB_TUF_ACCOUNTS, 1);
}

/* ---- Memory ---- */

static void test_no_memory(void **state)
{
	struct cb_tuf *tuf = NULL;
	enum cb_err err;

	(void)state;
	forge_sign(&f);
	forge_root(&f, 2, 2, root12);
	for (unsigned n = 1;; n++) {
		testport_fail_at(&tp, n);
		err = cb_tuf_new(&mem, CB_TUF_LOADER, forge_bytes(&f.files[CB_TUF_ROOT]), FORGE_NOW,
				 NULL, &tuf);
		if (err == CB_OK)
			break;
		assert_int_equal(err, CB_NO_MEMORY);
		testport_assert_no_leak(&tp);
	}
	testport_fail_at(&tp, 0);
	for (unsigned n = 1;;) {
		struct cb_tuf_want want;

		if (!cb_tuf_next(tuf, &want))
			break;
		testport_fail_at(&tp, n);
		err = forge_offer(tuf, &f);
		testport_fail_at(&tp, 0);
		assert_true(err == CB_OK || err == CB_NO_MEMORY);
		n = err == CB_OK ? 1 : n + 1;
	}
	assert_int_equal(cb_tuf_n_targets(tuf), 2);
	cb_tuf_free(tuf);
}

/* ---- Dates, realm id ---- */

struct time_case {
	const char *text;
	int64_t unix_s; /* -1: refused */
};

static void test_times(void **state)
{
	static const struct time_case cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:59Z", 59 },
		{ "1972-02-29T00:00:00Z", 68169600 },
		{ "2000-02-29T23:59:59Z", 951868799 },
		{ "2000-03-01T00:00:00Z", 951868800 },
		{ "2027-01-15T08:00:00Z", 1800000000 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "2100-03-01T00:00:00Z", 4107542400 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		{ "2100-02-29T00:00:00Z", -1 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "2027-00-01T00:00:00Z", -1 },
		{ "2027-13-01T00:00:00Z", -1 },
		{ "2027-04-31T00:00:00Z", -1 },
		{ "2027-01-00T00:00:00Z", -1 },
		{ "2027-01-01T24:00:00Z", -1 },
		{ "2027-01-01T00:60:00Z", -1 },
		{ "2027-01-01T00:00:60Z", -1 },
		{ "2027-01-01T00:00:00", -1 },
		{ "2027-01-01T00:00:00z", -1 },
		{ "2027-01-01 00:00:00Z", -1 },
		{ "2027-01-01T00:00:00+00:00", -1 },
		{ "2027-01-01T00:00:00.0Z", -1 },
		{ "+027-01-01T00:00:00Z", -1 },
		{ "2027-1-001T00:00:00Z", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_json node = { .type = CB_JSON_STRING,
					.text = cb_bytes_of(cases[i].text) };
		int64_t got = -1;
		enum cb_err err = cb_tuf_parse_time(&node, &got);

		assert_int_equal(err, cases[i].unix_s < 0 ? CB_META_FORMAT : CB_OK);
		if (got != cases[i].unix_s)
			fail_msg("%s: %lld", cases[i].text, (long long)got);
	}
}

static void test_realm_id(void **state)
{
	uint8_t id[32] = { 0 }, want[32];
	struct cb_bytes root, body;

	(void)state;
	forge_sign(&f);
	root = forge_bytes(&f.files[CB_TUF_ROOT]);
	assert_int_equal(cb_tuf_realm_id(&mem, root, id), CB_OK);
	/* canonical files: the signed part is what stands between its name and the last brace */
	body.p = (const uint8_t *)memmem(root.p, root.len, "\"signed\":", 9) + 9;
	body.len = (size_t)(root.p + root.len - 1 - body.p);
	cb_sha256(body, want);
	assert_memory_equal(id, want, 32);
	forge_root(&f, 2, 2, root12);
	assert_int_equal(cb_tuf_realm_id(&mem, forge_bytes(&f.roots[0]), id), CB_META_FORMAT);
	assert_int_equal(cb_tuf_realm_id(&mem, forge_bytes(&f.files[CB_TUF_TARGETS]), id),
			 CB_META_FORMAT);
	assert_memory_equal(id, want, 32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_trusted_root),
		TEST(test_thresholds),
		TEST(test_duplicate_keys),
		TEST(test_key_limits),
		TEST(test_key_forms),
		TEST(test_root_extension),
		TEST(test_rotation),
		TEST(test_rotation_needs_both),
		TEST(test_root_versions),
		TEST(test_refused_root_is_not_trusted),
		TEST(test_root_expiry),
		TEST(test_root_steps),
		TEST(test_revoked_role_key),
		TEST(test_floor),
		TEST(test_fast_forward),
		TEST(test_fast_forward_by_one_key),
		TEST(test_fast_forward_without_rotation),
		TEST(test_check_timestamp),
		TEST(test_restart),
		TEST(test_mix_and_match),
		TEST(test_bit_flips),
		TEST(test_no_memory),
		TEST(test_times),
		TEST(test_realm_id),
	};

	return cmocka_run_group_tests_name("tuf_trust", tests, NULL, NULL);
}
