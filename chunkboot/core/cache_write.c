/* SPDX-License-Identifier: MIT */
/* Writing to the cache, in an order that a power cut cannot hurt (docs/FORMATS-cache.md). */
#include <string.h>

#include "core/cache_internal.h"

#define BIG_SEGMENT_LEN (32u << 20)
#define MIN_SEGMENT_LEN (64u << 10)
#define CHUNKS_FIT_LEN (2u << 20) /* a segment that takes every chunk of the usual sizes */
#define USUAL_SEGMENTS 32u /* of a small device: so little is given up at once ... */
#define LEAST_SEGMENTS 8u /* ... and of a smaller one, for the sake of large chunks */

bool cb_cache_put(struct cb_cache *c, uint64_t page, uint32_t n, const uint8_t *buf)
{
	uint64_t per_page = CB_CACHE_PAGE / c->block.block_len;

	if (c->write_err != CB_OK)
		return false;
	c->n_writes++;
	c->written_bytes += (uint64_t)n * CB_CACHE_PAGE;
	c->n_window = 0;
	c->write_err =
		c->block.write(c->block.ctx, page * per_page, buf, (size_t)n * CB_CACHE_PAGE);
	return c->write_err == CB_OK;
}

static bool flush(struct cb_cache *c)
{
	if (c->write_err == CB_OK)
		c->write_err = c->block.flush(c->block.ctx);
	return c->write_err == CB_OK;
}

/* ---- Format ---- */

static uint32_t usual_segment_len(uint64_t device_len)
{
	uint32_t len = BIG_SEGMENT_LEN;

	while (len > MIN_SEGMENT_LEN &&
	       device_len / len < (len > CHUNKS_FIT_LEN ? USUAL_SEGMENTS : LEAST_SEGMENTS))
		len /= 2;
	return len;
}

/* As many segments as go on the device. */
static enum cb_err plan(const struct cb_block *block, uint32_t segment_len,
			struct cb_cache_layout *l)
{
	uint64_t device_len = block->n_blocks * block->block_len;

	if (block->block_len < 512 || block->block_len > CB_CACHE_PAGE ||
	    CB_CACHE_PAGE % block->block_len != 0 || device_len < CB_CACHE_MIN_LEN)
		return CB_USAGE;
	if (segment_len == 0)
		segment_len = usual_segment_len(device_len);
	l->n_pages = device_len / CB_CACHE_PAGE;
	l->segment_pages = segment_len / CB_CACHE_PAGE;
	/* A thousandth of the segment: room for records of 48 KiB on average. */
	l->table_pages =
		segment_len >> 10 > CB_CACHE_PAGE ? (segment_len >> 10) / CB_CACHE_PAGE : 1;
	uint64_t n = device_len / segment_len;
	l->n_segments = n < CB_CACHE_MAX_SEGMENTS ? (uint32_t)n : CB_CACHE_MAX_SEGMENTS;
	while (!cb_cache_layout(l))
		if (l->n_segments-- <= 2)
			return CB_USAGE;
	return CB_OK;
}

/* The old label goes first and the new one comes last: in between there is no cache. */
static void write_empty(struct cb_cache *c)
{
	uint32_t n = 1 + c->layout.table_pages;

	memset(c->window, 0, CB_CACHE_STEP_LEN);
	if (!cb_cache_put(c, 0, 1, c->window) || !flush(c) ||
	    !cb_cache_put(c, c->layout.super_page[0], n, c->window))
		return;
	c->super = (struct cb_cache_super){ .sequence = 1, .open = CB_CACHE_NO_SEGMENT };
	cb_cache_write_super(&c->layout, &c->super, NULL, c->window);
	if (!cb_cache_put(c, c->layout.super_page[1], n, c->window) || !flush(c))
		return;
	cb_cache_write_label(&c->layout, c->window);
	if (cb_cache_put(c, 0, 1, c->window))
		(void)flush(c);
}

enum cb_err cb_cache_format(const struct cb_mem *mem, const struct cb_block *block,
			    uint32_t segment_len, const uint8_t id[CB_CACHE_ID_LEN])
{
	struct cb_cache_layout l = { 0 };
	struct cb_cache *c;
	enum cb_err err = plan(block, segment_len, &l);

	if (err == CB_OK)
		err = cb_cache_new(mem, block, &c);
	if (err != CB_OK)
		return err;
	c->layout = l;
	memcpy(c->layout.id, id, CB_CACHE_ID_LEN);
	write_empty(c);
	err = c->write_err;
	c->layout = (struct cb_cache_layout){ 0 };
	cb_cache_free(c);
	return err;
}

/* ---- Append ---- */

static uint64_t segment_page(const struct cb_cache *c, uint32_t segment)
{
	return c->layout.data_page + (uint64_t)segment * c->layout.segment_pages;
}

bool cb_cache_unstage(struct cb_cache *c)
{
	uint32_t n = c->n_staged;

	if (n == 0)
		return c->write_err == CB_OK;
	if (!cb_cache_put(c, segment_page(c, c->super.open) + c->staged_page, n, c->staged))
		return false;
	c->staged_page += n;
	c->n_staged = 0;
	return true;
}

/* A record begins at a page, and the rest of its last page is zero. */
static bool stage(struct cb_cache *c, const struct cb_bytes parts[2])
{
	uint32_t n_page = 0; /* bytes in the page that is being filled */

	for (unsigned i = 0; i < 2; i++) {
		struct cb_bytes rest = parts[i];

		while (rest.len > 0) {
			if (c->n_staged == CB_CACHE_STEP_PAGES && n_page == 0 &&
			    !cb_cache_unstage(c))
				return false;
			size_t n = CB_CACHE_STEP_LEN - c->n_staged * CB_CACHE_PAGE - n_page;
			n = n < rest.len ? n : rest.len;
			memcpy(c->staged + c->n_staged * CB_CACHE_PAGE + n_page, rest.p, n);
			rest = (struct cb_bytes){ rest.p + n, rest.len - n };
			n_page += (uint32_t)n;
			c->n_staged += n_page / CB_CACHE_PAGE;
			n_page %= CB_CACHE_PAGE;
		}
	}
	if (n_page > 0) {
		memset(c->staged + c->n_staged * CB_CACHE_PAGE + n_page, 0, CB_CACHE_PAGE - n_page);
		c->n_staged++;
	}
	return true;
}

/* Data before the superblock that refers to it; the superblock on the device before anything that
 * it no longer refers to is overwritten. */
static bool write_super(struct cb_cache *c)
{
	const struct cb_cache_segment *open =
		c->super.open == CB_CACHE_NO_SEGMENT ? NULL : &c->segments[c->super.open];

	if (!flush(c))
		return false;
	if (c->super.sequence + 1 >= CB_CACHE_MAX_SEQUENCE) {
		c->write_err = CB_INTERNAL;
		return false;
	}
	c->super.sequence++;
	c->n_window = 0;
	cb_cache_write_super(&c->layout, &c->super, open, c->window);
	return cb_cache_put(c, c->layout.super_page[c->super.sequence % 2],
			    1 + c->layout.table_pages, c->window) &&
		flush(c);
}

/* The open segment gets its own table, which nobody looks at before the next superblock. */
static bool close_segment(struct cb_cache *c)
{
	uint32_t open = c->super.open;
	const struct cb_cache_layout *l = &c->layout;

	if (open == CB_CACHE_NO_SEGMENT)
		return true;
	if (!cb_cache_unstage(c))
		return false;
	c->n_window = 0;
	cb_cache_write_table(l, open, &c->segments[open], c->window);
	return cb_cache_put(c, l->tables_page + (uint64_t)open * l->table_pages, l->table_pages,
			    c->window);
}

/* Gives up the segment that is missed least, and goes on there. */
static bool open_next(struct cb_cache *c)
{
	struct cb_cache_entry *entries;
	uint32_t next;

	cb_cache_mark(c);
	if (c->state != CB_CACHE_OPEN)
		return false;
	next = cb_cache_index_victim(c);
	if (next == CB_CACHE_NO_SEGMENT) {
		c->is_full = true;
		return false;
	}
	entries = cb_alloc(&c->mem, c->layout.max_entries * sizeof *entries);
	if (!entries)
		return false;
	if (!close_segment(c)) {
		cb_free(&c->mem, entries);
		return false;
	}
	cb_cache_index_forget(c, next);
	c->super.open = next;
	c->super.generation = c->super.sequence + 1;
	c->segments[next] = (struct cb_cache_segment){ entries, 0, c->super.generation };
	c->staged_page = 0;
	c->must_move = false;
	return write_super(c);
}

static bool has_room(const struct cb_cache *c, uint32_t n_pages)
{
	const struct cb_cache_segment *s;

	if (c->super.open == CB_CACHE_NO_SEGMENT || c->must_move)
		return false;
	s = &c->segments[c->super.open];
	return s->n < c->layout.max_entries &&
		n_pages <= c->layout.segment_pages - cb_cache_end_page(s);
}

static bool is_kept_already(struct cb_cache *c, enum cb_cache_kind kind, const uint8_t *key,
			    size_t len)
{
	struct cb_cache_entry *e;
	uint32_t ref;

	if (kind != CB_CACHE_CHUNK && kind != CB_CACHE_MANIFEST)
		return false;
	e = cb_cache_index_find(c, kind, key, &ref);
	if (!e || e->len != len)
		return false;
	e->is_needed = e->is_new = true;
	return true;
}

bool cb_cache_append(struct cb_cache *c, enum cb_cache_kind kind, const uint8_t key[CB_DIGEST_LEN],
		     struct cb_bytes content)
{
	uint8_t digest[CB_CACHE_TRAILER_LEN];
	size_t trailer = kind == CB_CACHE_CHUNK ? 0 : sizeof digest, len = content.len + trailer;
	size_t most = (size_t)c->layout.segment_pages * CB_CACHE_PAGE;

	if (c->state != CB_CACHE_OPEN || c->write_err != CB_OK || kind == CB_CACHE_NOTHING ||
	    kind >= CB_CACHE_N_KINDS || len == 0 || content.len > most || len > most)
		return false;
	if (is_kept_already(c, kind, key, len))
		return true;
	uint32_t n_pages = cb_cache_pages((uint32_t)len);
	if (c->is_full || c->n_records == CB_CACHE_MAX_RECORDS)
		return false;
	if (!has_room(c, n_pages) && !open_next(c))
		return false;
	struct cb_cache_segment *s = &c->segments[c->super.open];
	uint32_t page = cb_cache_end_page(s);
	if (c->n_staged == 0)
		c->staged_page = page;
	if (trailer > 0)
		cb_blake2b_256(content, digest);
	if (!stage(c, (const struct cb_bytes[2]){ content, { digest, trailer } }))
		return false;
	struct cb_cache_entry *e = &s->entries[s->n];
	*e = (struct cb_cache_entry){ .page = page, .len = (uint32_t)len, .kind = (uint8_t)kind };
	memcpy(e->key, key, sizeof e->key);
	e->is_needed = e->is_new = true;
	c->n_records++;
	cb_cache_index_add(c, c->super.open, s->n++);
	c->is_dirty = true;
	return !e->is_dead;
}

bool cb_cache_takes(const struct cb_cache *c)
{
	return c->state == CB_CACHE_OPEN && c->write_err == CB_OK && !c->is_full;
}

bool cb_cache_commit(struct cb_cache *c)
{
	if (c->state != CB_CACHE_OPEN || c->write_err != CB_OK)
		return false;
	if (!c->is_dirty)
		return true;
	if (!cb_cache_unstage(c) || !write_super(c))
		return false;
	c->is_dirty = false;
	return true;
}
