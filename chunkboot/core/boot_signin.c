/* SPDX-License-Identifier: MIT */
/* Boot stages of the sign-in: prompts and account record; boot_derive.c is between them. */
#include <string.h>

#include "core/boot_internal.h"

#define MAX_BACKOFF_S 30u

static void show_prompt(struct cb_boot *b, bool is_final)
{
	const struct cb_line *l = b->prompt == CB_PROMPT_ACCOUNT ? &b->account : &b->passphrase;

	cb_boot_emit(b, &(struct cb_event){
				.kind = CB_EVENT_PROMPT,
				.prompt = {
					.which = b->prompt,
					.text = { (const uint8_t *)l->text, l->len },
					.cursor = l->cursor,
					.layout = cb_layout_name(b->layout),
					.is_final = is_final,
				},
			});
}

static void ask(struct cb_boot *b, enum cb_prompt which)
{
	b->prompt = which;
	if (which == CB_PROMPT_ACCOUNT)
		cb_line_init(&b->account, CB_ACCOUNT_MAX);
	cb_line_wipe(&b->passphrase);
	cb_line_init(&b->passphrase, CB_PASSPHRASE_MAX);
	show_prompt(b, /*is_final=*/false);
}

/* Courtesy, not security: 0, 0, 0, 1, 2, 4, ... 30 seconds. */
static uint64_t backoff_ms(unsigned n_refused)
{
	unsigned s = 0;

	if (n_refused >= 4)
		s = n_refused < 9 ? 1u << (n_refused - 4) : MAX_BACKOFF_S;
	return (s < MAX_BACKOFF_S ? s : MAX_BACKOFF_S) * 1000ull;
}

void cb_boot_sign_in_enter(struct cb_boot *b)
{
	enum cb_err err;

	b->kdf = 0;
	b->prompt_from_ms = b->entered_ms + backoff_ms(b->n_refused);
	if (b->config.has_autologin) {
		cb_login_from_key(b->config.autologin_key, &b->keys);
		b->has_keys = true;
		cb_boot_enter(b, CB_STAGE_RECORD);
		return;
	}
	/* Before the prefetch, which may take what is left. */
	err = cb_boot_arena_reserve(b);
	if (err != CB_OK) {
		cb_boot_fail(b, err, "");
		return;
	}
	b->is_asking = false;
	cb_boot_prefetch_start(b);
}

/* The prompt comes when the back-off is over; from then on keys bring the next step. */
void cb_boot_sign_in_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	cb_boot_prefetch_step(b, ret_wake_ms);
	if (b->is_asking)
		return;
	if (cb_boot_now(b) < b->prompt_from_ms) {
		cb_boot_wake_at(ret_wake_ms, b->prompt_from_ms);
		return;
	}
	b->is_asking = true;
	ask(b, CB_PROMPT_ACCOUNT);
}

static void account_key(struct cb_boot *b, enum cb_line_result result)
{
	char name[CB_ACCOUNT_MAX + 1];
	struct cb_bytes typed = { (const uint8_t *)b->account.text, b->account.len };

	if (result != CB_LINE_ENTERED) {
		show_prompt(b, /*is_final=*/false);
		return;
	}
	if (typed.len == 0)
		return;
	show_prompt(b, /*is_final=*/true);
	if (cb_account_normalise(typed, name) == CB_OK) {
		ask(b, CB_PROMPT_PASSPHRASE);
		return;
	}
	cb_boot_emit(b, &(struct cb_event){ .kind = CB_EVENT_REFUSED, .err = CB_ACCOUNT_SYNTAX });
	ask(b, CB_PROMPT_ACCOUNT);
}

static void passphrase_key(struct cb_boot *b, enum cb_line_result result)
{
	if (result == CB_LINE_ESCAPED) {
		show_prompt(b, /*is_final=*/true);
		ask(b, CB_PROMPT_ACCOUNT);
		return;
	}
	if (result != CB_LINE_ENTERED) {
		show_prompt(b, /*is_final=*/false);
		return;
	}
	if (b->passphrase.len == 0)
		return;
	show_prompt(b, /*is_final=*/true);
	cb_boot_enter(b, CB_STAGE_DERIVE);
}

void cb_boot_sign_in_key(struct cb_boot *b, unsigned key)
{
	struct cb_line *l = b->prompt == CB_PROMPT_ACCOUNT ? &b->account : &b->passphrase;
	enum cb_line_result result;

	if (!b->is_asking)
		return;
	if (key == CB_KEY_F2) {
		b->layout = cb_layout_name(b->layout + 1) ? b->layout + 1 : 0;
		show_prompt(b, /*is_final=*/false);
		return;
	}
	if (key >= 0x20 && key < 0x7f)
		key = cb_layout_map(b->layout, key);
	result = cb_line_key(l, key);
	if (result == CB_LINE_IGNORED)
		return;
	if (b->prompt == CB_PROMPT_ACCOUNT)
		account_key(b, result);
	else
		passphrase_key(b, result);
}

void cb_boot_refuse(struct cb_boot *b)
{
	b->n_refused++;
	cb_boot_sign_out(b);
	cb_boot_emit(b, &(struct cb_event){ .kind = CB_EVENT_REFUSED, .err = CB_LOGIN_UNKNOWN });
	cb_boot_enter(b, CB_STAGE_SIGN_IN);
}

/* ---- record ---- */

static void describe_record(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct cb_boot *b = ctx;
	char path[CB_RECORD_PATH_MAX];

	(void)item;
	*ret = (struct cb_fetch_item){
		.len = CB_RECORD_MAX_LEN,
		.is_mutable = true,
		.source = CB_FETCH_ANY_SOURCE,
	};
	cb_record_path(b->keys.locator, path);
	memcpy(ret->path, path, sizeof(path));
}

static enum cb_err deliver_record(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct cb_boot *b = ctx;
	struct cb_record_check check = cb_record_check_of(b->tuf, b->now_s);
	enum cb_err err;

	(void)item;
	(void)source;
	err = cb_record_open(&b->platform->mem, bytes, &b->keys, &check, &b->record);
	if (err == CB_OK &&
	    b->record.epoch <
		    cb_state_min_epoch(&b->state.known, b->config.realm_id, b->record.uid)) {
		cb_record_done(&b->record);
		err = CB_RECORD_EPOCH;
	}
	b->has_record = err == CB_OK;
	if (err != CB_OK)
		b->record_refusal = err;
	return err;
}

void cb_boot_record_enter(struct cb_boot *b)
{
	enum cb_err err;

	cb_job_free(b->record_job);
	b->record_job = NULL;
	b->record_refusal = CB_OK;
	err = cb_fetch_submit(b->fetch,
			      &(struct cb_job_params){
				      .ctx = b,
				      .n_items = 1,
				      .describe = describe_record,
				      .deliver = deliver_record,
				      .absent_err = CB_LOGIN_UNKNOWN,
				      .wrong_err = CB_RECORD_FORMAT,
			      },
			      &b->record_job);
	if (err != CB_OK)
		cb_boot_fail(b, err, "");
}

static void record_absent(struct cb_boot *b)
{
	if (b->config.has_autologin) {
		cb_boot_sign_out(b);
		cb_boot_fail(b, CB_LOGIN_UNKNOWN, b->config.autologin_account);
		return;
	}
	/* The realm may still have records made with its previous parameters. */
	if (b->kdf + 1 < cb_tuf_info(b->tuf)->n_kdf && b->passphrase.len > 0) {
		b->kdf++;
		cb_boot_enter(b, CB_STAGE_DERIVE);
		return;
	}
	cb_boot_refuse(b);
}

void cb_boot_record_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	enum cb_err err = CB_OK;
	enum cb_job_status status = cb_job_status(b->record_job, &err, NULL);

	cb_boot_prefetch_step(b, ret_wake_ms);
	if (status == CB_JOB_RUNNING)
		return;
	cb_job_free(b->record_job);
	b->record_job = NULL;
	if (status == CB_JOB_DONE) {
		cb_line_wipe(&b->passphrase);
		cb_boot_enter(b, CB_STAGE_MENU);
		return;
	}
	if (b->record_refusal == CB_OK && err == CB_LOGIN_UNKNOWN) {
		record_absent(b);
		return;
	}
	/* A refusal tells more than RECORD_FORMAT; after one the network may still have failed. */
	if (b->record_refusal != CB_OK && err == CB_RECORD_FORMAT) {
		err = b->record_refusal;
		cb_boot_sign_out(b);
	}
	cb_boot_fail(b, err, "account record");
}
