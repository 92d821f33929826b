/* SPDX-License-Identifier: MIT */
/* The cache's bytes on the device: label, superblocks, tables (docs/FORMATS-cache.md). */
#include <string.h>

#include "core/cache_internal.h"

#define LABEL_MAGIC "CBCACHE1"
#define SUPER_MAGIC "CBSUPER1"
#define TABLE_MAGIC "CBTABLE1"
#define MAGIC_LEN 8u
#define CHECK_LEN 16u
#define LABEL_CHECK_AT 48u
#define TABLE_CHECK_AT 48u
#define SUPER_KEEP_AT 64u
#define SUPER_CHECK_AT (CB_CACHE_PAGE - CHECK_LEN)
#define MIN_SEGMENT_PAGES 16u
#define DATA_ALIGN_PAGES 128u

bool cb_cache_layout(struct cb_cache_layout *l)
{
	uint32_t n = l->segment_pages;

	if (n < MIN_SEGMENT_PAGES || n > CB_CACHE_MAX_SEGMENT_PAGES || (n & (n - 1)) != 0 ||
	    l->table_pages == 0 || l->table_pages > CB_CACHE_MAX_TABLE_PAGES || l->n_segments < 2 ||
	    l->n_segments > CB_CACHE_MAX_SEGMENTS)
		return false;
	l->max_entries =
		(l->table_pages * CB_CACHE_PAGE - CB_CACHE_TABLE_HEADER_LEN) / CB_CACHE_ENTRY_LEN;
	l->super_page[0] = 1;
	l->super_page[1] = l->super_page[0] + 1 + l->table_pages;
	l->tables_page = l->super_page[1] + 1 + l->table_pages;
	uint64_t align = n < DATA_ALIGN_PAGES ? n : DATA_ALIGN_PAGES;
	uint64_t end = l->tables_page + (uint64_t)l->n_segments * l->table_pages;
	l->data_page = (end + align - 1) / align * align;
	return l->data_page + (uint64_t)l->n_segments * n <= l->n_pages;
}

/* The first 16 bytes of BLAKE2b-256 over two pieces. */
static void checksum(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
		     uint8_t out[CHECK_LEN])
{
	struct cb_blake2b s;
	uint8_t digest[CB_DIGEST_LEN];

	cb_blake2b_init(&s, sizeof digest, NULL, 0);
	cb_blake2b_update(&s, a, a_len);
	cb_blake2b_update(&s, b, b_len);
	cb_blake2b_final(&s, digest);
	memcpy(out, digest, CHECK_LEN);
}

static bool is_magic(struct cb_reader *r, const char *magic)
{
	return cb_bytes_is(cb_read_bytes(r, MAGIC_LEN), magic);
}

static bool is_own(struct cb_reader *r, const struct cb_cache_layout *l)
{
	return cb_bytes_equal(cb_read_bytes(r, CB_CACHE_ID_LEN),
			      (struct cb_bytes){ l->id, CB_CACHE_ID_LEN });
}

/* ---- Label ---- */

bool cb_cache_read_label(const uint8_t page[CB_CACHE_PAGE], uint64_t n_pages,
			 struct cb_cache_layout *ret)
{
	struct cb_reader r = cb_reader_of((struct cb_bytes){ page, CB_CACHE_PAGE });
	struct cb_cache_layout l = { 0 };
	uint8_t check[CHECK_LEN];

	checksum(page, LABEL_CHECK_AT, NULL, 0, check);
	if (!is_magic(&r, LABEL_MAGIC) || memcmp(page + LABEL_CHECK_AT, check, sizeof check) != 0)
		return false;
	cb_read_copy(&r, l.id, sizeof l.id);
	l.n_pages = cb_read_le64(&r);
	l.segment_pages = cb_read_le32(&r);
	l.table_pages = cb_read_le32(&r);
	l.n_segments = cb_read_le32(&r);
	cb_read_zeros(&r, 4);
	if (r.failed || l.n_pages > n_pages || !cb_cache_layout(&l))
		return false;
	*ret = l;
	return true;
}

void cb_cache_write_label(const struct cb_cache_layout *l, uint8_t page[CB_CACHE_PAGE])
{
	memset(page, 0, CB_CACHE_PAGE);
	memcpy(page, LABEL_MAGIC, MAGIC_LEN);
	memcpy(page + 8, l->id, sizeof l->id);
	cb_put_le64(page + 24, l->n_pages);
	cb_put_le32(page + 32, l->segment_pages);
	cb_put_le32(page + 36, l->table_pages);
	cb_put_le32(page + 40, l->n_segments);
	checksum(page, LABEL_CHECK_AT, NULL, 0, page + LABEL_CHECK_AT);
}

/* ---- Entries ---- */

bool cb_cache_read_entries(const struct cb_cache_layout *l, struct cb_reader *r, uint32_t n,
			   struct cb_cache_entry *out)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct cb_cache_entry *e = &out[i];

		*e = (struct cb_cache_entry){ 0 };
		cb_read_copy(r, e->key, sizeof e->key);
		e->page = cb_read_le32(r);
		e->len = cb_read_le32(r);
		e->kind = cb_read_u8(r);
		cb_read_zeros(r, 7);
		uint32_t least = e->kind == CB_CACHE_CHUNK ? 1 : CB_CACHE_TRAILER_LEN;
		uint32_t pages = cb_cache_pages(e->len);
		if (r->failed || e->kind == CB_CACHE_NOTHING || e->kind >= CB_CACHE_N_KINDS ||
		    e->len < least || e->page < end || e->page > l->segment_pages ||
		    pages > l->segment_pages - e->page)
			return false;
		end = e->page + pages;
	}
	return true;
}

/* Returns how many were written: dead ones are left out. */
static uint32_t put_entries(const struct cb_cache_segment *s, uint8_t *out)
{
	uint32_t n_written = 0;

	for (uint32_t i = 0; s && i < s->n; i++) {
		const struct cb_cache_entry *e = &s->entries[i];
		uint8_t *p = out + (size_t)n_written * CB_CACHE_ENTRY_LEN;

		if (e->is_dead)
			continue;
		memset(p, 0, CB_CACHE_ENTRY_LEN);
		memcpy(p, e->key, sizeof e->key);
		cb_put_le32(p + 32, e->page);
		cb_put_le32(p + 36, e->len);
		p[40] = e->kind;
		n_written++;
	}
	return n_written;
}

/* ---- Superblock: a page, then the open segment's entries ---- */

static bool read_keepers(struct cb_reader *r, struct cb_cache_super *super)
{
	for (uint32_t i = 0; i < super->n_keep; i++) {
		struct cb_cache_keeper *k = &super->keep[i];

		cb_read_copy(r, k->name, CB_NAME_MAX);
		k->name[CB_NAME_MAX] = '\0';
		cb_read_copy(r, k->current, sizeof k->current);
		cb_read_copy(r, k->previous, sizeof k->previous);
		if (!cb_bytes_is_ascii(cb_bytes_of(k->name)))
			return false;
	}
	return !r->failed;
}

bool cb_cache_read_super(const struct cb_cache_layout *l, unsigned place, const uint8_t *bytes,
			 struct cb_cache_super *ret, struct cb_reader *ret_entries, uint32_t *ret_n)
{
	struct cb_reader r = cb_reader_of((struct cb_bytes){ bytes, CB_CACHE_PAGE });
	uint8_t check[CHECK_LEN];

	*ret = (struct cb_cache_super){ 0 };
	if (!is_magic(&r, SUPER_MAGIC) || !is_own(&r, l))
		return false;
	ret->sequence = cb_read_le64(&r);
	ret->open = cb_read_le32(&r);
	ret->n_keep = cb_read_le32(&r);
	ret->generation = cb_read_le64(&r);
	*ret_n = cb_read_le32(&r);
	cb_read_zeros(&r, SUPER_KEEP_AT - 52);
	/* Each place takes every second number, so that two are never equal. */
	if (r.failed || ret->sequence == 0 || ret->sequence >= CB_CACHE_MAX_SEQUENCE ||
	    ret->sequence % 2 != place || ret->n_keep > CB_CACHE_MAX_KEEP ||
	    *ret_n > l->max_entries || ret->generation > ret->sequence)
		return false;
	if (ret->open == CB_CACHE_NO_SEGMENT ? *ret_n != 0 : ret->open >= l->n_segments)
		return false;
	struct cb_bytes entries = { bytes + CB_CACHE_PAGE, (size_t)*ret_n * CB_CACHE_ENTRY_LEN };
	checksum(bytes, SUPER_CHECK_AT, entries.p, entries.len, check);
	if (memcmp(bytes + SUPER_CHECK_AT, check, sizeof check) != 0)
		return false;
	*ret_entries = cb_reader_of(entries);
	return read_keepers(&r, ret);
}

void cb_cache_write_super(const struct cb_cache_layout *l, const struct cb_cache_super *super,
			  const struct cb_cache_segment *open, uint8_t *bytes)
{
	uint8_t *entries = bytes + CB_CACHE_PAGE, *p = bytes + SUPER_KEEP_AT;

	memset(bytes, 0, (size_t)(1 + l->table_pages) * CB_CACHE_PAGE);
	uint32_t n = put_entries(open, entries);
	memcpy(bytes, SUPER_MAGIC, MAGIC_LEN);
	memcpy(bytes + 8, l->id, sizeof l->id);
	cb_put_le64(bytes + 24, super->sequence);
	cb_put_le32(bytes + 32, super->open);
	cb_put_le32(bytes + 36, super->n_keep);
	cb_put_le64(bytes + 40, super->generation);
	cb_put_le32(bytes + 48, n);
	for (uint32_t i = 0; i < super->n_keep; i++) {
		const struct cb_cache_keeper *k = &super->keep[i];

		memcpy(p, k->name, CB_NAME_MAX);
		memcpy(p + CB_NAME_MAX, k->current, sizeof k->current);
		memcpy(p + CB_NAME_MAX + sizeof k->current, k->previous, sizeof k->previous);
		p += CB_NAME_MAX + sizeof k->current + sizeof k->previous;
	}
	checksum(bytes, SUPER_CHECK_AT, entries, (size_t)n * CB_CACHE_ENTRY_LEN,
		 bytes + SUPER_CHECK_AT);
}

/* ---- Table of a segment ---- */

bool cb_cache_read_table(const struct cb_cache_layout *l, uint32_t segment, const uint8_t *bytes,
			 uint64_t *ret_generation, struct cb_reader *ret_entries, uint32_t *ret_n)
{
	struct cb_reader r = cb_reader_of((struct cb_bytes){ bytes, CB_CACHE_TABLE_HEADER_LEN });
	uint8_t check[CHECK_LEN];

	if (!is_magic(&r, TABLE_MAGIC) || !is_own(&r, l))
		return false;
	*ret_generation = cb_read_le64(&r);
	if (cb_read_le32(&r) != segment)
		return false;
	*ret_n = cb_read_le32(&r);
	cb_read_zeros(&r, 8);
	if (r.failed || *ret_n > l->max_entries || *ret_generation == 0 ||
	    *ret_generation >= CB_CACHE_MAX_SEQUENCE)
		return false;
	struct cb_bytes entries = { bytes + CB_CACHE_TABLE_HEADER_LEN,
				    (size_t)*ret_n * CB_CACHE_ENTRY_LEN };
	checksum(bytes, TABLE_CHECK_AT, entries.p, entries.len, check);
	*ret_entries = cb_reader_of(entries);
	return memcmp(bytes + TABLE_CHECK_AT, check, sizeof check) == 0;
}

void cb_cache_write_table(const struct cb_cache_layout *l, uint32_t segment,
			  const struct cb_cache_segment *s, uint8_t *bytes)
{
	uint8_t *entries = bytes + CB_CACHE_TABLE_HEADER_LEN;

	memset(bytes, 0, (size_t)l->table_pages * CB_CACHE_PAGE);
	uint32_t n = put_entries(s, entries);
	memcpy(bytes, TABLE_MAGIC, MAGIC_LEN);
	memcpy(bytes + 8, l->id, sizeof l->id);
	cb_put_le64(bytes + 24, s->generation);
	cb_put_le32(bytes + 32, segment);
	cb_put_le32(bytes + 36, n);
	checksum(bytes, TABLE_CHECK_AT, entries, (size_t)n * CB_CACHE_ENTRY_LEN,
		 bytes + TABLE_CHECK_AT);
}
