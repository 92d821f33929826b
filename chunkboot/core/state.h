/* SPDX-License-Identifier: MIT */
/* Rollback state in two variables that only the firmware reaches (docs/FORMATS-metadata.md). */
#ifndef CB_CORE_STATE_H
#define CB_CORE_STATE_H

#include "core/platform.h"
#include "core/tuf.h"

#define CB_STATE_LEN 256
#define CB_STATE_MAX_ACCOUNTS 8
#define CB_STATE_MAX_SEQ ((1ull << 53) - 1)
#define CB_STATE_N_SLOTS 2
#define CB_STATE_CLOCK_SLACK_S 86400 /* an issue date this far ahead of the clock is believed */

/* The newest epoch of an account's record; epoch 0: the entry is free. */
struct cb_state_account {
	uint8_t uid_digest[8];
	uint64_t epoch;
};

/* What an earlier boot has verified. All zero: nothing known. */
struct cb_state {
	struct cb_tuf_floor floor;
	struct cb_state_account accounts[CB_STATE_MAX_ACCOUNTS]; /* most recently changed first */
};

/* The two slots as they were found. */
struct cb_state_store {
	const struct cb_vars *vars;
	uint8_t realm_id[32];
	struct cb_state known; /* what the newest good slot says */
	uint64_t seq[CB_STATE_N_SLOTS]; /* 0: the slot holds nothing good */
	enum cb_err trouble[CB_STATE_N_SLOTS]; /* VARIABLE, STATE_FOREIGN, or CB_OK */
};

/* The name of a slot's variable. */
const char *cb_state_slot_name(unsigned slot);

/*
 * One slot's value. The checksum is keyed with the realm id: what another realm has stored counts as
 * nothing. STATE_FOREIGN, outputs untouched, for anything that cb_state_write could not have written.
 */
enum cb_err cb_state_parse(struct cb_bytes value, const uint8_t realm_id[32], struct cb_state *ret,
			   uint64_t *ret_seq);
void cb_state_write(const struct cb_state *s, uint64_t seq, const uint8_t realm_id[32],
		    uint8_t out[CB_STATE_LEN]);

/* Reads both slots; the higher sequence number wins. Never fails: see `trouble`. vars outlives it. */
void cb_state_load(struct cb_state_store *store, const struct cb_vars *vars,
		   const uint8_t realm_id[32]);
/*
 * Writes s to the older slot when it differs from what is known, or when a slot was found foreign.
 * VARIABLE: nothing is lost, the other slot stays as it was.
 */
enum cb_err cb_state_save(struct cb_state_store *store, const struct cb_state *s);

/*
 * What verified metadata adds: its versions and keys, and its issue date as floor of the clock when
 * rtc_s, the machine's own clock (NULL: it has none), is at most CB_STATE_CLOCK_SLACK_S behind.
 */
void cb_state_note_metadata(struct cb_state *s, const struct cb_tuf *tuf, const int64_t *rtc_s);
/* What an opened account record adds. The entry that was changed longest ago makes room. */
void cb_state_note_account(struct cb_state *s, const uint8_t realm_id[32], struct cb_bytes uid,
			   uint64_t epoch);
/* The least epoch that a record of this account may have. */
uint64_t cb_state_min_epoch(const struct cb_state *s, const uint8_t realm_id[32],
			    struct cb_bytes uid);

#endif
