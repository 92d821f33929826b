/* SPDX-License-Identifier: MIT */
/* Unit tests of the cache: records, format, what is kept. */
#include <stdio.h>

#include "cache_world.h"

/* ---- Records ---- */

static void test_records(void **state)
{
	static const size_t lens[] = { 1, 4095, 4096, 4097, 20000, CACHE_WORLD_SEGMENT - 32 };
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned kind = CB_CACHE_CHUNK; kind < CB_CACHE_N_KINDS; kind++)
			for (unsigned i = 0; i < 6; i++) {
				if (round == 0)
					assert_true(cache_world_put(&w, kind, i + 10, lens[i]));
				if (round == 0 && kind == CB_CACHE_CHUNK)
					assert_true(cache_world_put(&w, kind, i + 10, lens[i]));
				assert_true(cache_world_has(&w, kind, i + 10, i + 10, lens[i]));
			}
		if (round == 0)
			assert_true(cb_cache_commit(w.cache));
		cache_world_reopen(&w);
	}
	struct cb_cache_stats stats;
	cb_cache_stats(w.cache, &stats);
	for (unsigned kind = CB_CACHE_CHUNK; kind < CB_CACHE_N_KINDS; kind++)
		assert_int_equal(stats.n_records[kind], 6);
	cache_world_done(&w);
}

static void test_what_is_not_taken(void **state)
{
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	assert_false(cache_world_put(&w, CB_CACHE_CHUNK, 1, 0));
	assert_true(cache_world_put(&w, CB_CACHE_METADATA, 1, 0));
	assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 1, CACHE_WORLD_SEGMENT));
	assert_false(cache_world_put(&w, CB_CACHE_CHUNK, 1, CACHE_WORLD_SEGMENT + 1));
	assert_false(cache_world_put(&w, CB_CACHE_METADATA, 1, CACHE_WORLD_SEGMENT - 31));
	assert_false(cache_world_put(&w, CB_CACHE_NOTHING, 1, 10));
	assert_false(cache_world_put(&w, CB_CACHE_N_KINDS, 1, 10));
	assert_true(cache_world_has(&w, CB_CACHE_METADATA, 1, 1, 0));
	cache_world_done(&w);
}

static void test_replace(void **state)
{
	uint8_t key[CB_DIGEST_LEN] = { 5, CB_CACHE_METADATA };
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	for (unsigned version = 100; version < 400; version++) {
		assert_true(cb_cache_append(w.cache, CB_CACHE_METADATA, key,
					    cache_world_content(version, 9000)));
		assert_true(cache_world_has(&w, CB_CACHE_METADATA, 5, version, 9000));
		if (version % 7 == 0) {
			assert_true(cb_cache_commit(w.cache));
			cache_world_reopen(&w);
			assert_true(cache_world_has(&w, CB_CACHE_METADATA, 5, version, 9000));
		}
	}
	cache_world_done(&w);
}

static void test_uncommitted_is_lost(void **state)
{
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
	assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 2, 5000));
	cache_world_reopen(&w);
	assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
	assert_false(cache_world_has(&w, CB_CACHE_CHUNK, 2, 2, 5000));
	cache_world_done(&w);
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
		struct cache_world w = { .mem = mem, .block = b };

		assert_int_equal(
			cb_cache_format(&mem, &block, cases[i].segment_len, cache_world_id),
			cases[i].err);
		cache_world_reopen(&w);
		assert_int_equal(cb_cache_state(w.cache),
				 cases[i].err == CB_OK ? CB_CACHE_OPEN : CB_CACHE_ABSENT);
		assert_int_equal(cache_world_put(&w, CB_CACHE_CHUNK, 1, 5000),
				 cases[i].err == CB_OK);
		assert_int_equal(cache_world_has(&w, CB_CACHE_CHUNK, 1, 1, 5000),
				 cases[i].err == CB_OK);
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
	cb_cache_keep(cache, "a", cache_world_id);
	assert_false(cb_cache_commit(cache));
	assert_false(cb_cache_takes(cache));
	cb_cache_stats(cache, &stats);
	assert_int_equal(stats.n_segments, 0);
	cb_cache_free(cache);
	cb_cache_free(NULL);
	testport_assert_no_leak(&tp);
}

/* ---- What is kept ---- */

static unsigned n_there(struct cache_world *w, unsigned first)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CACHE_WORLD_N_CHUNKS; i++)
		n += cache_world_has(w, CB_CACHE_CHUNK, first + i, first + i, CACHE_WORLD_CHUNK);
	return n;
}

/* Of ever new versions the newest two stay; the others make room. */
static void test_eviction(void **state)
{
	uint8_t sha256[CB_DIGEST_LEN];
	struct cache_world w;
	unsigned n_old = 0;

	(void)state;
	cache_world_init(&w);
	for (unsigned v = 0; v < 20; v++) {
		cache_world_put_image(&w, "desk", v * 1000, sha256);
		assert_int_equal(n_there(&w, v * 1000), CACHE_WORLD_N_CHUNKS);
		if (v > 0)
			assert_int_equal(n_there(&w, v * 1000 - 1000), CACHE_WORLD_N_CHUNKS);
		assert_memory_equal(cb_cache_keeper(w.cache, 0)->current, sha256, sizeof sha256);
	}
	for (unsigned v = 0; v < 18; v++)
		n_old += n_there(&w, v * 1000);
	assert_true(n_old < 5 * CACHE_WORLD_N_CHUNKS);
	assert_null(cb_cache_keeper(w.cache, 1));
	cache_world_done(&w);
}

/* What is needed is not given up for more of it; what is not needed any more is. */
static void test_full(void **state)
{
	uint8_t sha256[CB_DIGEST_LEN];
	struct cache_world w;
	unsigned n = 0;

	(void)state;
	cache_world_init(&w);
	cache_world_put_image(&w, "desk", 1000, sha256);
	while (n < 1000 && cache_world_put(&w, CB_CACHE_CHUNK, 5000 + n, CACHE_WORLD_CHUNK))
		n++;
	assert_true(n > 50 && n < 150);
	assert_false(cb_cache_takes(w.cache));
	assert_int_equal(n_there(&w, 1000), CACHE_WORLD_N_CHUNKS);
	assert_true(cb_cache_commit(w.cache));
	/* In the next run what was put in then is nobody's. */
	cache_world_reopen(&w);
	assert_int_equal(n_there(&w, 5000), CACHE_WORLD_N_CHUNKS);
	cache_world_put_image(&w, "desk", 9000, sha256);
	assert_int_equal(n_there(&w, 9000), CACHE_WORLD_N_CHUNKS);
	assert_int_equal(n_there(&w, 1000), CACHE_WORLD_N_CHUNKS);
	cache_world_done(&w);
}

static void test_keepers(void **state)
{
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
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
	cache_world_reopen(&w);
	assert_int_equal(cb_cache_keeper(w.cache, 0)->current[0], 99);
	assert_int_equal(cb_cache_keeper(w.cache, 0)->previous[0], 16);
	assert_int_equal(cb_cache_keeper(w.cache, 1)->current[0], 19);
	assert_int_equal(cb_cache_keeper(w.cache, 1)->previous[0], 0);
	assert_int_equal(cb_cache_keeper(w.cache, 15)->current[0], 4);
	assert_null(cb_cache_keeper(w.cache, 16));
	cache_world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),	 cmocka_unit_test(test_what_is_not_taken),
		cmocka_unit_test(test_replace),	 cmocka_unit_test(test_uncommitted_is_lost),
		cmocka_unit_test(test_format),	 cmocka_unit_test(test_no_device),
		cmocka_unit_test(test_eviction), cmocka_unit_test(test_full),
		cmocka_unit_test(test_keepers),
	};

	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
