/* SPDX-License-Identifier: MIT */
/* Boot stage of the sign-in: prompts; boot_derive.c and boot_record.c follow. */
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

	if (result == CB_LINE_ESCAPED && b->is_offline) {
		show_prompt(b, /*is_final=*/true);
		cb_boot_enter(b, CB_STAGE_NETWORK);
		return;
	}
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
	cb_boot_emit(
		b,
		&(struct cb_event){ .kind = CB_EVENT_REFUSED,
				    .err = b->is_offline ? CB_LOGIN_OFFLINE : CB_LOGIN_UNKNOWN });
	cb_boot_enter(b, CB_STAGE_SIGN_IN);
}
