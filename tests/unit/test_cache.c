/* SPDX-License-Identifier: MIT */
/* Unit tests of the cache: records, eviction, damage, failing devices, hostile contents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cache_internal.h"
#include "core/manifest.h"
#include "sim_block.h"
#include "testport.h"

#define SEGMENT_LEN (64u << 10)
#define DEVICE_LEN (1u << 20)

static const uint8_t id[CB_CACHE_ID_LEN] = { 7 };

struct world {
	struct testport tp;
	struct cb_mem mem;
	struct sim_block *block;
	struct cb_cache *cache;
};

static void reopen(struct world *w)
{
	struct cb_block block = sim_block(w->block);

	cb_cache_free(w->cache);
	assert_int_equal(cb_cache_new(&w->mem, &block, &w->cache), CB_OK);
	while (cb_cache_step(w->cache) == CB_CACHE_OPENING)
		;
}

static void world_init(struct world *w)
{
	struct cb_block block;

	memset(w, 0, sizeof *w);
	w->mem = testport_mem(&w->tp);
	w->block = sim_block_new(1, 512, DEVICE_LEN / 512);
	block = sim_block(w->block);
	assert_int_equal(cb_cache_format(&w->mem, &block, SEGMENT_LEN, id), CB_OK);
	reopen(w);
	assert_int_equal(cb_cache_state(w->cache), CB_CACHE_OPEN);
}

static void world_done(struct world *w)
{
	cb_cache_free(w->cache);
	testport_assert_no_leak(&w->tp);
	sim_block_free(w->block);
}

/* Record i: its bytes, of some length. */
static struct cb_bytes content(unsigned i, size_t len)
{
	static uint8_t bytes[CB_CACHE_MIN_LEN];

	for (size_t k = 0; k < len; k++)
		bytes[k] = (uint8_t)(i * 31 + k * 7 + (k >> 8));
	if (len >= 4)
		cb_put_le32(bytes, i);
	return (struct cb_bytes){ bytes, len };
}

static bool put(struct world *w, enum cb_cache_kind kind, unsigned i, size_t len)
{
	uint8_t key[CB_DIGEST_LEN] = { (uint8_t)i, (uint8_t)kind };

	if (kind == CB_CACHE_CHUNK)
		cb_blake2b_256(content(i, len), key);
	return cb_cache_append(w->cache, kind, key, content(i, len));
}

/* Is record i there, with these bytes? */
static bool has(struct world *w, enum cb_cache_kind kind, unsigned i, unsigned version, size_t len)
{
	uint8_t key[CB_DIGEST_LEN] = { (uint8_t)i, (uint8_t)kind };
	enum cb_cache_progress progress;
	struct cb_cache_reading r;

	if (kind == CB_CACHE_CHUNK)
		cb_blake2b_256(content(i, len), key);
	if (!cb_cache_find(w->cache, kind, key, &r))
		return false;
	uint8_t *buf = malloc(r.room);
	while ((progress = cb_cache_read(w->cache, &r, buf)) == CB_CACHE_AGAIN)
		;
	if (progress == CB_CACHE_DONE)
		testport_assert_bytes((struct cb_bytes){ buf, r.len }, content(version, len));
	free(buf);
	return progress == CB_CACHE_DONE;
}

/* ---- Records ---- */

static void test_records(void **state)
{
	static const size_t lens[] = { 1, 4095, 4096, 4097, 20000, SEGMENT_LEN - 32 };
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned kind = CB_CACHE_CHUNK; kind < CB_CACHE_N_KINDS; kind++)
			for (unsigned i = 0; i < 6; i++) {
				if (round == 0)
					assert_true(put(&w, kind, i + 10, lens[i]));
				if (round == 0 && kind == CB_CACHE_CHUNK)
					assert_true(put(&w, kind, i + 10, lens[i]));
				assert_true(has(&w, kind, i + 10, i + 10, lens[i]));
			}
		if (round == 0)
			assert_true(cb_cache_commit(w.cache));
		reopen(&w);
	}
	struct cb_cache_stats stats;
	cb_cache_stats(w.cache, &stats);
	for (unsigned kind = CB_CACHE_CHUNK; kind < CB_CACHE_N_KINDS; kind++)
		assert_int_equal(stats.n_records[kind], 6);
	world_done(&w);
}

static void test_what_is_not_taken(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_false(put(&w, CB_CACHE_CHUNK, 1, 0));
	assert_true(put(&w, CB_CACHE_METADATA, 1, 0));
	assert_true(put(&w, CB_CACHE_CHUNK, 1, SEGMENT_LEN));
	assert_false(put(&w, CB_CACHE_CHUNK, 1, SEGMENT_LEN + 1));
	assert_false(put(&w, CB_CACHE_METADATA, 1, SEGMENT_LEN - 31));
	assert_false(put(&w, CB_CACHE_NOTHING, 1, 10));
	assert_false(put(&w, CB_CACHE_N_KINDS, 1, 10));
	assert_true(has(&w, CB_CACHE_METADATA, 1, 1, 0));
	world_done(&w);
}

static void test_replace(void **state)
{
	uint8_t key[CB_DIGEST_LEN] = { 5, CB_CACHE_METADATA };
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned version = 100; version < 400; version++) {
		assert_true(
			cb_cache_append(w.cache, CB_CACHE_METADATA, key, content(version, 9000)));
		assert_true(has(&w, CB_CACHE_METADATA, 5, version, 9000));
		if (version % 7 == 0) {
			assert_true(cb_cache_commit(w.cache));
			reopen(&w);
			assert_true(has(&w, CB_CACHE_METADATA, 5, version, 9000));
		}
	}
	world_done(&w);
}

static void test_uncommitted_is_lost(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_true(put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
	assert_true(put(&w, CB_CACHE_CHUNK, 2, 5000));
	reopen(&w);
	assert_true(has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
	assert_false(has(&w, CB_CACHE_CHUNK, 2, 2, 5000));
	world_done(&w);
}

/* ---- Format ---- */

static void test_format(void **state)
{
	static const struct {
		uint32_t block_len;
		uint64_t n_blocks;
		uint32_t segment_len;
		enum cb_err err;
	} cases[] = {
		{ 512, 1024, 0, CB_OK },
		{ 4096, 128, 0, CB_OK },
		{ 1024, 513, 65536, CB_OK },
		{ 512, 1023, 0, CB_USAGE },
		{ 256, 65536, 0, CB_USAGE },
		{ 8192, 1024, 0, CB_USAGE },
		{ 3072, 1024, 0, CB_USAGE },
		{ 512, 8192, 100000, CB_USAGE },
		{ 512, 8192, 32768, CB_USAGE },
		{ 512, 8192, 4u << 20, CB_USAGE },
		{ 512, 65536, 64u << 20, CB_USAGE },
	};
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sim_block *b = sim_block_new(1, cases[i].block_len, cases[i].n_blocks);
		struct cb_block block = sim_block(b);
		struct world w = { .mem = mem, .block = b };

		assert_int_equal(cb_cache_format(&mem, &block, cases[i].segment_len, id),
				 cases[i].err);
		reopen(&w);
		assert_int_equal(cb_cache_state(w.cache),
				 cases[i].err == CB_OK ? CB_CACHE_OPEN : CB_CACHE_ABSENT);
		assert_int_equal(put(&w, CB_CACHE_CHUNK, 1, 5000), cases[i].err == CB_OK);
		assert_int_equal(has(&w, CB_CACHE_CHUNK, 1, 1, 5000), cases[i].err == CB_OK);
		cb_cache_free(w.cache);
		sim_block_free(b);
	}
	testport_assert_no_leak(&tp);
}

static void test_no_device(void **state)
{
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	struct cb_block none = { 0 };
	struct cb_cache_stats stats;
	struct cb_cache *cache;

	(void)state;
	assert_int_equal(cb_cache_new(&mem, &none, &cache), CB_OK);
	assert_int_equal(cb_cache_step(cache), CB_CACHE_ABSENT);
	cb_cache_keep(cache, "a", id);
	assert_false(cb_cache_commit(cache));
	assert_false(cb_cache_takes(cache));
	cb_cache_stats(cache, &stats);
	assert_int_equal(stats.n_segments, 0);
	cb_cache_free(cache);
	cb_cache_free(NULL);
	testport_assert_no_leak(&tp);
}

/* ---- What is kept ---- */

#define CHUNK_LEN 7000
#define N_IMAGE_CHUNKS 20

/* A manifest that names chunks first .. first + 19. */
static void put_image(struct world *w, const char *name, unsigned first, uint8_t sha256[32])
{
	static uint8_t file[8192];
	struct cb_chunk chunks[N_IMAGE_CHUNKS] = { 0 };
	struct cb_manifest m = {
		.kind = CB_KIND_LINUX,
		.arch = CB_ARCH_X86_64,
		.n_segments = 1,
		.n_chunks = N_IMAGE_CHUNKS,
		.raw_total = N_IMAGE_CHUNKS * CHUNK_LEN,
		.stored_total = N_IMAGE_CHUNKS * CHUNK_LEN,
		.segments = { { .role = CB_ROLE_KERNEL,
				.n_chunks = N_IMAGE_CHUNKS,
				.raw_len = N_IMAGE_CHUNKS * CHUNK_LEN } },
	};

	for (unsigned i = 0; i < N_IMAGE_CHUNKS; i++) {
		chunks[i].stored_len = chunks[i].raw_len = CHUNK_LEN;
		cb_blake2b_256(content(first + i, CHUNK_LEN), chunks[i].digest);
	}
	assert_true(cb_manifest_len(&m) <= sizeof file);
	cb_manifest_write(&m, chunks, file);
	struct cb_bytes bytes = { file, cb_manifest_len(&m) };
	assert_int_equal(cb_manifest_parse(bytes, &m), CB_OK);
	cb_sha256(bytes, sha256);
	assert_true(cb_cache_append(w->cache, CB_CACHE_MANIFEST, sha256, bytes));
	cb_cache_keep(w->cache, name, sha256);
	for (unsigned i = 0; i < N_IMAGE_CHUNKS; i++)
		assert_true(put(w, CB_CACHE_CHUNK, first + i, CHUNK_LEN));
	assert_true(cb_cache_commit(w->cache));
	reopen(w);
}

static unsigned n_there(struct world *w, unsigned first)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_IMAGE_CHUNKS; i++)
		n += has(w, CB_CACHE_CHUNK, first + i, first + i, CHUNK_LEN);
	return n;
}

/* Of ever new versions the newest two stay; the others make room. */
static void test_eviction(void **state)
{
	uint8_t sha256[CB_DIGEST_LEN];
	struct world w;
	unsigned n_old = 0;

	(void)state;
	world_init(&w);
	for (unsigned v = 0; v < 20; v++) {
		put_image(&w, "desk", v * 1000, sha256);
		assert_int_equal(n_there(&w, v * 1000), N_IMAGE_CHUNKS);
		if (v > 0)
			assert_int_equal(n_there(&w, v * 1000 - 1000), N_IMAGE_CHUNKS);
		assert_memory_equal(cb_cache_keeper(w.cache, 0)->current, sha256, sizeof sha256);
	}
	for (unsigned v = 0; v < 18; v++)
		n_old += n_there(&w, v * 1000);
	assert_true(n_old < 5 * N_IMAGE_CHUNKS);
	assert_null(cb_cache_keeper(w.cache, 1));
	world_done(&w);
}

/* What is needed is not given up for more of it; what is not needed any more is. */
static void test_full(void **state)
{
	uint8_t sha256[CB_DIGEST_LEN];
	struct world w;
	unsigned n = 0;

	(void)state;
	world_init(&w);
	put_image(&w, "desk", 1000, sha256);
	while (n < 1000 && put(&w, CB_CACHE_CHUNK, 5000 + n, CHUNK_LEN))
		n++;
	assert_true(n > 50 && n < 150);
	assert_false(cb_cache_takes(w.cache));
	assert_int_equal(n_there(&w, 1000), N_IMAGE_CHUNKS);
	assert_true(cb_cache_commit(w.cache));
	/* In the next run what was put in then is nobody's. */
	reopen(&w);
	assert_int_equal(n_there(&w, 5000), N_IMAGE_CHUNKS);
	put_image(&w, "desk", 9000, sha256);
	assert_int_equal(n_there(&w, 9000), N_IMAGE_CHUNKS);
	assert_int_equal(n_there(&w, 1000), N_IMAGE_CHUNKS);
	world_done(&w);
}

static void test_keepers(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < CB_CACHE_MAX_KEEP + 3; i++) {
		char name[CB_NAME_MAX + 1];
		uint8_t manifest[CB_DIGEST_LEN] = { (uint8_t)(i + 1) };
		snprintf(name, sizeof name, "%064u", i);
		cb_cache_keep(w.cache, name, manifest);
		cb_cache_keep(w.cache, name, manifest);
	}
	uint8_t again[CB_DIGEST_LEN] = { 99 };
	cb_cache_keep(w.cache, cb_cache_keeper(w.cache, 3)->name, again);
	assert_true(cb_cache_commit(w.cache));
	reopen(&w);
	assert_int_equal(cb_cache_keeper(w.cache, 0)->current[0], 99);
	assert_int_equal(cb_cache_keeper(w.cache, 0)->previous[0], 16);
	assert_int_equal(cb_cache_keeper(w.cache, 1)->current[0], 19);
	assert_int_equal(cb_cache_keeper(w.cache, 1)->previous[0], 0);
	assert_int_equal(cb_cache_keeper(w.cache, 15)->current[0], 4);
	assert_null(cb_cache_keeper(w.cache, 16));
	world_done(&w);
}

/* ---- Devices that fail ---- */

static void test_failing_writes(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 40; n++) {
		struct world w;
		struct cb_cache_stats stats;
		unsigned n_put = 0;

		world_init(&w);
		assert_true(put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
		sim_block_faults(w.block)->fail_write = n;
		for (unsigned i = 100; i < 160; i++)
			n_put += put(&w, CB_CACHE_CHUNK, i, 9000) && cb_cache_commit(w.cache);
		cb_cache_stats(w.cache, &stats);
		assert_int_equal(stats.write_err, CB_IO);
		assert_true(n_put < 60);
		assert_false(put(&w, CB_CACHE_CHUNK, 999, 10));
		assert_false(cb_cache_commit(w.cache));
		assert_true(has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
		reopen(&w);
		for (unsigned i = 100; i < 100 + n_put; i++)
			assert_true(has(&w, CB_CACHE_CHUNK, i, i, 9000));
		assert_true(put(&w, CB_CACHE_CHUNK, 999, 10) && cb_cache_commit(w.cache));
		world_done(&w);
	}
}

static void test_readonly_and_full_device(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world w;

		world_init(&w);
		assert_true(put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
		sim_block_faults(w.block)->is_readonly = i == 0;
		sim_block_faults(w.block)->full_at = i == 0 ? 0 : 1;
		put(&w, CB_CACHE_CHUNK, 2, 5000);
		assert_false(cb_cache_commit(w.cache));
		assert_true(has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
		world_done(&w);
	}
}

static void test_failing_reads(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 8; n++) {
		unsigned n_there = 0;
		struct world w;

		world_init(&w);
		for (unsigned i = 0; i < 20; i++)
			assert_true(put(&w, CB_CACHE_CHUNK, i, 9000));
		assert_true(cb_cache_commit(w.cache));
		sim_block_faults(w.block)->fail_read = n;
		sim_block_faults(w.block)->fails_on = true;
		reopen(&w);
		for (unsigned i = 0; i < 20; i++)
			n_there += has(&w, CB_CACHE_CHUNK, i, i, 9000);
		/* Label, two superblocks, the tables, then records. */
		assert_int_equal(n_there, n > 5 ? n - 5 : 0);
		bool is_broken = n == 1 || n > 4;
		assert_int_equal(cb_cache_state(w.cache),
				 is_broken ? CB_CACHE_ABSENT : CB_CACHE_OPEN);
		assert_int_equal(put(&w, CB_CACHE_CHUNK, 50, 9000), !is_broken);
		world_done(&w);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 30; n++) {
		struct world w;
		struct cb_block block;
		uint8_t sha256[CB_DIGEST_LEN];
		struct cb_cache *cache = NULL;

		world_init(&w);
		put_image(&w, "desk", 0, sha256);
		block = sim_block(w.block);
		testport_fail_at(&w.tp, n);
		if (cb_cache_new(&w.mem, &block, &cache) == CB_OK) {
			while (cb_cache_step(cache) == CB_CACHE_OPENING)
				;
			for (unsigned i = 0; i < 40; i++) {
				uint8_t key[CB_DIGEST_LEN] = { (uint8_t)i };
				(void)cb_cache_append(cache, CB_CACHE_METADATA, key,
						      content(i, 9000));
			}
		}
		cb_cache_free(cache);
		testport_fail_at(&w.tp, 0);
		world_done(&w);
	}
}

/* ---- Damage and malice ---- */

static uint8_t *page(struct world *w, uint64_t n)
{
	size_t len;

	return sim_block_bytes(w->block, &len) + n * CB_CACHE_PAGE;
}

static void test_damaged_superblocks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < 32; i++)
		assert_true(put(&w, CB_CACHE_CHUNK, i, 9000));
	assert_true(cb_cache_commit(w.cache));
	assert_true(put(&w, CB_CACHE_CHUNK, 99, 9000) && cb_cache_commit(w.cache));
	uint64_t newest = w.cache->super.sequence % 2;
	page(&w, w.cache->layout.super_page[newest])[100] ^= 1;
	reopen(&w);
	assert_true(has(&w, CB_CACHE_CHUNK, 31, 31, 9000));
	assert_false(has(&w, CB_CACHE_CHUNK, 99, 99, 9000));
	/* Without both: what is in full segments. */
	page(&w, w.cache->layout.super_page[!newest])[100] ^= 1;
	reopen(&w);
	assert_int_equal(cb_cache_state(w.cache), CB_CACHE_OPEN);
	assert_true(has(&w, CB_CACHE_CHUNK, 0, 0, 9000));
	assert_false(has(&w, CB_CACHE_CHUNK, 31, 31, 9000));
	assert_true(put(&w, CB_CACHE_CHUNK, 99, 9000) && cb_cache_commit(w.cache));
	reopen(&w);
	assert_true(has(&w, CB_CACHE_CHUNK, 99, 99, 9000));
	world_done(&w);
}

static void write_super(struct world *w, unsigned place, const struct cb_cache_super *super,
			const struct cb_cache_segment *open)
{
	const struct cb_cache_layout *l = &w->cache->layout;

	cb_cache_write_super(l, super, open, page(w, l->super_page[place]));
}

static void test_made_up_sequences(void **state)
{
	static const struct {
		uint64_t sequence[2];
		uint64_t chosen;
		bool takes;
	} cases[] = {
		{ { 8, 8 }, 8, true },
		{ { 7, 7 }, 7, true },
		{ { UINT64_MAX, UINT64_MAX }, 0, true },
		{ { UINT64_MAX - 1, 3 }, 3, true },
		{ { CB_CACHE_MAX_SEQUENCE, 5 }, 5, true },
		{ { 6, CB_CACHE_MAX_SEQUENCE - 1 }, CB_CACHE_MAX_SEQUENCE - 1, false },
		{ { 0, 0 }, 0, true },
		{ { 9, 12 }, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cb_cache_super super = { .open = CB_CACHE_NO_SEGMENT };
		struct world w;

		world_init(&w);
		for (unsigned place = 0; place < 2; place++) {
			super.sequence = cases[i].sequence[place];
			write_super(&w, place, &super, NULL);
		}
		reopen(&w);
		assert_int_equal(cb_cache_state(w.cache), CB_CACHE_OPEN);
		assert_int_equal(w.cache->super.sequence, cases[i].chosen);
		assert_int_equal(put(&w, CB_CACHE_CHUNK, 1, 100) && cb_cache_commit(w.cache),
				 cases[i].takes);
		reopen(&w);
		assert_int_equal(has(&w, CB_CACHE_CHUNK, 1, 1, 100), cases[i].takes);
		world_done(&w);
	}
}

/* Entries of the open segment, with a good check. */
static void test_made_up_entries(void **state)
{
	static const struct {
		struct cb_cache_entry e[2];
		unsigned n_good;
	} cases[] = {
		{ { { .len = 1, .kind = 1 }, { .page = 1, .len = 9, .kind = 1, .key = { 1 } } },
		  2 },
		{ { { .len = 4097, .kind = 1 }, { .page = 1, .len = 9, .kind = 1 } }, 0 },
		{ { { .page = 3, .len = 1, .kind = 1 }, { .page = 1, .len = 9, .kind = 1 } }, 0 },
		{ { { .page = 15, .len = 4096, .kind = 1 }, { .page = 16, .len = 1, .kind = 1 } },
		  0 },
		{ { { .len = 0, .kind = 1 }, { .page = 1, .len = 9, .kind = 1 } }, 0 },
		{ { { .len = 31, .kind = 2 }, { .page = 1, .len = 9, .kind = 1 } }, 0 },
		{ { { .len = 1, .kind = 0 }, { .page = 1, .len = 9, .kind = 1 } }, 0 },
		{ { { .len = 1, .kind = 5 }, { .page = 1, .len = 9, .kind = 1 } }, 0 },
		{ { { .len = 1, .kind = 1 }, { .page = UINT32_MAX, .len = UINT32_MAX, .kind = 1 } },
		  0 },
		/* the same key twice: the later one */
		{ { { .len = 1, .kind = 1 }, { .page = 1, .len = 9, .kind = 1 } }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cb_cache_entry e[2];
		struct cb_cache_segment open = { e, 2, 9 };
		struct cb_cache_super super = { .sequence = 10, .generation = 9, .open = 1 };
		struct cb_cache_stats stats;
		struct world w;

		world_init(&w);
		memcpy(e, cases[i].e, sizeof e);
		write_super(&w, 0, &super, &open);
		reopen(&w);
		assert_int_equal(cb_cache_state(w.cache), CB_CACHE_OPEN);
		cb_cache_stats(w.cache, &stats);
		assert_int_equal(stats.n_records[CB_CACHE_CHUNK], cases[i].n_good);
		assert_int_equal(stats.n_lost_segments, cases[i].n_good == 0);
		assert_true(put(&w, CB_CACHE_CHUNK, 1, 100) && cb_cache_commit(w.cache));
		reopen(&w);
		assert_true(has(&w, CB_CACHE_CHUNK, 1, 1, 100));
		world_done(&w);
	}
}

/* Wrong bytes under a right key, in what counts as the newest segment. */
static void test_duplicate_with_wrong_data(void **state)
{
	struct cb_cache_entry e = { .len = 5000, .kind = CB_CACHE_CHUNK };
	struct cb_cache_segment liar = { &e, 1, 1000 };
	struct cb_cache_reading r;
	struct world w;

	(void)state;
	world_init(&w);
	assert_true(put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
	const struct cb_cache_layout *l = &w.cache->layout;
	cb_blake2b_256(content(1, 5000), e.key);
	cb_cache_write_table(l, 9, &liar, page(&w, l->tables_page + 9 * l->table_pages));
	reopen(&w);
	assert_true(cb_cache_find(w.cache, CB_CACHE_CHUNK, e.key, &r));
	assert_int_equal(r.generation, 1000);
	cb_cache_drop(w.cache, r.ref);
	cb_cache_drop(w.cache, r.ref);
	cb_cache_drop(w.cache, UINT32_MAX);
	assert_false(cb_cache_find(w.cache, CB_CACHE_CHUNK, e.key, &r));
	assert_true(put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
	reopen(&w);
	assert_true(has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
	world_done(&w);
}

/* A record that is no chunk is returned as it was written, or not at all. */
static void test_damaged_record(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_true(put(&w, CB_CACHE_ACCOUNT, 1, 5000) && put(&w, CB_CACHE_ACCOUNT, 2, 5000));
	assert_true(cb_cache_commit(w.cache));
	const struct cb_cache_layout *l = &w.cache->layout;
	page(&w, l->data_page + (uint64_t)w.cache->super.open * l->segment_pages + 1)[900] ^= 4;
	reopen(&w);
	assert_false(has(&w, CB_CACHE_ACCOUNT, 1, 1, 5000));
	assert_true(has(&w, CB_CACHE_ACCOUNT, 2, 2, 5000));
	assert_true(put(&w, CB_CACHE_ACCOUNT, 1, 5000));
	assert_true(has(&w, CB_CACHE_ACCOUNT, 1, 1, 5000));
	world_done(&w);
}

/* Of an earlier cache on the same device nothing is seen. */
static void test_other_id(void **state)
{
	static const uint8_t other[CB_CACHE_ID_LEN] = { 8 };
	struct cb_block block;
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < 30; i++)
		assert_true(put(&w, CB_CACHE_CHUNK, i, 9000));
	assert_true(cb_cache_commit(w.cache));
	block = sim_block(w.block);
	assert_int_equal(cb_cache_format(&w.mem, &block, SEGMENT_LEN, other), CB_OK);
	reopen(&w);
	for (unsigned i = 0; i < 30; i++)
		assert_false(has(&w, CB_CACHE_CHUNK, i, i, 9000));
	world_done(&w);
}

/* One superblock can't be read, this time: what it refers to stays until there is a newer one. */
static void test_unreadable_superblock(void **state)
{
	(void)state;
	for (unsigned place = 0; place < 2; place++)
		for (unsigned n = 0; n < 2; n++) {
			struct world w;

			world_init(&w);
			for (unsigned i = 0; i <= n; i++) {
				assert_true(put(&w, CB_CACHE_ACCOUNT, 1 + i, 9000));
				assert_true(cb_cache_commit(w.cache));
			}
			/* behind the label */
			sim_block_faults(w.block)->fail_read = 2 + place;
			reopen(&w);
			assert_true(put(&w, CB_CACHE_ACCOUNT, 9, 9000));
			/* read, it is on the device; the power goes before the commit */
			assert_true(has(&w, CB_CACHE_ACCOUNT, 9, 9, 9000));
			for (unsigned i = 0; i <= n; i++) {
				reopen(&w);
				uint8_t key[CB_DIGEST_LEN] = { (uint8_t)(1 + i), CB_CACHE_ACCOUNT };
				struct cb_cache_reading r;
				if (cb_cache_find(w.cache, CB_CACHE_ACCOUNT, key, &r))
					assert_true(has(&w, CB_CACHE_ACCOUNT, 1 + i, 1 + i, 9000));
			}
			world_done(&w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_what_is_not_taken),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_uncommitted_is_lost),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_no_device),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_keepers),
		cmocka_unit_test(test_failing_writes),
		cmocka_unit_test(test_readonly_and_full_device),
		cmocka_unit_test(test_failing_reads),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_damaged_superblocks),
		cmocka_unit_test(test_unreadable_superblock),
		cmocka_unit_test(test_made_up_sequences),
		cmocka_unit_test(test_made_up_entries),
		cmocka_unit_test(test_duplicate_with_wrong_data),
		cmocka_unit_test(test_damaged_record),
		cmocka_unit_test(test_other_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
