/* SPDX-License-Identifier: MIT */
/* Boot stage of the key derivation: its memory, and who does it while the prefetch goes on. */
#include "core/boot_internal.h"

#define RESUBMIT_MS 10u /* when the workers' queue is full */

/* ---- The arena ---- */

enum cb_err cb_boot_arena_reserve(struct cb_boot *b)
{
	const struct cb_tuf_info *info = cb_tuf_info(b->tuf);
	uint32_t m_kib = 0;
	size_t len;

	if (!b->params.kdf_arena_len)
		return CB_OK;
	/* Any of the realm's parameter sets may be needed, one at a time. */
	for (unsigned i = 0; i < info->n_kdf; i++)
		if (info->kdf[i].m_kib > m_kib)
			m_kib = info->kdf[i].m_kib;
	len = b->params.kdf_arena_len(m_kib);
	if (len <= b->arena_len)
		return CB_OK;
	cb_boot_arena_release(b);
	b->arena = cb_alloc(&b->platform->mem, len);
	if (!b->arena) {
		/* Never a cheaper derivation instead: the numbers say what is missing. */
		b->need_bytes = len;
		return CB_MEMORY_SHORT;
	}
	b->arena_len = len;
	return CB_OK;
}

/* Each derivation has wiped it. */
void cb_boot_arena_release(struct cb_boot *b)
{
	cb_free(&b->platform->mem, b->arena);
	b->arena = NULL;
	b->arena_len = 0;
}

/* ---- The stage ---- */

void cb_boot_derive_enter(struct cb_boot *b)
{
	b->derive = CB_DERIVE_ENTERED;
}

bool cb_boot_derive_pauses_download(const struct cb_boot *b)
{
	uint64_t done, total;

	if (!b->prefetch || b->platform->workers.n > 0)
		return false;
	cb_imagefetch_progress(b->prefetch, &done, &total);
	return total == 0 || done < total;
}

static enum cb_err prepare(struct cb_boot *b)
{
	const struct cb_tuf_info *info = cb_tuf_info(b->tuf);
	char account[CB_ACCOUNT_MAX + 1], passphrase[CB_PASSPHRASE_MAX + 1];
	enum cb_err err;

	if (b->kdf >= info->n_kdf)
		return CB_KDF_PARAMS;
	/* After a retry that began past the prompt there is none yet. */
	err = cb_boot_arena_reserve(b);
	if (err == CB_OK)
		err = cb_account_normalise(
			(struct cb_bytes){ (const uint8_t *)b->account.text, b->account.len },
			account);
	if (err == CB_OK)
		err = cb_passphrase_normalise(
			(struct cb_bytes){ (const uint8_t *)b->passphrase.text, b->passphrase.len },
			passphrase);
	if (err != CB_OK)
		return err;
	err = cb_derivation_begin(&b->derivation,
				  &(struct cb_login_params){ .kdf = b->params.kdf,
							     .kdf_ctx = b->params.kdf_ctx,
							     .t = info->kdf[b->kdf].t,
							     .m_kib = info->kdf[b->kdf].m_kib,
							     .realm_id = b->config.realm_id,
							     .account = account,
							     .passphrase = passphrase,
							     .arena = b->arena,
							     .arena_len = b->arena_len });
	cb_wipe(passphrase, sizeof(passphrase));
	return err;
}

static uint64_t body_bytes(const struct cb_boot *b)
{
	struct cb_fetch_stats stats;

	cb_fetch_stats(b->fetch, &stats);
	return stats.body_bytes;
}

/* Gives it to another processor, or does it here; false when those are busy. */
static bool start(struct cb_boot *b)
{
	const struct cb_workers *w = &b->platform->workers;

	b->derived.start_ms = cb_boot_now(b);
	b->derived.start_bytes = body_bytes(b);
	if (w->n > 0)
		return w->submit(w->ctx, &b->derivation.work);
	cb_work_run(&b->derivation.work, 0);
	return true;
}

static void end(struct cb_boot *b, enum cb_err err)
{
	if (err == CB_OK) {
		b->has_keys = true;
		cb_boot_enter(b, CB_STAGE_RECORD);
		return;
	}
	/* A passphrase of the wrong form can't be anyone's: the same answer as a wrong one. */
	if (err == CB_PASSPHRASE_SYNTAX) {
		cb_boot_refuse(b);
		return;
	}
	cb_boot_sign_out(b);
	if (err == CB_NO_MEMORY) {
		b->need_bytes = (uint64_t)cb_tuf_info(b->tuf)->kdf[b->kdf].m_kib << 10;
		err = CB_MEMORY_SHORT;
	}
	cb_boot_fail(b, err, "");
}

static void finish(struct cb_boot *b)
{
	const struct cb_bytes no_factor = { NULL, 0 };

	b->derived.ms = cb_boot_now(b) - b->derived.start_ms;
	b->derived.bytes = body_bytes(b) - b->derived.start_bytes;
	b->derived.processor = b->derivation.work.processor;
	b->derive = CB_DERIVE_ENTERED;
	end(b, cb_derivation_finish(&b->derivation, no_factor, &b->keys));
}

void cb_boot_derive_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	enum cb_err err;

	cb_boot_prefetch_step(b, ret_wake_ms);
	/* One step for the screen to say so: the derivation may hold everything up. */
	if (b->derive == CB_DERIVE_ENTERED) {
		b->derive = CB_DERIVE_SHOWN;
		cb_boot_wake_at(ret_wake_ms, cb_boot_now(b));
		return;
	}
	if (b->derive == CB_DERIVE_SHOWN) {
		err = prepare(b);
		if (err != CB_OK) {
			end(b, err);
			return;
		}
		b->derive = CB_DERIVE_PREPARED;
	}
	if (b->derive == CB_DERIVE_PREPARED) {
		if (!start(b)) {
			cb_boot_wake_at(ret_wake_ms, cb_boot_now(b) + RESUBMIT_MS);
			return;
		}
		b->derive = CB_DERIVE_STARTED;
	}
	/* The driver's wait ends when work is done. */
	if (cb_work_is_done(&b->derivation.work))
		finish(b);
}

void cb_boot_derive_stop(struct cb_boot *b)
{
	const struct cb_workers *w = &b->platform->workers;

	if (b->derive == CB_DERIVE_STARTED && w->n > 0)
		w->drain(w->ctx);
	b->derive = CB_DERIVE_ENTERED;
	cb_wipe(&b->derivation, sizeof(b->derivation));
	cb_boot_arena_release(b);
}
