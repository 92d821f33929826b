/* SPDX-License-Identifier: MIT */
/* Who is asked for what: hands out requests, wants connections, repeats late requests elsewhere. */
#include <string.h>

#include "core/job.h"
#include "core/tail.h"

#define MAX_ASKS_PER_STEP 64
#define JUDGE_INTERVAL_MS 100u /* sooner when an answer or a failure gives cause */
#define COMING_MS 250u /* connections under way are given so long before more are made */

static void wake_at(uint64_t *wake_ms, uint64_t at)
{
	if (at < *wake_ms)
		*wake_ms = at;
}

/* Lower is asked first: fine and near before failing before less preferred before slowed. */
static uint64_t rank(const struct cb_source *s)
{
	uint64_t near_ms = s->answer_ms < 100000 ? s->answer_ms : 99999;

	return (uint64_t)cb_source_is_slowed(s) * 20000000 +
		(uint64_t)(CB_PREFER_NEAR - s->preference) * 5000000 +
		(s->n_fails < 10 ? s->n_fails : 10) * 200000u + (s->is_up ? near_ms : 100000);
}

static unsigned in_order(const struct cb_fetch *f, struct cb_source *order[CB_FETCH_MAX_MIRRORS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n_sources; i++) {
		struct cb_source *s = f->sources[i];
		unsigned at = n;
		if (s->is_banned)
			continue;
		for (; at > 0 && rank(order[at - 1]) > rank(s); at--)
			order[at] = order[at - 1];
		order[at] = s;
		n++;
	}
	return n;
}

static struct cb_job *pick(struct cb_fetch *f, const struct cb_source *s, bool is_new,
			   uint32_t *ret_item)
{
	for (struct cb_job *job = f->jobs; job; job = job->next)
		if (cb_job_pick(job, s, is_new, ret_item))
			return job;
	return NULL;
}

/* Asks source s for the item. */
static void ask_for(struct cb_source *s, void *place, struct cb_job *job, uint32_t item,
		    bool is_repeated)
{
	struct cb_fetch_item what;
	struct cb_ask ask = { .job = job, .item = item, .asked_ms = job->fetch->now_ms };

	cb_job_describe(job, item, &what);
	ask.len = what.len;
	ask.is_exact = what.is_exact;
	ask.is_repeated = is_repeated;
	ask.digest = what.digest;
	memcpy(ask.expect, what.expect, sizeof ask.expect);
	enum cb_err err =
		s->ops->ask(s, place, &ask, &what, what.is_mutable || job->items[item].is_fresh);
	if (err == CB_OK)
		cb_job_fly(job, item);
	else if (job->items[item].phase == CB_ITEM_WAITING)
		cb_job_give_up(job, item, err);
}

/* Nothing is left to ask for: the oldest late request is made here too, the first good answer wins. */
static bool repeat_late(struct cb_fetch *f, struct cb_source *s, uint64_t *wake_ms)
{
	struct cb_room room;
	bool has_room;
	struct cb_ask *late;

	if (cb_source_is_down(s))
		return false;
	has_room = s->ops->room(s, &room);
	late = cb_tail_late(f, s, has_room ? &room : NULL, wake_ms);
	if (!late)
		return false;
	if (has_room && room.is_idle) {
		late->is_repeated = true;
		f->n_retries++;
		ask_for(s, room.place, late->job, late->item, /*is_repeated=*/true);
		return true;
	}
	return !has_room && s->ops->n_coming(s) == 0 && s->ops->grow(s, /*needs_new=*/false);
}

static bool hand_out(struct cb_fetch *f, struct cb_source *s, unsigned *n_left)
{
	struct cb_room room;
	bool has_asked = false;

	while (*n_left > 0 && s->ops->room(s, &room)) {
		uint32_t item;
		struct cb_job *job = pick(f, s, room.is_new, &item);
		if (!job || !cb_tail_pick(job, s, &room, &item))
			break;
		ask_for(s, room.place, job, item, /*is_repeated=*/false);
		has_asked = true;
		--*n_left;
	}
	return has_asked;
}

static uint64_t n_waiting(const struct cb_fetch *f)
{
	uint64_t n = 0;

	for (const struct cb_job *job = f->jobs; job; job = job->next)
		n += job->status == CB_JOB_RUNNING ? job->n_waiting : 0;
	return n;
}

static unsigned n_coming(const struct cb_fetch *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n_sources; i++)
		n += f->sources[i]->ops->n_coming(f->sources[i]);
	return n;
}

/* Opens as many connections as there are requests that no place takes. */
static bool make_places(struct cb_fetch *f, struct cb_source *s, uint64_t *wake_ms)
{
	bool has_grown = false;

	for (;;) {
		uint32_t item;
		struct cb_job *job = pick(f, s, /*is_new=*/true, &item);
		if (!job)
			return has_grown;
		bool is_pinned = job->items[item].pin != CB_PIN_ANY;
		unsigned coming = s->ops->n_coming(s);
		wake_at(wake_ms, f->now_ms + COMING_MS);
		if (is_pinned ? coming > 0 : n_coming(f) >= n_waiting(f))
			return has_grown;
		bool needs_new = pick(f, s, /*is_new=*/false, &item) == NULL;
		if (!s->ops->grow(s, needs_new))
			return has_grown;
		has_grown = true;
	}
}

static bool judge(struct cb_fetch *f)
{
	bool has_acted = false;

	if (f->now_ms < f->judge_ms)
		return false;
	f->judge_ms = f->now_ms + JUDGE_INTERVAL_MS;
	for (struct cb_job *job = f->jobs; job; job = job->next)
		has_acted |= cb_job_judge(job);
	return has_acted;
}

bool cb_fetch_schedule(struct cb_fetch *f, uint64_t *wake_ms)
{
	struct cb_source *order[CB_FETCH_MAX_MIRRORS];
	unsigned n = in_order(f, order), n_left = MAX_ASKS_PER_STEP;
	bool has_acted = false;

	has_acted |= judge(f);
	if (f->cache)
		has_acted |= hand_out(f, f->sources[CB_FETCH_CACHE], &n_left);
	for (unsigned i = 0; i < n; i++)
		has_acted |= hand_out(f, order[i], &n_left);
	for (unsigned i = 0; i < n; i++) {
		uint32_t item;
		if (order[i]->not_before_ms > f->now_ms)
			wake_at(wake_ms, order[i]->not_before_ms);
		if (n_left > 0 && pick(f, order[i], /*is_new=*/true, &item))
			has_acted |= make_places(f, order[i], wake_ms);
		else if (n_left > 0)
			has_acted |= repeat_late(f, order[i], wake_ms);
	}
	return has_acted;
}
