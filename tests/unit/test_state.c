/* SPDX-License-Identifier: MIT */
/* Unit tests of the rollback state: one slot's bytes, the two slots, what a boot adds. */
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "forge_fixture.h"

#define DAY 86400

static const uint8_t realm[32] = { 1, 2, 3 };

static struct cb_state full(void)
{
	struct cb_state s = { .floor = { .version = { 3, 1000, 500, 20, 40 },
					 .time_s = 1782864000 } };

	memset(s.floor.root_digest, 0xa1, sizeof(s.floor.root_digest));
	memset(s.floor.online_keys, 0xb2, sizeof(s.floor.online_keys));
	for (unsigned i = 0; i < CB_STATE_MAX_ACCOUNTS; i++) {
		memset(s.accounts[i].uid_digest, (int)i + 1, 8);
		s.accounts[i].epoch = i + 1;
	}
	return s;
}

static void assert_same(const struct cb_state *a, const struct cb_state *b)
{
	uint8_t bytes[2][CB_STATE_LEN];

	cb_state_write(a, 1, realm, bytes[0]);
	cb_state_write(b, 1, realm, bytes[1]);
	assert_memory_equal(bytes[0], bytes[1], CB_STATE_LEN);
}

/* ---- One slot ---- */

static void test_round_trip(void **state)
{
	const struct cb_state in[] = { full(), { .floor = { .time_s = 0 } } };
	const uint64_t seqs[] = { 1, CB_STATE_MAX_SEQ };
	uint8_t out[CB_STATE_LEN];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct cb_state back;
		uint64_t seq = 0;

		cb_state_write(&in[i], seqs[i], realm, out);
		assert_memory_equal(out, "CBSTATE1", 8);
		assert_int_equal(
			cb_state_parse((struct cb_bytes){ out, sizeof(out) }, realm, &back, &seq),
			CB_OK);
		assert_true(seq == seqs[i]);
		assert_same(&back, &in[i]);
	}
}

static void refused(const uint8_t *bytes, size_t len, const uint8_t *realm_id)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct cb_state s;
	uint64_t seq = 77;

	memcpy(copy, bytes, len);
	memset(&s, 0x77, sizeof(s));
	assert_int_equal(cb_state_parse((struct cb_bytes){ copy, len }, realm_id, &s, &seq),
			 CB_STATE_FOREIGN);
	assert_int_equal(seq, 77);
	assert_int_equal(s.floor.version[0], 0x7777777777777777);
	free(copy);
}

static void test_damaged(void **state)
{
	static const uint8_t other_realm[32] = { 1, 2, 4 };
	const struct cb_state s = full();
	uint8_t out[CB_STATE_LEN + 1] = { 0 };

	(void)state;
	cb_state_write(&s, 5, realm, out);
	for (size_t n = 0; n < CB_STATE_LEN; n++)
		refused(out, n, realm);
	refused(out, CB_STATE_LEN + 1, realm);
	for (unsigned bit = 0; bit < 8 * CB_STATE_LEN; bit++) {
		out[bit / 8] = (uint8_t)(out[bit / 8] ^ 1u << bit % 8);
		refused(out, CB_STATE_LEN, realm);
		out[bit / 8] = (uint8_t)(out[bit / 8] ^ 1u << bit % 8);
	}
	refused(out, CB_STATE_LEN, other_realm);
}

/* Out of range behind a checksum that is right: what a program in the firmware could plant. */
static void test_ranges(void **state)
{
	static const struct {
		size_t at;
		uint64_t good, bad;
	} cases[] = {
		{ 8, CB_STATE_MAX_SEQ, 0 },
		{ 8, 1, CB_STATE_MAX_SEQ + 1 },
		{ 16, (1ull << 53) - 1, 1ull << 53 },
		{ 48, (1ull << 53) - 1, UINT64_MAX },
		{ 104, 253402300799ull, 253402300800ull },
		{ 104, 0, 1ull << 63 },
		{ 120, 1, 0 }, /* an account without an epoch */
	};
	const struct cb_state s = full();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned is_bad = 0; is_bad < 2; is_bad++) {
			uint8_t out[CB_STATE_LEN];
			struct cb_state back;
			struct cb_blake2b h;
			uint64_t seq;

			cb_state_write(&s, 5, realm, out);
			cb_put_le64(out + cases[i].at, is_bad ? cases[i].bad : cases[i].good);
			cb_blake2b_init(&h, 16, realm, 32);
			cb_blake2b_update(&h, out, CB_STATE_LEN - 16);
			cb_blake2b_final(&h, out + CB_STATE_LEN - 16);
			assert_int_equal(cb_state_parse((struct cb_bytes){ out, sizeof(out) },
							realm, &back, &seq),
					 is_bad ? CB_STATE_FOREIGN : CB_OK);
		}
}

/* ---- Two slots ---- */

struct slot {
	uint8_t bytes[CB_VAR_MAX];
	size_t len; /* 0: absent */
	enum cb_err read_err;
};

struct store {
	struct slot slots[2];
	enum cb_err write_err;
	unsigned n_writes;
};

static struct slot *slot_of(struct store *s, const char *name)
{
	for (unsigned i = 0; i < 2; i++)
		if (strcmp(name, cb_state_slot_name(i)) == 0)
			return &s->slots[i];
	fail_msg("no such variable: %s", name);
	return NULL;
}

static enum cb_err var_read(void *ctx, const char *name, uint8_t *buf, size_t max, size_t *ret_len)
{
	const struct slot *slot = slot_of(ctx, name);

	if (slot->read_err != CB_OK)
		return slot->read_err;
	if (slot->len == 0)
		return CB_NOT_FOUND;
	assert_true(slot->len <= max);
	memcpy(buf, slot->bytes, slot->len);
	*ret_len = slot->len;
	return CB_OK;
}

static enum cb_err var_write(void *ctx, const char *name, const uint8_t *buf, size_t len)
{
	struct store *store = ctx;
	struct slot *slot = slot_of(store, name);

	store->n_writes++;
	if (store->write_err != CB_OK)
		return store->write_err;
	memcpy(slot->bytes, buf, len);
	slot->len = len;
	slot->read_err = CB_OK;
	return CB_OK;
}

static void put_slot(struct store *store, unsigned i, uint64_t version, uint64_t seq)
{
	struct cb_state s = { .floor = { .version = { [CB_TUF_ROOT] = version } } };

	cb_state_write(&s, seq, realm, store->slots[i].bytes);
	store->slots[i].len = CB_STATE_LEN;
}

static void test_slots(void **state)
{
	static const struct {
		uint64_t seq[2]; /* 0: absent, UINT64_MAX: damaged */
		unsigned winner; /* 2: none */
		unsigned written;
	} cases[] = {
		{ { 0, 0 }, 2, 0 },
		{ { 5, 0 }, 0, 1 },
		{ { 0, 5 }, 1, 0 },
		{ { 5, 4 }, 0, 1 },
		{ { 4, 5 }, 1, 0 },
		{ { 5, 5 }, 0, 0 },
		{ { 5, UINT64_MAX }, 0, 1 },
		{ { UINT64_MAX, 5 }, 1, 0 },
		{ { UINT64_MAX, UINT64_MAX }, 2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store store = { .n_writes = 0 };
		struct cb_vars vars = { &store, var_read, var_write };
		struct cb_state_store s;
		struct cb_state next;

		for (unsigned slot = 0; slot < 2; slot++) {
			if (cases[i].seq[slot] == 0)
				continue;
			put_slot(&store, slot, 10 + slot,
				 cases[i].seq[slot] == UINT64_MAX ? 9 : cases[i].seq[slot]);
			store.slots[slot].bytes[20] ^= cases[i].seq[slot] == UINT64_MAX;
		}
		cb_state_load(&s, &vars, realm);
		assert_int_equal(s.trouble[0], CB_OK);
		assert_int_equal(s.trouble[1], CB_OK);
		assert_int_equal(s.known.floor.version[CB_TUF_ROOT],
				 cases[i].winner == 2 ? 0 : 10 + cases[i].winner);
		/* unchanged: not written; changed: once, into the other slot, and newest then */
		assert_int_equal(cb_state_save(&s, &s.known), CB_OK);
		assert_int_equal(store.n_writes, 0);
		next = s.known;
		next.floor.version[CB_TUF_ROOT] = 99;
		assert_int_equal(cb_state_save(&s, &next), CB_OK);
		assert_int_equal(cb_state_save(&s, &next), CB_OK);
		assert_int_equal(store.n_writes, 1);
		assert_int_equal(store.slots[cases[i].written].bytes[16], 99);
		cb_state_load(&s, &vars, realm);
		assert_int_equal(s.known.floor.version[CB_TUF_ROOT], 99);
	}
}

/* A slot that fails, or was planted: the other one counts, and both are told apart. */
static void test_trouble(void **state)
{
	static const enum cb_err troubles[] = { CB_VARIABLE, CB_STATE_FOREIGN };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct store store = { .n_writes = 0 };
		struct cb_vars vars = { &store, var_read, var_write };
		unsigned bad = i % 2;
		struct cb_state_store s;

		put_slot(&store, bad, 8, 8);
		put_slot(&store, 1 - bad, 7, 7);
		store.slots[bad].read_err = troubles[i / 2];
		cb_state_load(&s, &vars, realm);
		assert_int_equal(s.trouble[bad], troubles[i / 2]);
		assert_int_equal(s.trouble[1 - bad], CB_OK);
		assert_int_equal(s.known.floor.version[CB_TUF_ROOT], 7);
		/* what was planted is written over even where nothing has changed */
		assert_int_equal(cb_state_save(&s, &s.known), CB_OK);
		assert_int_equal(store.n_writes, troubles[i / 2] == CB_STATE_FOREIGN);
		if (store.n_writes > 0)
			assert_int_equal(cb_le64(store.slots[bad].bytes + 8), 8);
		assert_int_equal(cb_state_save(&s, &s.known), CB_OK);
		assert_int_equal(store.n_writes, troubles[i / 2] == CB_STATE_FOREIGN);
	}
}

static void test_write_fails(void **state)
{
	struct store store = { .write_err = CB_VARIABLE };
	struct cb_vars vars = { &store, var_read, var_write };
	const struct cb_state s = full();
	struct cb_state_store st;

	(void)state;
	put_slot(&store, 0, 7, CB_STATE_MAX_SEQ - 1);
	cb_state_load(&st, &vars, realm);
	assert_int_equal(cb_state_save(&st, &s), CB_VARIABLE);
	store.write_err = CB_OK;
	assert_int_equal(cb_state_save(&st, &s), CB_OK);
	/* numbers never start over */
	st.known.floor.version[0]++;
	assert_int_equal(cb_state_save(&st, &s), CB_VARIABLE);
	assert_int_equal(store.n_writes, 2);
}

/* ---- What a boot adds ---- */

static void test_accounts(void **state)
{
	struct cb_state s = { .floor = { .time_s = 0 } };
	uint8_t uid[16] = { 0 };
	struct cb_bytes span = { uid, sizeof(uid) };
	static const uint8_t other_realm[32] = { 9 };

	(void)state;
	assert_int_equal(cb_state_min_epoch(&s, realm, span), 0);
	cb_state_note_account(&s, realm, span, 0);
	assert_int_equal(s.accounts[0].epoch, 0);
	cb_state_note_account(&s, realm, span, 5);
	cb_state_note_account(&s, realm, span, 4); /* never down */
	assert_int_equal(cb_state_min_epoch(&s, realm, span), 5);
	assert_int_equal(cb_state_min_epoch(&s, other_realm, span), 0);
	for (uint8_t i = 1; i < CB_STATE_MAX_ACCOUNTS; i++) {
		uid[0] = i;
		cb_state_note_account(&s, realm, span, 10 + i);
	}
	for (uint8_t i = 1; i < CB_STATE_MAX_ACCOUNTS; i++) {
		uid[0] = i;
		assert_int_equal(cb_state_min_epoch(&s, realm, span), 10 + i);
	}
	/* full: a change of the first saves it, the ninth puts the second out */
	uid[0] = 0;
	assert_int_equal(cb_state_min_epoch(&s, realm, span), 5);
	cb_state_note_account(&s, realm, span, 6);
	uid[0] = 100;
	cb_state_note_account(&s, realm, span, 1);
	assert_int_equal(cb_state_min_epoch(&s, realm, span), 1);
	uid[0] = 0;
	assert_int_equal(cb_state_min_epoch(&s, realm, span), 6);
	uid[0] = 1;
	assert_int_equal(cb_state_min_epoch(&s, realm, span), 0);
	uid[0] = 2;
	assert_int_equal(cb_state_min_epoch(&s, realm, span), 12);
}

/* The metadata as a client with this floor sees it. */
static struct cb_state after(const struct cb_state *before, const int64_t *rtc_s)
{
	struct cb_state s = *before;
	struct cb_tuf *tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, &before->floor);

	forge_assert_complete(tuf, &forge);
	cb_state_note_metadata(&s, tuf, rtc_s);
	cb_tuf_free(tuf);
	return s;
}

static void set_issued(const char *issued)
{
	json_object_set_new(forge.bodies[CB_TUF_TIMESTAMP], "x-chunkboot",
			    json_pack("{ss}", "issued", issued));
	forge_sign(&forge);
}

/* FORGE_NOW is 2027-01-15T08:00:00Z. */
static void test_time_floor(void **state)
{
	static const int64_t issued_s = FORGE_NOW - DAY;
	static const struct {
		bool has_rtc;
		int64_t rtc_s, before_s, want_s;
	} cases[] = {
		{ true, FORGE_NOW, 0, issued_s },
		{ true, issued_s - DAY, 0, issued_s },
		{ true, issued_s - DAY - 1, 0, 0 }, /* the clock says otherwise */
		{ true, 0, 5, 5 },
		{ false, 0, 5, 5 },
		{ true, FORGE_NOW, issued_s - 1, issued_s },
		{ true, FORGE_NOW, issued_s + 1, issued_s + 1 }, /* never down */
		{ true, 253402300799, 0, issued_s }, /* from the clock itself it never rises */
	};

	(void)state;
	set_issued("2027-01-14T08:00:00Z");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_state before = { .floor = { .time_s = cases[i].before_s } };
		struct cb_state s = after(&before, cases[i].has_rtc ? &cases[i].rtc_s : NULL);

		assert_true(s.floor.time_s == cases[i].want_s);
	}
}

/* Versions, keys and time in the order in which boots meet them. */
static void test_over_time(void **state)
{
	static const enum forge_signer new_key[] = { FORGE_TIMESTAMP_NEW };
	static const int64_t rtc_s = FORGE_NOW;
	const struct cb_state nothing = { .floor = { .time_s = 0 } };
	struct cb_state s, high;
	struct cb_tuf *tuf;

	(void)state;
	set_issued("2027-01-14T08:00:00Z");
	s = after(&nothing, &rtc_s);
	for (unsigned i = 0; i < CB_TUF_N_ROLES; i++)
		assert_int_equal(s.floor.version[i], 1);
	high = after(&s, &rtc_s);
	assert_same(&s, &high);
	/* fast-forward: refused as long as the keys are the same */
	for (unsigned i = 1; i < CB_TUF_N_ROLES; i++)
		high.floor.version[i] = 99999;
	high.floor.time_s = FORGE_NOW + 30 * DAY;
	tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, &high.floor);
	forge_assert_walk(tuf, &forge, CB_TUF_TIMESTAMP, CB_META_ROLLBACK);
	assert_true(cb_tuf_now(tuf) == FORGE_NOW + 30 * DAY);
	cb_tuf_free(tuf);
	/* new keys: all of it is forgotten, the time too, but root's version */
	forge_set_signers(&forge, CB_TUF_TIMESTAMP, 1, new_key);
	forge_sign(&forge);
	forge_set_role(&forge, "timestamp", 1, new_key, 1);
	forge_root(&forge, 2, 2, forge_root12);
	high = after(&high, &rtc_s);
	assert_int_equal(high.floor.version[CB_TUF_ROOT], 2);
	for (unsigned i = 1; i < CB_TUF_N_ROLES; i++)
		assert_int_equal(high.floor.version[i], 1);
	assert_true(high.floor.time_s == FORGE_NOW - DAY);
	assert_memory_not_equal(high.floor.online_keys, s.floor.online_keys, 16);
	assert_memory_not_equal(high.floor.root_digest, s.floor.root_digest, 32);
}

/* The loader was stamped with a root that is newer than the stored one: no step shows the rotation. */
static void test_rotation_unseen(void **state)
{
	static const enum forge_signer new_key[] = { FORGE_SNAPSHOT_NEW };
	const struct cb_state nothing = { .floor = { .time_s = 0 } };
	struct cb_state s;
	struct cb_tuf *tuf = NULL;

	(void)state;
	forge_sign(&forge);
	s = after(&nothing, NULL);
	for (unsigned i = 1; i < CB_TUF_N_ROLES; i++)
		s.floor.version[i] = 99999;
	for (unsigned is_rotated = 0; is_rotated < 2; is_rotated++) {
		if (is_rotated) {
			forge_set_role(&forge, "snapshot", 1, new_key, 1);
			forge_set_signers(&forge, CB_TUF_SNAPSHOT, 1, new_key);
		}
		forge.n_roots = 0;
		forge_root(&forge, 2, 2, forge_root12);
		forge_sign(&forge);
		assert_int_equal(cb_tuf_new(&forge_mem, CB_TUF_LOADER, forge_bytes(&forge.roots[0]),
					    FORGE_NOW, &s.floor, &tuf),
				 CB_OK);
		assert_int_equal(cb_tuf_absent(tuf), CB_OK);
		assert_int_equal(cb_tuf_accept(tuf, forge_bytes(&forge.files[CB_TUF_TIMESTAMP])),
				 is_rotated ? CB_OK : CB_META_ROLLBACK);
		cb_tuf_free(tuf);
	}
}

static void test_root_floor(void **state)
{
	const struct cb_state nothing = { .floor = { .time_s = 0 } };
	struct cb_state s;
	struct cb_tuf *tuf;

	(void)state;
	forge_sign(&forge);
	forge_root(&forge, 2, 2, forge_root12);
	s = after(&nothing, NULL);
	assert_int_equal(s.floor.version[CB_TUF_ROOT], 2);
	s = after(&s, NULL);
	/* an older stamped root must get to the stored one, and to no other of that version */
	forge.n_roots = 0;
	tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, &s.floor);
	assert_int_equal(cb_tuf_absent(tuf), CB_META_ROLLBACK);
	assert_int_equal(cb_tuf_absent(tuf), CB_META_ROLLBACK);
	cb_tuf_free(tuf);
	s.floor.root_digest[31] ^= 1;
	forge.n_roots = 1;
	tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, &s.floor);
	assert_int_equal(cb_tuf_accept(tuf, forge_bytes(&forge.roots[0])), CB_OK);
	assert_int_equal(cb_tuf_absent(tuf), CB_META_ROLLBACK);
	cb_tuf_free(tuf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_accounts),
		FORGED(test_time_floor),
		FORGED(test_over_time),
		FORGED(test_rotation_unseen),
		FORGED(test_root_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
