/* SPDX-License-Identifier: MIT */
/* Reading from the cache: records in pieces, with a look ahead where they lie in a row. */
#include <string.h>

#include "core/cache_internal.h"

#define AHEAD_PAGES 16u /* a record that begins so close behind the last one is in a row with it */

/* Reads n pages; each failure counts, and a device with too many of them is given up. */
bool cb_cache_get(struct cb_cache *c, uint64_t page, uint32_t n, uint8_t *buf)
{
	uint64_t per_page = CB_CACHE_PAGE / c->block.block_len;

	c->n_reads++;
	c->read_bytes += (uint64_t)n * CB_CACHE_PAGE;
	if (c->block.read(c->block.ctx, page * per_page, buf, (size_t)n * CB_CACHE_PAGE) == CB_OK)
		return true;
	if (++c->n_errors >= CB_CACHE_MAX_ERRORS)
		c->state = CB_CACHE_ABSENT;
	return false;
}

bool cb_cache_find(const struct cb_cache *c, enum cb_cache_kind kind,
		   const uint8_t key[CB_DIGEST_LEN], struct cb_cache_reading *ret)
{
	uint32_t ref, trailer = kind == CB_CACHE_CHUNK ? 0 : CB_CACHE_TRAILER_LEN;
	const struct cb_cache_entry *e;

	if (c->state != CB_CACHE_OPEN)
		return false;
	e = cb_cache_index_find(c, kind, key, &ref);
	if (!e)
		return false;
	*ret = (struct cb_cache_reading){
		.ref = ref,
		.generation = c->segments[ref / c->layout.max_entries].generation,
		.len = e->len - trailer,
		.room = cb_cache_pages(e->len) * CB_CACHE_PAGE,
	};
	return true;
}

void cb_cache_look_ahead(struct cb_cache *c, bool may)
{
	c->looks_ahead = may;
}

uint64_t cb_cache_read_bytes(const struct cb_cache *c)
{
	return c->read_bytes;
}

/* Fills the window from page on, up to the end of the segment. False: not worth it, or it failed. */
static bool look_ahead(struct cb_cache *c, uint64_t page, uint32_t n_left)
{
	uint32_t n = n_left < CB_CACHE_STEP_PAGES ? n_left : CB_CACHE_STEP_PAGES;

	if (!c->looks_ahead || page < c->next_page || page - c->next_page > AHEAD_PAGES)
		return false;
	c->n_window = 0;
	if (!cb_cache_get(c, page, n, c->window))
		return false;
	c->window_page = page;
	c->n_window = n;
	return true;
}

static bool is_in_window(const struct cb_cache *c, uint64_t page, uint32_t n)
{
	return page >= c->window_page && n <= c->n_window &&
		page - c->window_page <= c->n_window - n;
}

/* n pages of a segment, at most a step's. */
static bool read_pages(struct cb_cache *c, uint32_t segment, uint32_t at, uint32_t n, uint8_t *buf)
{
	uint32_t n_segment = c->layout.segment_pages;
	uint64_t page = c->layout.data_page + (uint64_t)segment * n_segment + at;
	bool is_good = true;

	if (segment == c->super.open && at + n > c->staged_page && !cb_cache_unstage(c))
		return false;
	if (is_in_window(c, page, n) ||
	    (n < CB_CACHE_STEP_PAGES / 2 && look_ahead(c, page, n_segment - at) &&
	     is_in_window(c, page, n)))
		memcpy(buf, c->window + (size_t)(page - c->window_page) * CB_CACHE_PAGE,
		       (size_t)n * CB_CACHE_PAGE);
	else
		is_good = cb_cache_get(c, page, n, buf);
	c->next_page = page + n;
	return is_good;
}

static bool is_intact(const struct cb_cache_entry *e, const uint8_t *buf)
{
	uint8_t digest[CB_DIGEST_LEN];
	uint32_t len = e->len - CB_CACHE_TRAILER_LEN;

	cb_blake2b_256((struct cb_bytes){ buf, len }, digest);
	return memcmp(digest, buf + len, sizeof digest) == 0;
}

static enum cb_cache_progress lose(struct cb_cache *c, uint32_t ref)
{
	cb_cache_drop(c, ref);
	return CB_CACHE_GONE;
}

enum cb_cache_progress cb_cache_read(struct cb_cache *c, struct cb_cache_reading *r, uint8_t *buf)
{
	uint32_t segment = c->layout.max_entries ? r->ref / c->layout.max_entries : 0;
	uint32_t done = r->n_read / CB_CACHE_PAGE, left = r->room / CB_CACHE_PAGE - done;
	struct cb_cache_entry *e;

	/* The segment may have been given up in the meantime, or the record dropped. */
	if (c->state != CB_CACHE_OPEN || c->segments[segment].generation != r->generation)
		return CB_CACHE_GONE;
	e = cb_cache_entry(c, r->ref);
	if (e->is_dead)
		return CB_CACHE_GONE;
	if (left > CB_CACHE_STEP_PAGES)
		left = CB_CACHE_STEP_PAGES;
	if (!read_pages(c, segment, e->page + done, left, buf + r->n_read))
		return lose(c, r->ref);
	r->n_read += left * CB_CACHE_PAGE;
	if (r->n_read < r->room)
		return CB_CACHE_AGAIN;
	if (e->kind != CB_CACHE_CHUNK && !is_intact(e, buf))
		return lose(c, r->ref);
	return CB_CACHE_DONE;
}

/* NOLINTNEXTLINE(readability-function-size): which record, how much of it, and where to */
enum cb_err cb_cache_read_whole(struct cb_cache *c, enum cb_cache_kind kind,
				const uint8_t key[CB_DIGEST_LEN], size_t max, uint8_t **ret,
				size_t *ret_len)
{
	enum cb_cache_progress progress = CB_CACHE_AGAIN;
	struct cb_cache_reading r;
	uint8_t *bytes;

	if (!cb_cache_find(c, kind, key, &r) || r.len > max)
		return CB_NOT_FOUND;
	bytes = cb_alloc(&c->mem, r.room);
	if (!bytes)
		return CB_NO_MEMORY;
	while (progress == CB_CACHE_AGAIN)
		progress = cb_cache_read(c, &r, bytes);
	if (progress != CB_CACHE_DONE) {
		cb_free(&c->mem, bytes);
		return CB_NOT_FOUND;
	}
	*ret = bytes;
	*ret_len = r.len;
	return CB_OK;
}
