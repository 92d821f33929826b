/* SPDX-License-Identifier: MIT */
/* Records on their way into the cache: at once where writing is quick, else later, in bounded memory. */
#include <stdlib.h>
#include <string.h>

#include "core/cachefill.h"
#include "sim.h"
#include "sim_block.h"
#include "testport.h"

#define SEGMENT_LEN (64u << 10)
#define N 30u
#define LEN 20000u

static struct world {
	struct sim *sim;
	struct sim_block *block;
	struct cb_cache *cache;
	struct cb_cachefill fill;
	uint32_t write_ms; /* that each write takes */
	uint8_t key[N][CB_DIGEST_LEN];
} w;

static void write_costs(void *ctx, size_t len)
{
	(void)ctx;
	(void)len;
	sim_advance_to(w.sim, sim_now(w.sim) + w.write_ms);
}

static void begin(uint32_t write_ms, size_t held_max)
{
	static const uint8_t id[CB_CACHE_ID_LEN] = { 3 };
	const struct cb_platform *p;
	struct cb_block block;

	memset(&w, 0, sizeof(w));
	w.sim = sim_new(1);
	w.block = sim_block_new(1, 512, 4096);
	p = sim_platform(w.sim);
	block = sim_block(w.block);
	assert_int_equal(cb_cache_format(&p->mem, &block, SEGMENT_LEN, id), CB_OK);
	assert_int_equal(cb_cache_new(&p->mem, &block, &w.cache), CB_OK);
	while (cb_cache_step(w.cache) == CB_CACHE_OPENING)
		;
	w.write_ms = write_ms;
	sim_block_faults(w.block)->on_write = write_costs;
	cb_cachefill_init(&w.fill, p, w.cache, held_max);
}

static void end(void)
{
	cb_cachefill_done(&w.fill);
	cb_cachefill_done(&w.fill);
	cb_cache_free(w.cache);
	assert_int_equal(sim_live_allocations(w.sim), 0);
	sim_free(w.sim);
	sim_block_free(w.block);
}

/* Record i; owned: in a buffer that changes hands. */
static void add(unsigned i, bool is_owned)
{
	static uint8_t lasting[N][LEN];
	const struct cb_mem *mem = &sim_platform(w.sim)->mem;
	uint8_t *owned = is_owned ? cb_alloc(mem, LEN) : NULL;
	uint8_t *bytes = is_owned ? owned : lasting[i];

	memset(bytes, (int)i + 1, LEN);
	cb_blake2b_256((struct cb_bytes){ bytes, LEN }, w.key[i]);
	cb_cachefill_add(&w.fill, CB_CACHE_CHUNK, w.key[i], (struct cb_bytes){ bytes, LEN }, owned);
}

static unsigned n_stored(void)
{
	struct cb_cache_reading r;
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++)
		n += cb_cache_find(w.cache, CB_CACHE_CHUNK, w.key[i], &r);
	return n;
}

static void quick_device_takes_all_at_once(void **state)
{
	(void)state;
	begin(1, 0); /* at the end of a segment three of them follow each other */
	for (unsigned i = 0; i < N; i++) {
		add(i, i % 2);
		assert_int_equal(n_stored(), i + 1);
	}
	assert_false(cb_cachefill_step(&w.fill));
	end();
}

static void slow_device_gets_it_later(void **state)
{
	unsigned n;

	(void)state;
	begin(CB_CACHEFILL_QUICK_MS + 1, 1u << 30);
	for (unsigned i = 0; i < N; i++)
		add(i, i % 2);
	/* what came before the first write that was too slow */
	n = n_stored();
	assert_true(n > 0 && n < N / 2);
	while (cb_cachefill_step(&w.fill))
		assert_int_equal(n_stored(), ++n);
	assert_int_equal(n_stored(), N);
	end();
}

/* Only bytes that it owns count: the others take up no memory of its own. */
static void memory_is_bounded(void **state)
{
	(void)state;
	begin(50, 5 * LEN);
	for (unsigned i = 0; i < N; i++) {
		add(i, true);
		assert_true(w.fill.held_bytes <= 5 * LEN);
	}
	assert_int_equal(n_stored(), N - 5);
	end();
	begin(50, 0);
	for (unsigned i = 0; i < N; i++)
		add(i, false);
	assert_true(n_stored() < N / 2);
	end();
}

static void forgotten_when_it_ends(void **state)
{
	(void)state;
	begin(50, 1u << 30);
	for (unsigned i = 0; i < N; i++)
		add(i, true);
	end();
}

/* A device that fails takes no more, and nothing is kept for it. */
static void failing_device(void **state)
{
	(void)state;
	begin(50, 1u << 30);
	add(0, true);
	sim_block_faults(w.block)->fail_write = 1;
	sim_block_faults(w.block)->fails_on = true;
	for (unsigned i = 1; i < N; i++)
		add(i, i % 2);
	while (cb_cachefill_step(&w.fill))
		;
	assert_null(w.fill.first);
	assert_int_equal(w.fill.held_bytes, 0);
	add(0, true);
	assert_null(w.fill.first);
	end();
}

static void no_cache_no_memory(void **state)
{
	(void)state;
	begin(50, 1u << 30);
	cb_cachefill_init(&w.fill, sim_platform(w.sim), NULL, 1000);
	add(0, true);
	add(1, false);
	assert_false(cb_cachefill_step(&w.fill));
	cb_cachefill_init(&w.fill, sim_platform(w.sim), w.cache, 1000);
	/* the buffer itself is the first allocation */
	sim_fail_alloc(w.sim, 2, false);
	add(2, true);
	sim_fail_alloc(w.sim, 1, false);
	add(3, false);
	assert_int_equal(n_stored(), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quick_device_takes_all_at_once),
		cmocka_unit_test(slow_device_gets_it_later),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(forgotten_when_it_ends),
		cmocka_unit_test(failing_device),
		cmocka_unit_test(no_cache_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
