/* SPDX-License-Identifier: MIT */
/* The boot state machine: the list of stages, network and metadata, beginning and end. */
#include "core/boot.h"

#include <string.h>

#include "core/boot_internal.h"

static cb_boot_stage_fn network_step, metadata_step, ready_step;
static void network_enter(struct cb_boot *b);
static void metadata_enter(struct cb_boot *b);

/*
 * The way of a boot, in order. Each stage leads to the next one; any may lead to FAILED, from where
 * a retry begins again at NETWORK (what the person has typed is kept).
 */
static const struct stage {
	void (*enter)(struct cb_boot *b);
	cb_boot_stage_fn *step;
	cb_boot_key_fn *key;
} stages[] = {
	[CB_STAGE_NETWORK] = { network_enter, network_step, NULL },
	[CB_STAGE_METADATA] = { metadata_enter, metadata_step, NULL },
	[CB_STAGE_SIGN_IN] = { cb_boot_sign_in_enter, cb_boot_sign_in_step, cb_boot_sign_in_key },
	[CB_STAGE_DERIVE] = { cb_boot_derive_enter, cb_boot_derive_step, NULL },
	[CB_STAGE_RECORD] = { cb_boot_record_enter, cb_boot_record_step, NULL },
	[CB_STAGE_MENU] = { cb_boot_menu_enter, cb_boot_menu_step, cb_boot_menu_key },
	[CB_STAGE_FETCH] = { cb_boot_fetch_enter, cb_boot_fetch_step, NULL },
	[CB_STAGE_HANDOVER] = { NULL, cb_boot_handover_step, NULL },
	[CB_STAGE_READY] = { NULL, ready_step, NULL },
	[CB_STAGE_FAILED] = { cb_boot_failed_enter, cb_boot_failed_step, cb_boot_failed_key },
};

uint64_t cb_boot_now(const struct cb_boot *b)
{
	return b->platform->now_ms(b->platform->ctx);
}

void cb_boot_wake_at(uint64_t *wake_ms, uint64_t at_ms)
{
	if (at_ms < *wake_ms)
		*wake_ms = at_ms;
}

void cb_boot_emit(struct cb_boot *b, struct cb_event *event)
{
	event->stage = b->stage;
	if (!event->subject)
		event->subject = "";
	b->platform->event(b->platform->ctx, event);
}

void cb_boot_enter(struct cb_boot *b, enum cb_stage stage)
{
	b->stage = stage;
	b->n_entries++;
	b->entered_ms = cb_boot_now(b);
	b->stage_ms[stage] = b->entered_ms;
	/* Only the way from the prompt to the record needs it; after that, chunks do. */
	if (stage < CB_STAGE_SIGN_IN || stage > CB_STAGE_RECORD)
		cb_boot_arena_release(b);
	/* At the prompt the person sees whose realm this is. */
	cb_boot_emit(b,
		     &(struct cb_event){
			     .kind = CB_EVENT_STAGE,
			     .subject = stage == CB_STAGE_SIGN_IN ? cb_tuf_info(b->tuf)->title : "",
			     .pauses_download = stage == CB_STAGE_DERIVE &&
				     cb_boot_derive_pauses_download(b) });
	if (stages[stage].enter)
		stages[stage].enter(b);
}

void cb_boot_fail(struct cb_boot *b, enum cb_err err, const char *subject)
{
	size_t len = strlen(subject);

	if (len >= sizeof(b->subject))
		len = sizeof(b->subject) - 1;
	memmove(b->subject, subject, len);
	b->subject[len] = '\0';
	b->err = err;
	cb_boot_enter(b, CB_STAGE_FAILED);
}

/* ---- network ---- */

/* Frees the fetch engine and what uses it; the image must have been freed or detached. */
static void drop_fetch(struct cb_boot *b)
{
	cb_boot_prefetch_stop(b);
	b->was_prefetched = false;
	cb_job_free(b->record_job);
	b->record_job = NULL;
	cb_refresh_free(b->refresh);
	b->refresh = NULL;
	cb_fetch_free(b->fetch);
	b->fetch = NULL;
}

static void drop_image(struct cb_boot *b)
{
	cb_imagefetch_free(b->image);
	b->image = NULL;
}

static void drop_record(struct cb_boot *b)
{
	cb_record_done(&b->record);
	b->has_record = false;
	cb_free(&b->platform->mem, b->record_file);
	b->record_file = NULL;
}

/* A new try: with the network, if there is one. */
static void network_enter(struct cb_boot *b)
{
	/* What was judged by old metadata is judged again. */
	if (b->is_offline)
		drop_record(b);
	b->was_offline |= b->is_offline;
	b->is_offline = b->waives_expiry = false;
	b->network_err = CB_OK;
	b->network_ms = b->entered_ms;
	cb_boot_cache_open(b);
}

static void network_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	if (cb_boot_cache_is_awaited(b, ret_wake_ms))
		return;
	b->below_timestamp = UINT64_MAX;
	if (b->is_network_up)
		cb_boot_enter(b, CB_STAGE_METADATA);
	else if (b->network_err != CB_OK && !cb_boot_go_offline(b, b->network_err))
		cb_boot_fail(b, b->network_err, "");
	/* else cb_boot_network brings the next step */
}

bool cb_boot_wants_network(const struct cb_boot *b)
{
	return b->stage == CB_STAGE_NETWORK && !b->is_network_up && b->network_err == CB_OK;
}

void cb_boot_network(struct cb_boot *b, enum cb_err err)
{
	b->is_network_up = err == CB_OK;
	if (b->stage != CB_STAGE_NETWORK)
		return;
	b->network_err = err;
	b->network_ms = cb_boot_now(b);
}

/* ---- metadata ---- */

static void judge_clock(struct cb_boot *b)
{
	int64_t rtc_s;

	/* The stored floor comes in with the metadata: it ends with the keys that it rests on. */
	b->now_s = b->config.stamped_s;
	if (b->platform->wall_clock(b->platform->ctx, &rtc_s) == CB_OK && rtc_s > b->now_s)
		b->now_s = rtc_s;
	b->tls.now_s = b->now_s;
}

/* A boot goes on without it: that it can't be used, or may not be (err), is told. */
static void add_mirror(struct cb_boot *b, enum cb_err err, struct cb_bytes url,
		       enum cb_preference preference, const char *what)
{
	unsigned source;

	if (err == CB_OK)
		err = cb_fetch_add_mirror(b->fetch, url, &source);
	if (err == CB_OK)
		cb_fetch_prefer(b->fetch, source, preference);
	else
		cb_boot_emit(
			b,
			&(struct cb_event){ .kind = CB_EVENT_NOTICE, .err = err, .subject = what });
}

static void add_announced(struct cb_boot *b)
{
	const struct cb_tls_trust *trust = &b->config.tls;
	enum cb_err err = CB_OK;

	if (b->announced[0] == '\0')
		return;
	/* Who stamped trust wants nobody to read along: no announcement takes that away. */
	if (trust->n_anchors + trust->n_pins > 0 && strncmp(b->announced, "https:", 6) != 0)
		err = CB_NET_TLS;
	add_mirror(b, err, cb_bytes_of(b->announced), CB_PREFER_NEAR, "mirror named by DHCP");
}

void cb_boot_near_mirror(struct cb_boot *b, const char *url)
{
	size_t len = strlen(url);

	if (b->config.no_dhcp_mirror || len > CB_BOOT_ANNOUNCED_MAX ||
	    strcmp(url, b->announced) == 0)
		return;
	memcpy(b->announced, url, len + 1);
	if (b->fetch)
		add_announced(b);
}

static enum cb_err start_metadata(struct cb_boot *b)
{
	enum cb_err err = cb_fetch_new(&b->secure, &b->fetch);

	for (unsigned i = 0; err == CB_OK && i < b->config.n_mirrors; i++)
		err = cb_fetch_add_mirror(b->fetch, b->config.mirrors[i], NULL);
	for (unsigned i = 0; err == CB_OK && i < b->config.n_near; i++)
		add_mirror(b, CB_OK, b->config.near[i], CB_PREFER_NEAR, "near mirror");
	if (err == CB_OK)
		add_announced(b);
	cb_tuf_free(b->tuf);
	b->tuf = NULL;
	if (err == CB_OK)
		err = cb_tuf_new(&b->platform->mem, CB_TUF_LOADER, b->config.root, b->now_s,
				 &b->state.known.floor, &b->tuf);
	if (err == CB_OK)
		err = cb_refresh_new(b->platform, b->fetch, b->tuf, &b->refresh);
	if (err == CB_OK)
		err = cb_boot_cache_attach(b);
	if (err != CB_OK)
		return err;
	cb_refresh_prefer_below(b->refresh, b->below_timestamp);
	if (b->waives_expiry)
		cb_tuf_waive_expiry(b->tuf);
	if (b->is_offline)
		cb_refresh_offline(b->refresh);
	return CB_OK;
}

static void metadata_enter(struct cb_boot *b)
{
	enum cb_err err;

	judge_clock(b);
	drop_image(b);
	drop_fetch(b);
	memset(b->wrong_seen, 0, sizeof(b->wrong_seen));
	err = start_metadata(b);
	if (err != CB_OK)
		cb_boot_fail(b, err, "root");
}

static void metadata_done(struct cb_boot *b)
{
	enum cb_err err;

	b->now_s = cb_tuf_now(b->tuf);
	if (cb_tuf_info(b->tuf)->min_loader > CB_LOADER_VERSION) {
		cb_boot_fail(b, CB_META_LOADER_OLD, "loader " CB_LOADER_VERSION_TEXT);
		return;
	}
	for (unsigned i = 0; i < cb_tuf_info(b->tuf)->n_mirrors; i++)
		add_mirror(b, CB_OK, cb_tuf_info(b->tuf)->mirrors[i], CB_PREFER_SIGNED,
			   "signed mirror");
	cb_boot_offline_tell(b);
	/* After a retry, whatever was reached before is not asked for again. */
	err = b->has_record ? cb_boot_offline_check(b) : CB_OK;
	if (err != CB_OK)
		cb_boot_fail(b, err, "account record");
	else if (b->has_record)
		cb_boot_enter(b, CB_STAGE_MENU);
	else if (b->has_keys)
		cb_boot_enter(b, CB_STAGE_RECORD);
	else
		cb_boot_enter(b, CB_STAGE_SIGN_IN);
}

bool cb_boot_older_metadata(struct cb_boot *b)
{
	uint64_t version = cb_tuf_info(b->tuf)->versions.version[CB_TUF_TIMESTAMP];

	/* Each time below the last one, so that it ends. */
	if (version >= b->below_timestamp || !cb_refresh_has_older(b->refresh))
		return false;
	b->below_timestamp = version;
	cb_boot_enter(b, CB_STAGE_METADATA);
	return true;
}

static void metadata_failed(struct cb_boot *b, enum cb_err err)
{
	if (cb_boot_go_offline(b, err))
		return;
	/* Nobody is there to ask: the account's record will say how old it may be. */
	if (err == CB_META_EXPIRED && b->config.has_autologin && !b->waives_expiry) {
		b->waives_expiry = true;
		cb_boot_enter(b, CB_STAGE_METADATA);
		return;
	}
	if (err != CB_META_EXPIRED && err != CB_META_ROLLBACK && err != CB_NO_MEMORY)
		err = cb_boot_offline_err(b, err);
	cb_boot_fail(b, err, cb_refresh_subject(b->refresh));
}

/* Silence: where the cache has metadata, nobody waits two minutes for a mirror; unless that was not
 * enough, and the network, slow as it is, is the only way. */
static bool is_silent(const struct cb_boot *b, uint64_t *ret_wake_ms)
{
	struct cb_fetch_stats stats;
	uint64_t since_ms = b->entered_ms;

	if (b->is_offline || b->was_offline || !cb_boot_cache_has_metadata(b))
		return false;
	cb_fetch_stats(b->fetch, &stats);
	if (stats.last_progress_ms > since_ms)
		since_ms = stats.last_progress_ms;
	cb_boot_wake_at(ret_wake_ms, since_ms + CB_BOOT_OFFLINE_AFTER_MS);
	return cb_boot_now(b) >= since_ms + CB_BOOT_OFFLINE_AFTER_MS;
}

static void metadata_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	enum cb_err err = CB_OK;

	switch (cb_refresh_step(b->refresh, ret_wake_ms, &err)) {
	case CB_JOB_RUNNING:
		if (is_silent(b, ret_wake_ms))
			metadata_failed(b, CB_NET_TIMEOUT);
		return;
	case CB_JOB_DONE:
		metadata_done(b);
		return;
	case CB_JOB_FAILED:
		metadata_failed(b, err);
		return;
	}
}

static void ready_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	(void)ret_wake_ms;
	b->outcome = CB_BOOT_READY;
}

/* ---- public ---- */

enum cb_err cb_boot_new(const struct cb_boot_params *params, struct cb_boot **ret)
{
	const struct cb_platform *p = params->platform;
	struct cb_boot *b = cb_alloc_zeroed(&p->mem, sizeof(*b));
	enum cb_err err;

	if (!b)
		return CB_NO_MEMORY;
	b->platform = p;
	b->params = *params;
	b->retry_delay_ms = CB_BOOT_RETRY_FIRST_MS;
	err = cb_config_parse(params->config_section, &b->config);
	if (err != CB_OK) {
		cb_free(&p->mem, b);
		return err;
	}
	cb_tls_init(&b->tls, p, &b->config.tls);
	b->secure = *p;
	cb_tls_net(&b->tls, &b->secure.net);
	b->layout = cb_layout_find(b->config.layout, NULL);
	b->start_ms = cb_boot_now(b);
	cb_boot_state_load(b);
	cb_boot_enter(b, CB_STAGE_NETWORK);
	*ret = b;
	return CB_OK;
}

const struct cb_config *cb_boot_config(const struct cb_boot *b)
{
	return &b->config;
}

void cb_boot_key(struct cb_boot *b, unsigned key)
{
	if (stages[b->stage].key && b->outcome == CB_BOOT_RUNNING)
		stages[b->stage].key(b, key);
}

enum cb_boot_status cb_boot_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	uint64_t before = b->n_entries;
	uint64_t fetch_wake_ms = UINT64_MAX;
	bool is_busy = false;

	*ret_wake_ms = UINT64_MAX;
	if (b->outcome != CB_BOOT_RUNNING)
		return b->outcome;
	stages[b->stage].step(b, ret_wake_ms);
	if (b->outcome != CB_BOOT_RUNNING)
		return b->outcome;
	if (b->stage == CB_STAGE_SIGN_IN)
		cb_boot_cache_catch_up(b, ret_wake_ms);
	/* After the stage, so that what it has just asked for is on its way before we wait. */
	if (b->fetch)
		is_busy = cb_fetch_step(b->fetch, &fetch_wake_ms);
	cb_boot_wake_at(ret_wake_ms, fetch_wake_ms);
	return is_busy || b->n_entries != before ? CB_BOOT_RUNNING : CB_BOOT_IDLE;
}

const struct cb_boot_result *cb_boot_result(const struct cb_boot *b)
{
	return &b->result;
}

void cb_boot_close_network(struct cb_boot *b)
{
	if (b->image)
		cb_imagefetch_detach(b->image);
	drop_fetch(b);
	cb_boot_cache_close(b);
	b->is_network_up = false;
}

void cb_boot_free_kernel(struct cb_boot *b)
{
	cb_imagefetch_free_first(b->image);
	b->result.kernel = (struct cb_bytes){ NULL, 0 };
}

enum cb_err cb_boot_serve_initrd(struct cb_boot *b, uint8_t *out)
{
	b->serve_err = cb_imagefetch_serve(b->image, out);
	return b->serve_err;
}

void cb_boot_start_failed(struct cb_boot *b, enum cb_err err)
{
	cb_free_secret(&b->platform->mem, b->handover, b->handover_len);
	b->handover = NULL;
	b->handover_len = 0;
	b->outcome = CB_BOOT_RUNNING;
	/* Then the kernel only said that it had no initrd. */
	if (b->serve_err != CB_OK)
		cb_boot_fail(b, b->serve_err, cb_imagefetch_subject(b->image));
	else
		cb_boot_fail(b, err, b->image_name);
	drop_image(b);
}

void cb_boot_sign_out(struct cb_boot *b)
{
	cb_line_wipe(&b->passphrase);
	cb_wipe(&b->keys, sizeof(b->keys));
	b->has_keys = false;
	drop_record(b);
}

void cb_boot_free(struct cb_boot *b)
{
	const struct cb_mem *mem;

	if (!b)
		return;
	mem = &b->platform->mem;
	cb_boot_derive_stop(b);
	drop_image(b);
	drop_fetch(b);
	cb_boot_cache_close(b);
	cb_tuf_free(b->tuf);
	cb_boot_sign_out(b);
	cb_free_secret(mem, b->handover, b->handover_len);
	cb_free_secret(mem, b, sizeof(*b));
}
