/* SPDX-License-Identifier: MIT */
/* Rollback state in a boot: read at its start, written when everything that it vouches for is good. */
#include "core/boot_internal.h"

static void tell(struct cb_boot *b, enum cb_err err, unsigned slot)
{
	cb_boot_emit(b,
		     &(struct cb_event){ .kind = CB_EVENT_NOTICE,
					 .err = err,
					 .subject = cb_state_slot_name(slot) });
}

void cb_boot_state_load(struct cb_boot *b)
{
	cb_state_load(&b->state, &b->platform->vars, b->config.realm_id);
	for (unsigned slot = 0; slot < CB_STATE_N_SLOTS; slot++)
		if (b->state.trouble[slot] != CB_OK)
			tell(b, b->state.trouble[slot], slot);
}

/*
 * Called when the image is complete and the hand-over is built: metadata that was refused, or that
 * promises what no mirror has, never becomes a floor that would shut this machine out.
 */
void cb_boot_state_save(struct cb_boot *b)
{
	struct cb_state state = b->state.known;
	int64_t rtc_s;
	bool has_rtc = b->platform->wall_clock(b->platform->ctx, &rtc_s) == CB_OK;
	enum cb_err err;

	cb_state_note_metadata(&state, b->tuf, has_rtc ? &rtc_s : NULL);
	cb_state_note_account(&state, b->config.realm_id, b->record.uid, b->record.epoch);
	err = cb_state_save(&b->state, &state);
	if (err != CB_OK)
		tell(b, err, b->state.seq[0] <= b->state.seq[1] ? 0 : 1);
}
