/* SPDX-License-Identifier: MIT */
/* Inside the cache: layout, index and state, shared by its files. */
#ifndef CB_CORE_CACHE_INTERNAL_H
#define CB_CORE_CACHE_INTERNAL_H

#include "core/cache.h"

#define CB_CACHE_STEP_PAGES (CB_CACHE_STEP_LEN / CB_CACHE_PAGE)
#define CB_CACHE_ENTRY_LEN 48u
#define CB_CACHE_TABLE_HEADER_LEN 64u
#define CB_CACHE_MAX_TABLE_PAGES 64u
#define CB_CACHE_MAX_SEGMENT_PAGES 8192u /* 32 MiB */
#define CB_CACHE_MAX_SEQUENCE (1ull << 62) /* no device lives that long */
#define CB_CACHE_NO_SEGMENT UINT32_MAX
#define CB_CACHE_TRAILER_LEN CB_DIGEST_LEN /* BLAKE2b-256 behind what is no chunk */

/* Where everything is, in pages. */
struct cb_cache_layout {
	uint8_t id[CB_CACHE_ID_LEN];
	uint64_t n_pages; /* of the device, as far as they are used */
	uint32_t segment_pages, table_pages, n_segments;
	/* The rest follows from these. */
	uint32_t max_entries; /* in a table */
	uint64_t super_page[2], tables_page, data_page;
};

struct cb_cache_entry {
	uint8_t key[CB_DIGEST_LEN];
	uint32_t page; /* in the segment */
	uint32_t len; /* as stored, with the trailer */
	uint8_t kind;
	bool is_dead; /* replaced or dropped */
	bool is_needed;
	bool is_new; /* appended since the cache was opened */
};

struct cb_cache_segment {
	struct cb_cache_entry *entries; /* NULL: none */
	uint32_t n;
	uint64_t generation; /* sequence of the superblock that opened it; 0: empty */
};

/* What a superblock says, beside the open segment's table. */
struct cb_cache_super {
	uint64_t sequence; /* 0: none is valid */
	uint64_t generation; /* of the open segment */
	uint32_t open; /* segment, or CB_CACHE_NO_SEGMENT */
	uint32_t n_keep;
	struct cb_cache_keeper keep[CB_CACHE_MAX_KEEP];
};

enum cb_cache_phase { CB_CACHE_LABEL, CB_CACHE_SUPERS, CB_CACHE_TABLES, CB_CACHE_READY };

struct cb_cache {
	struct cb_mem mem;
	struct cb_block block;
	enum cb_cache_state state;
	enum cb_cache_phase phase;
	uint32_t at; /* next superblock or table to read */
	struct cb_cache_layout layout;
	struct cb_cache_super super;
	struct cb_cache_segment *segments;
	uint32_t n_records; /* in all tables */
	uint32_t *buckets; /* refs + 1 of entries by key, open addressing; 0: empty */
	uint32_t n_buckets; /* a power of two */
	/* Appended pages that are not on the device yet: the end of the open segment. */
	uint8_t *staged;
	uint32_t staged_page, n_staged; /* in pages of the open segment */
	/* Pages that were read ahead. */
	uint8_t *window;
	uint64_t window_page, next_page; /* on the device; where the last record ended */
	uint32_t n_window;
	bool looks_ahead;
	bool is_dirty, is_marked, is_full;
	bool must_move; /* the open segment is not the newest: append to another */
	enum cb_err write_err;
	uint64_t read_bytes, written_bytes;
	uint32_t n_reads, n_writes, n_errors, n_bad, n_lost;
};

static inline uint32_t cb_cache_pages(uint32_t len)
{
	return len / CB_CACHE_PAGE + (len % CB_CACHE_PAGE != 0);
}

/* ---- cache_format.c: bytes on the device ---- */

/* Derives the rest of *l from its first fields. False: they do not make sense. */
bool cb_cache_layout(struct cb_cache_layout *l);
/* Page 0. False: no cache, or one that does not fit n_pages. */
bool cb_cache_read_label(const uint8_t page[CB_CACHE_PAGE], uint64_t n_pages,
			 struct cb_cache_layout *ret);
void cb_cache_write_label(const struct cb_cache_layout *l, uint8_t page[CB_CACHE_PAGE]);
/* The superblock in place 0 or 1. *ret_n entries of the open segment follow: cb_cache_read_entries. */
bool cb_cache_read_super(const struct cb_cache_layout *l, unsigned place, const uint8_t *bytes,
			 struct cb_cache_super *ret, struct cb_reader *ret_entries,
			 uint32_t *ret_n);
/* bytes: 1 + table_pages pages. */
void cb_cache_write_super(const struct cb_cache_layout *l, const struct cb_cache_super *super,
			  const struct cb_cache_segment *open, uint8_t *bytes);
/* The table of a segment, table_pages pages. */
bool cb_cache_read_table(const struct cb_cache_layout *l, uint32_t segment, const uint8_t *bytes,
			 uint64_t *ret_generation, struct cb_reader *ret_entries, uint32_t *ret_n);
void cb_cache_write_table(const struct cb_cache_layout *l, uint32_t segment,
			  const struct cb_cache_segment *s, uint8_t *bytes);
/* n entries to out[n]. False: one leaves the segment or overlaps another. */
bool cb_cache_read_entries(const struct cb_cache_layout *l, struct cb_reader *r, uint32_t n,
			   struct cb_cache_entry *out);

/* ---- cache_index.c: who is where ---- */

/* Room for all records that the layout can have, as far as they are taken. NO_MEMORY. */
enum cb_err cb_cache_index_init(struct cb_cache *c);
void cb_cache_index_done(struct cb_cache *c);
struct cb_cache_entry *cb_cache_entry(const struct cb_cache *c, uint32_t ref);
/* The newer of two records with the same key stays, the other is dead. */
void cb_cache_index_add(struct cb_cache *c, uint32_t segment, uint32_t i);
struct cb_cache_entry *cb_cache_index_find(const struct cb_cache *c, enum cb_cache_kind kind,
					   const uint8_t key[CB_DIGEST_LEN], uint32_t *ret_ref);
/* Takes the segment's records out of the index and frees its table. */
void cb_cache_index_forget(struct cb_cache *c, uint32_t segment);
/* First page of the open segment behind its records. */
uint32_t cb_cache_end_page(const struct cb_cache_segment *s);
/* The segment that is missed least: fewest needed pages, then the oldest. NO_SEGMENT: all are needed. */
uint32_t cb_cache_index_victim(const struct cb_cache *c);

/* ---- cache_read.c ---- */

bool cb_cache_get(struct cb_cache *c, uint64_t page, uint32_t n, uint8_t *buf);

/* ---- cache_write.c ---- */

bool cb_cache_put(struct cb_cache *c, uint64_t page, uint32_t n, const uint8_t *buf);
/* Brings the staged pages to the device. */
bool cb_cache_unstage(struct cb_cache *c);

/* ---- cache_keep.c ---- */

/* Finds out which records are needed, by the manifests that are kept. */
void cb_cache_mark(struct cb_cache *c);

#endif
