/* SPDX-License-Identifier: MIT */
/* Jobs of the fetch engine: what each answer means for its item, and when to give up. */
#include "core/job.h"

#include <assert.h>
#include <string.h>

#include "core/cache_source.h"

#define JUDGE_SPAN 32u /* waiting items that each step looks at for lost ones */
#define SCAN_MAX 4096u /* items looked at for one that a source may be asked for */

enum trouble {
	TROUBLE_NONE,
	TROUBLE_STATUS,
	TROUBLE_CLOSED,
	TROUBLE_FORMAT,
	TROUBLE_REDIRECT,
	TROUBLE_TIMEOUT,
	TROUBLE_TOO_LARGE,
	TROUBLE_CONNECT,
	TROUBLE_DNS,
	TROUBLE_TLS,
	N_TROUBLES
};

static const enum cb_err trouble_err[N_TROUBLES] = {
	[TROUBLE_NONE] = CB_NET_TIMEOUT,
	[TROUBLE_STATUS] = CB_HTTP_STATUS,
	[TROUBLE_CLOSED] = CB_NET_CLOSED,
	[TROUBLE_FORMAT] = CB_HTTP_FORMAT,
	[TROUBLE_REDIRECT] = CB_HTTP_REDIRECT,
	[TROUBLE_TIMEOUT] = CB_NET_TIMEOUT,
	[TROUBLE_TOO_LARGE] = CB_HTTP_TOO_LARGE,
	[TROUBLE_CONNECT] = CB_NET_CONNECT,
	[TROUBLE_DNS] = CB_NET_DNS,
	[TROUBLE_TLS] = CB_NET_TLS,
};

static uint8_t trouble_of(enum cb_err err)
{
	for (unsigned i = TROUBLE_STATUS; i < N_TROUBLES; i++)
		if (trouble_err[i] == err)
			return (uint8_t)i;
	return TROUBLE_NONE;
}

/* The cache has none: what it lacks is not is_cached. */
static uint16_t bit_of(const struct cb_source *s)
{
	return (uint16_t)(1u << s->index);
}

static void drop(struct cb_job *job, uint32_t item)
{
	for (unsigned i = 0; i <= CB_FETCH_CACHE; i++) {
		struct cb_source *s = job->fetch->sources[i];
		if (s)
			s->ops->drop(s, job, item);
	}
}

void cb_job_fail(struct cb_job *job, enum cb_err err, uint32_t item)
{
	if (job->status != CB_JOB_RUNNING)
		return;
	job->status = CB_JOB_FAILED;
	job->err = err;
	job->err_item = item;
	drop(job, UINT32_MAX);
}

static void set_done(struct cb_job *job, uint32_t item)
{
	struct cb_item *it = &job->items[item];

	if (it->phase == CB_ITEM_WAITING)
		job->n_waiting--;
	it->phase = CB_ITEM_DONE;
	it->n_flying = 0;
	job->n_left--;
	if (job->n_left == 0 && job->status == CB_JOB_RUNNING)
		job->status = CB_JOB_DONE;
}

void cb_job_give_up(struct cb_job *job, uint32_t item, enum cb_err err)
{
	enum cb_err verdict = err;

	set_done(job, item);
	if (job->params.missing)
		verdict = job->params.missing(job->params.ctx, item, err);
	if (verdict == CB_OK)
		return;
	job->status = CB_JOB_RUNNING;
	cb_job_fail(job, verdict, item);
}

void cb_job_describe(struct cb_job *job, uint32_t item, struct cb_fetch_item *ret)
{
	struct cb_item *it = &job->items[item];

	memset(ret, 0, sizeof *ret);
	ret->source = CB_FETCH_ANY_SOURCE;
	job->params.describe(job->params.ctx, item, ret);
	ret->path[sizeof ret->path - 1] = '\0';
	it->pin = ret->source >= 0 && ret->source < CB_FETCH_MAX_MIRRORS ?
		(uint8_t)(CB_PIN_FIRST + ret->source) :
		CB_PIN_ANY;
	it->is_cached = cb_cache_source_has(job->fetch->sources[CB_FETCH_CACHE], ret);
}

uint32_t cb_job_len(struct cb_job *job, uint32_t item)
{
	struct cb_fetch_item what;

	cb_job_describe(job, item, &what);
	return what.len;
}

static unsigned pin_of(struct cb_job *job, uint32_t item)
{
	if (job->items[item].pin == CB_PIN_UNKNOWN) {
		struct cb_fetch_item what;
		cb_job_describe(job, item, &what);
	}
	return job->items[item].pin;
}

/* Bits of the sources that may still be asked for the item at all. */
static uint16_t candidates(struct cb_job *job, uint32_t item)
{
	const struct cb_fetch *f = job->fetch;
	unsigned pin = pin_of(job, item);
	uint16_t bits = 0;

	for (unsigned i = 0; i < f->n_sources; i++)
		if (!f->sources[i]->is_banned && (pin == CB_PIN_ANY || pin == CB_PIN_FIRST + i))
			bits |= bit_of(f->sources[i]);
	return bits;
}

/* It works, or has had no chance yet to show whether it does. */
static bool is_promising(const struct cb_source *s)
{
	return s->n_fails == 0 && !cb_source_is_slowed(s) && !s->is_crawling &&
		(s->is_up || s->n_connections == 0 ||
		 s->fetch->now_ms - s->tried_ms < CB_SOURCE_CHANCE_MS);
}

/* Is there a source that is preferred to s and may well deliver the item? */
static bool has_preferred(struct cb_job *job, uint32_t item, const struct cb_source *s)
{
	const struct cb_item *it = &job->items[item];
	uint16_t usable = (uint16_t)(candidates(job, item) & ~it->absent & ~it->avoid);

	for (unsigned i = 0; i < job->fetch->n_sources; i++) {
		const struct cb_source *other = job->fetch->sources[i];
		if ((usable & 1u << i) && other->preference > s->preference && is_promising(other))
			return true;
	}
	return false;
}

bool cb_job_may_ask(struct cb_job *job, uint32_t item, const struct cb_source *s, bool is_new)
{
	const struct cb_item *it = &job->items[item];
	unsigned pin = pin_of(job, item);
	uint16_t bit = bit_of(s);

	if (s->index == CB_FETCH_CACHE)
		return it->is_cached;
	if (it->is_cached && !cb_cache_source_is_slow(job->fetch->sources[CB_FETCH_CACHE]))
		return false;
	if ((it->absent & bit) || (pin != CB_PIN_ANY && pin != CB_PIN_FIRST + s->index))
		return false;
	if (has_preferred(job, item, s))
		return false;
	if (!(it->avoid & bit))
		return true;
	/* It went wrong here: only past the caches, on a connection of its own ... */
	if (it->is_fresh && !is_new)
		return false;
	/* ... and when no other source is left to try. */
	uint16_t others = (uint16_t)(candidates(job, item) & ~it->absent & ~it->avoid);
	for (unsigned i = 0; i < job->fetch->n_sources; i++)
		if ((others & 1u << i) && !cb_source_is_down(job->fetch->sources[i]))
			return false;
	return true;
}

/* The lowest item that waits to be asked for, or n_items. */
static uint32_t skip_to_waiting(struct cb_job *job)
{
	while (job->first < job->params.n_items && job->items[job->first].phase != CB_ITEM_WAITING)
		job->first++;
	return job->first;
}

bool cb_job_pick(struct cb_job *job, const struct cb_source *s, bool is_new, uint32_t *ret_item)
{
	if (job->status != CB_JOB_RUNNING || job->n_waiting == 0)
		return false;
	skip_to_waiting(job);
	uint32_t end = job->params.n_items;
	if (end - job->first > SCAN_MAX)
		end = job->first + SCAN_MAX;
	for (uint32_t i = job->first; i < end; i++) {
		if (job->items[i].phase != CB_ITEM_WAITING || !cb_job_may_ask(job, i, s, is_new))
			continue;
		*ret_item = i;
		return true;
	}
	return false;
}

void cb_job_fly(struct cb_job *job, uint32_t item)
{
	struct cb_item *it = &job->items[item];

	if (it->phase == CB_ITEM_WAITING)
		job->n_waiting--;
	it->phase = CB_ITEM_FLYING;
	it->n_flying++;
}

/* No answer (or a bad one) came: the item waits again, unless it is under way elsewhere. */
static void land(struct cb_job *job, uint32_t item)
{
	struct cb_item *it = &job->items[item];

	if (--it->n_flying > 0)
		return;
	it->phase = CB_ITEM_WAITING;
	job->n_waiting++;
	if (item < job->first)
		job->first = item;
}

static bool has_other_usable(const struct cb_fetch *f, const struct cb_source *s)
{
	for (unsigned i = 0; i < f->n_sources; i++) {
		const struct cb_source *other = f->sources[i];
		if (other != s && !other->is_banned && !cb_source_is_down(other))
			return true;
	}
	return false;
}

/* Demoted after 2, banned after 3; the last usable source is never banned, only slowed. */
static void count_wrong(struct cb_source *s)
{
	s->wrong_objects++;
	s->n_good = 0;
	if (s->wrong_objects < CB_SOURCE_BAN_WRONG)
		return;
	if (has_other_usable(s->fetch, s))
		s->is_banned = true;
	else
		cb_source_busy(s, CB_SOURCE_BACKOFF_MS);
}

/* An answer is here: the same request elsewhere is not wanted any more. */
static void drop_repeated(struct cb_job *job, uint32_t item)
{
	if (job->items[item].n_flying > 1)
		drop(job, item);
}

static void set_good(struct cb_job *job, uint32_t item, struct cb_source *s, size_t len)
{
	s->fetch->verified_bytes += len;
	s->n_absent = 0;
	s->n_good++;
	set_done(job, item);
}

static void set_bad(struct cb_job *job, uint32_t item, struct cb_source *s, enum cb_answer answer,
		    enum cb_err err)
{
	struct cb_item *it = &job->items[item];

	s->fetch->n_retries++;
	if (s->index == CB_FETCH_CACHE) {
		it->is_cached = false;
		return;
	}
	it->trouble = trouble_of(err);
	if (answer == CB_ANSWER_BUSY)
		return;
	it->avoid |= bit_of(s);
	if (answer == CB_ANSWER_FAILED) {
		if (it->n_failed < CB_ITEM_MAX_CUT)
			it->n_failed++;
		return;
	}
	if (it->n_wrong < CB_ITEM_MAX_WRONG)
		it->n_wrong++;
	it->is_fresh = true;
	count_wrong(s);
}

/* ---- Held items ---- */

static void count_held(struct cb_fetch *f)
{
	if (f->held_bytes >= CB_FETCH_HELD_MAX)
		f->is_full = true;
	else if (f->held_bytes <= CB_FETCH_HELD_LOW)
		f->is_full = false;
}

bool cb_fetch_is_full(const struct cb_fetch *f)
{
	return f->is_full;
}

/* The bytes change hands; the verdict comes later. */
static void give(struct cb_job *job, uint32_t item, struct cb_source *s,
		 struct cb_received *received)
{
	const struct cb_held held = {
		.bytes = received->buf,
		.len = (uint32_t)received->len,
		.item = item,
		.source = s->index,
		.connection = received->connection,
	};
	enum cb_err err = job->params.take(job->params.ctx, &held);

	if (err != CB_OK) {
		cb_job_fail(job, err, item);
		return;
	}
	received->buf = NULL;
	drop_repeated(job, item);
	job->items[item].phase = CB_ITEM_HELD;
	job->items[item].n_flying = 0;
	job->held_bytes += (uint64_t)held.len + CB_FETCH_HELD_EXTRA;
	job->fetch->held_bytes += (uint64_t)held.len + CB_FETCH_HELD_EXTRA;
	count_held(job->fetch);
}

void cb_job_settle(struct cb_job *job, const struct cb_held *held, enum cb_err verdict)
{
	struct cb_fetch *f = job->fetch;
	struct cb_source *s = f->sources[held->source];
	struct cb_item *it = &job->items[held->item];

	assert(it->phase == CB_ITEM_HELD);
	cb_fetch_update_clock(f);
	job->held_bytes -= (uint64_t)held->len + CB_FETCH_HELD_EXTRA;
	f->held_bytes -= (uint64_t)held->len + CB_FETCH_HELD_EXTRA;
	count_held(f);
	if (job->status != CB_JOB_RUNNING)
		return;
	if (verdict == CB_OK) {
		set_good(job, held->item, s, held->len);
	} else if (verdict == CB_NO_MEMORY) {
		cb_job_fail(job, verdict, held->item);
	} else {
		f->judge_ms = 0;
		set_bad(job, held->item, s, CB_ANSWER_WRONG, verdict);
		it->n_flying = 1;
		land(job, held->item);
		s->ops->distrust(s, held->connection);
	}
}

/* ---- Answers ---- */

bool cb_fetch_answer(struct cb_source *s, const struct cb_ask *ask, enum cb_answer answer,
		     enum cb_err err, struct cb_received *received)
{
	struct cb_job *job = ask->job;

	if (!job || job->status != CB_JOB_RUNNING)
		return true;
	if (answer == CB_ANSWER_BYTES) {
		if (job->params.take) {
			give(job, ask->item, s, received);
			return true;
		}
		err = job->params.deliver(job->params.ctx, ask->item,
					  (struct cb_bytes){ received->buf, received->len },
					  s->index);
		if (err == CB_OK) {
			drop_repeated(job, ask->item);
			set_good(job, ask->item, s, received->len);
			return true;
		}
		answer = CB_ANSWER_WRONG;
	}
	if (job->params.is_hint && (answer == CB_ANSWER_WRONG || answer == CB_ANSWER_FAILED))
		answer = CB_ANSWER_ABSENT;
	/* Asking again makes no memory. */
	if (err == CB_NO_MEMORY) {
		cb_job_fail(job, err, ask->item);
		return true;
	}
	s->fetch->judge_ms = 0;
	if (answer == CB_ANSWER_ABSENT) {
		job->items[ask->item].absent |= bit_of(s);
		job->items[ask->item].is_cached &= s->index != CB_FETCH_CACHE;
		s->n_absent++;
	} else if (answer != CB_ANSWER_NONE) {
		set_bad(job, ask->item, s, answer, err);
	}
	land(job, ask->item);
	return answer != CB_ANSWER_WRONG;
}

/* Why an item that no source is left for could not be had. */
static enum cb_err why_missing(const struct cb_job *job, const struct cb_item *it)
{
	const struct cb_fetch *f = job->fetch;
	enum cb_err err = CB_NET_NO_MIRROR;

	/* With fewer wrong answers it was the network that kept a good one away, if it went down. */
	bool is_bad = it->n_wrong >= CB_ITEM_MAX_WRONG || (it->n_wrong > 0 && it->absent);
	enum cb_err bad_err =
		it->trouble == TROUBLE_TOO_LARGE ? CB_HTTP_TOO_LARGE : job->params.wrong_err;

	if (is_bad)
		return bad_err;
	if (it->absent)
		return job->params.absent_err;
	for (unsigned i = 0; i < f->n_sources; i++) {
		const struct cb_source *s = f->sources[i];
		if (it->pin >= CB_PIN_FIRST && it->pin != CB_PIN_FIRST + i)
			continue;
		if (s->is_banned)
			return it->pin >= CB_PIN_FIRST ? CB_NET_NO_MIRROR : job->params.wrong_err;
		if (s->last_err != CB_OK)
			err = s->last_err;
	}
	if (err == CB_NET_NO_MIRROR && it->n_wrong > 0)
		return bad_err;
	return it->n_failed > 0 && it->trouble ? trouble_err[it->trouble] : err;
}

/* True when the item is to be given up, with the reason. */
static bool is_lost(struct cb_job *job, uint32_t item, enum cb_err *ret_err)
{
	const struct cb_fetch *f = job->fetch;
	const struct cb_item *it = &job->items[item];
	uint16_t usable = (uint16_t)(candidates(job, item) & ~it->absent), alive = 0;
	bool is_any_fine = false;

	if (it->is_cached)
		return false;
	for (unsigned i = 0; i < f->n_sources; i++) {
		const struct cb_source *s = f->sources[i];
		if (!(usable & 1u << i) || cb_source_is_down(s))
			continue;
		alive |= bit_of(s);
		/* Where one source answers "absent", one that cannot be reached is not waited for. */
		is_any_fine |= !it->absent || s->n_fails < CB_SOURCE_DOWN_FAILS / 2;
	}
	if (!alive || !is_any_fine) {
		*ret_err = why_missing(job, it);
		return true;
	}
	if (alive & ~it->avoid)
		return false;
	if (it->n_wrong >= CB_ITEM_MAX_WRONG) {
		*ret_err = why_missing(job, it);
		return true;
	}
	if (it->n_failed >=
	    (it->trouble == TROUBLE_CLOSED ? CB_ITEM_MAX_CUT : CB_ITEM_MAX_FAILED)) {
		*ret_err = it->absent ? job->params.absent_err : trouble_err[it->trouble];
		return true;
	}
	return false;
}

bool cb_job_judge(struct cb_job *job)
{
	bool has_changed = false;
	enum cb_err err;

	uint32_t i = skip_to_waiting(job), end = job->params.n_items;
	if (end - i > JUDGE_SPAN)
		end = i + JUDGE_SPAN;
	for (; job->status == CB_JOB_RUNNING && i < end; i++) {
		if (job->items[i].phase != CB_ITEM_WAITING || !is_lost(job, i, &err))
			continue;
		cb_job_give_up(job, i, err);
		has_changed = true;
	}
	const struct cb_fetch *f = job->fetch;
	uint64_t since = f->last_body_ms > job->submitted_ms ? f->last_body_ms : job->submitted_ms;
	if (job->status == CB_JOB_RUNNING && f->now_ms - since >= CB_FETCH_STALL_MS) {
		uint32_t item = job->n_waiting > 0 ? job->first : 0;
		cb_job_fail(job, trouble_err[job->items[item].trouble], item);
		has_changed = true;
	}
	return has_changed;
}

static bool is_any_running(const struct cb_fetch *f)
{
	for (const struct cb_job *job = f->jobs; job; job = job->next)
		if (job->status == CB_JOB_RUNNING)
			return true;
	return false;
}

enum cb_err cb_fetch_submit(struct cb_fetch *f, const struct cb_job_params *params,
			    struct cb_job **ret)
{
	const struct cb_mem *mem = &f->platform->mem;

	if (params->n_items > CB_FETCH_MAX_ITEMS || !params->describe ||
	    !params->deliver == !params->take)
		return CB_INTERNAL;
	struct cb_job *job = cb_alloc_zeroed(mem, sizeof *job);
	if (!job)
		return CB_NO_MEMORY;
	job->items = cb_alloc_zeroed(mem, params->n_items * sizeof *job->items);
	if (!job->items) {
		cb_free(mem, job);
		return CB_NO_MEMORY;
	}
	job->fetch = f;
	job->params = *params;
	job->n_left = job->n_waiting = params->n_items;
	cb_fetch_update_clock(f);
	job->submitted_ms = f->now_ms;
	f->judge_ms = 0;
	job->status = params->n_items > 0 ? CB_JOB_RUNNING : CB_JOB_DONE;
	/* A new try is a new chance for sources that were given up as down. */
	for (unsigned i = 0; !is_any_running(f) && i < f->n_sources; i++)
		f->sources[i]->n_fails = 0;
	struct cb_job **at = &f->jobs;
	while (*at && (*at)->params.priority <= params->priority)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	*ret = job;
	return CB_OK;
}

enum cb_job_status cb_job_status(const struct cb_job *job, enum cb_err *ret_err, uint32_t *ret_item)
{
	if (job->status == CB_JOB_FAILED && ret_err)
		*ret_err = job->err;
	if (job->status == CB_JOB_FAILED && ret_item)
		*ret_item = job->err_item;
	return job->status;
}

void cb_job_free(struct cb_job *job)
{
	if (!job)
		return;
	struct cb_fetch *f = job->fetch;
	f->held_bytes -= job->held_bytes;
	count_held(f);
	drop(job, UINT32_MAX);
	for (struct cb_job **at = &f->jobs; *at; at = &(*at)->next) {
		if (*at != job)
			continue;
		*at = job->next;
		break;
	}
	cb_free(&f->platform->mem, job->items);
	cb_free(&f->platform->mem, job);
}
