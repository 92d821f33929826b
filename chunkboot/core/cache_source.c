/* SPDX-License-Identifier: MIT */
/* The cache as a source: one item at a time, a piece of it a step. */
#include "core/cache_source.h"

#include <string.h>

#include "core/job.h"

#define MEASURE_MS 20u /* of reading, until a rate is known */
#define AHEAD_MS 20u /* that a look ahead may take */
#define REST 7u /* times as long as a read took, when mirrors have better to do */

struct cache_source {
	struct cb_source source; /* first */
	struct cb_cache *cache;
	struct cb_ask ask;
	bool is_asked;
	struct cb_cache_reading reading;
	uint8_t *buf; /* reading.room bytes; NULL: none */
	uint64_t read_ms, read_bytes; /* time spent, and for how much */
	uint32_t rate_bytes_ms; /* 0: not known */
	uint64_t rest_until_ms;
};

static struct cache_source *cache_of(struct cb_source *s)
{
	return (struct cache_source *)s;
}

/* Of all that are at work, in bytes a millisecond. */
static uint32_t mirrors_rate(const struct cb_fetch *f)
{
	uint32_t rate = 0;

	for (unsigned i = 0; i < f->n_sources; i++)
		rate += f->sources[i]->is_banned ? 0 : f->sources[i]->rate_bytes_ms;
	return rate;
}

bool cb_cache_source_is_slow(const struct cb_source *s)
{
	uint32_t rate = s ? ((const struct cache_source *)s)->rate_bytes_ms : 0;

	return rate > 0 && (rate < CB_CACHE_SLOW_BYTES_MS || rate < mirrors_rate(s->fetch));
}

bool cb_cache_source_has(const struct cb_source *s, const struct cb_fetch_item *item)
{
	struct cb_cache_reading reading;

	return s && item->cache_kind != CB_CACHE_NOTHING &&
		cb_cache_find(((const struct cache_source *)s)->cache, item->cache_kind, item->key,
			      &reading);
}

/* ---- An item ---- */

static void end_ask(struct cache_source *c, enum cb_answer answer, enum cb_err err)
{
	struct cb_ask ask = c->ask;

	cb_free(&cb_fetch_platform(c->source.fetch)->mem, c->buf);
	c->buf = NULL;
	c->is_asked = false;
	(void)cb_fetch_answer(&c->source, &ask, answer, err, NULL);
}

static bool is_right(const struct cache_source *c)
{
	struct cb_bytes content = { c->buf, c->reading.len };
	uint8_t digest[CB_DIGEST_LEN];

	if (c->ask.is_exact ? content.len != c->ask.len : content.len > c->ask.len)
		return false;
	if (c->ask.digest == CB_DIGEST_NONE)
		return true;
	if (c->ask.digest == CB_DIGEST_SHA256)
		cb_sha256(content, digest);
	else
		cb_blake2b_256(content, digest);
	return memcmp(digest, c->ask.expect, sizeof digest) == 0;
}

/* The bytes are here. Who gets them may say at once, or later, that they are wrong: `distrust`. */
static void deliver(struct cache_source *c)
{
	struct cb_received received = { c->buf, c->reading.len, c->reading.ref };
	struct cb_ask ask = c->ask;

	if (!is_right(c)) {
		cb_cache_drop(c->cache, c->reading.ref);
		end_ask(c, CB_ANSWER_ABSENT, CB_OK);
		return;
	}
	c->buf = NULL;
	c->is_asked = false;
	cb_fetch_progress(&c->source, received.len);
	if (!cb_fetch_answer(&c->source, &ask, CB_ANSWER_BYTES, CB_OK, &received))
		cb_cache_drop(c->cache, received.connection);
	cb_free(&cb_fetch_platform(c->source.fetch)->mem, received.buf);
}

/* Reads a piece, and learns what that costs. */
static enum cb_cache_progress read_piece(struct cache_source *c)
{
	const struct cb_platform *p = cb_fetch_platform(c->source.fetch);
	uint64_t begin_ms = p->now_ms(p->ctx);
	uint64_t n = cb_cache_read_bytes(c->cache);
	enum cb_cache_progress progress = cb_cache_read(c->cache, &c->reading, c->buf);
	uint64_t took_ms = p->now_ms(p->ctx) - begin_ms;

	c->read_ms += took_ms;
	c->read_bytes += cb_cache_read_bytes(c->cache) - n;
	if (c->read_ms >= MEASURE_MS) {
		uint64_t rate = c->read_bytes / c->read_ms;
		c->rate_bytes_ms = rate > 0 ? (uint32_t)rate : 1;
		/* What was long ago counts for less. */
		c->read_ms /= 2;
		c->read_bytes /= 2;
	}
	/* Not so much at once that the network waits long for it. */
	cb_cache_look_ahead(c->cache, c->rate_bytes_ms >= CB_CACHE_STEP_LEN / AHEAD_MS);
	c->rest_until_ms = 0;
	if (cb_cache_source_is_slow(&c->source))
		c->rest_until_ms = cb_fetch_now(c->source.fetch) + (1 + REST) * took_ms;
	return progress;
}

static bool has_mirror(const struct cb_fetch *f)
{
	for (unsigned i = 0; i < f->n_sources; i++)
		if (!f->sources[i]->is_banned && !cb_source_is_down(f->sources[i]))
			return true;
	return false;
}

/* Time for the mirrors: to be left alone until then, as the engine's clock counts. */
static bool rests(const struct cache_source *c, uint64_t *ret_until_ms)
{
	uint64_t now = cb_fetch_now(c->source.fetch);

	*ret_until_ms = c->rest_until_ms;
	return now < c->rest_until_ms && has_mirror(c->source.fetch);
}

static bool cache_step(struct cb_source *s, uint32_t *budget, uint64_t *wake_ms)
{
	struct cache_source *c = cache_of(s);
	uint64_t until_ms;

	if (!c->is_asked) {
		if (rests(c, &until_ms) && until_ms < *wake_ms)
			*wake_ms = until_ms;
		return false;
	}
	if (!c->ask.job) {
		end_ask(c, CB_ANSWER_NONE, CB_OK);
		return true;
	}
	if (*budget == 0)
		return false;
	switch (read_piece(c)) {
	case CB_CACHE_AGAIN:
		break;
	case CB_CACHE_DONE:
		deliver(c);
		break;
	case CB_CACHE_GONE:
		end_ask(c, CB_ANSWER_ABSENT, CB_OK);
		break;
	}
	return true;
}

/* ---- What the engine wants ---- */

static bool cache_room(struct cb_source *s, struct cb_room *ret)
{
	struct cache_source *c = cache_of(s);
	uint64_t until_ms;

	if (c->is_asked || rests(c, &until_ms))
		return false;
	*ret = (struct cb_room){ .place = c, .is_new = true, .is_idle = true };
	return true;
}

static enum cb_err cache_ask(struct cb_source *s, void *place, const struct cb_ask *ask,
			     const struct cb_fetch_item *item, bool is_no_cache)
{
	struct cache_source *c = place;

	(void)s;
	(void)is_no_cache;
	c->ask = *ask;
	c->is_asked = true;
	/* Where it is not there any more, reading it will say so. */
	if (!cb_cache_find(c->cache, item->cache_kind, item->key, &c->reading))
		c->reading = (struct cb_cache_reading){ .generation = UINT64_MAX, .room = 1 };
	c->buf = cb_alloc(&cb_fetch_platform(s->fetch)->mem, c->reading.room);
	if (c->buf)
		return CB_OK;
	c->is_asked = false;
	return CB_NO_MEMORY;
}

static bool cache_grow(struct cb_source *s, bool needs_new)
{
	(void)s;
	(void)needs_new;
	return false;
}

static unsigned cache_n_coming(const struct cb_source *s)
{
	(void)s;
	return 0;
}

static void cache_each_ask(struct cb_source *s,
			   void (*visit)(void *ctx, struct cb_ask *ask, uint64_t due_ms,
					 uint64_t heard_ms),
			   void *ctx)
{
	struct cache_source *c = cache_of(s);

	if (c->is_asked)
		visit(ctx, &c->ask, UINT64_MAX, c->ask.asked_ms);
}

static void cache_drop(struct cb_source *s, const struct cb_job *job, uint32_t item)
{
	struct cache_source *c = cache_of(s);

	if (c->is_asked && c->ask.job == job && (item == UINT32_MAX || c->ask.item == item))
		c->ask.job = NULL;
}

/* What other sources call a connection is the record here. */
static void cache_distrust(struct cb_source *s, unsigned connection)
{
	cb_cache_drop(cache_of(s)->cache, connection);
}

static void cache_free(struct cb_source *s)
{
	const struct cb_mem *mem = &cb_fetch_platform(s->fetch)->mem;

	cb_free(mem, cache_of(s)->buf);
	cb_free(mem, s);
}

static const struct cb_source_ops cache_ops = {
	.step = cache_step,
	.room = cache_room,
	.ask = cache_ask,
	.grow = cache_grow,
	.n_coming = cache_n_coming,
	.each_ask = cache_each_ask,
	.drop = cache_drop,
	.distrust = cache_distrust,
	.free = cache_free,
};

enum cb_err cb_cache_source_new(struct cb_fetch *f, struct cb_cache *cache, struct cb_source **ret)
{
	struct cache_source *c = cb_alloc_zeroed(&cb_fetch_platform(f)->mem, sizeof *c);

	if (!c)
		return CB_NO_MEMORY;
	c->source.ops = &cache_ops;
	c->source.fetch = f;
	c->source.index = CB_FETCH_CACHE;
	c->source.is_up = true;
	memcpy(c->source.name, "cache", sizeof "cache");
	c->cache = cache;
	*ret = &c->source;
	return CB_OK;
}
