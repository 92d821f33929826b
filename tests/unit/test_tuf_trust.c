/* SPDX-License-Identifier: MIT */
/* TUF client over time: rollback, fast-forward, mirrors that differ, bit flips, no memory, dates. */
#include <string.h>

#include "core/tuf_internal.h"
#include "forge_fixture.h"

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
		{ CB_TUF_ROOT, 1, FORGE_COMPLETE },
		{ CB_TUF_ROOT, 2, CB_TUF_ROOT, CB_META_ROLLBACK },
		{ CB_TUF_TIMESTAMP, 3, FORGE_COMPLETE },
		{ CB_TUF_TIMESTAMP, 4, CB_TUF_TIMESTAMP, CB_META_ROLLBACK },
		{ CB_TUF_SNAPSHOT, 3, FORGE_COMPLETE },
		{ CB_TUF_SNAPSHOT, 4, CB_TUF_TIMESTAMP, CB_META_ROLLBACK },
		{ CB_TUF_TARGETS, 3, FORGE_COMPLETE },
		{ CB_TUF_TARGETS, 4, CB_TUF_SNAPSHOT, CB_META_ROLLBACK },
		{ CB_TUF_ACCOUNTS, 3, FORGE_COMPLETE },
		{ CB_TUF_ACCOUNTS, 4, CB_TUF_SNAPSHOT, CB_META_ROLLBACK },
	};

	(void)state;
	for (int role = CB_TUF_TIMESTAMP; role < CB_TUF_N_ROLES; role++)
		json_object_set_new(forge.bodies[role], "version", json_integer(3));
	forge_sign(&forge);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_tuf_floor floor = { 0 };

		floor.version[cases[i].role] = cases[i].floor;
		forge_expect(&floor, cases[i].at, cases[i].err);
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
		forge_done(&forge);
		forge_init(&forge);
		forge_set_signers(&forge, of[i], 1, &new_keys[i]);
		forge_sign(&forge);
		forge_set_role(&forge, roles[i], 1, &new_keys[i], 1);
		forge_root(&forge, 2, 2, forge_root12);
		forge_expect(&floor, FORGE_COMPLETE);
		/* what was seen after that rotation stays a floor */
		floor.version[CB_TUF_ROOT] = 2;
		forge_expect(&floor, CB_TUF_TIMESTAMP, CB_META_ROLLBACK);
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
		forge_done(&forge);
		forge_init(&forge);
		forge_set_role(&forge, "timestamp", n_before, keys, 1);
		forge_sign(&forge);
		forge_set_role(&forge, "timestamp", 3 - n_before, keys, 1);
		forge_root(&forge, 2, 2, forge_root12);
		forge_expect(&floor, FORGE_COMPLETE);
	}
}

/* New keys for targets alone, or none, are no cure. */
static void test_fast_forward_without_rotation(void **state)
{
	static const enum forge_signer new_key[] = { FORGE_STRANGER };
	struct cb_tuf_floor floor = { .version = { 1, 2, 2, 2, 2 } };

	(void)state;
	forge_set_signers(&forge, CB_TUF_TARGETS, 1, new_key);
	forge_sign(&forge);
	forge_set_role(&forge, "targets", 1, new_key, 1);
	forge_root(&forge, 2, 2, forge_root12);
	forge_expect(&floor, CB_TUF_TIMESTAMP, CB_META_ROLLBACK);
	forge_expect(NULL, FORGE_COMPLETE);
}

/* ---- Mirrors that differ ---- */

static void test_check_timestamp(void **state)
{
	struct cb_tuf *tuf;
	uint64_t version = 0;

	(void)state;
	json_object_set_new(forge.bodies[CB_TUF_TIMESTAMP], "version", json_integer(8));
	forge_sign(&forge);
	tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);
	/* already while a newer root may come */
	assert_int_equal(
		cb_tuf_check_timestamp(tuf, forge_bytes(&forge.files[CB_TUF_TIMESTAMP]), &version),
		CB_OK);
	assert_int_equal(version, 8);
	version = 0;
	assert_int_equal(cb_tuf_absent(tuf), CB_OK);
	assert_int_equal(
		cb_tuf_check_timestamp(tuf, forge_bytes(&forge.files[CB_TUF_SNAPSHOT]), &version),
		CB_META_SIGNATURE);
	assert_int_equal(version, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(cb_tuf_check_timestamp(tuf,
							forge_bytes(&forge.files[CB_TUF_TIMESTAMP]),
							&version),
				 CB_OK);
	assert_int_equal(version, 8);
	assert_int_equal(cb_tuf_info(tuf)->versions.version[CB_TUF_TIMESTAMP], 0);
	assert_int_equal(cb_tuf_absent(tuf), CB_META_MISSING);
	forge_assert_complete(tuf, &forge);
	assert_int_equal(
		cb_tuf_check_timestamp(tuf, forge_bytes(&forge.files[CB_TUF_TIMESTAMP]), &version),
		CB_INTERNAL); /* one has been accepted */
	cb_tuf_free(tuf);
}

static void test_restart(void **state)
{
	struct cb_tuf *tuf;

	(void)state;
	forge_sign(&forge);
	tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);
	cb_tuf_restart_timestamp(tuf); /* nothing to forget yet */
	for (int n = 1; n <= 5; n++) {
		struct cb_tuf_want want;

		for (int i = 0; i < n && cb_tuf_next(tuf, &want); i++)
			assert_int_equal(forge_offer(tuf, &forge), CB_OK);
		cb_tuf_restart_timestamp(tuf);
		assert_true(cb_tuf_next(tuf, &want));
		assert_int_equal(want.role, CB_TUF_TIMESTAMP);
		assert_int_equal(cb_tuf_n_targets(tuf), 0);
		assert_int_equal(cb_tuf_info(tuf)->n_mirrors, 0);
		assert_string_equal(cb_tuf_info(tuf)->title, "Test realm");
	}
	forge_assert_complete(tuf, &forge);
	cb_tuf_free(tuf);
}

/* The snapshot of one publication with the targets of another. */
static void test_mix_and_match(void **state)
{
	static const enum cb_tuf_role roles[] = { CB_TUF_SNAPSHOT, CB_TUF_TARGETS,
						  CB_TUF_ACCOUNTS };
	struct forge other;

	(void)state;
	forge_sign(&forge);
	forge_init(&other);
	for (int role = CB_TUF_TIMESTAMP; role < CB_TUF_N_ROLES; role++)
		json_object_set_new(other.bodies[role], "version", json_integer(2));
	forge_sign(&other);
	for (size_t i = 0; i < 3; i++) {
		struct cb_meta_file own = forge.files[roles[i]];

		forge.files[roles[i]] = other.files[roles[i]];
		forge_expect(NULL, roles[i], CB_META_HASH);
		forge.files[roles[i]] = own;
	}
	forge_expect(NULL, FORGE_COMPLETE);
	forge_done(&other);
}

/* ---- Every bit ---- */

/* One flipped bit is refused; what it breaks says which code. */
static void flip_all(enum cb_tuf_role role, size_t stride)
{
	struct cb_meta_file *file = role == CB_TUF_ROOT ? &forge.roots[0] : &forge.files[role];
	struct cb_tuf *tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);

	for (int i = 0; i < (int)role; i++)
		assert_int_equal(forge_offer(tuf, &forge), CB_OK);
	if (role != CB_TUF_ROOT)
		assert_int_equal(forge_offer(tuf, &forge), CB_OK);
	for (size_t bit = 0; bit < 8 * file->len; bit += bit % 8 == 7 ? 8 * (stride - 1) + 1 : 1) {
		enum cb_err err;

		file->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = forge_offer(tuf, &forge);
		file->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (role > CB_TUF_TIMESTAMP ? err != CB_META_HASH :
					      err != CB_META_FORMAT && err != CB_META_SIGNATURE)
			fail_msg("role %d, bit %zu: error %d", (int)role, bit, (int)err);
	}
	forge_assert_complete(tuf, &forge);
	cb_tuf_free(tuf);
}

static void test_bit_flips(void **state)
{
	(void)state;
	forge_sign(&forge);
	forge_root(&forge, 2, 2, forge_root12);
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
	forge_sign(&forge);
	forge_root(&forge, 2, 2, forge_root12);
	for (unsigned n = 1;; n++) {
		testport_fail_at(&forge_port, n);
		err = cb_tuf_new(&forge_mem, CB_TUF_LOADER, forge_bytes(&forge.files[CB_TUF_ROOT]),
				 FORGE_NOW, NULL, &tuf);
		if (err == CB_OK)
			break;
		assert_int_equal(err, CB_NO_MEMORY);
		testport_assert_no_leak(&forge_port);
	}
	testport_fail_at(&forge_port, 0);
	for (unsigned n = 1;;) {
		struct cb_tuf_want want;

		if (!cb_tuf_next(tuf, &want))
			break;
		testport_fail_at(&forge_port, n);
		err = forge_offer(tuf, &forge);
		testport_fail_at(&forge_port, 0);
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
	forge_sign(&forge);
	root = forge_bytes(&forge.files[CB_TUF_ROOT]);
	assert_int_equal(cb_tuf_realm_id(&forge_mem, root, id), CB_OK);
	/* canonical files: the signed part is what stands between its name and the last brace */
	body.p = (const uint8_t *)memmem(root.p, root.len, "\"signed\":", 9) + 9;
	body.len = (size_t)(root.p + root.len - 1 - body.p);
	cb_sha256(body, want);
	assert_memory_equal(id, want, 32);
	forge_root(&forge, 2, 2, forge_root12);
	assert_int_equal(cb_tuf_realm_id(&forge_mem, forge_bytes(&forge.roots[0]), id),
			 CB_META_FORMAT);
	assert_int_equal(cb_tuf_realm_id(&forge_mem, forge_bytes(&forge.files[CB_TUF_TARGETS]), id),
			 CB_META_FORMAT);
	assert_memory_equal(id, want, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORGED(test_floor),
		FORGED(test_fast_forward),
		FORGED(test_fast_forward_by_one_key),
		FORGED(test_fast_forward_without_rotation),
		FORGED(test_check_timestamp),
		FORGED(test_restart),
		FORGED(test_mix_and_match),
		FORGED(test_bit_flips),
		FORGED(test_no_memory),
		FORGED(test_times),
		FORGED(test_realm_id),
	};

	return cmocka_run_group_tests_name("tuf_trust", tests, NULL, NULL);
}
