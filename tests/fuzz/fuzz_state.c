/* SPDX-License-Identifier: MIT */
/* Fuzzes the rollback state behind a checksum that is always right: what is accepted is written back. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

#define SUM_LEN 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t realm_id[32] = { 7 };

static void check(const uint8_t *value, size_t len)
{
	static const uint8_t uid[16] = { 1 };
	const struct cb_bytes account = { uid, sizeof(uid) };
	uint8_t back[CB_STATE_LEN];
	struct cb_state s;
	uint64_t seq;

	if (cb_state_parse((struct cb_bytes){ value, len }, realm_id, &s, &seq) != CB_OK)
		return;
	cb_state_write(&s, seq, realm_id, back);
	if (len != CB_STATE_LEN || memcmp(back, value, len) != 0)
		abort();
	/* whatever is in it, an account's epoch goes up only */
	cb_state_note_account(&s, realm_id, account, 5);
	if (cb_state_min_epoch(&s, realm_id, account) < 5)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t value[CB_STATE_LEN];
	struct cb_blake2b h;

	check(data, len);
	if (len != CB_STATE_LEN)
		return 0;
	memcpy(value, data, CB_STATE_LEN);
	cb_blake2b_init(&h, SUM_LEN, realm_id, 32);
	cb_blake2b_update(&h, value, CB_STATE_LEN - SUM_LEN);
	cb_blake2b_final(&h, value + CB_STATE_LEN - SUM_LEN);
	check(value, sizeof(value));
	return 0;
}
