/* SPDX-License-Identifier: MIT */
/* The cache's index in memory: records by key, and which segment is missed least. */
#include <string.h>

#include "core/cache_internal.h"

#define MAX_PROBES                                                                                 \
	64u /* a record that finds no bucket within these is not indexed: it costs time */
#define TOMB UINT32_MAX

enum cb_err cb_cache_index_init(struct cb_cache *c)
{
	const struct cb_cache_layout *l = &c->layout;
	uint64_t most = (uint64_t)l->n_segments * l->max_entries;

	if (most > CB_CACHE_MAX_RECORDS)
		most = CB_CACHE_MAX_RECORDS;
	c->n_buckets = 64;
	while (c->n_buckets < 2 * most)
		c->n_buckets *= 2;
	c->segments = cb_alloc_zeroed(&c->mem, l->n_segments * sizeof *c->segments);
	c->buckets = cb_alloc_zeroed(&c->mem, (size_t)c->n_buckets * sizeof *c->buckets);
	return c->segments && c->buckets ? CB_OK : CB_NO_MEMORY;
}

void cb_cache_index_done(struct cb_cache *c)
{
	for (uint32_t i = 0; c->segments && i < c->layout.n_segments; i++)
		cb_free(&c->mem, c->segments[i].entries);
	cb_free(&c->mem, c->segments);
	cb_free(&c->mem, c->buckets);
	c->segments = NULL;
	c->buckets = NULL;
}

struct cb_cache_entry *cb_cache_entry(const struct cb_cache *c, uint32_t ref)
{
	return &c->segments[ref / c->layout.max_entries].entries[ref % c->layout.max_entries];
}

static bool is_for(const struct cb_cache_entry *e, enum cb_cache_kind kind, const uint8_t *key)
{
	return e->kind == kind && memcmp(e->key, key, CB_DIGEST_LEN) == 0;
}

/* Keys are digests: any bytes of them will do. Made-up keys only fill the probes. */
static uint32_t *bucket(const struct cb_cache *c, const uint8_t *key, uint32_t probe)
{
	return &c->buckets[(cb_le32(key) + probe) & (c->n_buckets - 1)];
}

static uint32_t *find_bucket(const struct cb_cache *c, enum cb_cache_kind kind, const uint8_t *key)
{
	for (uint32_t i = 0; i < MAX_PROBES; i++) {
		uint32_t *b = bucket(c, key, i);

		if (*b == 0)
			return NULL;
		if (*b != TOMB && is_for(cb_cache_entry(c, *b - 1), kind, key))
			return b;
	}
	return NULL;
}

struct cb_cache_entry *cb_cache_index_find(const struct cb_cache *c, enum cb_cache_kind kind,
					   const uint8_t key[CB_DIGEST_LEN], uint32_t *ret_ref)
{
	const uint32_t *b = c->buckets ? find_bucket(c, kind, key) : NULL;

	if (!b)
		return NULL;
	*ret_ref = *b - 1;
	return cb_cache_entry(c, *ret_ref);
}

void cb_cache_index_add(struct cb_cache *c, uint32_t segment, uint32_t i)
{
	uint32_t ref = segment * c->layout.max_entries + i;
	struct cb_cache_entry *e = cb_cache_entry(c, ref);
	uint32_t *b = find_bucket(c, e->kind, e->key);

	if (b) {
		uint32_t other = *b - 1;
		uint64_t theirs = c->segments[other / c->layout.max_entries].generation;

		if (theirs > c->segments[segment].generation) {
			e->is_dead = true;
			return;
		}
		cb_cache_entry(c, other)->is_dead = true;
		*b = ref + 1;
		return;
	}
	for (uint32_t k = 0; k < MAX_PROBES; k++) {
		b = bucket(c, e->key, k);
		if (*b != 0 && *b != TOMB)
			continue;
		*b = ref + 1;
		return;
	}
	e->is_dead = true;
}

void cb_cache_drop(struct cb_cache *c, uint32_t ref)
{
	uint32_t segment = c->state == CB_CACHE_OPEN ? ref / c->layout.max_entries : 0;
	struct cb_cache_entry *e;
	uint32_t *b;

	if (c->state != CB_CACHE_OPEN || segment >= c->layout.n_segments ||
	    ref % c->layout.max_entries >= c->segments[segment].n)
		return;
	e = cb_cache_entry(c, ref);
	b = e->is_dead ? NULL : find_bucket(c, e->kind, e->key);
	c->n_bad += !e->is_dead;
	e->is_dead = true;
	if (b)
		*b = TOMB;
	c->is_dirty = true;
}

void cb_cache_index_forget(struct cb_cache *c, uint32_t segment)
{
	struct cb_cache_segment *s = &c->segments[segment];

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t *b = s->entries[i].is_dead ?
			NULL :
			find_bucket(c, s->entries[i].kind, s->entries[i].key);

		if (b)
			*b = TOMB;
	}
	c->n_records -= s->n;
	cb_free(&c->mem, s->entries);
	*s = (struct cb_cache_segment){ 0 };
}

uint32_t cb_cache_end_page(const struct cb_cache_segment *s)
{
	if (s->n == 0)
		return 0;
	const struct cb_cache_entry *last = &s->entries[s->n - 1];
	return last->page + cb_cache_pages(last->len);
}

static uint32_t needed_pages(const struct cb_cache_segment *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++)
		if (!s->entries[i].is_dead && s->entries[i].is_needed)
			n += cb_cache_pages(s->entries[i].len);
	return n;
}

uint32_t cb_cache_index_victim(const struct cb_cache *c)
{
	/* What is needed in a segment that is given up is fetched again, so not too much of it. */
	uint32_t best = CB_CACHE_NO_SEGMENT, least = c->layout.segment_pages / 2 + 1;

	for (uint32_t i = 0; i < c->layout.n_segments; i++) {
		const struct cb_cache_segment *s = &c->segments[i];
		uint32_t n = i == c->super.open ? least : needed_pages(s);

		if (n > least || n > c->layout.segment_pages / 2 ||
		    (n == least && best != CB_CACHE_NO_SEGMENT &&
		     s->generation >= c->segments[best].generation))
			continue;
		best = i;
		least = n;
	}
	return best;
}

bool cb_cache_next(const struct cb_cache *c, uint64_t *at, enum cb_cache_kind *ret_kind,
		   uint8_t ret_key[CB_DIGEST_LEN], struct cb_cache_reading *ret)
{
	uint64_t per = c->layout.max_entries;

	if (c->state != CB_CACHE_OPEN)
		return false;
	while (*at < per * c->layout.n_segments) {
		const struct cb_cache_segment *s = &c->segments[*at / per];
		uint32_t i = (uint32_t)(*at % per);

		if (i >= s->n) {
			*at += per - i;
			continue;
		}
		++*at;
		*ret_kind = s->entries[i].kind;
		memcpy(ret_key, s->entries[i].key, CB_DIGEST_LEN);
		if (!s->entries[i].is_dead && cb_cache_find(c, *ret_kind, ret_key, ret))
			return true;
	}
	return false;
}
