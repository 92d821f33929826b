/* SPDX-License-Identifier: MIT */
/* Unit tests of the cache: devices that fail, damage, hostile contents. */
#include <string.h>

#include "cache_world.h"

/* ---- Devices that fail ---- */

static void test_failing_writes(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 40; n++) {
		struct cache_world w;
		struct cb_cache_stats stats;
		unsigned n_put = 0;

		cache_world_init(&w);
		assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 1, 5000) &&
			    cb_cache_commit(w.cache));
		sim_block_faults(w.block)->fail_write = n;
		for (unsigned i = 100; i < 160; i++)
			n_put += cache_world_put(&w, CB_CACHE_CHUNK, i, 9000) &&
				cb_cache_commit(w.cache);
		cb_cache_stats(w.cache, &stats);
		assert_int_equal(stats.write_err, CB_IO);
		assert_true(n_put < 60);
		assert_false(cache_world_put(&w, CB_CACHE_CHUNK, 999, 10));
		assert_false(cb_cache_commit(w.cache));
		assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
		cache_world_reopen(&w);
		for (unsigned i = 100; i < 100 + n_put; i++)
			assert_true(cache_world_has(&w, CB_CACHE_CHUNK, i, i, 9000));
		assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 999, 10) &&
			    cb_cache_commit(w.cache));
		cache_world_done(&w);
	}
}

static void test_readonly_and_full_device(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct cache_world w;

		cache_world_init(&w);
		assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 1, 5000) &&
			    cb_cache_commit(w.cache));
		sim_block_faults(w.block)->is_readonly = i == 0;
		sim_block_faults(w.block)->full_at = i == 0 ? 0 : 1;
		cache_world_put(&w, CB_CACHE_CHUNK, 2, 5000);
		assert_false(cb_cache_commit(w.cache));
		assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
		cache_world_done(&w);
	}
}

static void test_failing_reads(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 8; n++) {
		unsigned n_there = 0;
		struct cache_world w;

		cache_world_init(&w);
		for (unsigned i = 0; i < 20; i++)
			assert_true(cache_world_put(&w, CB_CACHE_CHUNK, i, 9000));
		assert_true(cb_cache_commit(w.cache));
		sim_block_faults(w.block)->fail_read = n;
		sim_block_faults(w.block)->fails_on = true;
		cache_world_reopen(&w);
		for (unsigned i = 0; i < 20; i++)
			n_there += cache_world_has(&w, CB_CACHE_CHUNK, i, i, 9000);
		/* Label, two superblocks, the tables, then records. */
		assert_int_equal(n_there, n > 5 ? n - 5 : 0);
		bool is_broken = n == 1 || n > 4;
		assert_int_equal(cb_cache_state(w.cache),
				 is_broken ? CB_CACHE_ABSENT : CB_CACHE_OPEN);
		assert_int_equal(cache_world_put(&w, CB_CACHE_CHUNK, 50, 9000), !is_broken);
		cache_world_done(&w);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 30; n++) {
		struct cache_world w;
		struct cb_block block;
		uint8_t sha256[CB_DIGEST_LEN];
		struct cb_cache *cache = NULL;

		cache_world_init(&w);
		cache_world_put_image(&w, "desk", 0, sha256);
		block = sim_block(w.block);
		testport_fail_at(&w.tp, n);
		if (cb_cache_new(&w.mem, &block, &cache) == CB_OK) {
			while (cb_cache_step(cache) == CB_CACHE_OPENING)
				;
			for (unsigned i = 0; i < 40; i++) {
				uint8_t key[CB_DIGEST_LEN] = { (uint8_t)i };
				(void)cb_cache_append(cache, CB_CACHE_METADATA, key,
						      cache_world_content(i, 9000));
			}
		}
		cb_cache_free(cache);
		testport_fail_at(&w.tp, 0);
		cache_world_done(&w);
	}
}

/* ---- Damage and malice ---- */

static uint8_t *page(struct cache_world *w, uint64_t n)
{
	size_t len;

	return sim_block_bytes(w->block, &len) + n * CB_CACHE_PAGE;
}

static void test_damaged_superblocks(void **state)
{
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	for (unsigned i = 0; i < 32; i++)
		assert_true(cache_world_put(&w, CB_CACHE_CHUNK, i, 9000));
	assert_true(cb_cache_commit(w.cache));
	assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 99, 9000) && cb_cache_commit(w.cache));
	uint64_t newest = w.cache->super.sequence % 2;
	page(&w, w.cache->layout.super_page[newest])[100] ^= 1;
	cache_world_reopen(&w);
	assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 31, 31, 9000));
	assert_false(cache_world_has(&w, CB_CACHE_CHUNK, 99, 99, 9000));
	/* Without both: what is in full segments. */
	page(&w, w.cache->layout.super_page[!newest])[100] ^= 1;
	cache_world_reopen(&w);
	assert_int_equal(cb_cache_state(w.cache), CB_CACHE_OPEN);
	assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 0, 0, 9000));
	assert_false(cache_world_has(&w, CB_CACHE_CHUNK, 31, 31, 9000));
	assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 99, 9000) && cb_cache_commit(w.cache));
	cache_world_reopen(&w);
	assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 99, 99, 9000));
	cache_world_done(&w);
}

static void write_super(struct cache_world *w, unsigned place, const struct cb_cache_super *super,
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
		struct cache_world w;

		cache_world_init(&w);
		for (unsigned place = 0; place < 2; place++) {
			super.sequence = cases[i].sequence[place];
			write_super(&w, place, &super, NULL);
		}
		cache_world_reopen(&w);
		assert_int_equal(cb_cache_state(w.cache), CB_CACHE_OPEN);
		assert_int_equal(w.cache->super.sequence, cases[i].chosen);
		assert_int_equal(cache_world_put(&w, CB_CACHE_CHUNK, 1, 100) &&
					 cb_cache_commit(w.cache),
				 cases[i].takes);
		cache_world_reopen(&w);
		assert_int_equal(cache_world_has(&w, CB_CACHE_CHUNK, 1, 1, 100), cases[i].takes);
		cache_world_done(&w);
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
		struct cache_world w;

		cache_world_init(&w);
		memcpy(e, cases[i].e, sizeof e);
		write_super(&w, 0, &super, &open);
		cache_world_reopen(&w);
		assert_int_equal(cb_cache_state(w.cache), CB_CACHE_OPEN);
		cb_cache_stats(w.cache, &stats);
		assert_int_equal(stats.n_records[CB_CACHE_CHUNK], cases[i].n_good);
		assert_int_equal(stats.n_lost_segments, cases[i].n_good == 0);
		assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 1, 100) &&
			    cb_cache_commit(w.cache));
		cache_world_reopen(&w);
		assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 1, 1, 100));
		cache_world_done(&w);
	}
}

/* Wrong bytes under a right key, in what counts as the newest segment. */
static void test_duplicate_with_wrong_data(void **state)
{
	struct cb_cache_entry e = { .len = 5000, .kind = CB_CACHE_CHUNK };
	struct cb_cache_segment liar = { &e, 1, 1000 };
	struct cb_cache_reading r;
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
	const struct cb_cache_layout *l = &w.cache->layout;
	cb_blake2b_256(cache_world_content(1, 5000), e.key);
	cb_cache_write_table(l, 9, &liar, page(&w, l->tables_page + 9 * l->table_pages));
	cache_world_reopen(&w);
	assert_true(cb_cache_find(w.cache, CB_CACHE_CHUNK, e.key, &r));
	assert_int_equal(r.generation, 1000);
	cb_cache_drop(w.cache, r.ref);
	cb_cache_drop(w.cache, r.ref);
	cb_cache_drop(w.cache, UINT32_MAX);
	assert_false(cb_cache_find(w.cache, CB_CACHE_CHUNK, e.key, &r));
	assert_true(cache_world_put(&w, CB_CACHE_CHUNK, 1, 5000) && cb_cache_commit(w.cache));
	cache_world_reopen(&w);
	assert_true(cache_world_has(&w, CB_CACHE_CHUNK, 1, 1, 5000));
	cache_world_done(&w);
}

/* A record that is no chunk is returned as it was written, or not at all. */
static void test_damaged_record(void **state)
{
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	assert_true(cache_world_put(&w, CB_CACHE_ACCOUNT, 1, 5000) &&
		    cache_world_put(&w, CB_CACHE_ACCOUNT, 2, 5000));
	assert_true(cb_cache_commit(w.cache));
	const struct cb_cache_layout *l = &w.cache->layout;
	page(&w, l->data_page + (uint64_t)w.cache->super.open * l->segment_pages + 1)[900] ^= 4;
	cache_world_reopen(&w);
	assert_false(cache_world_has(&w, CB_CACHE_ACCOUNT, 1, 1, 5000));
	assert_true(cache_world_has(&w, CB_CACHE_ACCOUNT, 2, 2, 5000));
	assert_true(cache_world_put(&w, CB_CACHE_ACCOUNT, 1, 5000));
	assert_true(cache_world_has(&w, CB_CACHE_ACCOUNT, 1, 1, 5000));
	cache_world_done(&w);
}

/* Of an earlier cache on the same device nothing is seen. */
static void test_other_id(void **state)
{
	static const uint8_t other[CB_CACHE_ID_LEN] = { 8 };
	struct cb_block block;
	struct cache_world w;

	(void)state;
	cache_world_init(&w);
	for (unsigned i = 0; i < 30; i++)
		assert_true(cache_world_put(&w, CB_CACHE_CHUNK, i, 9000));
	assert_true(cb_cache_commit(w.cache));
	block = sim_block(w.block);
	assert_int_equal(cb_cache_format(&w.mem, &block, CACHE_WORLD_SEGMENT, other), CB_OK);
	cache_world_reopen(&w);
	for (unsigned i = 0; i < 30; i++)
		assert_false(cache_world_has(&w, CB_CACHE_CHUNK, i, i, 9000));
	cache_world_done(&w);
}

/* One superblock can't be read, this time: what it refers to stays until there is a newer one. */
static void test_unreadable_superblock(void **state)
{
	(void)state;
	for (unsigned place = 0; place < 2; place++)
		for (unsigned n = 0; n < 2; n++) {
			struct cache_world w;

			cache_world_init(&w);
			for (unsigned i = 0; i <= n; i++) {
				assert_true(cache_world_put(&w, CB_CACHE_ACCOUNT, 1 + i, 9000));
				assert_true(cb_cache_commit(w.cache));
			}
			/* behind the label */
			sim_block_faults(w.block)->fail_read = 2 + place;
			cache_world_reopen(&w);
			assert_true(cache_world_put(&w, CB_CACHE_ACCOUNT, 9, 9000));
			/* read, it is on the device; the power goes before the commit */
			assert_true(cache_world_has(&w, CB_CACHE_ACCOUNT, 9, 9, 9000));
			for (unsigned i = 0; i <= n; i++) {
				cache_world_reopen(&w);
				uint8_t key[CB_DIGEST_LEN] = { (uint8_t)(1 + i), CB_CACHE_ACCOUNT };
				struct cb_cache_reading r;
				if (cb_cache_find(w.cache, CB_CACHE_ACCOUNT, key, &r))
					assert_true(cache_world_has(&w, CB_CACHE_ACCOUNT, 1 + i,
								    1 + i, 9000));
			}
			cache_world_done(&w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failing_writes),
		cmocka_unit_test(test_readonly_and_full_device),
		cmocka_unit_test(test_failing_reads),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_damaged_superblocks),
		cmocka_unit_test(test_made_up_sequences),
		cmocka_unit_test(test_made_up_entries),
		cmocka_unit_test(test_duplicate_with_wrong_data),
		cmocka_unit_test(test_damaged_record),
		cmocka_unit_test(test_other_id),
		cmocka_unit_test(test_unreadable_superblock),
	};

	return cmocka_run_group_tests_name("cache_damage", tests, NULL, NULL);
}
