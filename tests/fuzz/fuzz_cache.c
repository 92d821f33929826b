/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the cache with hostile devices. The input changes a good one: u8 flags (1: make the checks
 * right again), then patches of u8 page, u16 offset in it, u8 length and as many bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cache_internal.h"
#include "host/heap.h"
#include "sim_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define DEVICE_LEN (512u << 10)
#define SEGMENT_LEN (64u << 10)
#define N_RECORDS 24

static uint8_t good[DEVICE_LEN];
static struct cb_cache_layout layout;

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void make_record(unsigned i, uint8_t out[16384], struct cb_bytes *ret,
			uint8_t key[CB_DIGEST_LEN])
{
	*ret = (struct cb_bytes){ out, 1000 + i * 613 };
	for (size_t k = 0; k < ret->len; k++)
		out[k] = (uint8_t)(k * 31 + i);
	cb_blake2b_256(*ret, key);
}

static struct cb_cache *open_cache(struct sim_block *b)
{
	struct cb_block block = sim_block(b);
	struct cb_cache *cache;
	unsigned n = 0;

	require(cb_cache_new(&cb_heap, &block, &cache) == CB_OK);
	while (cb_cache_step(cache) == CB_CACHE_OPENING)
		require(n++ < 1000);
	return cache;
}

/* True when all of it is in. */
static bool append_all(struct cb_cache *cache)
{
	static uint8_t bytes[16384];
	static const uint8_t manifest[CB_DIGEST_LEN] = { 9 };
	uint8_t key[CB_DIGEST_LEN];
	struct cb_bytes content;
	bool is_in = true;

	for (unsigned i = 0; i < N_RECORDS; i++) {
		make_record(i, bytes, &content, key);
		is_in &= cb_cache_append(cache, i % 4 ? CB_CACHE_CHUNK : CB_CACHE_METADATA, key,
					 content);
	}
	cb_cache_keep(cache, "image", manifest);
	return cb_cache_commit(cache) && is_in;
}

static void make_good(void)
{
	static const uint8_t id[CB_CACHE_ID_LEN] = { 1 };
	struct sim_block *b = sim_block_new(1, 512, DEVICE_LEN / 512);
	struct cb_block block = sim_block(b);
	struct cb_cache *cache;
	size_t len;

	require(cb_cache_format(&cb_heap, &block, SEGMENT_LEN, id) == CB_OK);
	cache = open_cache(b);
	require(append_all(cache));
	layout = cache->layout;
	cb_cache_free(cache);
	memcpy(good, sim_block_bytes(b, &len), sizeof good);
	sim_block_free(b);
}

static void apply_patches(uint8_t *bytes, struct cb_reader *r)
{
	while (!r->failed && r->rest.len > 4) {
		size_t at = cb_read_u8(r) % (DEVICE_LEN / CB_CACHE_PAGE) * CB_CACHE_PAGE;
		at += cb_read_le16(r) % CB_CACHE_PAGE;
		size_t len = cb_read_u8(r);
		len = len < r->rest.len ? len : r->rest.len;
		len = len < DEVICE_LEN - at ? len : DEVICE_LEN - at;
		cb_read_copy(r, bytes + at, len);
	}
}

static void fix(uint8_t *check, const uint8_t *a, size_t a_len, const uint8_t *b, uint32_t n)
{
	struct cb_blake2b s;
	uint8_t digest[CB_DIGEST_LEN];
	size_t b_len = n <= layout.max_entries ? n * CB_CACHE_ENTRY_LEN : 0;

	cb_blake2b_init(&s, sizeof digest, NULL, 0);
	cb_blake2b_update(&s, a, a_len);
	cb_blake2b_update(&s, b, b_len);
	cb_blake2b_final(&s, digest);
	memcpy(check, digest, 16);
}

static void fix_checks(uint8_t *bytes)
{
	fix(bytes + 48, bytes, 48, bytes, 0);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *p = bytes + layout.super_page[i] * CB_CACHE_PAGE;
		fix(p + 4080, p, 4080, p + 4096, cb_le32(p + 48));
	}
	for (uint32_t i = 0; i < layout.n_segments; i++) {
		uint8_t *p = bytes +
			(layout.tables_page + (uint64_t)i * layout.table_pages) * CB_CACHE_PAGE;
		fix(p + 48, p, 48, p + 64, cb_le32(p + 36));
	}
}

static void read_all(struct cb_cache *cache)
{
	struct cb_cache_reading r;
	enum cb_cache_kind kind;
	uint8_t key[CB_DIGEST_LEN];
	uint64_t at = 0, n = 0;

	while (cb_cache_next(cache, &at, &kind, key, &r)) {
		uint8_t *buf = malloc(r.room);
		enum cb_cache_progress progress;

		require(buf && r.len <= r.room && r.room <= CB_CACHE_MAX_SEGMENT_PAGES * 4096);
		while ((progress = cb_cache_read(cache, &r, buf)) == CB_CACHE_AGAIN)
			;
		if (progress == CB_CACHE_GONE)
			require(!cb_cache_find(cache, kind, key, &r));
		else if (n % 3 == 0)
			cb_cache_drop(cache, r.ref);
		free(buf);
		require(n++ < CB_CACHE_MAX_RECORDS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cb_reader r = cb_reader_of((struct cb_bytes){ data, len });
	struct sim_block *b;
	struct cb_cache_stats stats;
	uint8_t *bytes;

	if (layout.n_segments == 0)
		make_good();
	b = sim_block_new(1, 512, DEVICE_LEN / 512);
	bytes = sim_block_bytes(b, &len);
	memcpy(bytes, good, sizeof good);
	unsigned flags = cb_read_u8(&r);
	apply_patches(bytes, &r);
	if (flags & 1)
		fix_checks(bytes);
	struct cb_cache *cache = open_cache(b);
	read_all(cache);
	cb_cache_stats(cache, &stats);
	bool is_in = append_all(cache);
	enum cb_cache_state state = cb_cache_state(cache);
	cb_cache_free(cache);
	/* What it took is there when it is opened again. */
	cache = open_cache(b);
	if (is_in && state == CB_CACHE_OPEN) {
		require(cb_cache_state(cache) == CB_CACHE_OPEN);
		require(cb_cache_keeper(cache, 0) != NULL);
		require(append_all(cache));
	}
	cb_cache_free(cache);
	sim_block_free(b);
	return 0;
}
