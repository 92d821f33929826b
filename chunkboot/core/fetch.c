/* SPDX-License-Identifier: MIT */
/* The fetch engine: its sources, its steps, its figures. */
#include "core/fetch.h"

#include <string.h>

#include "core/cache_source.h"
#include "core/job.h"
#include "core/mirror.h"

#define OVERSLEPT_MS 1000u /* later than promised by this much: the machine was busy elsewhere */
#define GOOD_AGAIN 32u /* good objects after which a demoted source is trusted with more */
#define ABSENT_SLOW 16u /* absent answers in a row that make a source be asked little */

enum cb_err cb_fetch_new(const struct cb_platform *platform, struct cb_fetch **ret)
{
	struct cb_fetch *f = cb_alloc_zeroed(&platform->mem, sizeof *f);

	if (!f)
		return CB_NO_MEMORY;
	f->platform = platform;
	f->due_ms = UINT64_MAX;
	cb_fetch_update_clock(f);
	*ret = f;
	return CB_OK;
}

void cb_fetch_free(struct cb_fetch *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n_sources; i++)
		f->sources[i]->ops->free(f->sources[i]);
	if (f->cache)
		f->sources[CB_FETCH_CACHE]->ops->free(f->sources[CB_FETCH_CACHE]);
	cb_free(&f->platform->mem, f);
}

enum cb_err cb_fetch_add_mirror(struct cb_fetch *f, struct cb_bytes url, unsigned *ret_source)
{
	for (unsigned i = 0; i < f->n_sources; i++) {
		if (!cb_mirror_is_at(f->sources[i], url))
			continue;
		if (ret_source)
			*ret_source = i;
		return CB_OK;
	}
	if (f->n_sources == CB_FETCH_MAX_MIRRORS)
		return CB_NET_NO_MIRROR;
	enum cb_err err = cb_mirror_new(f, url, f->n_sources, &f->sources[f->n_sources]);
	if (err != CB_OK)
		return err;
	if (ret_source)
		*ret_source = f->n_sources;
	f->n_sources++;
	return CB_OK;
}

void cb_fetch_prefer(struct cb_fetch *f, unsigned source, enum cb_preference preference)
{
	if (preference > f->sources[source]->preference)
		f->sources[source]->preference = preference;
}

enum cb_err cb_fetch_add_cache(struct cb_fetch *f, struct cb_cache *cache)
{
	enum cb_err err = cb_cache_source_new(f, cache, &f->sources[CB_FETCH_CACHE]);

	if (err == CB_OK)
		f->cache = cache;
	return err;
}

struct cb_cache *cb_fetch_cache(const struct cb_fetch *f)
{
	return f->cache;
}

unsigned cb_fetch_n_sources(const struct cb_fetch *f)
{
	return f->n_sources;
}

const char *cb_fetch_source_name(const struct cb_fetch *f, unsigned i)
{
	return f->sources[i]->name;
}

const struct cb_platform *cb_fetch_platform(const struct cb_fetch *f)
{
	return f->platform;
}

uint64_t cb_fetch_now(const struct cb_fetch *f)
{
	return f->now_ms;
}

unsigned cb_fetch_n_connections(const struct cb_fetch *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n_sources; i++)
		n += f->sources[i]->n_connections;
	return n;
}

/* ---- What sources report ---- */

void cb_fetch_progress(struct cb_source *s, size_t len)
{
	struct cb_fetch *f = s->fetch;

	s->body_bytes += len;
	if (f->now_ms - s->last_byte_ms >= CB_SOURCE_PAUSE_MS)
		s->resumed_ms = f->now_ms;
	s->last_byte_ms = f->now_ms;
	if (s->index != CB_FETCH_CACHE)
		f->body_bytes += len;
	f->last_body_ms = f->now_ms;
}

static uint64_t backoff_ms(unsigned n)
{
	uint64_t ms = CB_SOURCE_BACKOFF_MS;

	while (n-- > 1 && ms < CB_SOURCE_BACKOFF_MAX_MS)
		ms *= 2;
	return ms < CB_SOURCE_BACKOFF_MAX_MS ? ms : CB_SOURCE_BACKOFF_MAX_MS;
}

static void wait_until(struct cb_source *s, uint64_t at_ms)
{
	if (at_ms > s->not_before_ms)
		s->not_before_ms = at_ms;
}

void cb_source_failed(struct cb_source *s, enum cb_err err)
{
	uint64_t now = s->fetch->now_ms;

	s->last_err = err;
	s->fetch->judge_ms = 0;
	/* Connections that fail together are one failure. */
	if (now < s->not_before_ms)
		return;
	s->n_fails++;
	wait_until(s, now + backoff_ms(s->n_fails));
}

void cb_source_busy(struct cb_source *s, uint64_t wait_ms)
{
	uint64_t now = s->fetch->now_ms;

	if (now >= s->not_before_ms)
		s->n_busy++;
	if (wait_ms < backoff_ms(s->n_busy))
		wait_ms = backoff_ms(s->n_busy);
	wait_until(s, now + wait_ms);
}

void cb_source_answered(struct cb_source *s)
{
	s->is_up = true;
	s->n_fails = 0;
	s->n_busy = 0;
	s->last_byte_ms = s->fetch->now_ms;
}

bool cb_source_is_slowed(const struct cb_source *s)
{
	bool is_demoted = s->wrong_objects >= CB_SOURCE_DEMOTE_WRONG && s->n_good < GOOD_AGAIN;

	return is_demoted || s->n_busy > 0 || s->n_absent >= ABSENT_SLOW;
}

bool cb_source_is_down(const struct cb_source *s)
{
	unsigned n = s->last_err == CB_NET_CLOSED ? CB_SOURCE_DOWN_CLOSED : CB_SOURCE_DOWN_FAILS;

	/* Silence is judged by the job, which has more patience. */
	if (s->n_fails < n || s->last_err == CB_NET_TIMEOUT)
		return false;
	return !s->is_up || s->fetch->now_ms - s->last_byte_ms >= CB_SOURCE_LOST_MS;
}

/* ---- Steps ---- */

/* Time in which nobody stepped the engine, though it wanted to, or in which it read nothing because
 * it was full, counts for no timeout. */
void cb_fetch_update_clock(struct cb_fetch *f)
{
	uint64_t now = f->platform->now_ms(f->platform->ctx) - f->lost_ms;

	if (f->due_ms < now && now - f->due_ms > OVERSLEPT_MS) {
		f->lost_ms += now - f->due_ms;
		now = f->due_ms;
	}
	if (f->is_full && now > f->now_ms) {
		f->lost_ms += now - f->now_ms;
		now = f->now_ms;
	}
	f->now_ms = now;
}

static bool is_active(const struct cb_fetch *f)
{
	for (const struct cb_job *job = f->jobs; job; job = job->next)
		if (job->status == CB_JOB_RUNNING)
			return true;
	return false;
}

bool cb_fetch_step(struct cb_fetch *f, uint64_t *ret_wake_ms)
{
	uint64_t wake_ms = UINT64_MAX;
	uint32_t budget = CB_FETCH_STEP_BYTES;
	bool has_acted = false;

	cb_fetch_update_clock(f);
	if (f->is_full)
		budget = 0;
	for (unsigned i = 0; i < f->n_sources; i++) {
		struct cb_source *s = f->sources[(f->turn + i) % f->n_sources];
		has_acted |= s->ops->step(s, &budget, &wake_ms);
	}
	if (f->n_sources > 0)
		f->turn = (f->turn + 1) % f->n_sources;
	if (f->cache) {
		struct cb_source *s = f->sources[CB_FETCH_CACHE];
		uint32_t own = f->is_full ? 0 : CB_FETCH_STEP_BYTES;
		has_acted |= s->ops->step(s, &own, &wake_ms);
	}
	has_acted |= cb_fetch_schedule(f, &wake_ms);
	if (is_active(f)) {
		uint64_t stall_ms = f->now_ms + CB_FETCH_STALL_MS;
		wake_ms = wake_ms < stall_ms ? wake_ms : stall_ms;
	}
	f->due_ms = has_acted ? f->now_ms : wake_ms;
	*ret_wake_ms = wake_ms == UINT64_MAX ? wake_ms : wake_ms + f->lost_ms;
	return has_acted;
}

void cb_fetch_stats(const struct cb_fetch *f, struct cb_fetch_stats *ret)
{
	*ret = (struct cb_fetch_stats){
		.body_bytes = f->body_bytes,
		.cache_bytes = f->cache ? f->sources[CB_FETCH_CACHE]->body_bytes : 0,
		.verified_bytes = f->verified_bytes,
		.last_progress_ms = f->last_body_ms + f->lost_ms,
		.n_connections = cb_fetch_n_connections(f),
		.n_retries = f->n_retries,
	};
}

void cb_fetch_source_stats(const struct cb_fetch *f, unsigned i, struct cb_source_stats *ret)
{
	const struct cb_source *s = f->sources[i];

	*ret = (struct cb_source_stats){
		.body_bytes = s->body_bytes,
		.wrong_objects = s->wrong_objects,
		.n_connections = s->n_connections,
		.is_up = s->is_up && !s->is_banned && !cb_source_is_down(s),
		.is_banned = s->is_banned,
	};
}
