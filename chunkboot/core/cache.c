/* SPDX-License-Identifier: MIT */
/* The cache: opening it step by step, and what it can tell about itself. */
#include "core/cache.h"

#include <string.h>

#include "core/cache_internal.h"

static bool is_usable(const struct cb_block *block)
{
	return block->ctx && block->block_len >= 512 && block->block_len <= CB_CACHE_PAGE &&
		CB_CACHE_PAGE % block->block_len == 0;
}

static uint64_t n_pages_of(const struct cb_block *block)
{
	return block->n_blocks / (CB_CACHE_PAGE / block->block_len);
}

bool cb_cache_is_there(const struct cb_mem *mem, const struct cb_block *block)
{
	struct cb_cache_layout layout = { 0 };
	uint8_t *page;
	bool is_there;

	if (!is_usable(block) || n_pages_of(block) == 0)
		return false;
	page = cb_alloc(mem, CB_CACHE_PAGE);
	is_there = page && block->read(block->ctx, 0, page, CB_CACHE_PAGE) == CB_OK &&
		cb_cache_read_label(page, n_pages_of(block), &layout);
	cb_free(mem, page);
	return is_there;
}

enum cb_err cb_cache_new(const struct cb_mem *mem, const struct cb_block *block,
			 struct cb_cache **ret)
{
	struct cb_cache *c = cb_alloc_zeroed(mem, sizeof *c);

	if (!c)
		return CB_NO_MEMORY;
	c->mem = *mem;
	c->block = *block;
	c->window = cb_alloc(mem, CB_CACHE_STEP_LEN);
	c->staged = cb_alloc(mem, CB_CACHE_STEP_LEN);
	if (!c->window || !c->staged) {
		cb_cache_free(c);
		return CB_NO_MEMORY;
	}
	if (!is_usable(block))
		c->state = CB_CACHE_ABSENT;
	*ret = c;
	return CB_OK;
}

void cb_cache_free(struct cb_cache *c)
{
	if (!c)
		return;
	cb_cache_index_done(c);
	cb_free(&c->mem, c->window);
	cb_free(&c->mem, c->staged);
	cb_free(&c->mem, c);
}

enum cb_cache_state cb_cache_state(const struct cb_cache *c)
{
	return c->state;
}

/* ---- Opening ---- */

static bool open_label(struct cb_cache *c)
{
	uint64_t n_pages = n_pages_of(&c->block);

	if (n_pages == 0 || !cb_cache_get(c, 0, 1, c->window) ||
	    !cb_cache_read_label(c->window, n_pages, &c->layout) || cb_cache_index_init(c) != CB_OK)
		return false;
	c->super.open = CB_CACHE_NO_SEGMENT;
	c->phase = CB_CACHE_SUPERS;
	return true;
}

/* Takes a table's n entries as those of the segment. Damaged: the segment is empty. */
static void take_entries(struct cb_cache *c, uint32_t segment, uint64_t generation,
			 struct cb_reader *r, uint32_t n)
{
	struct cb_cache_segment *s = &c->segments[segment];
	struct cb_cache_entry *entries = NULL;

	/* The open segment's table grows; a made-up cache may claim more records than are bearable. */
	uint32_t room = segment == c->super.open ? c->layout.max_entries : n;
	if (n <= CB_CACHE_MAX_RECORDS - c->n_records && room > 0)
		entries = cb_alloc(&c->mem, room * sizeof *entries);
	if (room > 0 && (!entries || !cb_cache_read_entries(&c->layout, r, n, entries))) {
		cb_free(&c->mem, entries);
		c->n_lost++;
		if (segment == c->super.open)
			c->super.open = CB_CACHE_NO_SEGMENT;
		return;
	}
	*s = (struct cb_cache_segment){ entries, n, generation };
	c->n_records += n;
	for (uint32_t i = 0; i < n; i++)
		cb_cache_index_add(c, segment, i);
}

static void open_super(struct cb_cache *c)
{
	struct cb_cache_super super;
	struct cb_reader entries;
	uint32_t n;
	unsigned place = c->at++;
	bool is_read =
		cb_cache_get(c, c->layout.super_page[place], 1 + c->layout.table_pages, c->window);

	/* It may be the newer one: what it refers to is not overwritten before there is another. */
	c->must_move |= !is_read;
	if (is_read && cb_cache_read_super(&c->layout, place, c->window, &super, &entries, &n) &&
	    super.sequence > c->super.sequence) {
		if (c->super.open != CB_CACHE_NO_SEGMENT)
			cb_cache_index_forget(c, c->super.open);
		c->super = super;
		if (super.open != CB_CACHE_NO_SEGMENT)
			take_entries(c, super.open, super.generation, &entries, n);
	}
	if (c->at < 2)
		return;
	c->at = 0;
	c->phase = CB_CACHE_TABLES;
}

static void open_table(struct cb_cache *c, uint32_t segment, const uint8_t *bytes)
{
	struct cb_reader entries;
	uint64_t generation;
	uint32_t n;

	/* The open segment's own table is of an earlier life. */
	if (segment == c->super.open ||
	    !cb_cache_read_table(&c->layout, segment, bytes, &generation, &entries, &n))
		return;
	if (n > 0)
		take_entries(c, segment, generation, &entries, n);
	/* The newest superblock is lost: what is appended must be newer than all that is there. */
	if (generation > c->super.generation)
		c->must_move = true;
	if (generation > c->super.sequence)
		c->super.sequence = generation;
}

static void open_tables(struct cb_cache *c)
{
	const struct cb_cache_layout *l = &c->layout;
	uint32_t n = CB_CACHE_STEP_PAGES / l->table_pages;

	if (n > l->n_segments - c->at)
		n = l->n_segments - c->at;
	if (cb_cache_get(c, l->tables_page + (uint64_t)c->at * l->table_pages, n * l->table_pages,
			 c->window))
		for (uint32_t i = 0; i < n; i++)
			open_table(c, c->at + i,
				   c->window + (size_t)i * l->table_pages * CB_CACHE_PAGE);
	else
		c->n_lost += n;
	c->at += n;
	if (c->at < l->n_segments)
		return;
	c->phase = CB_CACHE_READY;
	c->state = CB_CACHE_OPEN;
}

enum cb_cache_state cb_cache_step(struct cb_cache *c)
{
	if (c->state != CB_CACHE_OPENING)
		return c->state;
	switch (c->phase) {
	case CB_CACHE_LABEL:
		if (!open_label(c))
			c->state = CB_CACHE_ABSENT;
		break;
	case CB_CACHE_SUPERS:
		open_super(c);
		break;
	case CB_CACHE_TABLES:
	case CB_CACHE_READY:
		open_tables(c);
		break;
	}
	return c->state;
}

/* ---- What it tells ---- */

static void count_records(const struct cb_cache *c, struct cb_cache_stats *ret)
{
	for (uint32_t i = 0; i < c->layout.n_segments; i++) {
		const struct cb_cache_segment *s = &c->segments[i];
		uint32_t n_live = 0;

		for (uint32_t k = 0; k < s->n; k++) {
			const struct cb_cache_entry *e = &s->entries[k];
			if (e->is_dead)
				continue;
			n_live++;
			ret->n_records[e->kind]++;
			ret->record_bytes += (uint64_t)cb_cache_pages(e->len) * CB_CACHE_PAGE;
		}
		ret->n_used_segments += n_live > 0;
	}
}

void cb_cache_stats(const struct cb_cache *c, struct cb_cache_stats *ret)
{
	*ret = (struct cb_cache_stats){
		.read_bytes = c->read_bytes,
		.written_bytes = c->written_bytes,
		.n_reads = c->n_reads,
		.n_writes = c->n_writes,
		.n_read_errors = c->n_errors,
		.n_bad_records = c->n_bad,
		.n_lost_segments = c->n_lost,
		.write_err = c->write_err,
		.is_full = c->is_full,
	};
	if (c->state != CB_CACHE_OPEN)
		return;
	memcpy(ret->id, c->layout.id, sizeof ret->id);
	ret->device_bytes = c->layout.n_pages * CB_CACHE_PAGE;
	ret->segment_bytes = c->layout.segment_pages * CB_CACHE_PAGE;
	ret->n_segments = c->layout.n_segments;
	ret->sequence = c->super.sequence;
	count_records(c, ret);
}

const struct cb_cache_keeper *cb_cache_keeper(const struct cb_cache *c, unsigned i)
{
	return i < c->super.n_keep ? &c->super.keep[i] : NULL;
}
