/* SPDX-License-Identifier: MIT */
/* Rollback state: one slot's bytes, the two slots, and what a boot adds. */
#include "core/state.h"

#include <string.h>

#define MAGIC "CBSTATE1"
#define CHECKSUM_LEN 16
#define MAX_VERSION ((1ull << 53) - 1) /* the largest integer that metadata can have */
#define MAX_TIME_S 253402300799ll /* end of the year 9999 */

const char *cb_state_slot_name(unsigned slot)
{
	static const char *const names[CB_STATE_N_SLOTS] = { "CbState0", "CbState1" };

	return names[slot];
}

/* ---- One slot ---- */

static void checksum(const uint8_t *value, const uint8_t realm_id[32], uint8_t out[CHECKSUM_LEN])
{
	struct cb_blake2b h;

	cb_blake2b_init(&h, CHECKSUM_LEN, realm_id, 32);
	cb_blake2b_update(&h, value, CB_STATE_LEN - CHECKSUM_LEN);
	cb_blake2b_final(&h, out);
}

static bool read_account(struct cb_reader *r, struct cb_state_account *a)
{
	uint8_t any = 0;

	cb_read_copy(r, a->uid_digest, sizeof(a->uid_digest));
	a->epoch = cb_read_le64(r);
	for (size_t i = 0; i < sizeof(a->uid_digest); i++)
		any |= a->uid_digest[i];
	return a->epoch != 0 || any == 0;
}

enum cb_err cb_state_parse(struct cb_bytes value, const uint8_t realm_id[32], struct cb_state *ret,
			   uint64_t *ret_seq)
{
	struct cb_reader r = cb_reader_of(value);
	struct cb_state s;
	uint8_t sum[CHECKSUM_LEN];
	bool is_good = value.len == CB_STATE_LEN && cb_bytes_is(cb_read_bytes(&r, 8), MAGIC);
	uint64_t seq = cb_read_le64(&r), time_s;

	if (!is_good || seq == 0 || seq > CB_STATE_MAX_SEQ)
		return CB_STATE_FOREIGN;
	for (unsigned i = 0; i < CB_TUF_N_ROLES; i++) {
		s.floor.version[i] = cb_read_le64(&r);
		is_good &= s.floor.version[i] <= MAX_VERSION;
	}
	cb_read_copy(&r, s.floor.root_digest, sizeof(s.floor.root_digest));
	cb_read_copy(&r, s.floor.online_keys, sizeof(s.floor.online_keys));
	time_s = cb_read_le64(&r);
	s.floor.time_s = (int64_t)time_s;
	for (unsigned i = 0; i < CB_STATE_MAX_ACCOUNTS; i++)
		is_good &= read_account(&r, &s.accounts[i]);
	checksum(value.p, realm_id, sum);
	if (!is_good || time_s > MAX_TIME_S ||
	    !cb_bytes_equal(cb_read_bytes(&r, CHECKSUM_LEN),
			    (struct cb_bytes){ sum, CHECKSUM_LEN }) ||
	    !cb_reader_is_done(&r))
		return CB_STATE_FOREIGN;
	*ret = s;
	*ret_seq = seq;
	return CB_OK;
}

static uint8_t *put_u64(uint8_t *out, uint64_t v)
{
	cb_put_le64(out, v);
	return out + 8;
}

static uint8_t *put(uint8_t *out, const void *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

void cb_state_write(const struct cb_state *s, uint64_t seq, const uint8_t realm_id[32],
		    uint8_t out[CB_STATE_LEN])
{
	uint8_t *at = put(out, MAGIC, 8);

	at = put_u64(at, seq);
	for (unsigned i = 0; i < CB_TUF_N_ROLES; i++)
		at = put_u64(at, s->floor.version[i]);
	at = put(at, s->floor.root_digest, sizeof(s->floor.root_digest));
	at = put(at, s->floor.online_keys, sizeof(s->floor.online_keys));
	at = put_u64(at, (uint64_t)s->floor.time_s);
	for (unsigned i = 0; i < CB_STATE_MAX_ACCOUNTS; i++) {
		at = put(at, s->accounts[i].uid_digest, sizeof(s->accounts[i].uid_digest));
		at = put_u64(at, s->accounts[i].epoch);
	}
	checksum(out, realm_id, at);
}

/* ---- The two slots ---- */

static void load_slot(struct cb_state_store *store, unsigned slot)
{
	uint8_t value[CB_VAR_MAX];
	struct cb_state state;
	uint64_t seq;
	size_t len = 0;
	enum cb_err err = store->vars->read(store->vars->ctx, cb_state_slot_name(slot), value,
					    sizeof(value), &len);

	if (err != CB_OK) {
		store->trouble[slot] = err == CB_NOT_FOUND ? CB_OK : err;
		return;
	}
	/* A torn write, or another realm's: no word about it, the other slot counts. */
	if (cb_state_parse((struct cb_bytes){ value, len }, store->realm_id, &state, &seq) != CB_OK)
		return;
	store->seq[slot] = seq;
	if (seq > store->seq[1 - slot])
		store->known = state;
}

void cb_state_load(struct cb_state_store *store, const struct cb_vars *vars,
		   const uint8_t realm_id[32])
{
	*store = (struct cb_state_store){ .vars = vars };
	memcpy(store->realm_id, realm_id, sizeof(store->realm_id));
	for (unsigned slot = 0; slot < CB_STATE_N_SLOTS; slot++)
		load_slot(store, slot);
}

static bool is_due(const struct cb_state_store *store, const uint8_t now[CB_STATE_LEN])
{
	uint8_t before[CB_STATE_LEN];

	for (unsigned slot = 0; slot < CB_STATE_N_SLOTS; slot++)
		if (store->trouble[slot] == CB_STATE_FOREIGN)
			return true;
	cb_state_write(&store->known, 0, store->realm_id, before);
	return memcmp(before, now, CB_STATE_LEN) != 0;
}

enum cb_err cb_state_save(struct cb_state_store *store, const struct cb_state *s)
{
	unsigned slot = store->seq[0] <= store->seq[1] ? 0 : 1;
	uint64_t seq = store->seq[1 - slot] + 1;
	uint8_t value[CB_STATE_LEN];
	enum cb_err err;

	cb_state_write(s, 0, store->realm_id, value);
	if (!is_due(store, value))
		return CB_OK;
	if (seq > CB_STATE_MAX_SEQ)
		return CB_VARIABLE;
	cb_state_write(s, seq, store->realm_id, value);
	err = store->vars->write(store->vars->ctx, cb_state_slot_name(slot), value, sizeof(value));
	if (err != CB_OK)
		return err;
	store->known = *s;
	store->seq[slot] = seq;
	memset(store->trouble, 0, sizeof(store->trouble));
	return CB_OK;
}

/* ---- What a boot adds ---- */

void cb_state_note_metadata(struct cb_state *s, const struct cb_tuf *tuf, const int64_t *rtc_s)
{
	int64_t issued_s = cb_tuf_info(tuf)->issued_s;

	s->floor = cb_tuf_seen(tuf);
	if (rtc_s && issued_s > s->floor.time_s && issued_s - CB_STATE_CLOCK_SLACK_S <= *rtc_s)
		s->floor.time_s = issued_s;
}

static void digest_uid(const uint8_t realm_id[32], struct cb_bytes uid, uint8_t out[8])
{
	struct cb_blake2b h;

	cb_blake2b_init(&h, 8, realm_id, 32);
	cb_blake2b_update(&h, uid.p, uid.len);
	cb_blake2b_final(&h, out);
}

/* The account's entry; CB_STATE_MAX_ACCOUNTS when it has none. */
static unsigned find_account(const struct cb_state *s, const uint8_t uid_digest[8])
{
	unsigned i = 0;

	while (i < CB_STATE_MAX_ACCOUNTS &&
	       (s->accounts[i].epoch == 0 || memcmp(s->accounts[i].uid_digest, uid_digest, 8) != 0))
		i++;
	return i;
}

void cb_state_note_account(struct cb_state *s, const uint8_t realm_id[32], struct cb_bytes uid,
			   uint64_t epoch)
{
	struct cb_state_account a = { .epoch = epoch };
	unsigned i;

	digest_uid(realm_id, uid, a.uid_digest);
	i = find_account(s, a.uid_digest);
	if (epoch == 0 || (i < CB_STATE_MAX_ACCOUNTS && s->accounts[i].epoch >= epoch))
		return;
	if (i == CB_STATE_MAX_ACCOUNTS)
		i--;
	memmove(&s->accounts[1], &s->accounts[0], i * sizeof(a));
	s->accounts[0] = a;
}

uint64_t cb_state_min_epoch(const struct cb_state *s, const uint8_t realm_id[32],
			    struct cb_bytes uid)
{
	uint8_t uid_digest[8];
	unsigned i;

	digest_uid(realm_id, uid, uid_digest);
	i = find_account(s, uid_digest);
	return i < CB_STATE_MAX_ACCOUNTS ? s->accounts[i].epoch : 0;
}
