/* SPDX-License-Identifier: MIT */
/* Drives the boot state machine in the simulator. */
#include "sim_boot.h"
#include "core/newc.h"
#include "sim_link.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void log_line(struct sim_boot *b, const char *fmt, const char *a, const char *z)
{
	size_t len = strlen(b->shown);

	(void)snprintf(b->shown + len, sizeof(b->shown) - len, fmt, a, z);
}

static void on_event(void *ctx, const struct cb_event *event)
{
	struct sim_boot *b = ctx;

	if (event->stage == CB_STAGE_SIGN_IN && b->sign_in_ms == 0)
		b->sign_in_ms = sim_now(b->sim);
	switch (event->kind) {
	case CB_EVENT_PROMPT:
		b->prompt = event->prompt.which;
		b->has_prompt = !event->prompt.is_final && event->prompt.text.len == 0;
		if (event->prompt.is_final)
			log_line(b, "%s%s\n",
				 b->prompt == CB_PROMPT_ACCOUNT ? "account" : "passphrase", "");
		break;
	case CB_EVENT_MENU:
		b->has_menu = event->menu.countdown_s == 0;
		break;
	case CB_EVENT_STAGE:
		b->stage_ms[event->stage] = sim_now(b->sim);
		b->paused_download = b->paused_download || event->pauses_download;
		break;
	case CB_EVENT_REFUSED:
		log_line(b, "refused: %s (%s)\n", cb_err_info(event->err)->message,
			 cb_err_info(event->err)->hint);
		b->wants_escape = event->err == CB_LOGIN_OFFLINE;
		break;
	case CB_EVENT_OFFLINE:
		b->n_offline++;
		b->offline_since_s = event->offline.since_s;
		b->offline_until_s = event->offline.until_s;
		log_line(b, "offline: %s %s\n", cb_err_info(event->err)->name, "");
		break;
	case CB_EVENT_PROGRESS:
		b->cache_bytes = event->progress.cache_bytes;
		break;
	case CB_EVENT_ERROR:
		b->n_errors++;
		b->has_error = true;
		b->offered_previous = event->offers_previous;
		b->need_bytes = event->need_bytes;
		b->free_bytes = event->free_bytes;
		log_line(b, "error: %s %s\n", cb_err_info(event->err)->name, event->subject);
		break;
	default:
		break;
	}
}

static void type(struct sim_boot *b, const char *text)
{
	for (const char *c = text; *c; c++)
		cb_boot_key(b->boot, (unsigned char)*c);
	cb_boot_key(b->boot, CB_KEY_ENTER);
}

static bool can_type(const struct sim_boot *b)
{
	if (b->wants_escape && b->escapes_offline)
		return true;
	return b->try < SIM_BOOT_MAX_TRIES && b->account[b->try] &&
		sim_now(b->sim) >= b->types_after_ms;
}

/* Answers a prompt; false when the person has nothing more to type. */
static bool answer_prompt(struct sim_boot *b)
{
	const char *text;

	if (b->wants_escape && b->escapes_offline && b->prompt == CB_PROMPT_ACCOUNT) {
		b->wants_escape = b->has_prompt = false;
		b->try -= b->try > 0;
		cb_boot_key(b->boot, CB_KEY_ESCAPE);
		return true;
	}
	if (!can_type(b))
		return false;
	b->has_prompt = false;
	text = b->prompt == CB_PROMPT_ACCOUNT ? b->account[b->try] : b->passphrase[b->try];
	if (b->prompt == CB_PROMPT_PASSPHRASE)
		b->try++;
	type(b, text);
	return true;
}

static void act(struct sim_boot *b)
{
	if (sim_has_lost_address(b->sim) && !b->has_lost_address) {
		b->has_lost_address = true;
		cb_boot_network(b->boot, CB_NET_NO_LEASE);
	}
	if (cb_boot_wants_network(b->boot)) {
		enum cb_err err = b->n_network == 0 || b->no_network ? b->network_err : CB_OK;

		b->has_lost_address = false;
		b->waits_for_network = sim_has_frames(b->sim) && !sim_bring_up(b->sim, &err);
		if (!b->waits_for_network) {
			b->n_network++;
			cb_boot_network(b->boot, err);
		}
	}
	cb_boot_near_mirror(b->boot, sim_near(b->sim));
	if (b->has_prompt)
		(void)answer_prompt(b);
	if (b->has_menu) {
		b->has_menu = false;
		if (b->menu_key)
			cb_boot_key(b->boot, b->menu_key);
		cb_boot_key(b->boot, CB_KEY_ENTER);
		b->has_menu = false;
	}
	if (b->has_error && b->error_key) {
		b->has_error = false;
		cb_boot_key(b->boot, b->error_key);
	}
}

/* Is there something for the person or the network to answer? */
static bool wants_to_act(const struct sim_boot *b)
{
	return (b->has_prompt && can_type(b)) || b->has_menu || (b->has_error && b->error_key) ||
		(cb_boot_wants_network(b->boot) && !b->waits_for_network);
}

static enum sim_status step(void *ctx, uint64_t *wake_ms)
{
	struct sim_boot *b = ctx;

	act(b);
	b->status = cb_boot_step(b->boot, wake_ms);
	if (sim_now(b->sim) < b->types_after_ms && *wake_ms > b->types_after_ms)
		*wake_ms = b->types_after_ms;
	if (b->has_error && !b->goes_on && !b->error_key)
		return SIM_DONE;
	switch (b->status) {
	case CB_BOOT_RUNNING:
		return SIM_AGAIN;
	case CB_BOOT_IDLE:
		return wants_to_act(b) ? SIM_AGAIN : SIM_IDLE;
	default:
		return SIM_DONE;
	}
}

bool sim_boot_run(struct sim_boot *b, uint64_t deadline_ms)
{
	return sim_run_until(b->sim, step, b, deadline_ms);
}

void sim_boot_init(struct sim_boot *b, struct sim *sim, const struct sim_realm *realm,
		   const struct sim_realm_loader *loader)
{
	enum cb_err err;
	size_t len;

	memset(b, 0, sizeof(*b));
	b->sim = sim;
	b->account[0] = "ada";
	b->passphrase[0] = SIM_REALM_PASSPHRASE;
	len = sim_realm_config(realm, loader, b->config);
	sim_on_event(sim, on_event, b);
	err = cb_boot_new(&(struct cb_boot_params){ .platform = sim_platform(sim),
						    .config_section = { b->config, len },
						    .kdf = sim_realm_kdf,
						    .kdf_ctx = &b->n_kdf,
						    .kdf_arena_len = sim_realm_arena_len,
						    .arch = CB_ARCH_X86_64 },
			  &b->boot);
	assert(err == CB_OK);
}

void sim_boot_done(struct sim_boot *b)
{
	cb_boot_free(b->boot);
	b->boot = NULL;
	sim_on_event(b->sim, NULL, NULL);
}

struct cb_bytes sim_handed_over(const struct cb_boot_result *result, const char *path)
{
	struct cb_newc_reader reader = { .archive = result->handover };
	struct cb_newc_entry entry;
	bool is_end = false;

	while (cb_newc_next(&reader, &entry, &is_end) == CB_OK && !is_end)
		if (cb_bytes_is(entry.name, path) && entry.mode == 0100400)
			return entry.data;
	return (struct cb_bytes){ NULL, 0 };
}
