/* SPDX-License-Identifier: MIT */
/* The end of the work: who takes which of the last items, so that all paths finish together. */
#include "core/tail.h"

#define TAIL_ITEMS 32u /* waiting items from which on it matters who takes which */
#define SLACK_MS 20u
#define LATE_MS 500u /* without a byte, plus twice the source's usual time: it may never come */
#define WORTH_MS 100u /* sooner by this much and by half: worth asking twice */

/* Bytes a millisecond of all sources; one more than there is, so that it divides. */
static uint64_t rate_of(const struct cb_fetch *f)
{
	uint64_t rate = 1;

	for (unsigned i = 0; i < f->n_sources; i++)
		rate += f->sources[i]->is_banned ? 0 : f->sources[i]->rate_bytes_ms;
	return rate;
}

static uint64_t time_to(const struct cb_room *room, uint32_t len)
{
	return (room->outstanding_bytes + len) / room->rate_bytes_ms;
}

static bool is_waiting(const struct cb_job *job, uint32_t item)
{
	return job->items[item].phase == CB_ITEM_WAITING;
}

/* Time until all is here when nobody idles. */
static uint64_t left_ms(struct cb_job *job)
{
	const struct cb_fetch *f = job->fetch;
	uint64_t bytes = 0;

	for (uint32_t i = job->first, n = job->n_waiting; n > 0 && i < job->params.n_items; i++) {
		if (!is_waiting(job, i))
			continue;
		bytes += cb_job_len(job, i);
		n--;
	}
	for (unsigned i = 0; i < f->n_sources; i++)
		bytes += f->sources[i]->outstanding_bytes;
	return bytes / rate_of(f);
}

/* Is another source at work whose connections are at least twice as fast? */
static bool has_faster(const struct cb_fetch *f, const struct cb_source *s, uint32_t rate)
{
	for (unsigned i = 0; i < f->n_sources; i++) {
		const struct cb_source *other = f->sources[i];

		if (other != s && !other->is_banned && other->n_connections > 0 &&
		    other->rate_bytes_ms / other->n_connections / 2 > rate)
			return true;
	}
	return false;
}

/* The largest waiting item that is here by end_ms, and the smallest of all. */
static void choose(struct cb_job *job, const struct cb_source *s, const struct cb_room *room,
		   uint64_t end_ms, uint32_t *ret_largest, uint32_t *ret_smallest)
{
	uint32_t smallest = UINT32_MAX, largest = 0;

	for (uint32_t i = job->first, n = job->n_waiting; n > 0 && i < job->params.n_items; i++) {
		uint32_t len;

		if (!is_waiting(job, i))
			continue;
		n--;
		if (!cb_job_may_ask(job, i, s, room->is_new))
			continue;
		len = cb_job_len(job, i);
		if (len < smallest) {
			smallest = len;
			*ret_smallest = i;
		}
		if (len > largest && time_to(room, len) <= end_ms) {
			largest = len;
			*ret_largest = i;
		}
	}
}

bool cb_tail_pick(struct cb_job *job, const struct cb_source *s, const struct cb_room *room,
		  uint32_t *ret_item)
{
	uint32_t largest = UINT32_MAX, smallest = *ret_item;
	uint64_t end_ms;

	if (job->n_waiting > TAIL_ITEMS || room->rate_bytes_ms == 0)
		return true;
	if (!has_faster(job->fetch, s, room->rate_bytes_ms)) {
		/* The longest first: begun last, it would be waited for. */
		choose(job, s, room, UINT64_MAX, ret_item, &smallest);
		return true;
	}
	end_ms = left_ms(job);
	choose(job, s, room, end_ms + SLACK_MS, &largest, &smallest);
	if (largest == UINT32_MAX &&
	    time_to(room, cb_job_len(job, smallest)) > 2 * end_ms + LATE_MS / 2)
		return false;
	*ret_item = largest != UINT32_MAX ? largest : smallest;
	return true;
}

/* ---- Requests that are worth asking twice ---- */

struct search {
	struct cb_fetch *f;
	const struct cb_source *s, *holder;
	const struct cb_room *room;
	struct cb_ask *found;
	uint64_t gain_ms, wake_ms;
};

static bool may_repeat(const struct cb_source *s, const struct cb_ask *ask)
{
	const struct cb_item *it = &ask->job->items[ask->item];
	unsigned bit = 1u << s->index;

	return !ask->is_repeated && !((it->absent | it->avoid) & bit) &&
		it->n_flying < CB_ITEM_MAX_FLYING &&
		(it->pin == CB_PIN_ANY || it->pin == CB_PIN_FIRST + s->index);
}

/* How long s would take; one that has shown nothing yet gets the benefit of the doubt. */
static uint64_t time_here(const struct cb_source *s, const struct cb_room *room, uint32_t len)
{
	uint32_t rate = room ? room->rate_bytes_ms : 0;

	if (rate == 0 && s->n_connections > 0)
		rate = s->rate_bytes_ms / s->n_connections;
	if (rate > 0)
		return len / rate + s->near_ms;
	return s->answer_ms ? s->answer_ms : LATE_MS;
}

/* Is it there to spare s? Then it has time: a cache may itself wait for what it was asked for. */
static bool is_sparing(const struct cb_source *holder, const struct cb_source *s)
{
	return holder->preference > s->preference && !holder->is_crawling;
}

static void consider(void *ctx, struct cb_ask *ask, uint64_t due_ms, uint64_t heard_ms)
{
	struct search *search = ctx;
	const struct cb_source *s = search->s;
	uint64_t now = search->f->now_ms, resumed_ms = search->holder->resumed_ms;
	uint64_t late_ms =
		(heard_ms > resumed_ms ? heard_ms : resumed_ms) + LATE_MS + 2ull * s->answer_ms;
	uint64_t here_ms = time_here(s, search->room, ask->len), there_ms;

	if (!ask->job || !may_repeat(s, ask))
		return;
	if (late_ms <= now) {
		there_ms = UINT64_MAX / 2 - heard_ms; /* the longest silent one first */
	} else {
		search->wake_ms = late_ms < search->wake_ms ? late_ms : search->wake_ms;
		if (due_ms == UINT64_MAX || is_sparing(search->holder, s))
			return;
		there_ms = due_ms > now ? due_ms - now : 0;
		if (there_ms < WORTH_MS + here_ms + here_ms / 2)
			return;
	}
	if (there_ms - here_ms <= search->gain_ms)
		return;
	search->gain_ms = there_ms - here_ms;
	search->found = ask;
}

/* Is nothing heard of it at all? Then asking it again would only put more on a line that is cut. */
static bool is_silent(const struct cb_fetch *f, const struct cb_source *s)
{
	return f->now_ms - s->last_byte_ms >= LATE_MS + 2ull * s->answer_ms;
}

struct cb_ask *cb_tail_late(struct cb_fetch *f, const struct cb_source *s,
			    const struct cb_room *room, uint64_t *wake_ms)
{
	struct search search = { .f = f, .s = s, .room = room, .wake_ms = *wake_ms };

	for (unsigned i = 0; i < f->n_sources; i++) {
		struct cb_source *holder = f->sources[i];

		search.holder = holder;
		if (holder == s ? is_silent(f, s) : is_sparing(holder, s) && holder->n_good > 0)
			continue;
		holder->ops->each_ask(holder, consider, &search);
	}
	search.holder = f->sources[CB_FETCH_CACHE];
	if (f->cache)
		f->sources[CB_FETCH_CACHE]->ops->each_ask(f->sources[CB_FETCH_CACHE], consider,
							  &search);
	*wake_ms = search.wake_ms;
	return search.found;
}
