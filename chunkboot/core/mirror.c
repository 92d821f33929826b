/* SPDX-License-Identifier: MIT */
/* A mirror: opens connections while that pays, spreads requests over them, forgets lost ones. */
#include "core/mirror.h"

#include <string.h>

#include "core/job.h"

#define GROW_INTERVAL_MS                                                                           \
	400u /* over which the rate before and after a new connection is compared */
#define GROW_STEP 2u
#define RENEW_INTERVAL_MS 100u
#define GROW_PAYS_PERCENT 105u

static struct cb_mirror *mirror_of(struct cb_source *s)
{
	return (struct cb_mirror *)s;
}

static unsigned n_conns(const struct cb_mirror *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++)
		n += m->conns[i] != NULL;
	return n;
}

static unsigned n_outstanding(const struct cb_mirror *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++)
		n += m->conns[i] ? m->conns[i]->n_asks : 0;
	return n;
}

/* More connections are worth having as long as the rate rises with them. */
static void adapt_target(struct cb_mirror *m)
{
	uint64_t now = cb_fetch_now(m->source.fetch), ms = now - m->grow_since_ms;

	if (ms < GROW_INTERVAL_MS)
		return;
	uint64_t rate = (m->source.body_bytes - m->grow_bytes) / ms;
	m->rate = rate;
	if (rate > m->best_rate)
		m->best_rate = rate;
	if (m->is_saturated && m->n_target < m->n_limit &&
	    rate * 100 > m->grow_rate * GROW_PAYS_PERCENT) {
		m->n_target += GROW_STEP;
		m->grow_rate = rate;
	}
	if (m->n_target > m->n_limit)
		m->n_target = m->n_limit;
	m->grow_since_ms = now;
	m->grow_bytes = m->source.body_bytes;
	m->is_saturated = false;
}

/* At most one at a time: a worn connection makes way for a new one. Not where all of them together
 * carry what they can: there each has its share of a line, or of our processor. */
static void renew(struct cb_mirror *m)
{
	uint64_t now = cb_fetch_now(m->source.fetch);
	struct cb_conn *worst = NULL;

	if (now - m->renewed_ms < RENEW_INTERVAL_MS ||
	    m->rate * 100 >= m->best_rate * CB_CONN_WORN_PERCENT)
		return;
	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		struct cb_conn *c = m->conns[i];
		if (!c || !c->is_open || c->is_detour || c->is_retiring || !cb_conn_is_worn(c))
			continue;
		if (!worst || c->rate_bytes_ms < worst->rate_bytes_ms)
			worst = c;
	}
	if (!worst)
		return;
	worst->is_retiring = true;
	m->renewed_ms = now;
}

static void sum_up(struct cb_mirror *m)
{
	struct cb_source *s = &m->source;

	s->rate_bytes_ms = 0;
	s->outstanding_bytes = 0;
	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		const struct cb_conn *c = m->conns[i];
		if (!c || !c->is_open)
			continue;
		s->rate_bytes_ms += cb_conn_rate(c);
		s->outstanding_bytes += cb_conn_outstanding(c);
		if (c->rtt_ms != UINT32_MAX && (s->near_ms == 0 || c->rtt_ms < s->near_ms))
			s->near_ms = c->rtt_ms;
	}
}

/* A source that is asked for much and brings little. */
static void judge_crawl(struct cb_source *s)
{
	uint64_t now = cb_fetch_now(s->fetch), ms = now - s->crawl_since_ms;

	if (s->outstanding_bytes > 0) {
		if (ms < CB_SOURCE_CRAWL_MS)
			return;
		s->is_crawling = s->body_bytes - s->crawl_bytes < ms * CB_SOURCE_CRAWL_RATE;
	}
	s->crawl_since_ms = now;
	s->crawl_bytes = s->body_bytes;
}

/* Twice what the path holds keeps it busy; more would only stand in its queue, and be lost there. */
static void share_window(struct cb_mirror *m)
{
	const struct cb_source *s = &m->source;
	uint64_t all = (uint64_t)2 * s->rate_bytes_ms * s->near_ms;
	unsigned n = n_conns(m);

	if (all < CB_CONN_LIMIT_ALL)
		all = CB_CONN_LIMIT_ALL;
	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++)
		if (m->conns[i] && m->conns[i]->is_open)
			cb_conn_limit(m->conns[i], all / n);
}

/* Nobody waits for any of its answers, and reading them would take long. */
static bool is_abandoned(struct cb_conn *c)
{
	if (c->n_asks == 0 || c->n_expected <= CB_CONN_DRAIN_MAX)
		return false;
	for (unsigned i = 0; i < c->n_asks; i++)
		if (cb_conn_ask_at(c, i)->job)
			return false;
	return true;
}

/* No request will go over it any more. */
static bool is_useless(const struct cb_mirror *m, const struct cb_conn *c)
{
	if (c->is_dead || m->source.is_banned)
		return true;
	return c->is_open && c->n_asks == 0 &&
		(c->is_retiring || c->generation != m->generation ||
		 (m->quota && c->n_asked >= m->quota));
}

static bool mirror_step(struct cb_source *s, uint32_t *budget, uint64_t *wake_ms)
{
	struct cb_mirror *m = mirror_of(s);
	bool has_moved = false;

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		struct cb_conn *c = m->conns[i];
		if (!c)
			continue;
		if (is_abandoned(c))
			cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
		else if (!s->is_banned && !c->is_dead)
			has_moved |= cb_conn_step(c, budget, wake_ms);
		if (!is_useless(m, c))
			continue;
		cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
		cb_conn_free(c);
		m->conns[i] = NULL;
		has_moved = true;
	}
	/* The connection that is served first changes, so that none starves. */
	if (*budget == 0) {
		struct cb_conn *first = m->conns[0];
		for (unsigned i = 1; i < CB_FETCH_MAX_PER_MIRROR; i++)
			m->conns[i - 1] = m->conns[i];
		m->conns[CB_FETCH_MAX_PER_MIRROR - 1] = first;
	}
	adapt_target(m);
	renew(m);
	sum_up(m);
	judge_crawl(s);
	share_window(m);
	return has_moved;
}

static bool mirror_room(struct cb_source *s, struct cb_room *ret)
{
	struct cb_mirror *m = mirror_of(s);
	struct cb_conn *best = NULL;
	uint64_t least = UINT64_MAX;

	if (cb_fetch_now(s->fetch) < s->not_before_ms)
		return false;
	if (cb_source_is_slowed(s) && n_outstanding(m) > 0)
		return false;
	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		struct cb_conn *c = m->conns[i];
		if (!c || !cb_conn_has_room(c))
			continue;
		uint64_t n = cb_conn_outstanding(c);
		if (!best || n < least || (n == least && c->n_asked < best->n_asked)) {
			least = n;
			best = c;
		}
	}
	if (!best)
		return false;
	*ret = (struct cb_room){
		.place = best,
		.is_new = best->n_asked == 0,
		.is_idle = best->n_asks == 0,
		.rate_bytes_ms = cb_conn_rate(best),
		.outstanding_bytes = least,
	};
	return true;
}

static enum cb_err mirror_ask(struct cb_source *s, void *place, const struct cb_ask *ask,
			      const struct cb_fetch_item *item, bool is_no_cache)
{
	(void)s;
	return cb_conn_ask(place, ask, item->path, is_no_cache);
}

static unsigned mirror_n_coming(const struct cb_source *s)
{
	const struct cb_mirror *m = (const struct cb_mirror *)s;
	uint64_t now = cb_fetch_now(s->fetch);
	unsigned n = 0;

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		const struct cb_conn *c = m->conns[i];
		n += c && !c->is_open && !c->is_detour && now - c->opened_ms < CB_CONN_COMING_MS;
	}
	return n;
}

/* Closes an idle connection that has been used, for the sake of a new one. */
static bool make_way(struct cb_mirror *m)
{
	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		struct cb_conn *c = m->conns[i];
		if (!c || !c->is_open || c->n_asks > 0 || c->n_asked == 0)
			continue;
		cb_conn_free(c);
		m->conns[i] = NULL;
		return true;
	}
	return false;
}

static bool mirror_grow(struct cb_source *s, bool needs_new)
{
	struct cb_mirror *m = mirror_of(s);
	unsigned n = n_conns(m), target = m->n_target;

	if (s->is_banned || cb_fetch_now(s->fetch) < s->not_before_ms)
		return false;
	if (cb_source_is_slowed(s) || s->n_fails > 0)
		target = 1;
	m->is_saturated |= n >= target;
	if (n >= target && !(needs_new && make_way(m)))
		return false;
	if (cb_fetch_n_connections(s->fetch) >= CB_FETCH_MAX_CONNECTIONS)
		return false;
	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		if (m->conns[i])
			continue;
		enum cb_err err = cb_conn_new(m, &m->base, &m->conns[i]);
		if (err != CB_OK)
			cb_source_failed(s, err);
		return err == CB_OK;
	}
	return false;
}

static void mirror_each_ask(struct cb_source *s,
			    void (*visit)(void *ctx, struct cb_ask *ask, uint64_t due_ms,
					  uint64_t heard_ms),
			    void *ctx)
{
	struct cb_mirror *m = mirror_of(s);
	uint64_t now = cb_fetch_now(s->fetch);

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		struct cb_conn *c = m->conns[i];
		uint64_t ahead = c ? cb_conn_outstanding(c) - c->n_expected : 0;
		uint32_t rate = c ? cb_conn_rate(c) : 0;
		for (unsigned k = 0; c && k < c->n_asks; k++) {
			struct cb_ask *ask = cb_conn_ask_at(c, k);
			ahead += ask->len; /* what has come of the first was taken off before */
			visit(ctx, ask, rate ? now + ahead / rate : UINT64_MAX,
			      c->last_byte_ms > ask->asked_ms ? c->last_byte_ms : ask->asked_ms);
		}
	}
}

static void mirror_drop(struct cb_source *s, const struct cb_job *job, uint32_t item)
{
	struct cb_mirror *m = mirror_of(s);

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++) {
		struct cb_conn *c = m->conns[i];
		for (unsigned k = 0; c && k < c->n_asks; k++) {
			struct cb_ask *ask = cb_conn_ask_at(c, k);
			if (ask->job == job && (item == UINT32_MAX || ask->item == item))
				ask->job = NULL;
		}
	}
}

static void mirror_distrust(struct cb_source *s, unsigned connection)
{
	struct cb_mirror *m = mirror_of(s);

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++)
		if (m->conns[i] && m->conns[i]->number == connection)
			cb_conn_end(m->conns[i], CB_ANSWER_NONE, CB_OK);
}

static void mirror_free(struct cb_source *s)
{
	struct cb_mirror *m = mirror_of(s);

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++)
		cb_conn_free(m->conns[i]);
	cb_free(&cb_fetch_platform(s->fetch)->mem, m);
}

static const struct cb_source_ops mirror_ops = {
	.step = mirror_step,
	.room = mirror_room,
	.ask = mirror_ask,
	.grow = mirror_grow,
	.n_coming = mirror_n_coming,
	.each_ask = mirror_each_ask,
	.drop = mirror_drop,
	.distrust = mirror_distrust,
	.free = mirror_free,
};

bool cb_mirror_is_at(const struct cb_source *s, struct cb_bytes url)
{
	const struct cb_url *home = &((const struct cb_mirror *)s)->home;
	struct cb_url base;

	return s->ops == &mirror_ops && cb_url_parse_base(url, &base) == CB_OK &&
		base.endpoint.port == home->endpoint.port &&
		base.endpoint.is_tls == home->endpoint.is_tls &&
		cb_bytes_is(cb_bytes_of(base.endpoint.host), home->endpoint.host) &&
		cb_bytes_is(cb_bytes_of(base.path), home->path);
}

enum cb_err cb_mirror_new(struct cb_fetch *f, struct cb_bytes url, unsigned index,
			  struct cb_source **ret)
{
	struct cb_url base;
	enum cb_err err = cb_url_parse_base(url, &base);

	if (err != CB_OK)
		return err;
	struct cb_mirror *m = cb_alloc_zeroed(&cb_fetch_platform(f)->mem, sizeof *m);
	if (!m)
		return CB_NO_MEMORY;
	m->home = m->base = base;
	m->n_target = CB_MIRROR_START_CONNECTIONS;
	m->n_limit = CB_FETCH_MAX_PER_MIRROR;
	m->source.ops = &mirror_ops;
	m->source.fetch = f;
	m->source.index = index;
	memcpy(m->source.name, url.p, url.len);
	*ret = &m->source;
	return CB_OK;
}
