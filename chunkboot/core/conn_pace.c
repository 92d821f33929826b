/* SPDX-License-Identifier: MIT */
/* What a connection carries: its rate, how much to ask for ahead, when its answers may be here. */
#include "core/conn.h"
#include "core/mirror.h"

#define MEASURE_MS 100u /* over which a rate is taken */

static uint64_t now_of(const struct cb_conn *c)
{
	return cb_fetch_now(c->mirror->source.fetch);
}

static uint32_t smooth(uint32_t old, uint64_t next)
{
	if (next > UINT32_MAX / 4)
		next = UINT32_MAX / 4;
	return (uint32_t)(old ? ((uint64_t)old * 3 + next) / 4 : next);
}

void cb_conn_pace_begin(struct cb_conn *c)
{
	c->rate_since_ms = 0;
	if (c->n_body == 0)
		c->fresh_since_ms = now_of(c);
	else
		c->was_idle = true;
}

void cb_conn_pace_count(struct cb_conn *c, size_t len)
{
	struct cb_mirror *m = c->mirror;
	uint64_t now = now_of(c), before = c->n_body, rate;

	c->n_body += len;
	if (before < CB_CONN_FRESH_BYTES && c->n_body >= CB_CONN_FRESH_BYTES && !c->was_idle &&
	    now > c->fresh_since_ms)
		m->fresh_rate = smooth(m->fresh_rate, c->n_body / (now - c->fresh_since_ms));
	/* A line that was cut says nothing of the connection. */
	if (m->source.resumed_ms > c->rate_since_ms)
		c->rate_since_ms = 0;
	if (c->rate_since_ms == 0) { /* what came until now came in no time that is known */
		c->rate_since_ms = now;
		c->rate_bytes = 0;
		return;
	}
	c->rate_bytes += len;
	if (now - c->rate_since_ms < MEASURE_MS)
		return;
	rate = c->rate_bytes / (now - c->rate_since_ms);
	if (rate == 0) /* which would say that it is not known */
		rate = 1;
	/* Up at once: as long as the window is what limits the rate, both double. */
	c->rate_bytes_ms =
		rate > c->rate_bytes_ms ? (uint32_t)rate : smooth(c->rate_bytes_ms, rate);
	c->rate_bytes = 0;
	c->rate_since_ms = now;
}

uint32_t cb_conn_rate(const struct cb_conn *c)
{
	return c->rate_bytes_ms ? c->rate_bytes_ms : c->mirror->fresh_rate;
}

uint64_t cb_conn_outstanding(const struct cb_conn *c)
{
	uint64_t n_got = c->mode == CB_CONN_RECEIVE ? c->n_got : 0;

	return c->n_expected > n_got ? c->n_expected - n_got : 0;
}

uint64_t cb_conn_window(const struct cb_conn *c)
{
	uint32_t rtt_ms = c->rtt_ms == UINT32_MAX ? 0 : c->rtt_ms, rate = cb_conn_rate(c);
	uint64_t window =
		rate ? (uint64_t)rate * (rtt_ms + CB_CONN_AHEAD_MS) : CB_CONN_WINDOW_START;

	return window < CB_CONN_WINDOW_MAX ? window : CB_CONN_WINDOW_MAX;
}

void cb_conn_limit(struct cb_conn *c, uint64_t bytes)
{
	const struct cb_net *net = &cb_fetch_platform(c->mirror->source.fetch)->net;
	uint32_t limit = (uint32_t)(bytes < CB_CONN_WINDOW_MAX ? bytes : CB_CONN_WINDOW_MAX);

	if (limit < CB_CONN_LIMIT_MIN)
		limit = CB_CONN_LIMIT_MIN;
	if (!net->limit || limit == c->limit)
		return;
	c->limit = limit;
	net->limit(c->stream, limit);
}

/* The share of what it carried at first below which another connection is likely to do better: one
 * whose congestion window has been cut by losses is slow to recover on a long path. */
bool cb_conn_is_worn(const struct cb_conn *c)
{
	return c->n_body >= CB_CONN_WORN_BYTES && c->rate_bytes_ms > 0 &&
		(uint64_t)c->rate_bytes_ms * 100 <
		(uint64_t)c->mirror->fresh_rate * CB_CONN_WORN_PERCENT;
}
